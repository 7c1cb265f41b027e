"""The template of a partner's report: right to left, everything locked but the counts, and only counts can be typed."""

import io
from collections.abc import Sequence
from typing import Final

from services.nationals.free_services.domain.names import SERVICE_LABELS_FA
from services.nationals.free_services.domain.partner_report import (
    AGREEMENT_LABEL_FA,
    COUNT_MAX,
    PERIOD_LABEL_FA,
    REPORT_HEADINGS,
    ReportColumn,
)
from services.nationals.free_services.domain.report_period import ReportPeriod
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService

COLUMN_CHARACTERS: Final = 24
HEADINGS_ROW: Final = 4
"""From 0: above stand the period, its Persian name, the agreement, and what to do."""
_INSTRUCTION: Final = (
    "در هر سطر دو شمارش را بنویسید؛ برای هیچ، ۰. "
    "نام، شمارهٔ هویتی، تلفن یا هر دادهٔ دیگری از اشخاص ننویسید: فایل رد می‌شود."
)


def write_report_template(
    agreement_id: str, period: ReportPeriod, counties: Sequence[County], services: Sequence[FreeService]
) -> bytes:
    """An XLSX workbook with one row for each county and service."""
    import xlsxwriter  # noqa: PLC0415 - only a template needs it

    target = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(target, options) as book:
        bold = book.add_format({"bold": True, "text_wrap": True, "locked": True})
        locked = book.add_format({"locked": True})
        count = book.add_format({"locked": False, "num_format": "0", "bg_color": "#FFF9DB", "border": 1})
        sheet = book.add_worksheet("گزارش")
        sheet.right_to_left()
        sheet.set_column(0, len(ReportColumn) - 1, COLUMN_CHARACTERS, locked)
        sheet.write_string(0, 0, PERIOD_LABEL_FA, bold)
        sheet.write_string(0, 1, period.key, locked)
        sheet.write_string(1, 0, period.label_fa, locked)
        sheet.write_string(2, 0, AGREEMENT_LABEL_FA, bold)
        sheet.write_string(2, 1, agreement_id, locked)
        sheet.write_string(3, 0, _INSTRUCTION, locked)
        for place, column in enumerate(ReportColumn):
            sheet.write_string(HEADINGS_ROW, place, REPORT_HEADINGS[column][0], bold)
        pairs = [(county, service) for county in counties for service in services]
        for row, (county, service) in enumerate(pairs, HEADINGS_ROW + 1):
            sheet.write_string(row, 0, county.label_fa, locked)
            sheet.write_string(row, 1, SERVICE_LABELS_FA[service], locked)
            sheet.write_blank(row, 2, None, count)
            sheet.write_blank(row, 3, None, count)
        sheet.data_validation(
            HEADINGS_ROW + 1,
            2,
            HEADINGS_ROW + len(pairs),
            3,
            {
                "validate": "integer",
                "criteria": "between",
                "minimum": 0,
                "maximum": COUNT_MAX,
                "ignore_blank": False,
                "error_title": "شمارش",
                "error_message": "تنها عدد صحیح، صفر یا بیشتر.",
            },
        )
        sheet.freeze_panes(HEADINGS_ROW + 1, 0)
        sheet.protect("", {"select_locked_cells": True, "format_columns": True})
    return target.getvalue()

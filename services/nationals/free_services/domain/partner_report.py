"""A partner's report: counts per county and service of one agreement in one period, and nothing else."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.nationals.free_services.domain.counts import (
    FractionalCountError,
    NegativeCountError,
    NotACountError,
    read_count,
)
from services.nationals.free_services.domain.names import read_service
from services.nationals.free_services.domain.person_data import holds_person_data
from services.nationals.free_services.domain.report_period import ReportPeriod, read_period
from services.nationals.free_services.domain.row_reasons import (
    AGREEMENT_OTHER,
    CELL_BLANK,
    COUNT_FRACTION,
    COUNT_NEGATIVE,
    COUNT_TOO_LARGE,
    COUNT_UNREADABLE,
    COUNTY_OUTSIDE,
    COUNTY_UNKNOWN,
    PAIR_MISSING,
    PAIR_REPEATED,
    PERIOD_MISSING,
    PERIOD_OTHER,
    PERSON_DATA_CELL,
    SERVICE_OUTSIDE,
    SERVICE_UNKNOWN,
)
from services.nationals.free_services.domain.sheet_headings import find_headings, look_beyond, refuse_file
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService
from shared.persian.county_names import read_county
from shared.persian.text import comparison_key
from shared.spreadsheet.rows import CELL_FORMULA, REQUIRED_BLANK, Cell, Formula, RowProblem, RowReason, SheetRow

COUNT_MAX: Final = 1_000_000
"""Far above what one partner can do for one county in three months."""
PERIOD_LABEL_FA: Final = "دوره"
PERIOD_LABELS: Final = frozenset(map(comparison_key, (PERIOD_LABEL_FA, "دوره گزارش", "period")))
AGREEMENT_LABEL_FA: Final = "توافق‌نامه"
AGREEMENT_LABELS: Final = frozenset(map(comparison_key, (AGREEMENT_LABEL_FA, "شناسه توافق‌نامه", "agreement")))


class ReportColumn(StrEnum):
    """The columns of a report."""

    COUNTY = "county"
    SERVICE = "service"
    GIVEN = "given"
    UNMET = "unmet"


REPORT_HEADINGS: Final[Mapping[ReportColumn, Sequence[str]]] = {
    ReportColumn.COUNTY: ("شهرستان", "نام شهرستان", "county"),
    ReportColumn.SERVICE: ("خدمت", "نوع خدمت", "نام خدمت", "service"),
    ReportColumn.GIVEN: ("تعداد خدمت داده‌شده", "تعداد خدمت", "تعداد خدمات", "given", "services given"),
    ReportColumn.UNMET: ("تعداد درخواست بی‌پاسخ", "درخواست بی‌پاسخ", "بی‌پاسخ", "unmet", "unmet requests"),
}
"""The first spelling of each is the template's."""


@dataclass(frozen=True, slots=True, order=True)
class ReportFigure:
    """How often a service was given in a county, and how often it was asked for in vain."""

    county: County
    service: FreeService
    given: int
    unmet: int


def read_report(
    rows: Sequence[SheetRow],
    agreement_id: str,
    period: ReportPeriod,
    counties: Collection[County],
    services: Collection[FreeService],
) -> list[ReportFigure]:
    """The figures of an agreement's report of `period`, one for each of the `counties` and `services`, in their order.

    Raises Refusal with every row, column and reason; then nothing of the file is believed.
    """
    problems: list[RowProblem] = []
    headings = find_headings(rows, REPORT_HEADINGS, problems)
    figures: dict[tuple[County, FreeService], ReportFigure] = {}
    if headings is not None:
        _check_origin(headings.above, agreement_id, period, problems)
        for row in headings.below:
            look_beyond(row, headings.places, problems)
            if len(headings.places) == len(ReportColumn):
                reader = _RowReader(row, headings.places, problems)
                reader.read(frozenset(counties), frozenset(services), figures)
        if not problems:
            owed = [(county, service) for county in counties for service in services]
            problems += [
                RowProblem(None, f"{county.label_fa}, {service.value}", PAIR_MISSING)
                for county, service in owed
                if (county, service) not in figures
            ]
    refuse_file(problems)
    return sorted(figures.values())


def _check_origin(
    above: Sequence[SheetRow], agreement_id: str, period: ReportPeriod, problems: list[RowProblem]
) -> None:
    """The file must say its period; it need not say its agreement, but not another one."""
    number, written = _beside(above, PERIOD_LABELS)
    if number is None:
        problems.append(RowProblem(None, PERIOD_LABEL_FA, PERIOD_MISSING))
    elif not isinstance(written, str) or read_period(written) != period:
        problems.append(RowProblem(number, PERIOD_LABEL_FA, PERIOD_OTHER))
    number, written = _beside(above, AGREEMENT_LABELS)
    if number is not None and str(written).strip().lower() != agreement_id:
        problems.append(RowProblem(number, AGREEMENT_LABEL_FA, AGREEMENT_OTHER))


def _beside(above: Sequence[SheetRow], labels: Collection[str]) -> tuple[int | None, Cell]:
    """The row with one of these labels, and what stands beside it; no row where there is none."""
    for row in above:
        for place, cell in enumerate(row.cells):
            if isinstance(cell, str) and comparison_key(cell) in labels:
                return row.number, next((value for value in row.cells[place + 1 :] if value not in (None, "")), None)
    return None, None


class _RowReader:
    def __init__(self, row: SheetRow, places: Mapping[ReportColumn, int], problems: list[RowProblem]) -> None:
        self._row = row
        self._places = places
        self._problems = problems

    def read(
        self,
        counties: Collection[County],
        services: Collection[FreeService],
        figures: dict[tuple[County, FreeService], ReportFigure],
    ) -> None:
        county, service = self._county(counties), self._service(services)
        given, unmet = self._count(ReportColumn.GIVEN), self._count(ReportColumn.UNMET)
        if county is None or service is None:
            return
        if (county, service) in figures:
            self._refuse(ReportColumn.SERVICE, PAIR_REPEATED)
        elif given is not None and unmet is not None:
            figures[county, service] = ReportFigure(county, service, given, unmet)

    def _county(self, allowed: Collection[County]) -> County | None:
        written = self._text(ReportColumn.COUNTY)
        county = read_county(written) if written else None
        if written and county is None:
            self._refuse(ReportColumn.COUNTY, COUNTY_UNKNOWN)
        if county is not None and county not in allowed:
            self._refuse(ReportColumn.COUNTY, COUNTY_OUTSIDE)
            return None
        return county

    def _service(self, allowed: Collection[FreeService]) -> FreeService | None:
        written = self._text(ReportColumn.SERVICE)
        service = read_service(written) if written else None
        if written and service is None:
            self._refuse(ReportColumn.SERVICE, SERVICE_UNKNOWN)
        if service is not None and service not in allowed:
            self._refuse(ReportColumn.SERVICE, SERVICE_OUTSIDE)
            return None
        return service

    def _text(self, column: ReportColumn) -> str | None:
        cell = self._cell(column)
        if cell in (None, ""):
            self._refuse(column, REQUIRED_BLANK)
            return None
        if isinstance(cell, Formula):
            self._refuse(column, CELL_FORMULA)
            return None
        if isinstance(cell, str | int | float) and holds_person_data(cell):
            self._refuse(column, PERSON_DATA_CELL)
            return None
        return str(cell)

    def _count(self, column: ReportColumn) -> int | None:
        cell = self._cell(column)
        if cell in (None, ""):
            self._refuse(column, CELL_BLANK)
            return None
        if isinstance(cell, Formula):
            self._refuse(column, CELL_FORMULA)
            return None
        if not isinstance(cell, str | int | float):
            self._refuse(column, COUNT_UNREADABLE)
            return None
        try:
            count = read_count(cell)
        except NegativeCountError:
            self._refuse(column, COUNT_NEGATIVE)
        except FractionalCountError:
            self._refuse(column, COUNT_FRACTION)
        except NotACountError:
            self._refuse(column, PERSON_DATA_CELL if holds_person_data(cell) else COUNT_UNREADABLE)
        else:
            if count <= COUNT_MAX:
                return count
            self._refuse(column, PERSON_DATA_CELL if holds_person_data(cell) else COUNT_TOO_LARGE)
        return None

    def _cell(self, column: ReportColumn) -> Cell:
        place = self._places[column]
        return self._row.cells[place] if place < len(self._row.cells) else None

    def _refuse(self, column: ReportColumn, reason: RowReason) -> None:
        self._problems.append(RowProblem(self._row.number, REPORT_HEADINGS[column][0], reason))

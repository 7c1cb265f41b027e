"""The published overview of a month or a year as an XLSX workbook in Persian, right to left."""

from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Final

from services.nationals.free_services.domain.figures import PublishedCell
from services.nationals.free_services.domain.names import SERVICE_LABELS_FA
from services.nationals.free_services.domain.suppression import TOTAL, Position
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService

if TYPE_CHECKING:
    import xlsxwriter
    import xlsxwriter.format

COLUMN_CHARACTERS: Final = 20
HIDDEN: Final = "پنهان"
NOTHING: Final = "—"
MONTHS_FA: Final = (
    "فروردین",
    "اردیبهشت",
    "خرداد",
    "تیر",
    "مرداد",
    "شهریور",
    "مهر",
    "آبان",
    "آذر",
    "دی",
    "بهمن",
    "اسفند",
)
_HEADINGS: Final = (
    "شهرستان",
    "خدمت",
    "مراجعه",
    "نیاز",
    "ظرفیت نوبت‌ها (عرضه)",
    "نوبت‌های استفاده‌شده",
    "کمبود",
    "میانگین انتظار (دقیقه)",
    "میانگین روز تا نوبت آزاد",
)
_NOTES: Final = (
    ("همهٔ این خدمات رایگان است و نام و نشانی از مراجعه‌کنندگان ثبت نمی‌شود.",),
    (f"«{HIDDEN}»: شمار کمتر از ده، یا رقمی که از آن شمار کمتر از ده به دست می‌آید.",),
    (f"«{NOTHING}»: چیزی برای میانگین گرفتن نبوده یا پنهان است.",),
    ("نیاز: آنان که آمدند، بازگردانده شدند یا در انتظارند، یا برآورد ثبت‌شده اگر بیشتر باشد.",),
    ("ماه‌هایی که منتشر نشده‌اند در جمع سال نیستند.",),
)


def write_overview(
    jalali_year: int,
    months: Mapping[int, Mapping[Position, PublishedCell]],
    year: Mapping[Position, PublishedCell] | None,
) -> BytesIO:
    """A sheet of notes, the year's sheet if `year` is given, and a sheet for each published month."""
    import xlsxwriter  # noqa: PLC0415 - only an overview needs it

    file = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(file, options)
    bold = book.add_format({"bold": True, "text_wrap": True})
    names = "، ".join(MONTHS_FA[number - 1] for number in months)
    _write_notes(book, f"خدمات رایگان استان تهران، سال {jalali_year}: {names}", bold)
    if year is not None:
        _write_figures(book, f"سال {jalali_year}", year, bold)
    for number, figures in months.items():
        _write_figures(book, MONTHS_FA[number - 1], figures, bold)
    book.close()
    file.seek(0)
    return file


def _write_notes(book: "xlsxwriter.Workbook", title: str, bold: "xlsxwriter.format.Format") -> None:
    sheet = book.add_worksheet("راهنما")
    sheet.right_to_left()
    sheet.set_column(0, 0, COLUMN_CHARACTERS * 5)
    sheet.write_string(0, 0, title, bold)
    for row, (note,) in enumerate(_NOTES, start=1):
        sheet.write_string(row, 0, note)


def _write_figures(
    book: "xlsxwriter.Workbook", name: str, figures: Mapping[Position, PublishedCell], bold: "xlsxwriter.format.Format"
) -> None:
    sheet = book.add_worksheet(name)
    sheet.right_to_left()
    sheet.set_column(0, len(_HEADINGS) - 1, COLUMN_CHARACTERS)
    sheet.freeze_panes(1, 2)
    for place, heading in enumerate(_HEADINGS):
        sheet.write_string(0, place, heading, bold)
    for row, (position, cell) in enumerate(sorted(figures.items(), key=_place), start=1):
        area, service = position
        sheet.write_string(row, 0, "استان" if area == TOTAL else County(area).label_fa)
        sheet.write_string(row, 1, "همهٔ خدمات" if service == TOTAL else SERVICE_LABELS_FA[FreeService(service)])
        counts = (cell.visits, cell.need, cell.slots_offered, cell.slots_used, cell.shortage)
        means = (cell.waited_minutes_mean, cell.days_until_free_mean)
        for column, (figure, missing) in enumerate(
            [*((count, HIDDEN) for count in counts), *((mean, NOTHING) for mean in means)], start=2
        ):
            if figure is None:
                sheet.write_string(row, column, missing)
            else:
                sheet.write_number(row, column, figure)


def _place(item: tuple[Position, PublishedCell]) -> tuple[int, int]:
    """Counties and services in the order of their declaration, totals last."""
    area, service = item[0]
    areas = [*County, TOTAL]
    services = [*FreeService, TOTAL]
    return areas.index(area), services.index(service)

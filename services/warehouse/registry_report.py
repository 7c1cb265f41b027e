"""The report of a registry import: an XLSX workbook in Persian, right to left, in which every cell is plain text."""

import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from persiantools.jdatetime import JalaliDateTime

from services.warehouse.domain.names import SiteStatus, label_fa
from services.warehouse.domain.row_reasons import TEXTS_FA_EN
from services.warehouse.store.registry_imports import ImportRecord, MissingLine, Section
from shared.contracts.counties import County
from shared.contracts.warehouse import RowReason, WarehouseKind
from shared.persian.calendar import OFFICE_ZONE

if TYPE_CHECKING:
    import xlsxwriter.worksheet

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHEET_ROWS_MAX = 1_000_000
"""A sheet has room for 1,048,576; what does not fit is counted in the summary's last line."""
COLUMN_CHARACTERS = 24
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the beginning of a formula, if not here then after the sheet is saved as CSV."""

_SHEETS: dict[Section, tuple[str, tuple[str, ...]]] = {
    Section.REFUSED: ("ردشده‌ها", ("سطر", "ستون", "مقدار", "دلیل", "کد دلیل")),
    Section.ADDED: (
        "افزوده‌ها",
        ("سطر", "شناسه انبار", "نام انبار", "شهرستان", "نوع انبار", "ظرفیت (تن)", "مساحت (متر مربع)"),
    ),
    Section.CHANGED: ("تغییرها", ("سطر", "شناسه انبار", "نام انبار", "فیلد", "پیش از این", "پس از این")),
}
_MISSING = (
    "نام‌نبرده‌ها",
    ("شناسه انبار", "نام انبار", "شهرستان", "نوع انبار", "ظرفیت (تن)", "وضعیت", "تاریخ به‌روزرسانی"),
)
_MODES = {"dry_run": "آزمایشی (چیزی اعمال نشد)", "apply": "اعمال‌شده"}
_FIELDS = {
    "county": "شهرستان",
    "name": "نام انبار",
    "kind": "نوع انبار",
    "capacity_tonnes": "ظرفیت (تن)",
    "floor_area_m2": "مساحت (متر مربع)",
    "status": "وضعیت",
    "risk_class": "ردهٔ خطر",
    "address": "نشانی",
    "postal_code": "کد پستی",
    "latitude": "عرض جغرافیایی",
    "longitude": "طول جغرافیایی",
    "operator": "بهره‌بردار",
    "operator_id": "شناسه ملی بهره‌بردار",
    "registry_updated_on": "تاریخ به‌روزرسانی",
}


@dataclass(slots=True)
class _Sheet:
    """A sheet and how many of its rows are written."""

    cells: "xlsxwriter.worksheet.Worksheet"
    rows: int


class ReportWorkbook:
    """Takes the parts of a report one by one; what it has taken is on the disk. `finish` or `close` it."""

    def __init__(self, record: ImportRecord) -> None:
        import xlsxwriter  # noqa: PLC0415 - only a report needs it

        self._record = record
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - the caller of `finish` closes it
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book = xlsxwriter.Workbook(self._file, {**options, "strings_to_numbers": False})
        self._bold = self._book.add_format({"bold": True, "text_wrap": True})
        self._omitted = 0
        self._seen: Counter[Section] = Counter()
        self._summary = self._add_sheet("خلاصه", ())
        self._sheets = {section: self._add_sheet(name, headings) for section, (name, headings) in _SHEETS.items()}
        self._missing = self._add_sheet(*_MISSING)

    @property
    def is_complete(self) -> bool:
        """Whether the lines of the import were still there; of old imports only the counts are kept."""
        counts = {
            Section.REFUSED: self._record.refused_count,
            Section.ADDED: self._record.added_count,
            Section.CHANGED: self._record.changed_count,
        }
        return all(self._seen[section] or not count for section, count in counts.items())

    def write_lines(self, section: Section, lines: Iterable[Sequence[Any]]) -> None:
        """Add stored lines of a section, as `Plan` and the refused cells describe them."""
        sheet = self._sheets[section]
        for line in lines:
            self._seen[section] += 1
            self._write(sheet, _TEXTS[section](line))

    def write_missing(self, lines: Iterable[MissingLine]) -> None:
        """Add sites that the file does not name."""
        for line in lines:
            county, kind = County(line.county).label_fa, label_fa(WarehouseKind(line.kind))
            status = label_fa(SiteStatus(line.status))
            figures = (line.capacity_tonnes, status, line.registry_updated_on)
            self._write(self._missing, (line.registry_id, line.name, county, kind, *figures))

    def finish(self) -> IO[bytes]:
        """The workbook, to be read from its beginning; the caller closes it."""
        self._write_summary()
        self._book.close()
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        """Give the report up."""
        self._book.close()
        self._file.close()

    def _add_sheet(self, name: str, headings: Sequence[str]) -> "_Sheet":
        sheet = self._book.add_worksheet(name)
        sheet.right_to_left()
        sheet.set_column(0, max(len(headings), 2) - 1, COLUMN_CHARACTERS)
        if headings:
            sheet.freeze_panes(1, 0)
            for place, heading in enumerate(headings):
                sheet.write_string(0, place, heading, self._bold)
        return _Sheet(sheet, 1 if headings else 0)

    def _write(self, sheet: "_Sheet", values: Iterable[object]) -> None:
        if sheet.rows >= SHEET_ROWS_MAX:
            self._omitted += 1
            return
        for place, value in enumerate(values):
            if value is not None:
                sheet.cells.write_string(sheet.rows, place, plain_text(value))
        sheet.rows += 1

    def _write_summary(self) -> None:
        record = self._record
        moment = JalaliDateTime.to_jalali(record.imported_at.astimezone(OFFICE_ZONE))
        lines = (
            ("شناسهٔ ورود", record.import_id),
            ("حالت", _MODES[record.mode]),
            ("زمان", moment.strftime("%Y/%m/%d %H:%M")),
            ("فرستنده", record.imported_by),
            ("SHA-256 فایل", record.file_sha256),
            ("سطرها", record.row_count),
            ("افزوده", record.added_count),
            ("تغییریافته", record.changed_count),
            ("بی‌تغییر", record.unchanged_count),
            ("ردشده", record.refused_count),
            ("در سوابق هست و در فایل نیست (چیزی بر آن‌ها تغییر نکرد)", record.missing_count),
            ("ستون‌های خوانده‌نشده", "، ".join(record.ignored_columns) or "—"),
            ("سطرهایی که در این گزارش جا نشد", self._omitted),
        )
        for heading, value in lines:
            self._write(self._summary, (heading, value))


def plain_text(value: object) -> str:
    """`value` as a text that no program takes for a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _refused(line: Sequence[Any]) -> Sequence[object]:
    row, column, value, reason = line
    return row, column, value, TEXTS_FA_EN[RowReason(reason)][0], reason


def _added(line: Sequence[Any]) -> Sequence[object]:
    row, registry_id, name, county, kind, *figures = line
    return row, registry_id, name, County(county).label_fa, label_fa(WarehouseKind(kind)), *figures


def _changed(line: Sequence[Any]) -> Sequence[object]:
    row, registry_id, name, field, before, after = line
    return row, registry_id, name, _FIELDS.get(field, field), _shown(field, before), _shown(field, after)


def _shown(field: str, value: Any) -> object:
    if value is None:
        return "—"
    if field == "county":
        return County(value).label_fa
    if field == "kind":
        return label_fa(WarehouseKind(value))
    return label_fa(SiteStatus(value)) if field == "status" else value


_TEXTS = {Section.REFUSED: _refused, Section.ADDED: _added, Section.CHANGED: _changed}

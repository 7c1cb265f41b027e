"""XLSX files with a canary in one place each: cells, headings, sheet names, properties, comments, and the file's name."""

import io
from collections.abc import Iterator
from dataclasses import dataclass

import openpyxl
from openpyxl.comments import Comment

from tests.integration.nationals.partner_office import HEADINGS, last_period

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PERMIT_HEADINGS = ("شماره پروانه", "شماره ثبت کارفرما", "گروه شغلی", "شهرستان", "اعتبار تا")
PERMIT_ROW = ("PR-1001", "KHA-77", "کشاورزی", "ری", "2027-06-01")
FILE_NAME = "report.xlsx"


@dataclass(frozen=True, slots=True)
class Upload:
    place: str
    writing: str
    file_name: str
    content: bytes


def uploads(writing: str) -> Iterator[Upload]:
    """Both layouts that the service takes, with `writing` in each place in turn; an empty `writing` gives a clean file first."""
    if not writing:
        yield Upload("clean", "", FILE_NAME, _book(0, "", ""))
        return
    for layout in (0, 1):
        for place in ("cell", "free cell", "heading", "sheet", "property", "comment", "number"):
            yield Upload(f"{place} of layout {layout}", writing, FILE_NAME, _book(layout, place, writing))
        yield Upload(
            f"file name of layout {layout}", writing, f"{writing}.xlsx".replace('"', ""), _book(layout, "", "")
        )
    yield Upload("no workbook", writing, FILE_NAME, writing.encode())


def _book(layout: int, place: str, writing: str) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    if layout == 0:
        rows: list[list[object]] = [["دوره", last_period().key], [], [*HEADINGS], ["ری", "آموزش", 12, 3]]
    else:
        rows = [[*PERMIT_HEADINGS], [*PERMIT_ROW]]
    if place == "heading":
        rows[-2].append(writing)
    elif place == "cell":
        rows[-1][1] = writing
    elif place == "free cell":
        rows.append([writing])
    elif place == "number":
        digits = "".join(character for character in writing if character.isascii() and character.isdigit())
        rows[-1][2 if layout == 0 else 1] = int(digits or "9")
    for row in rows:
        sheet.append(row)
    if place == "sheet":
        sheet.title = "".join(character for character in writing if character not in "[]:*?/\\")[:31]
    elif place == "property":
        book.properties.creator = book.properties.title = book.properties.description = writing
    elif place == "comment":
        sheet["A1"].comment = Comment(writing, writing)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()

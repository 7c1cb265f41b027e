"""Uploaded workbooks as they must not be: damaged, mislabelled, hostile. Each is refused, soon and within bounds."""

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import date
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.formula import ArrayFormula

from services.nationals.free_services.domain.partner_report import REPORT_HEADINGS, ReportFigure, read_report
from services.nationals.free_services.domain.report_period import read_key
from services.nationals.free_services.spreadsheet import read_sheet, write_report_template
from services.nationals.free_services.spreadsheet.reading import WORKBOOK_LIMITS
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService
from shared.contracts.refusals import Refusal
from shared.spreadsheet.rows import Formula, SheetRow
from shared.spreadsheet.upload import FILE_BYTES_MAX

SHEET = "xl/worksheets/sheet1.xml"
NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
MEMORY_BYTES_MAX = 64 * 1024 * 1024
FLIPPED_STRIDE_BYTES = 11


def book_of(*rows: tuple[Any, ...]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(list(row))
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def changed(name: str, change: Callable[[bytes], bytes]) -> bytes:
    """A sound workbook with one part changed, or added."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book_of(("a", 1)))) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made,
    ):
        for one in source.namelist():
            made.writestr(one, change(source.read(one)) if one == name else source.read(one))
        if name not in source.namelist():
            made.writestr(name, change(b""))
    return target.getvalue()


def with_rows(rows: str, before: str = "") -> bytes:
    xml = f'<?xml version="1.0"?>{before}<worksheet xmlns="{NAMESPACE}"><sheetData>{rows}</sheetData></worksheet>'
    return changed(SHEET, lambda _: xml.encode())


def without(name: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book_of(("a", 1)))) as source, zipfile.ZipFile(target, "w") as made:
        for one in source.namelist():
            if one != name:
                made.writestr(one, source.read(one))
    return target.getvalue()


def twice_listed() -> bytes:
    target = io.BytesIO(book_of(("a", 1)))
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(target, "a") as made:
        made.writestr(SHEET, b"<worksheet/>")
    return target.getvalue()


def many_parts() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        for number in range(300):
            made.writestr(f"part{number}", b"")
    return target.getvalue()


BOMB = b"<row><c><v>1</v></c></row>" * 60_000
LAUGHS = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
SOUND = book_of(("a", 1))

HOSTILE: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "text": "شهرستان,خدمت\n".encode,
    "a picture": lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * 500,
    "cut short": lambda: SOUND[: len(SOUND) // 2],
    "an archive of something else": lambda: changed("xl/workbook.xml", lambda _: b"not xml"),
    "no workbook": lambda: without("xl/workbook.xml"),
    "no sheet": lambda: without(SHEET),
    "no relations": lambda: without("xl/_rels/workbook.xml.rels"),
    "the same part twice": twice_listed,
    "many bytes": lambda: b"PK" + b"\0" * FILE_BYTES_MAX,
    "many parts": many_parts,
    "unpacked beyond all measure": lambda: changed(
        SHEET, lambda _: b"<a>" + b" " * (WORKBOOK_LIMITS.unpacked_bytes + 1)
    ),
    "many rows": lambda: with_rows(BOMB.decode()),
    "many empty elements": lambda: with_rows("<row/>" * (WORKBOOK_LIMITS.elements + 1)),
    "one endless mark": lambda: with_rows(f'<row x="{"y" * (WORKBOOK_LIMITS.token_bytes * 2)}"/>'),
    "deep": lambda: with_rows("<a>" * 100),
    "entities": lambda: with_rows("<row><c t='str'><v>&b;</v></c></row>", LAUGHS),
    "an outer entity": lambda: with_rows("", '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'),
    "a far column": lambda: with_rows('<row><c r="XFD1"><v>1</v></c></row>'),
    "a row beyond the sheet": lambda: with_rows('<row r="1048577"><c><v>1</v></c></row>'),
    "rows out of order": lambda: with_rows('<row r="5"><c><v>1</v></c></row><row r="2"><c><v>1</v></c></row>'),
    "cells out of order": lambda: with_rows('<row><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>'),
    "a cell without a place": lambda: with_rows('<row><c r="1"><v>1</v></c></row>'),
    "a place of a thousand letters": lambda: with_rows(f'<row><c r="{"A" * 1000}1"><v>1</v></c></row>'),
    "a text that is not there": lambda: with_rows('<row><c t="s"><v>99999</v></c></row>'),
    "a text of a huge number": lambda: with_rows(f'<row><c t="s"><v>{"9" * 400}</v></c></row>'),
    "a row of a huge number": lambda: with_rows(f'<row r="{"9" * 5000}"/>'),
    "open for ever": lambda: with_rows("<row><c>"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_is_refused_within_bounds(name: str) -> None:
    content = HOSTILE[name]()
    tracemalloc.start()
    with pytest.raises(Refusal) as caught:
        read_sheet(content)
    taken_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.reason.code in ("nationals.file.unreadable", "nationals.file.too_large")
    assert taken_bytes < MEMORY_BYTES_MAX


def test_every_flipped_byte_is_read_or_refused_and_nothing_else() -> None:
    outcomes = {"read": 0, "refused": 0}
    for place in range(0, len(SOUND), FLIPPED_STRIDE_BYTES):
        content = SOUND[:place] + bytes([SOUND[place] ^ 0xFF]) + SOUND[place + 1 :]
        try:
            read_sheet(content)
            outcomes["read"] += 1
        except Refusal:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 0, outcomes


def test_two_cells_far_apart_take_no_room_between_them() -> None:
    content = with_rows('<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="A1048576"><v>2</v></c></row>')
    tracemalloc.start()
    assert read_sheet(content).rows == [SheetRow(1, (1.0,)), SheetRow(1_048_576, (2.0,))]
    assert tracemalloc.get_traced_memory()[1] < 2 * 1024 * 1024
    tracemalloc.stop()


def test_long_text_is_cut() -> None:
    [row] = read_sheet(book_of(("x" * 30_000,))).rows
    assert row.cells == ("x" * 500,)


def test_cells_are_read_as_what_they_are() -> None:
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page.append(["متن", 5, 2.5, True, date(2026, 3, 21), "=1+1", None, "  ", 0])
    page["J1"] = ArrayFormula("J1", "=SUM(A1:B1)")
    [row] = read_sheet(saved(book)).rows
    text, whole, fraction, logical, day, *rest = row.cells
    assert (text, whole, fraction, logical) == ("متن", 5.0, 2.5, True)
    assert day == date(2026, 3, 21)
    assert rest == [Formula(), None, None, 0.0, Formula()]


def test_hidden_first_sheet_is_passed_over() -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].append(["hidden"])
    book.worksheets[0].sheet_state = "hidden"
    book.create_sheet().append(["seen"])
    book.active = 1
    assert read_sheet(saved(book)).rows == [SheetRow(1, ("seen",))]


def test_template_is_right_to_left_locked_but_for_counts_and_takes_only_counts() -> None:
    period = read_key("1405-Q3")
    assert period
    counties, services = (County.REY, County.ROBAT_KARIM), (FreeService.EDUCATION, FreeService.LEGAL_AID)
    content = write_report_template("agreement-1", period, counties, services)
    book = openpyxl.load_workbook(io.BytesIO(content))
    page = book.worksheets[0]
    assert page.sheet_view.rightToLeft
    assert page.protection.sheet
    assert [cell.value for cell in page[5]] == [texts[0] for texts in REPORT_HEADINGS.values()]
    open_cells = {cell.coordinate for row in page.iter_rows() for cell in row if not cell.protection.locked}
    assert open_cells == {f"{column}{row}" for column in "CD" for row in range(6, 10)}
    [rule] = page.data_validations.dataValidation
    assert (str(rule.sqref), rule.type, rule.formula1, rule.allow_blank) == ("C6:D9", "whole", "0", False)
    for row in range(6, 10):
        page[f"C{row}"], page[f"D{row}"] = row, 0
    figures = read_report(read_sheet(saved(book)).rows, "agreement-1", period, counties, services)
    assert figures[0] == ReportFigure(County.REY, FreeService.EDUCATION, 6, 0)
    assert [figure.given for figure in figures] == [6, 7, 8, 9]

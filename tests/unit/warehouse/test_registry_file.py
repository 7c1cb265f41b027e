"""Bytes to rows: XLSX and CSV as they come; what is damaged or hostile is a refusal, never an error of the service."""

import io
import struct
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from deploy.demo.registry_file import write_registry_file
from services.warehouse.domain.registry_column import Cell
from services.warehouse.registry_file import COLUMNS_MAX, FILE_BYTES_MAX, read_registry, read_rows
from shared.contracts.refusals import Refusal

ROW_NUMBER_MAX = 20_000
"""Instead of the million of a sheet, so that one too many is quickly made."""
HEADER = ["شناسه انبار", "نام انبار"]


def rows_of(content: bytes) -> dict[int, list[Cell]]:
    """The rows that are not blank, by their numbers."""
    rows = read_rows(io.BytesIO(content))
    return {number: list(cells) for number, cells in rows if any(cell not in (None, "") for cell in cells)}


def workbook(*rows: Sequence[Any], title: str = "انبارها") -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def with_entry(content: bytes, name: str, body: bytes) -> bytes:
    """The same container with one entry replaced or added."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as changed:
        for entry in source.infolist():
            if entry.filename != name:
                changed.writestr(entry.filename, source.read(entry))
        changed.writestr(name, body)
    return target.getvalue()


def sheet_xml(rows: str) -> bytes:
    namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<worksheet xmlns="{namespace}"><sheetData>{rows}</sheetData></worksheet>'.encode()


def with_sheet(rows: str) -> bytes:
    return with_entry(workbook(["a"]), "xl/worksheets/sheet1.xml", sheet_xml(rows))


def test_xlsx_keeps_types_and_row_numbers() -> None:
    rows = rows_of(workbook([None], [], ["شناسه", 12.5, date(2025, 11, 22), True, "۱۲", datetime(2025, 1, 2, 6)]))  # noqa: DTZ001
    assert rows == {3: ["شناسه", 12.5, date(2025, 11, 22), True, "۱۲", datetime(2025, 1, 2, 6)]}  # noqa: DTZ001


@pytest.mark.parametrize(
    "text", ["a,b\n1,2\n", "\ufeffa,b\r\n1,2\r\n", "a;b\n1;2", "a\tb\n1\t2\n", 'a,b\n"1",2\n'], ids=repr
)
def test_csv_as_programs_write_it(text: str) -> None:
    assert rows_of(text.encode()) == {1: ["a", "b"], 2: ["1", "2"]}


def test_a_serial_beyond_the_calendar_stays_a_number() -> None:
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    book.worksheets[0].append([date(2020, 1, 1)])
    target = io.BytesIO()
    book.save(target)
    row = '<row r="1"><c r="A1" s="1"><v>{}</v></c></row>'
    for serial, value in ((42_369, date(2020, 1, 1)), (2_958_465, 2_958_465.0)):
        content = with_entry(target.getvalue(), "xl/worksheets/sheet1.xml", sheet_xml(row.format(serial)))
        assert rows_of(content) == {1: [value]}


def test_csv_with_a_line_break_inside_a_cell() -> None:
    assert rows_of(b'a,b\n"1\n2",3\n') == {1: ["a", "b"], 2: ["1\n2", "3"]}


def _archive(entries: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in entries.items():
            archive.writestr(name, body)
    return target.getvalue()


def _doubled(content: bytes) -> bytes:
    target = io.BytesIO(content)
    with zipfile.ZipFile(target, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("xl/workbook.xml", b"<other/>")
    return target.getvalue()


def _lying_size() -> bytes:
    """The directory says that the sheet unpacks to ten bytes."""
    content = bytearray(workbook(HEADER, ["1", "2"]))
    place = content.index(b"PK\x01\x02")
    while not content.startswith(b"xl/worksheets/", place + 46):
        place = content.index(b"PK\x01\x02", place + 4)
    struct.pack_into("<I", content, place + 24, 10)
    return bytes(content)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "empty archive": lambda: b"PK\x05\x06" + b"\x00" * 18,
    "not a zip": lambda: b"PK\x03\x04 and nothing more",
    "old Excel": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600,
    "utf-16": lambda: "شناسه انبار,نام".encode("utf-16"),
    "utf-8 cut in the middle": lambda: "شناسه انبار,نام".encode()[:-1],
    "binary": lambda: Random(1).randbytes(4096),
    "truncated": lambda: workbook(HEADER, ["1", "2"])[:-300],
    "zip of a text": lambda: with_entry(workbook(HEADER), "content.xml", b"<x/>"),
    "word document": lambda: _archive({"word/document.xml": b"<w/>", "[Content_Types].xml": b"<Types/>"}),
    "two entries of one name": lambda: _doubled(workbook(HEADER)),
    "sheet that is no XML": lambda: with_entry(workbook(HEADER), "xl/worksheets/sheet1.xml", b"\xff\xfe<<<<"),
    "cell far to the right": lambda: with_sheet('<row r="1"><c r="XFD1"><v>1</v></c></row>'),
    "row far below": lambda: with_sheet('<row r="1048577"><c><v>1</v></c></row>'),
    "rows out of order": lambda: with_sheet('<row r="5"><c><v>1</v></c></row><row r="4"><c><v>1</v></c></row>'),
    "cells out of order": lambda: with_sheet('<row><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>'),
    "many unnamed rows": lambda: with_sheet("<row/>" * (ROW_NUMBER_MAX + 5)),
    "many unnamed cells": lambda: with_sheet("<row>" + "<c><v>1</v></c>" * (COLUMNS_MAX + 1) + "</row>"),
    "many entries": lambda: _archive({"xl/workbook.xml": b"", **{f"x{n}.xml": b"" for n in range(600)}}),
    "null in text": lambda: b"a,b\n1,\x00\n",
    "unclosed quote": lambda: b'a,b\n"1,2\n',
    "wide csv": lambda: b"," * 200,
    "long csv": lambda: b"a\n" * (ROW_NUMBER_MAX + 2),
    "huge csv cell": lambda: b"a\n" + b"x" * 200_000,
    "too many bytes": lambda: b"a" * (FILE_BYTES_MAX + 1),
    "lying size": _lying_size,
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_hostile_files_are_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("shared.spreadsheet.sheet", "services.warehouse.registry_file.delimited_text"):
        monkeypatch.setattr(f"{module}.ROW_NUMBER_MAX", ROW_NUMBER_MAX)
    with pytest.raises(Refusal, match=r"warehouse\.import\.(file_too_large|file_unreadable|sheet_missing)"):
        rows_of(HOSTILE[name]())


SOUND_WORKBOOK = workbook(HEADER, ["1", "2"], ["3", 4.5])


def read_or_refuse(content: bytes) -> None:
    """Read the file; a refusal of the import is an answer too, anything else is not."""
    try:
        read_registry(io.BytesIO(content)).close()
    except Refusal as refusal:
        if not refusal.reason.code.startswith("warehouse.import."):
            raise


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.integers(0, len(SOUND_WORKBOOK) - 1), st.integers(0, 255), min_size=1, max_size=6))
def test_a_damaged_workbook_is_read_or_refused_never_more(damage: dict[int, int]) -> None:
    content = bytearray(SOUND_WORKBOOK)
    for place, byte in damage.items():
        content[place] = byte
    read_or_refuse(bytes(content))


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    read_or_refuse(content)


@pytest.mark.parametrize("seed", [1, 20_251_122])
def test_the_demo_file_is_read_as_its_writer_planted_it(seed: int, tmp_path: Path) -> None:
    facts = write_registry_file(tmp_path / "registry.xlsx", seed)
    with (tmp_path / "registry.xlsx").open("rb") as file, read_registry(file) as read:
        judgements = list(read.judgements(date(2025, 11, 22), 1000))
    refused = sorted((error.row, error.column, error.reason) for one in judgements for error in one.errors)
    assert refused == sorted((planted.row, planted.column, planted.reason_code) for planted in facts.refused)
    assert read.row_count == facts.rows == facts.accepted_rows + facts.refused_rows
    assert read.header.ignored == facts.ignored_columns
    for county, expected in facts.accepted.items():
        rows = [row for one in judgements for row in one.accepted if row.county is county]
        assert (len(rows), sum(row.capacity_tonnes for row in rows)) == (expected.sites, expected.capacity_tonnes)


def test_the_demo_file_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_registry_file(tmp_path / name, 7)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()

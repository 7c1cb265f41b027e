"""Bytes to rows: XLSX and CSV as they come; what is damaged or hostile is a refusal, never an error of the service."""

import io
import struct
import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.demo.registry_file import write_registry_file
from services.warehouse.domain.registry import judge, read_table
from services.warehouse.registry_file import COLUMNS_MAX, FILE_BYTES_MAX, ROWS_MAX, read_rows
from shared.contracts.refusals import Refusal

HEADER = ["شناسه انبار", "نام انبار"]


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
    rows = read_rows(workbook([None], [], ["شناسه", 12.5, date(2025, 11, 22), True, "۱۲"]))
    assert [list(row) for row in rows][2] == ["شناسه", 12.5, date(2025, 11, 22), True, "۱۲"]
    assert len(rows) == 3


@pytest.mark.parametrize(
    "text", ["a,b\n1,2\n", "\ufeffa,b\r\n1,2\r\n", "a;b\n1;2", "a\tb\n1\t2\n", 'a,b\n"1",2\n'], ids=repr
)
def test_csv_as_programs_write_it(text: str) -> None:
    assert read_rows(text.encode()) == [["a", "b"], ["1", "2"]]


def test_csv_with_a_line_break_inside_a_cell() -> None:
    assert read_rows(b'a,b\n"1\n2",3\n') == [["a", "b"], ["1\n2", "3"]]


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


def _shared_text_bomb() -> bytes:
    """One text of 30,000 characters that 20,000 cells refer to: 600 MB out of a few kilobytes."""
    texts = b"<sst><si><t>" + b"x" * 30_000 + b"</t></si></sst>"
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, ROWS_MAX))
    content = with_entry(workbook(["a"]), "xl/sharedStrings.xml", texts)
    return with_entry(content, "xl/worksheets/sheet1.xml", sheet_xml(cells))


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
    "windows-1256": lambda: "شناسه انبار,نام".encode("cp1256"),
    "binary": lambda: Random(1).randbytes(4096),
    "truncated": lambda: workbook(HEADER, ["1", "2"])[:-300],
    "zip of a text": lambda: with_entry(workbook(HEADER), "content.xml", b"<x/>"),
    "word document": lambda: _archive({"word/document.xml": b"<w/>", "[Content_Types].xml": b"<Types/>"}),
    "two entries of one name": lambda: _doubled(workbook(HEADER)),
    "sheet that is no XML": lambda: with_entry(workbook(HEADER), "xl/worksheets/sheet1.xml", b"\xff\xfe<<<<"),
    "cell far to the right": lambda: with_sheet('<row r="1"><c r="XFD1"><v>1</v></c></row>'),
    "cell far below": lambda: with_sheet('<row r="1"><c r="A1048576"><v>1</v></c></row>'),
    "row far below": lambda: with_sheet('<row r="1048576"><c><v>1</v></c></row>'),
    "many unnamed rows": lambda: with_sheet("<row><c><v>1</v></c></row>" * (ROWS_MAX + 5)),
    "many unnamed cells": lambda: with_sheet("<row>" + "<c><v>1</v></c>" * (COLUMNS_MAX + 1) + "</row>"),
    "bomb": lambda: with_entry(workbook(HEADER), "xl/worksheets/sheet2.xml", b" " * (200 * 1024 * 1024)),
    "shared text bomb": _shared_text_bomb,
    "many entries": lambda: _archive({"xl/workbook.xml": b"", **{f"x{n}.xml": b"" for n in range(600)}}),
    "null in text": lambda: b"a,b\n1,\x00\n",
    "unclosed quote": lambda: b'a,b\n"1,2\n',
    "wide csv": lambda: b"," * 200,
    "long csv": lambda: b"a\n" * (ROWS_MAX + 2),
    "huge csv cell": lambda: b"a\n" + b"x" * 200_000,
    "too many bytes": lambda: b"a" * (FILE_BYTES_MAX + 1),
    "lying size": _lying_size,
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_hostile_files_are_refused(name: str) -> None:
    with pytest.raises(Refusal, match=r"warehouse\.import\.(file_too_large|file_unreadable)"):
        read_rows(HOSTILE[name]())


def test_a_panic_of_the_reader_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):
        pass

    def panic(_: object) -> None:
        raise PanicException

    monkeypatch.setattr("python_calamine.CalamineWorkbook.from_filelike", panic, raising=True)
    with pytest.raises(Refusal, match="file_unreadable"):
        read_rows(workbook(HEADER))


SOUND_WORKBOOK = workbook(HEADER, ["1", "2"], ["3", 4.5])


def read_or_refuse(content: bytes) -> None:
    """Read the file; a refusal of the import is an answer too, anything else is not."""
    try:
        read_table(read_rows(content))
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
    table = read_table(read_rows((tmp_path / "registry.xlsx").read_bytes()))
    judgement = judge(table, date(2025, 11, 22))
    refused = sorted((error.row, error.column, error.reason) for error in judgement.errors)
    assert refused == sorted((planted.row, planted.column, planted.reason_code) for planted in facts.refused)
    assert len(table.rows) == facts.rows == facts.accepted_rows + facts.refused_rows
    assert table.header.ignored == facts.ignored_columns
    for county, expected in facts.accepted.items():
        rows = [row for row in judgement.accepted if row.county is county]
        assert (len(rows), sum(row.capacity_tonnes for row in rows)) == (expected.sites, expected.capacity_tonnes)


def test_the_demo_file_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_registry_file(tmp_path / name, 7)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()

"""A registry file's bytes become rows of cells: XLSX or CSV in UTF-8, within named limits, or a Refusal.

What is checked is what is read: an XLSX is unpacked once, under limits, and packed anew for the reader, so that no
trick of the container (sizes that lie, two entries of one name) can show the reader something else. Row numbers stay
those of the sheet.
"""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Sequence

from services.warehouse.domain import refusals
from services.warehouse.domain.registry_header import Cell
from shared.contracts.refusals import Refusal

FILE_BYTES_MAX = 16 * 1024 * 1024
ROWS_MAX = 20_000
COLUMNS_MAX = 100
ENTRIES_MAX = 500
UNPACKED_BYTES_MAX = 64 * 1024 * 1024
TEXT_BYTES_MAX = 256 * 1024 * 1024
"""A shared text is written once and may be used by every cell; this bounds what they may become together."""

_ZIP_MAGIC = b"PK\x03\x04"
_WORKBOOK_ENTRY = "xl/workbook.xml"
_OTHER_FORMATS = frozenset({"content.xml", "xl/workbook.bin"})
_READ_SUFFIXES = (".xml", ".rels")
_PLACE = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]{0,7})(\d{1,10})["']""")
_SHEET_TAG = re.compile(rb"<(?:\w+:)?sheetData\b")
_ROW_TAG = re.compile(rb"<(?:\w+:)?row\b")
_CELL_TAG = re.compile(rb"<(?:\w+:)?c[\s/>]")
_TEXT_TAG = re.compile(rb"<(?:\w+:)?si\b")
_CSV_DELIMITERS = (",", ";", "\t")
_LETTERS = 26


def read_rows(content: bytes) -> Sequence[Sequence[Cell]]:
    """The first sheet's rows, the header first, blank rows included so that positions are row numbers.

    Raises Refusal `warehouse.import.file_unreadable` or `warehouse.import.file_too_large`.
    """
    if len(content) > FILE_BYTES_MAX:
        raise _too_large("bytes", FILE_BYTES_MAX)
    rows = _read_xlsx(content) if content.startswith(_ZIP_MAGIC) else _read_csv(content)
    if len(rows) > ROWS_MAX + 1:
        raise _too_large("rows", ROWS_MAX)
    return rows


def _read_csv(content: bytes) -> list[list[Cell]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable("neither XLSX nor UTF-8") from error
    if "\x00" in text:
        raise _unreadable("not a text file")
    first_line = text.partition("\n")[0]
    delimiter = max(_CSV_DELIMITERS, key=first_line.count)
    rows: list[list[Cell]] = []
    try:
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            if len(cells) > COLUMNS_MAX:
                raise _too_large("columns", COLUMNS_MAX)
            if len(rows) > ROWS_MAX:
                raise _too_large("rows", ROWS_MAX)
            rows.append(list(cells))
    except csv.Error as error:
        raise _unreadable(str(error)) from error
    return rows


def _read_xlsx(content: bytes) -> Sequence[Sequence[Cell]]:
    import python_calamine  # noqa: PLC0415 - 10 MB of native code that only an import of a file needs

    try:
        repacked = _repack(content)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise _unreadable("damaged container") from error
    try:
        with python_calamine.CalamineWorkbook.from_filelike(repacked) as workbook:
            return workbook.get_sheet_by_index(0).to_python(skip_empty_area=False, nrows=ROWS_MAX + 2)
    except (python_calamine.CalamineError, ValueError, IndexError, OSError) as error:
        raise _unreadable("damaged workbook") from error
    except BaseException as error:
        # A panic of the native reader is no Exception, yet it tells of nothing but a bad file.
        if type(error).__name__ == "PanicException":
            raise _unreadable("damaged workbook") from error
        raise


def _repack(content: bytes) -> io.BytesIO:
    """The workbook's XML alone, stored uncompressed, all limits checked on the bytes themselves."""
    target = io.BytesIO()
    bytes_left, cells, longest_text_bytes = UNPACKED_BYTES_MAX, 0, 0
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as repacked:
        entries = source.infolist()
        names = [entry.filename for entry in entries]
        if len(entries) > ENTRIES_MAX:
            raise _too_large("entries", ENTRIES_MAX)
        if _WORKBOOK_ENTRY not in names or _OTHER_FORMATS.intersection(names) or len(set(names)) != len(names):
            raise _unreadable("not an XLSX workbook")
        for entry in entries:
            if not entry.filename.lower().endswith(_READ_SUFFIXES):
                continue
            unpacked = _unpack(source, entry, bytes_left)
            bytes_left -= len(unpacked)
            longest_text_bytes = max(longest_text_bytes, *map(len, _TEXT_TAG.split(unpacked)[1:]), 0)
            cells += _count_cells(unpacked)
            repacked.writestr(entry.filename, unpacked)
    if cells * longest_text_bytes > TEXT_BYTES_MAX:
        raise _too_large("text bytes", TEXT_BYTES_MAX)
    target.seek(0)
    return target


def _unpack(source: zipfile.ZipFile, entry: zipfile.ZipInfo, bytes_left: int) -> bytes:
    with source.open(entry) as stream:
        unpacked = stream.read(bytes_left + 1)
    if len(unpacked) > bytes_left:
        raise _too_large("unpacked bytes", UNPACKED_BYTES_MAX)
    return unpacked


def _count_cells(sheet: bytes) -> int:
    """Cells of a sheet; 0 for an entry that is none.

    The reader makes a grid up to the furthest cell, named or merely counted, so both are limited. Raises Refusal.
    """
    if not _SHEET_TAG.search(sheet):
        return 0
    rows = _ROW_TAG.split(sheet)
    if len(rows) > ROWS_MAX + 2:
        raise _too_large("rows", ROWS_MAX)
    cells = 0
    for row in rows:
        count = len(_CELL_TAG.findall(row))
        if count > COLUMNS_MAX:
            raise _too_large("columns", COLUMNS_MAX)
        cells += count
    for letters, digits in _PLACE.findall(sheet):
        if int(digits) > ROWS_MAX + 1:
            raise _too_large("rows", ROWS_MAX)
        if letters and _column_number(letters) > COLUMNS_MAX:
            raise _too_large("columns", COLUMNS_MAX)
    return cells


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * _LETTERS + letter - ord("A") + 1
    return number


def _too_large(what: str, limit: int) -> Refusal:
    return Refusal(refusals.IMPORT_FILE_TOO_LARGE, what=what, limit=f"{limit:,} {what}")


def _unreadable(problem: str) -> Refusal:
    return Refusal(refusals.IMPORT_FILE_UNREADABLE, problem=problem)

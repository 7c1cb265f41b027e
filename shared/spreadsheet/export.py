"""Rows as files that spreadsheets open: CSV and XLSX in which text is text and never a formula. Written page by page."""

import asyncio
import csv
import io
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import IO, Final, TypeAlias, TypeVar

CSV_MEDIA_TYPE: Final = "text/csv; charset=utf-8"
XLSX_MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILE_CHUNK_BYTES: Final = 64 * 1024
COLUMN_CHARACTERS: Final = 18
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
SHIELD: Final = "\u200e"
"""A direction mark before what a spreadsheet would run as a formula: it shows nothing, and importing takes it off."""

Cell: TypeAlias = str | float | None
Rows: TypeAlias = Sequence[Sequence[Cell]]
CellT = TypeVar("CellT", bound=Cell)


async def as_csv(headings: Sequence[str], pages: AsyncIterator[Rows]) -> AsyncGenerator[bytes]:
    """UTF-8 with a byte order mark, as spreadsheets want it; rows end in CR LF (RFC 4180)."""
    yield BYTE_ORDER_MARK + _csv_rows([headings])
    async for rows in pages:
        yield _csv_rows([[shielded(value) for value in row] for row in rows])


async def as_xlsx(sheet_name: str, headings: Sequence[str], pages: AsyncIterator[Rows]) -> AsyncGenerator[bytes]:
    """A workbook with one sheet from right to left; made on disk, then sent."""
    with tempfile.TemporaryFile() as file:
        workbook = await asyncio.to_thread(_Workbook, file, sheet_name, headings)
        async for rows in pages:
            await asyncio.to_thread(workbook.add, rows)
        await asyncio.to_thread(workbook.close)
        file.seek(0)
        while chunk := await asyncio.to_thread(file.read, FILE_CHUNK_BYTES):
            yield chunk


def shielded(value: CellT) -> CellT | str:
    """`value`, marked if a spreadsheet would take it for a formula."""
    return SHIELD + value if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


class _Workbook:
    """A sheet that keeps one row in memory."""

    def __init__(self, file: IO[bytes], sheet_name: str, headings: Sequence[str]) -> None:
        import xlsxwriter  # noqa: PLC0415 - only an export needs it

        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        self._book = xlsxwriter.Workbook(file, options)
        self._sheet = self._book.add_worksheet(sheet_name)
        self._sheet.right_to_left()
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_column(0, len(headings) - 1, COLUMN_CHARACTERS)
        bold = self._book.add_format({"bold": True})
        for place, heading in enumerate(headings):
            self._sheet.write_string(0, place, heading, bold)
        self._rows = 1

    def add(self, rows: Rows) -> None:
        for row in rows:
            for place, value in enumerate(row):
                if isinstance(value, str):
                    self._sheet.write_string(self._rows, place, shielded(value))
                elif value is not None:
                    self._sheet.write_number(self._rows, place, value)
            self._rows += 1

    def close(self) -> None:
        self._book.close()


def _csv_rows(rows: Sequence[Sequence[Cell]]) -> bytes:
    target = io.StringIO(newline="")
    csv.writer(target).writerows(rows)
    return target.getvalue().encode()

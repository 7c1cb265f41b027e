"""The rows of an uploaded XLSX: its first visible sheet, piece by piece, within named limits."""

import hashlib
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass

from services.nationals.free_services.domain.sheet import Cell, Formula, SheetRow
from services.nationals.free_services.spreadsheet.limits import (
    FILE_BYTES_MAX,
    ROWS_MAX,
    WORKBOOK_LIMITS,
    too_large,
    unreadable,
)
from shared.spreadsheet.sheet import CellReader, Sheet
from shared.spreadsheet.workbook import Workbook, open_container


@dataclass(frozen=True, slots=True)
class ReadSheet:
    """The rows of a file that are not blank, and the SHA-256 of its bytes in hexadecimal."""

    file_sha256: str
    rows: Sequence[SheetRow]


def read_sheet(content: bytes) -> ReadSheet:
    """Read a whole file; takes up to seconds, so not on the event loop. Raises Refusal."""
    if len(content) > FILE_BYTES_MAX:
        raise too_large("bytes", FILE_BYTES_MAX)
    rows: list[SheetRow] = []
    with open_container(io.BytesIO(content), WORKBOOK_LIMITS, time.monotonic()) as container:
        workbook = Workbook(container)
        entry = workbook.entry_of()
        if entry is None:
            raise unreadable("no visible sheet")
        sheet = Sheet(CellReader.of(container, workbook), _formula)
        for _ in container.hear(entry, sheet):
            for number, cells in sheet.rows:
                filled = tuple(None if _is_blank(cell) else cell for cell in cells)
                if any(cell is not None for cell in filled):
                    rows.append(SheetRow(number, filled))
            sheet.rows.clear()
            if len(rows) > ROWS_MAX:
                raise too_large("rows", ROWS_MAX)
    return ReadSheet(hashlib.sha256(content).hexdigest(), rows)


def _formula(*_shown: str) -> Formula:
    """What a formula shows is not believed."""
    return Formula()


def _is_blank(cell: Cell) -> bool:
    return isinstance(cell, str) and not cell.strip()

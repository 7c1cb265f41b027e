"""The rows of one XLSX sheet of a registry, as they come off the disk; those in the usual spelling by the pattern."""

from collections.abc import Generator
from typing import IO, BinaryIO

from services.warehouse.domain import refusals
from services.warehouse.domain.registry import SheetRow
from services.warehouse.domain.registry_mapping import RegistryMapping
from services.warehouse.domain.registry_row import UNCOMPUTED
from services.warehouse.registry_file.limits import WORKBOOK_LIMITS
from services.warehouse.registry_file.progress import Progress
from services.warehouse.registry_file.usual_rows import ROW_END, read_usual_row, starts_usually
from shared.contracts.refusals import Refusal
from shared.spreadsheet.guarded_xml import CHUNK_BYTES, GuardedParser, read_pieces
from shared.spreadsheet.sheet import CellReader, Sheet, Value
from shared.spreadsheet.workbook import Container, Workbook, open_container

_TABLE_DEPTH = 2
"""Elements that are open between two rows."""


def read_workbook(file: IO[bytes], mapping: RegistryMapping, progress: Progress) -> Generator[SheetRow]:
    """The rows of the chosen sheet. Raises Refusal."""
    with open_container(file, WORKBOOK_LIMITS, progress.began_s) as container:
        workbook = Workbook(container)
        entry = workbook.entry_of(mapping.sheet)
        if entry is None:
            shown = "1" if mapping.sheet is None else f"«{mapping.sheet}»"
            raise Refusal(refusals.IMPORT_SHEET_MISSING, sheet=shown)
        sheet = _sheet(CellReader.of(container, workbook))
        with container.open(entry) as (stream, size_bytes):
            for read_bytes in _hear(stream, sheet, container):
                progress.share = min(1.0, read_bytes / max(size_bytes, 1))
                yield from sheet.rows
                sheet.rows.clear()


def _sheet(reader: CellReader) -> Sheet[Value]:
    def read_formula(kind: str, style: str, written: str) -> Value:
        return reader.read(kind, style, written) if written or kind != "n" else UNCOMPUTED

    return Sheet(reader, read_formula)


def _hear(stream: BinaryIO, sheet: Sheet[Value], container: Container) -> Generator[int]:
    """Let `sheet` hear its rows; yields the number of bytes read so far after each piece."""
    parser = GuardedParser(sheet, container.limits)
    is_usual, read_bytes, rest = False, 0, b""
    for piece in read_pieces(stream, container.budget):
        is_usual = is_usual if read_bytes else starts_usually(piece)
        read_bytes += len(piece)
        *rows, rest = (rest + piece).split(ROW_END)
        for row in rows:
            written = row + ROW_END
            is_between_rows = sheet.is_in_table and parser.is_between_marks(_TABLE_DEPTH)
            found = read_usual_row(written) if is_usual and is_between_rows else None
            if found:
                sheet.add_row(*found)
            else:
                parser.feed(written)
        if len(rest) > CHUNK_BYTES:
            parser.feed(rest)
            rest = b""
        yield read_bytes
    parser.feed(rest, is_last=True)
    yield read_bytes

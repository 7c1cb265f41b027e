"""The registry file as a table: which of its rows may be believed.

Pure: the cells come in as Python values, today's date as an argument.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.warehouse.domain import refusals
from services.warehouse.domain.registry_header import HEADER_ROW, Cell, Column, Header, read_header
from services.warehouse.domain.registry_row import ReadRow, RegistryRow, RowError, read_row
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import RowReason


@dataclass(frozen=True, slots=True)
class ReadTable:
    """A file's rows, each read alone, in the order of the sheet."""

    header: Header
    rows: tuple[ReadRow, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What of a file is taken and what is not; errors in the order of the sheet."""

    accepted: tuple[RegistryRow, ...]
    errors: tuple[RowError, ...]


def read_table(rows: Sequence[Sequence[Cell]]) -> ReadTable:
    """Read all rows of a sheet, the header first. Raises Refusal as `read_header` does, and for a sheet without rows."""
    if not rows:
        raise Refusal(refusals.IMPORT_EMPTY)
    header = read_header(rows[0])
    read = tuple(
        read_row(header, number, cells)
        for number, cells in enumerate(rows[1:], start=HEADER_ROW + 1)
        if any(cell not in (None, "") for cell in cells)
    )
    if not read:
        raise Refusal(refusals.IMPORT_EMPTY)
    return ReadTable(header, read)


def judge(table: ReadTable, today: date) -> Judgement:
    """Judge the rows beside each other and against the calendar.

    Rows that share a registry id and say the same count once; where they differ, or one of them is illegible, none is
    taken, because which one is right is not for software to guess.
    """
    by_id: dict[str, list[ReadRow]] = {}
    for read in table.rows:
        if read.registry_id is not None:
            by_id.setdefault(read.registry_id, []).append(read)
    accepted: list[RegistryRow] = []
    errors: list[RowError] = []
    for read in table.rows:
        own = [*read.errors, *_future_error(table.header, read, today), *_sharing_error(table.header, read, by_id)]
        if own:
            errors.extend(own)
        elif read.parsed is not None:
            accepted.append(read.parsed)
    return Judgement(tuple(accepted), tuple(errors))


def _future_error(header: Header, read: ReadRow, today: date) -> list[RowError]:
    updated_on = read.parsed.updated_on if read.parsed else None
    if updated_on is None or updated_on <= today:
        return []
    text = header.texts[Column.UPDATED_ON]
    return [RowError(read.row, text, RowReason.DATE_IN_FUTURE, updated_on.isoformat())]


def _sharing_error(header: Header, read: ReadRow, by_id: Mapping[str, Sequence[ReadRow]]) -> list[RowError]:
    sharing = by_id.get(read.registry_id, ()) if read.registry_id is not None else ()
    if len(sharing) < 2:
        return []
    contents = {replace(other.parsed, row=0) if other.parsed else None for other in sharing}
    if len(contents) == 1 and None not in contents:
        reason = RowReason.REGISTRY_ID_REPEATED if read is not sharing[0] else None
    else:
        reason = RowReason.REGISTRY_ID_CONFLICT
    if reason is None:
        return []
    return [RowError(read.row, header.texts[Column.REGISTRY_ID], reason, read.registry_id_text)]

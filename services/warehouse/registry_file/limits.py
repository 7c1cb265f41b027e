"""What a registry file may hold, and the two ways to say that it holds more or something else."""

from typing import Final

from services.warehouse.domain import refusals
from shared.contracts.refusals import Refusal
from shared.spreadsheet.limits import Limits

FILE_BYTES_MAX = 31 * 1024 * 1024
"""A little below what the HTTP boundary lets through."""
ROWS_MAX = 120_000
"""Rows that are not blank, without the header."""
COLUMNS_MAX = 100
TEXT_CHARACTERS_MAX = 4_000
"""A longer text of a cell is cut here; every field is shorter, so its row is refused."""
READING_S_MAX = 120.0


def too_large(what: str, limit: int) -> Refusal:
    """The file holds more than `limit` of something."""
    return Refusal(refusals.IMPORT_FILE_TOO_LARGE, what=what, limit=f"{limit:,} {what}")


def unreadable(problem: str) -> Refusal:
    """The file is not what an import reads."""
    return Refusal(refusals.IMPORT_FILE_UNREADABLE, problem=problem)


WORKBOOK_LIMITS: Final = Limits(
    entries=500,
    unpacked_bytes=256 * 1024 * 1024,
    shared_text_bytes=64 * 1024 * 1024,
    token_bytes=1024 * 1024,
    elements=15_000_000,
    columns=COLUMNS_MAX,
    text_characters=TEXT_CHARACTERS_MAX,
    reading_s=READING_S_MAX,
    too_large=too_large,
    unreadable=unreadable,
)

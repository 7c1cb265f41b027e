"""What a registry file may hold, and the two ways to say that it holds more or something else."""

from services.warehouse.domain import refusals
from shared.contracts.refusals import Refusal

FILE_BYTES_MAX = 31 * 1024 * 1024
"""A little below what the HTTP boundary lets through."""
ROWS_MAX = 120_000
"""Rows that are not blank, without the header."""
ROW_NUMBER_MAX = 1_048_576
COLUMNS_MAX = 100
TEXT_CHARACTERS_MAX = 4_000
"""A longer text of a cell is cut here; every field is shorter, so its row is refused."""
ENTRIES_MAX = 500
UNPACKED_BYTES_MAX = 256 * 1024 * 1024
SHARED_TEXT_BYTES_MAX = 64 * 1024 * 1024
TOKEN_BYTES_MAX = 1024 * 1024
ELEMENTS_MAX = 15_000_000
DEPTH_MAX = 64
READING_S_MAX = 120.0


def too_large(what: str, limit: int) -> Refusal:
    """The file holds more than `limit` of something."""
    return Refusal(refusals.IMPORT_FILE_TOO_LARGE, what=what, limit=f"{limit:,} {what}")


def unreadable(problem: str) -> Refusal:
    """The file is not what an import reads."""
    return Refusal(refusals.IMPORT_FILE_UNREADABLE, problem=problem)

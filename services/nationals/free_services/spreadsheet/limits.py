"""What a file of a partner or of permits may hold, and the two ways to say that it holds more or something else."""

from typing import Final

from services.nationals.free_services.domain.sheet import FILE_TOO_LARGE, FILE_UNREADABLE
from shared.contracts.refusals import Refusal
from shared.spreadsheet.limits import Limits

FILE_BYTES_MAX: Final = 4 * 1024 * 1024
ROWS_MAX: Final = 10_000
"""Rows that are not blank."""


def too_large(what: str, limit: int) -> Refusal:
    """The file holds more than `limit` of something."""
    return Refusal(FILE_TOO_LARGE, limit=f"{limit:,} {what}")


def unreadable(problem: str) -> Refusal:
    """The file is not what an import reads."""
    return Refusal(FILE_UNREADABLE, problem=problem)


WORKBOOK_LIMITS: Final = Limits(
    entries=200,
    unpacked_bytes=32 * 1024 * 1024,
    shared_text_bytes=16 * 1024 * 1024,
    token_bytes=256 * 1024,
    elements=300_000,
    columns=50,
    text_characters=500,
    reading_s=20.0,
    too_large=too_large,
    unreadable=unreadable,
)

"""The rows of an uploaded XLSX of a partner or of permits: its first visible sheet, within limits."""

from typing import Final

from services.nationals.free_services.domain.row_reasons import FILE_TOO_LARGE, FILE_UNREADABLE
from shared.contracts.refusals import Refusal
from shared.spreadsheet.upload import ReadSheet, read_upload, upload_limits

ROWS_MAX: Final = 10_000
"""Rows that are not blank."""


def _too_large(what: str, limit: int) -> Refusal:
    return Refusal(FILE_TOO_LARGE, limit=f"{limit:,} {what}")


def _unreadable(problem: str) -> Refusal:
    return Refusal(FILE_UNREADABLE, problem=problem)


WORKBOOK_LIMITS: Final = upload_limits(_too_large, _unreadable)


def read_sheet(content: bytes) -> ReadSheet:
    """Read a whole file; takes up to seconds, so not on the event loop. Raises Refusal."""
    return read_upload(content, WORKBOOK_LIMITS, ROWS_MAX)

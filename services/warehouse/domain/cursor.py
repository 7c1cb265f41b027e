"""Cursors of lists: opaque to clients, the last row's id inside, bound to the filters under which they were given.

Rows are read in the order of their ids, which never change, so a page never shows a row twice or skips one that was
there, whatever is inserted meanwhile.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from uuid import UUID

from services.warehouse.domain.reading_refusals import CURSOR_UNREADABLE
from shared.contracts.refusals import Refusal

CURSOR_CHARACTERS_MAX = 64
_ID_BYTES = 16
_SEAL_BYTES = 8


def make_cursor(last: UUID, filters: object) -> str:
    """The cursor of the page after the row `last`. `filters`: anything whose repr tells one list from another."""
    return urlsafe_b64encode(last.bytes + _seal(filters)).decode().rstrip("=")


def read_cursor(cursor: str | None, filters: object) -> UUID | None:
    """The id inside; None for no cursor. Raises Refusal: not a cursor, or of a list with other filters."""
    if cursor is None:
        return None
    try:
        content = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError as error:
        raise Refusal(CURSOR_UNREADABLE) from error
    if len(content) != _ID_BYTES + _SEAL_BYTES or content[_ID_BYTES:] != _seal(filters):
        raise Refusal(CURSOR_UNREADABLE)
    return UUID(bytes=content[:_ID_BYTES])


def _seal(filters: object) -> bytes:
    return blake2b(repr(filters).encode(), digest_size=_SEAL_BYTES).digest()

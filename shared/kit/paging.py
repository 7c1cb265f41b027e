"""Pages of lists, as every list is read: so many lines at once, then on from the last one."""

from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

PAGE_ITEMS_MAX = 1_000

LineT = TypeVar("LineT")
Limit = Annotated[int, Query(ge=1, le=PAGE_ITEMS_MAX)]


class Page(BaseModel, Generic[LineT]):
    """One page of a list; `next` goes back as `after` to get the following one, and is None on the last."""

    items: list[LineT]
    next: str | None = None


def page_of(lines: Sequence[LineT], limit: int, cursor_of: Callable[[LineT], object]) -> Page[LineT]:
    """A page of `lines`, read with `limit`; a full one names the cursor of its last line, after which the list goes on."""
    return Page(items=list(lines), next=str(cursor_of(lines[-1])) if len(lines) == limit else None)

"""HTTP of who was told what: search and export."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict

from services.notifications import delivery_export
from services.notifications.api.roles import PAGE_ITEMS_DEFAULT, READING, Limit, reader_of
from services.notifications.domain.channels import Channel
from services.notifications.domain.delivering import DeliveryState
from services.notifications.domain.text_refusals import EXPORT_TOO_LARGE
from services.notifications.store import searching
from services.notifications.store.searching import DeliveryFilters, DeliveryLine
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.http import Queries, allow_read
from shared.kit.paging import Page, page_of
from shared.persian.text import display_text
from shared.spreadsheet.export import CSV_MEDIA_TYPE, XLSX_MEDIA_TYPE

EXPORT_ROWS_MAX: Final = 100_000
EXPORT_PAGE_ROWS: Final = 1_000
SEARCH_CHARACTERS_MAX: Final = 120

router = APIRouter()
Searcher = Annotated[Queries, Depends(allow_read(*READING))]


class DeliverySearchItem(BaseModel):
    """`created_at`: when it was owed; `settled_at`: when it was sent, died or was cancelled. `kind` of a summary: digest.
    `text_version`: the saved text that it was made from, 0: the one that ships."""

    model_config = ConfigDict(from_attributes=True)

    delivery_id: UUID
    alert_id: UUID | None
    digest_id: UUID | None
    county: County
    kind: str
    severity: str
    subject_id: str | None
    registry_id: str | None
    recipient: str
    recipient_name: str
    channel: Channel
    language: str
    step: int
    state: DeliveryState
    attempts: int
    created_at: datetime
    settled_at: datetime | None
    last_error: str | None
    provider_status: str | None
    text_version: int | None
    alert_state: str | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None


def _filters(
    county: County | None = None,
    recipient: Annotated[
        str | None, Query(min_length=1, max_length=SEARCH_CHARACTERS_MAX, description="part of a name or address")
    ] = None,
    kind: Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9_]{0,63}$")] = None,
    channel: Channel | None = None,
    state: DeliveryState | None = None,
    alert: UUID | None = None,
    since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to")] = None,
) -> DeliveryFilters:
    return DeliveryFilters(
        county=county,
        recipient=None if recipient is None else display_text(recipient),
        kind=kind,
        channel=channel,
        state=state,
        alert_id=alert,
        since=since,
        until=until,
    )


Filters = Annotated[DeliveryFilters, Depends(_filters)]


@router.get("/deliveries")
async def search_deliveries(
    queries: Searcher, filters: Filters, after: UUID | None = None, limit: Limit = PAGE_ITEMS_DEFAULT
) -> Page[DeliverySearchItem]:
    """Who was told what, when, by which channel and with which result; the newest first."""
    async with queries.read() as connection:
        lines = await searching.search_deliveries(connection, filters, reader_of(queries.principal), after, limit)
    return page_of([DeliverySearchItem.model_validate(line) for line in lines], limit, lambda line: line.delivery_id)


@router.get(
    "/deliveries/export",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}, XLSX_MEDIA_TYPE: {}}, "description": "A file with Persian headings"}},
)
async def export_deliveries(
    queries: Searcher, filters: Filters, file_format: Annotated[Literal["csv", "xlsx"], Query(alias="format")] = "xlsx"
) -> StreamingResponse:
    """The same as a file, read page by page. 422 when more rows match than a file may have."""
    async with queries.read() as connection:
        number = await searching.count_deliveries_up_to(
            connection, filters, reader_of(queries.principal), EXPORT_ROWS_MAX + 1
        )
    if number > EXPORT_ROWS_MAX:
        raise Refusal(EXPORT_TOO_LARGE, rows_max=EXPORT_ROWS_MAX)
    pages = _pages(queries, filters)
    content = delivery_export.as_csv(pages) if file_format == "csv" else delivery_export.as_xlsx(pages)
    return StreamingResponse(
        content,
        media_type=CSV_MEDIA_TYPE if file_format == "csv" else XLSX_MEDIA_TYPE,
        headers={"content-disposition": f'attachment; filename="deliveries.{file_format}"'},
    )


async def _pages(queries: Queries, filters: DeliveryFilters) -> AsyncGenerator[Sequence[DeliveryLine]]:
    reader, before, rows = reader_of(queries.principal), None, 0
    while rows < EXPORT_ROWS_MAX:
        async with queries.read() as connection:
            lines = await searching.search_deliveries(connection, filters, reader, before, EXPORT_PAGE_ROWS)
        if lines:
            yield lines
        if len(lines) < EXPORT_PAGE_ROWS:
            return
        before, rows = lines[-1].delivery_id, rows + len(lines)

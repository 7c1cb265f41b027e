"""HTTP of silences."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from services.notifications import handlers
from services.notifications.api.roles import ACTING, PAGE_ITEMS_DEFAULT, READING, Limit
from services.notifications.handlers import NewSilence, SilenceItem
from services.notifications.store import silences as store
from shared.contracts.counties import County
from shared.kit.http import Commands, Queries, allow, allow_read
from shared.kit.paging import Page, page_of

router = APIRouter()


class PreviewItem(BaseModel):
    alert_id: UUID
    county: County
    kind: str
    severity: str
    rule_id: str
    subject_id: str
    raised_at: datetime


class SilencePreview(BaseModel):
    """What the silence would have held back since `since`: how many alerts, and the newest of them."""

    since: datetime
    critical_until: datetime
    ends_at: datetime
    number: int
    newest: list[PreviewItem]


@router.post("/silences")
async def create_silence(body: NewSilence, commands: Annotated[Commands, Depends(allow(*ACTING))]) -> SilenceItem:
    """Hold alerts back that are raised from now on; what people were told of already goes on."""
    if body.county is not None:
        commands.require_county(body.county)
    return await commands.execute(handlers.create_silence, body)


@router.post("/silences/preview")
async def preview_silence(
    body: NewSilence, queries: Annotated[Queries, Depends(allow_read(*ACTING))]
) -> SilencePreview:
    """Which alerts of the last days a silence would have held back. Nothing is saved."""
    if body.county is not None:
        queries.require_county(body.county)
    async with queries.read() as connection:
        return SilencePreview.model_validate(
            await handlers.preview_silence(body, connection, queries.principal), from_attributes=True
        )


@router.get("/silences")
async def list_silences(
    queries: Annotated[Queries, Depends(allow_read(*READING))],
    running: bool = True,
    after: UUID | None = None,
    limit: Limit = PAGE_ITEMS_DEFAULT,
) -> Page[SilenceItem]:
    """Silences, the newest first; with `running=false` also those that have ended."""
    async with queries.read() as connection:
        lines = await store.list_silences(connection, after, limit, running=running)
    items = [SilenceItem.model_validate(line, from_attributes=True) for line in lines]
    return page_of(items, limit, lambda item: item.silence_id)


@router.delete("/silences/{silence_id}")
async def lift_silence(silence_id: UUID, commands: Annotated[Commands, Depends(allow(*ACTING))]) -> SilenceItem:
    """End a silence now; what it held back is told."""
    return await commands.execute(handlers.lift_silence, handlers.LiftSilence(silence_id=silence_id))

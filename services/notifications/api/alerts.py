"""HTTP of acting on alerts."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from services.notifications import handlers
from services.notifications.api.roles import ACTING
from services.notifications.handlers import Acknowledgement, Acted
from services.notifications.handlers.acknowledging import COMMENT_CHARACTERS_MAX
from services.notifications.handlers.resolving import REASON_CHARACTERS_MAX
from shared.kit.http import Commands, allow

router = APIRouter()

Acting = Annotated[Commands, Depends(allow(*ACTING))]


class CommentBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(min_length=1, max_length=COMMENT_CHARACTERS_MAX)]


class ResolutionBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=REASON_CHARACTERS_MAX)]


@router.post("/alerts/{alert_id}/acknowledgement")
async def acknowledge_alert(alert_id: UUID, commands: Acting) -> Acknowledgement:
    """Take charge of an alert and of those that joined it; nobody further is told."""
    return await commands.execute(handlers.acknowledge_alert, handlers.AcknowledgeAlert(alert_id=alert_id))


@router.delete("/alerts/{alert_id}/acknowledgement")
async def release_alert(alert_id: UUID, commands: Acting) -> Acted:
    """Undo an acknowledgement; the next person is told."""
    return await commands.execute(handlers.release_alert, handlers.ReleaseAlert(alert_id=alert_id))


@router.post("/alerts/{alert_id}/take-over")
async def take_over_alert(alert_id: UUID, commands: Acting) -> Acknowledgement:
    """Take charge of an alert instead of whoever has acknowledged it."""
    return await commands.execute(handlers.take_over_alert, handlers.TakeOverAlert(alert_id=alert_id))


@router.post("/alerts/{alert_id}/comments")
async def comment_on_alert(alert_id: UUID, body: CommentBody, commands: Acting) -> Acted:
    """Leave a remark in an alert's history."""
    command = handlers.CommentOnAlert(alert_id=alert_id, text=body.text)
    return await commands.execute(handlers.comment_on_alert, command)


@router.post("/alerts/{alert_id}/resolution")
async def resolve_alert(alert_id: UUID, body: ResolutionBody, commands: Acting) -> Acted:
    """Say that an alert is settled, and why. Others of its group stay open."""
    command = handlers.ResolveAlert(alert_id=alert_id, reason=body.reason)
    return await commands.execute(handlers.resolve_alert, command)

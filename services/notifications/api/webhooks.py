"""HTTP of webhook endpoints: make, change, rotate keys, switch off and on, replay."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, Field

from services.notifications.api.roles import ADMINISTRATORS
from services.notifications.handlers import webhooks as handlers
from services.notifications.handlers.webhooks import NewEndpoint, Replayed, ShownEndpoint, ShownKey
from services.notifications.store import webhooks as store
from shared.kit.http import Commands, Queries, allow, allow_read

router = APIRouter()


class AddressBody(BaseModel):
    url: Annotated[str, Field(min_length=1, max_length=500)]


class RotationBody(BaseModel):
    overlap_hours: Annotated[int, Field(ge=0, le=handlers.OVERLAP_HOURS_MAX)] = handlers.OVERLAP_HOURS_DEFAULT


class DisablingBody(BaseModel):
    reason: Annotated[str, Field(min_length=1, max_length=handlers.REASON_CHARACTERS_MAX)]


class ReplayBody(BaseModel):
    since: AwareDatetime


@router.post("/webhook-endpoints")
async def create_endpoint(
    body: NewEndpoint, commands: Annotated[Commands, Depends(allow(*ADMINISTRATORS))]
) -> ShownEndpoint:
    """Make an endpoint that members' webhook contacts may name; its keys are read apart."""
    if body.county is not None:
        commands.require_county(body.county)
    return await commands.execute(handlers.create_endpoint, body)


@router.get("/webhook-endpoints")
async def list_endpoints(queries: Annotated[Queries, Depends(allow_read(*ADMINISTRATORS))]) -> list[ShownEndpoint]:
    """Endpoints of the caller's counties, and of the province for whoever sees all counties."""
    async with queries.read() as connection:
        return [handlers.shown(endpoint) for endpoint in await store.list_endpoints(connection)]


@router.get("/webhook-endpoints/{name}/keys")
async def list_keys(name: str, queries: Annotated[Queries, Depends(allow_read(*ADMINISTRATORS))]) -> list[ShownKey]:
    """The keys that sign now, for the receiver's set-up. Who reads them is logged."""
    async with queries.read() as connection:
        return await handlers.list_shown_keys(connection, name, queries.principal.subject)


@router.post("/webhook-endpoints/{name}/keys")
async def rotate_keys(
    name: str, body: RotationBody, commands: Annotated[Commands, Depends(allow(*ADMINISTRATORS))]
) -> ShownEndpoint:
    """Add a pair of keys; those there are sign beside it until the overlap ends."""
    command = handlers.RotateKeys(name=name, overlap_hours=body.overlap_hours)
    return await commands.execute(handlers.rotate_keys, command)


@router.put("/webhook-endpoints/{name}/address")
async def change_address(
    name: str, body: AddressBody, commands: Annotated[Commands, Depends(allow(*ADMINISTRATORS))]
) -> ShownEndpoint:
    """Send to another address from now on."""
    return await commands.execute(handlers.change_address, handlers.ChangeAddress(name=name, url=body.url))


@router.post("/webhook-endpoints/{name}/disabling")
async def disable_endpoint(
    name: str, body: DisablingBody, commands: Annotated[Commands, Depends(allow(*ADMINISTRATORS))]
) -> ShownEndpoint:
    """Send nothing there; what it would have got goes on to the members' next contacts."""
    return await commands.execute(handlers.disable_endpoint, handlers.DisableEndpoint(name=name, reason=body.reason))


@router.post("/webhook-endpoints/{name}/enabling")
async def enable_endpoint(name: str, commands: Annotated[Commands, Depends(allow(*ADMINISTRATORS))]) -> ShownEndpoint:
    """Send there again, also after it was switched off for failing."""
    return await commands.execute(handlers.enable_endpoint, handlers.EnableEndpoint(name=name))


@router.post("/webhook-endpoints/{name}/replay")
async def replay_missed(
    name: str, body: ReplayBody, commands: Annotated[Commands, Depends(allow(*ADMINISTRATORS))]
) -> Replayed:
    """Send again what did not reach the endpoint since a time, within the last 30 days, and nobody has answered yet."""
    return await commands.execute(handlers.replay_missed, handlers.ReplayMissed(name=name, since=body.since))

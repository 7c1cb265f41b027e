"""The few routes of ODK Central's API with which scripts (pyodk) send submissions; everything else of it is not here.

Accounts have no numbers here, so every `submitterId` is 0; `{project_id}` is taken as it comes, for there are no projects.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from services.warehouse import handlers
from services.warehouse.api.openrosa import receive_attachment
from services.warehouse.domain import submission_refusals as refusals
from services.warehouse.domain.photo import PHOTO_BYTES_MAX
from services.warehouse.domain.submission import Channel
from services.warehouse.handlers.messages import InstanceId, PhotoName
from services.warehouse.handlers.submissions import raise_conflict
from services.warehouse.openrosa.filled_form import FORM_ID, command_of
from services.warehouse.openrosa.xml_form import FORM_BYTES_MAX, read_xml_form
from services.warehouse.photo_store import PhotoStore, configured_store
from services.warehouse.store import photos, submissions
from services.warehouse.store.submissions import ReceivedBefore
from shared.contracts.refusals import Refusal
from shared.kit import problems
from shared.kit.http import Commands, Queries, allow_password, allow_password_read, grant_token
from shared.kit.http_boundary import read_raw_body

XML_MEDIA_TYPES: Final = frozenset({"text/xml", "application/xml"})
FORM_PATH: Final = "/v1/projects/{project_id}/forms/{form_id}"

router = APIRouter()

Inspector = Annotated[Commands, Depends(allow_password("inspector"))]
InspectorReads = Annotated[Queries, Depends(allow_password_read("inspector"))]


class SessionBody(BaseModel):
    """Central calls the username an email."""

    email: str = Field(max_length=128)
    password: str = Field(max_length=1024, repr=False)


class CentralModel(BaseModel):
    """Base of Central's answers, whose names are in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Session(CentralModel):
    """The issuer's own token under Central's names."""

    token: str
    csrf: str = ""
    created_at: datetime
    expires_at: datetime


class CurrentUser(CentralModel):
    id: int = 0
    type: str = "user"
    display_name: str
    email: str


class CentralSubmission(CentralModel):
    """A submission under Central's names."""

    instance_id: str
    submitter_id: int = 0
    device_id: str | None = None
    created_at: datetime
    updated_at: datetime | None = None
    review_state: str | None = None


class CentralAttachment(BaseModel):
    name: str
    exists: bool


class CentralSuccess(BaseModel):
    success: bool = True


@router.post("/v1/sessions")
async def create_session(request: Request, body: SessionBody) -> Session:
    """Exchange a username and password for the issuer's token."""
    grant = await grant_token(request, body.email, body.password)
    now = datetime.now(UTC)
    return Session(token=grant.access_token, created_at=now, expires_at=now + timedelta(seconds=grant.expires_in_s))


@router.get("/v1/users/current")
async def read_current_user(queries: InspectorReads) -> CurrentUser:
    """Who the token names."""
    return CurrentUser(display_name=queries.principal.subject, email=queries.principal.subject)


@router.post(f"{FORM_PATH}/submissions")
async def create_submission(
    request: Request,
    project_id: int,
    form_id: str,
    commands: Inspector,
    deviceID: str | None = None,  # noqa: N803
) -> CentralSubmission:
    """A filled form as XML, without its photos."""
    return await _take(request, form_id, commands, deviceID)


@router.put(f"{FORM_PATH}/submissions/{{instance_id}}")
async def edit_submission(
    request: Request, project_id: int, form_id: str, instance_id: InstanceId, commands: Inspector
) -> CentralSubmission:
    """An edit: the XML names the instance that it replaces."""
    return await _take(request, form_id, commands, None)


@router.get(f"{FORM_PATH}/submissions/{{instance_id}}/attachments")
async def list_attachments(
    project_id: int, form_id: str, instance_id: InstanceId, queries: InspectorReads
) -> list[CentralAttachment]:
    """The photos that a submission names, and which of them are here."""
    found = await _find_own(form_id, instance_id, queries)
    async with queries.read() as connection:
        names = await photos.list_photo_names(connection, found.submission_id)
    return [CentralAttachment(name=name, exists=is_there) for name, is_there in names]


@router.post(f"{FORM_PATH}/submissions/{{instance_id}}/attachments/{{name}}")
async def upload_attachment(
    request: Request,
    project_id: int,
    form_id: str,
    instance_id: InstanceId,
    name: PhotoName,
    commands: Inspector,
    queries: InspectorReads,
    store: Annotated[PhotoStore, Depends(configured_store)],
) -> CentralSuccess:
    """One photo of a submission that is here."""
    found = await _find_own(form_id, instance_id, queries)
    content = await read_raw_body(request, PHOTO_BYTES_MAX)
    await receive_attachment(found.inspection_id, instance_id, name, content, commands, store)
    return CentralSuccess()


async def _take(request: Request, form_id: str, commands: Commands, device_id: str | None) -> CentralSubmission:
    if form_id != FORM_ID:
        raise Refusal(refusals.FORM_UNKNOWN, form=form_id[:64], version="")
    form = await asyncio.to_thread(read_xml_form, await _read_xml(request))
    command = command_of(form, Channel.CENTRAL)
    received = await commands.execute(handlers.submit_inspection, command)
    raise_conflict(received)
    return CentralSubmission(instance_id=command.instance_id, device_id=device_id, created_at=received.received_at)


async def _find_own(form_id: str, instance_id: str, queries: Queries) -> ReceivedBefore:
    """The caller's own submission under this instance id. Raises Refusal."""
    if form_id != FORM_ID:
        raise Refusal(refusals.FORM_UNKNOWN, form=form_id[:64], version="")
    async with queries.read() as connection:
        found = await submissions.find_own(connection, instance_id, queries.principal.subject)
    if found is None:
        raise Refusal(refusals.INSTANCE_NOT_FOUND)
    return found


async def _read_xml(request: Request) -> bytes:
    """The body. Raises Refusal for another type, or beyond `FORM_BYTES_MAX`."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in XML_MEDIA_TYPES:
        raise Refusal(problems.MEDIA_TYPE_NOT_SUPPORTED)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES_MAX:
            raise Refusal(refusals.FORM_TOO_LARGE, limit=f"{FORM_BYTES_MAX} bytes")
    return bytes(body)

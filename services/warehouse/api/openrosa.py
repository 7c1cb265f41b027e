"""OpenRosa 1.0 over HTTP, as ODK Collect speaks it; the address that a phone is given is ``https://<host>/openrosa``.

Answers are XML with a message for the person who holds the phone, in Persian unless English is asked for.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import UploadFile

from services.warehouse import handlers
from services.warehouse.domain import submission_refusals as refusals
from services.warehouse.domain.submission import Channel
from services.warehouse.handlers.messages import SubmitInspection
from services.warehouse.handlers.photo_messages import ReceivePhoto
from services.warehouse.handlers.submissions import raise_conflict
from services.warehouse.openrosa import documents
from services.warehouse.openrosa.filled_form import FORM_ID, PUBLISHED, command_of, newest, published
from services.warehouse.openrosa.xml_form import FORM_BYTES_MAX, read_xml_form
from services.warehouse.photo_store import PhotoStore, configured_store, take_photo
from services.warehouse.store.assignments import list_assigned_sites
from shared.contracts.refusals import Refusal
from shared.kit import problems
from shared.kit.http import Commands, Queries, allow_password, allow_password_read
from shared.kit.http_boundary import CONTEXT_KEY, RequestContext, problem_response, refusal_of

OPENROSA_PATH: Final = "/openrosa"
ACCEPT_BYTES: Final = 10 * 1024 * 1024
"""Recommended size of one POST; a phone splits a submission with more photos into several."""
PARTS_MAX: Final = 128
"""Parts of one POST; Collect sends at most 100 files in one."""
XML_PART: Final = "xml_submission_file"
INCOMPLETE_PART: Final = "*isIncomplete*"
XML_MEDIA_TYPE: Final = "text/xml; charset=utf-8"

RECEIVED_FA: Final = "ارسال دریافت شد."
RECEIVED_EN: Final = "Received."
WAITING_FA: Final = "ارسال دریافت شد؛ هنوز این عکس‌ها نرسیده است: {names}."
WAITING_EN: Final = "Received; these photos have not come yet: {names}."

Inspector = Annotated[Commands, Depends(allow_password("inspector"))]
InspectorReads = Annotated[Queries, Depends(allow_password_read("inspector"))]


class OpenRosaRoute(APIRoute):
    """Adds the headers of OpenRosa to every answer, and tells refusals as OpenRosa does."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def openrosa_answer(request: Request) -> Response:
            language = _language(request)
            try:
                response = await answer(request)
            except Exception as error:
                response = _refused(request, error, language)
            response.headers["x-openrosa-version"] = "1.0"
            response.headers["x-openrosa-accept-content-length"] = str(ACCEPT_BYTES)
            response.headers["content-language"] = language
            return response

        return openrosa_answer


router = APIRouter(prefix=OPENROSA_PATH, route_class=OpenRosaRoute)


@dataclass(slots=True)
class Envelope:
    """The parts of one POST of a submission. Attachments stay on disk until they are read, one after the other."""

    form: bytes
    attachments: dict[str, UploadFile] = field(default_factory=dict[str, UploadFile])
    is_incomplete: bool = False


@router.head("/submission", status_code=204)
async def probe_submission(request: Request, _: InspectorReads) -> Response:
    """Where to post, and how much at once; a phone asks before it sends."""
    return Response(status_code=204, headers={"location": str(request.url.replace(query=""))})


@router.post("/submission", status_code=201, response_class=Response)
async def submit_form(
    request: Request, commands: Inspector, store: Annotated[PhotoStore, Depends(configured_store)]
) -> Response:
    """One POST of a submission: the form and some of its photos. 201 when all is here, 202 while photos are missing.

    The instance id makes it safe to repeat; an Idempotency-Key adds nothing and is not looked at.
    """
    async with _opened(request) as envelope:
        form = await asyncio.to_thread(read_xml_form, envelope.form)
        command = command_of(form, Channel.OPENROSA)
        missing = await receive_form(command, envelope.attachments, commands.without_key(), store)
    language = _language(request)
    if missing or envelope.is_incomplete:
        text = WAITING_FA if language == "fa" else WAITING_EN
        message = text.format(names=", ".join(missing)) if missing else _received(language)
        return _xml(documents.response(message, "submit_incomplete"), 202)
    return _xml(documents.response(_received(language), "submit_success"), 201)


@router.get("/formList", response_class=Response)
async def list_forms(
    request: Request,
    _: InspectorReads,
    formID: str | None = None,  # noqa: N803 - the name that OpenRosa gives it
    verbose: bool = False,
    listAllVersions: bool = False,  # noqa: N803 - the name that OpenRosa gives it
) -> Response:
    """The forms a phone may fetch: the newest version, or every published one if asked."""
    versions = list(PUBLISHED.values()) if listAllVersions else [newest()]
    if formID not in (None, FORM_ID):
        versions = []
    return _xml(await asyncio.to_thread(documents.form_list, versions, _base_url(request), verbose=verbose))


@router.get("/forms/{form_id}/{version}/form.xml", response_class=Response)
async def read_form(form_id: str, version: str, _: InspectorReads) -> Response:
    """A form as pyxform compiled it."""
    return _xml(await asyncio.to_thread(published(form_id, version).xform.read_bytes))


@router.get("/forms/{form_id}/{version}/manifest", response_class=Response)
async def read_manifest(request: Request, form_id: str, version: str, queries: InspectorReads) -> Response:
    """The files that belong to a form: the caller's assigned sites."""
    files = await _media_files(queries)
    return _xml(documents.manifest(published(form_id, version), files, _base_url(request)))


@router.get("/forms/{form_id}/{version}/media/{name}", response_class=Response)
async def read_media(form_id: str, version: str, name: str, queries: InspectorReads) -> Response:
    """One file of a form."""
    published(form_id, version)
    content = (await _media_files(queries)).get(name)
    if content is None:
        raise Refusal(refusals.MEDIA_NOT_FOUND)
    media_type = "text/csv; charset=utf-8" if name == documents.SITES_CSV else "application/geo+json"
    return Response(content, media_type=media_type, headers={"cache-control": "no-store"})


async def receive_form(
    command: SubmitInspection, attachments: dict[str, UploadFile], commands: Commands, store: PhotoStore
) -> list[str]:
    """Take a submission, then each photo of it in a transaction of its own; names of the photos that are still missing.

    Attachments that the form does not name are left out. Raises Refusal; then what came before it is kept, so that the
    phone may send everything again.
    """
    received = await commands.execute(handlers.submit_inspection, command)
    raise_conflict(received)
    named = {*command.photos, *(name for given in command.items for name in given.photos)}
    missing = received.missing_photos
    for name in sorted(named & set(attachments)):
        content = await attachments[name].read()
        missing = await receive_attachment(received.inspection_id, command.instance_id, name, content, commands, store)
    return missing


async def receive_attachment(
    inspection_id: UUID, instance_id: str, name: str, content: bytes, commands: Commands, store: PhotoStore
) -> list[str]:
    """Take one photo; names of the photos that are still missing. Raises Refusal `warehouse.photo.*`."""
    photo = await take_photo(content, store)
    command = ReceivePhoto(inspection_id=inspection_id, instance_id=instance_id, name=name, photo=photo)
    return (await commands.execute(handlers.receive_photo, command)).missing or []


@asynccontextmanager
async def _opened(request: Request) -> AsyncGenerator[Envelope]:
    """The parts of a multipart body, in any order. Raises Refusal unless exactly one of them is the form."""
    forms: list[bytes] = []
    envelope = Envelope(b"")
    async with request.form(max_files=PARTS_MAX, max_fields=PARTS_MAX, max_part_size=FORM_BYTES_MAX) as parts:
        for name, part in parts.multi_items():
            if name == XML_PART:
                forms.append(part.encode() if isinstance(part, str) else await part.read(FORM_BYTES_MAX + 1))
            elif name == INCOMPLETE_PART:
                envelope.is_incomplete = isinstance(part, str) and part.strip().lower() == "yes"
            elif not isinstance(part, str):
                envelope.attachments[name] = part
        if len(forms) != 1:
            raise Refusal(refusals.FORM_PART_MISSING)
        envelope.form = forms[0]
        yield envelope


async def _media_files(queries: Queries) -> dict[str, bytes]:
    async with queries.read() as connection:
        sites = await list_assigned_sites(connection, queries.principal.subject)
    return documents.media_files(sites)


def _base_url(request: Request) -> str:
    return f"{str(request.base_url).rstrip('/')}{OPENROSA_PATH}"


def _language(request: Request) -> problems.Language:
    asked = request.headers.get("accept-language")
    return "fa" if asked is None else problems.choose_language(asked)


def _received(language: problems.Language) -> str:
    return RECEIVED_FA if language == "fa" else RECEIVED_EN


def _xml(content: bytes, status: int = 200) -> Response:
    return Response(content, status, media_type=XML_MEDIA_TYPE, headers={"cache-control": "no-store"})


def _refused(request: Request, error: Exception, language: problems.Language) -> Response:
    context: RequestContext = request.scope[CONTEXT_KEY]
    told = problem_response(error, context)
    response = _xml(documents.response(refusal_of(error).text(language), "submit_refused"), told.status_code)
    for name in ("www-authenticate", "retry-after"):
        if name in told.headers:
            response.headers[name] = told.headers[name]
    return response

"""HTTP of people in a workbook: the template, a dry run, and the import of what the dry run showed."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query, Response, UploadFile

from services.notifications.api.roles import ADMINISTRATORS
from services.notifications.handlers.people_import import (
    PLAN_PATTERN,
    ImportPeople,
    PeoplePlan,
    groups_of,
    import_people,
    plan_people,
)
from services.notifications.people_file import (
    read_people_file,
    write_people_template,
)
from services.notifications.store.members import list_members_of
from shared.kit.http import Commands, Queries, allow, allow_read
from shared.spreadsheet.export import XLSX_MEDIA_TYPE
from shared.spreadsheet.upload import FILE_BYTES_MAX, ReadSheet

router = APIRouter()

_reader: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="people-reader")


@router.get("/people-imports/template", response_class=Response)
async def download_template(
    queries: Annotated[Queries, Depends(allow_read(*ADMINISTRATORS))],
    language: Literal["fa", "en"] = "fa",
    with_people: bool = False,
) -> Response:
    """The workbook to fill in; `with_people`: with everybody of the caller's offices, to change and import again."""
    async with queries.read() as connection:
        groups = sorted(groups_of(queries.principal)) if with_people else []
        members = await list_members_of(connection, groups)
    content = await asyncio.to_thread(write_people_template, members, language)
    headers = {"Content-Disposition": 'attachment; filename="people.xlsx"'}
    return Response(content, media_type=XLSX_MEDIA_TYPE, headers=headers)


@router.post("/people-imports/dry-run")
async def plan_import(
    file: UploadFile, queries: Annotated[Queries, Depends(allow_read(*ADMINISTRATORS))]
) -> PeoplePlan:
    """Who would join, change or leave if the workbook were imported now; nothing is saved."""
    read = await _read_upload(file)
    async with queries.read() as connection:
        return await plan_people(connection, read.rows, queries.principal)


@router.post("/people-imports", status_code=201)
async def apply_import(
    file: UploadFile,
    plan: Annotated[str, Query(pattern=PLAN_PATTERN)],
    commands: Annotated[Commands, Depends(allow(*ADMINISTRATORS))],
) -> PeoplePlan:
    """Import the workbook of the dry run that answered with `plan`: every office that it names, whole or not at all."""
    read = await _read_upload(file)
    return await commands.execute(import_people, ImportPeople(plan=plan, file_sha256=read.file_sha256, rows=read.rows))


async def _read_upload(file: UploadFile) -> ReadSheet:
    """The rows of an uploaded XLSX, read aside, one at a time. Raises Refusal."""
    content = await file.read(FILE_BYTES_MAX + 1)
    return await asyncio.get_running_loop().run_in_executor(_reader, read_people_file, content)

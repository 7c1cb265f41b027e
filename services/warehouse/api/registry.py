"""HTTP of the registry import."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, UploadFile
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from services.warehouse import handlers
from services.warehouse.domain import refusals
from services.warehouse.handlers import messages
from services.warehouse.handlers.registry_report_lines import read_part
from services.warehouse.registry_file import MAPPING_BYTES_MAX, Progress, read_mapping, read_registry
from services.warehouse.registry_report import MEDIA_TYPE, ReportWorkbook
from services.warehouse.store import registry_imports
from services.warehouse.store.registry_imports import ImportRecord, MissingLine, Section
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.http import Commands, Queries, allow, allow_read
from shared.kit.paging import Page, page_of
from shared.kit.transaction import Connection

IMPORT_TIMEOUT_S = 300.0
"""A hundred thousand rows take some ten seconds; a slow disk may take many times that."""
PAGE_ITEMS_MAX = 1_000
DOWNLOAD_CHUNK_BYTES = 256 * 1024

router = APIRouter()

Clerk = Annotated[Commands, Depends(allow("registry_clerk"))]
ClerkReads = Annotated[Queries, Depends(allow_read("registry_clerk"))]
Limit = Annotated[int, Query(ge=1, le=PAGE_ITEMS_MAX)]


class ImportProgress(BaseModel):
    """An import of the caller that this process is working on; `share` of the stage is done, 0..1."""

    correlation_id: str
    stage: Literal["reading", "applying"]
    share: float


_reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="registry-reader")
"""One file is read at a time: two would share the same processor and take twice the memory."""
_running: dict[tuple[str, str], Progress] = {}
"""Imports that this process is working on, by the caller's subject and correlation id."""


@router.post("/registry-imports", status_code=201)
async def import_registry(
    mode: Literal["dry_run", "apply"], file: UploadFile, commands: Clerk, mapping: UploadFile | None = None
) -> messages.RegistryImported:
    """Look at a registry file, or apply it: XLSX, XLS or CSV (UTF-8 or Windows-1256), headings in row 1.

    `mapping`: YAML or JSON that says where a file of another layout keeps the same; see the documentation.
    """
    said = await mapping.read(MAPPING_BYTES_MAX + 1) if mapping else None
    layout = read_mapping(said)
    key, progress = (commands.principal.subject, commands.correlation_id), Progress()
    _running[key] = progress
    try:
        loop = asyncio.get_running_loop()
        with await loop.run_in_executor(_reader, read_registry, file.file, layout, progress) as read:
            command = messages.ImportRegistry(
                mode=mode,
                file_sha256=read.file_sha256,
                mapping_sha256=hashlib.sha256(said).hexdigest() if said is not None else None,
                read=read,
                progress=progress,
            )
            return await commands.execute(handlers.import_registry, command, IMPORT_TIMEOUT_S)
    finally:
        _running.pop(key, None)


@router.get("/registry-imports/progress")
async def read_progress(queries: ClerkReads) -> list[ImportProgress]:
    """How far the caller's own imports have come that this process is working on."""
    subject = queries.principal.subject
    return [
        ImportProgress(correlation_id=correlation_id, stage=progress.stage, share=round(progress.share, 4))
        for (who, correlation_id), progress in _running.items()
        if who == subject
    ]


@router.get("/registry-imports")
async def list_imports(queries: ClerkReads, limit: Limit = 100, after: UUID | None = None) -> Page[ImportRecord]:
    """Files that were looked at or applied, the latest first."""
    _require_province(queries)
    async with queries.read() as connection:
        records = await registry_imports.list_imports(connection, limit, after)
    return page_of(records, limit, lambda line: line.import_id)


@router.get("/registry-imports/{import_id}/missing")
async def list_missing(
    import_id: UUID, queries: ClerkReads, limit: Limit = 100, after: UUID | None = None
) -> Page[MissingLine]:
    """Recorded sites of the caller's counties that the file does not name; nothing was changed on them."""
    async with queries.read() as connection:
        await _record(connection, import_id)
        lines = await registry_imports.list_missing(connection, import_id, limit, after)
    return page_of(lines, limit, lambda line: line.warehouse_id)


@router.get("/registry-imports/{import_id}/report", response_class=StreamingResponse)
async def download_report(import_id: UUID, queries: ClerkReads) -> StreamingResponse:
    """What became of the file's rows, as an XLSX workbook in Persian."""
    _require_province(queries)
    async with queries.read() as connection:
        record = await _record(connection, import_id)
        report = await asyncio.to_thread(ReportWorkbook, record)
        for section in Section:
            async for part in registry_imports.read_lines(connection, import_id, section):
                await asyncio.to_thread(report.write_lines, section, read_part(part))
        after: UUID | None = None
        while missing := await registry_imports.list_missing(connection, import_id, PAGE_ITEMS_MAX, after):
            await asyncio.to_thread(report.write_missing, missing)
            after = missing[-1].warehouse_id
    if not report.is_complete:
        report.close()
        raise Refusal(refusals.IMPORT_NOT_FOUND)
    workbook = await asyncio.to_thread(report.finish)
    headers = {"Content-Disposition": f'attachment; filename="registry-import-{import_id}.xlsx"'}
    return StreamingResponse(_pieces(workbook), media_type=MEDIA_TYPE, headers=headers)


async def _record(connection: Connection, import_id: UUID) -> ImportRecord:
    record = await registry_imports.read_import(connection, import_id)
    if record is None:
        raise Refusal(refusals.IMPORT_NOT_FOUND)
    return record


def _require_province(queries: Queries) -> None:
    if queries.principal.counties != frozenset(County):
        raise Refusal(refusals.IMPORT_PROVINCE_WIDE)


async def _pieces(workbook: IO[bytes]) -> AsyncGenerator[bytes]:
    with workbook:
        while piece := workbook.read(DOWNLOAD_CHUNK_BYTES):
            yield piece

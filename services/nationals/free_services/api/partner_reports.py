"""HTTP of partners' reports: template, import, what came and what is awaited. Figures are counts per county and service.

They are working figures for whom they concern; what is published goes through the hiding of small cells.
"""

import asyncio
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response, UploadFile
from pydantic import BaseModel

from services.nationals.free_services.api.partners import EitherReads, Limit
from services.nationals.free_services.api.upload import read_upload
from services.nationals.free_services.domain import partner_refusals as refusals
from services.nationals.free_services.handlers import partner_reports as handlers
from services.nationals.free_services.handlers.partner_access import MANAGER, REPORTER, only_partner
from services.nationals.free_services.spreadsheet import write_report_template
from services.nationals.free_services.store import partner_reports as report_store
from services.nationals.free_services.store.partner_reports import ReportState
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService
from shared.contracts.refusals import Refusal
from shared.kit.http import Commands, allow
from shared.kit.paging import Page
from shared.spreadsheet.export import XLSX_MEDIA_TYPE

IMPORT_TIMEOUT_S = 60.0
CURSOR_SEPARATOR = "/"

router = APIRouter()

Sender = Annotated[Commands, Depends(allow(MANAGER, REPORTER))]
Cursor = Annotated[str, Query(pattern=r"^[0-9a-f-]{36}/1[34][0-9]{2}-([01][0-9]|Q[1-4])$")]


class ReportLine(BaseModel):
    agreement_id: UUID
    period: str
    partner_id: UUID
    due_on: date
    state: ReportState
    version: int


class FigureView(BaseModel):
    county: County
    service: FreeService
    given: int
    unmet: int


class VersionView(BaseModel):
    version: int
    file_sha256: str
    received_by: str
    received_at: datetime


class ReportView(ReportLine):
    """The figures of one version, of the caller's counties, and every version that has come."""

    shown_version: int
    figures: list[FigureView]
    versions: list[VersionView]


@router.get("/partner-agreements/{agreement_id}/reports/{period}/template", response_class=Response)
async def download_template(agreement_id: UUID, period: str, queries: EitherReads) -> Response:
    """The workbook to fill in: one row for each county and service of the agreement, everything else locked."""
    async with queries.read() as connection:
        agreement, found = await handlers.agreement_and_period(connection, queries.principal, agreement_id, period)
    content = await asyncio.to_thread(
        write_report_template, str(agreement_id), found, agreement.counties, agreement.services
    )
    headers = {"Content-Disposition": f'attachment; filename="report-{found.key}.xlsx"'}
    return Response(content, media_type=XLSX_MEDIA_TYPE, headers=headers)


@router.post("/partner-agreements/{agreement_id}/reports/{period}", status_code=201)
async def import_report(agreement_id: UUID, period: str, file: UploadFile, commands: Sender) -> handlers.ReportImported:
    """Take the filled-in workbook, whole or not at all; a corrected one replaces it and keeps it in the history."""
    read = await read_upload(file)
    command = handlers.ImportReport(
        agreement_id=agreement_id, period=period, file_sha256=read.file_sha256, rows=read.rows
    )
    return await commands.execute(handlers.import_report, command, IMPORT_TIMEOUT_S)


@router.get("/partner-agreements/{agreement_id}/reports/{period}")
async def read_report(
    agreement_id: UUID, period: str, queries: EitherReads, version: Annotated[int | None, Query(ge=1)] = None
) -> ReportView:
    async with queries.read() as connection:
        _, found = await handlers.agreement_and_period(connection, queries.principal, agreement_id, period)
        report = await report_store.find_report(connection, agreement_id, found.key)
        if report is None or not 1 <= (version or report.version) <= report.version:
            raise Refusal(refusals.REPORT_NOT_FOUND)
        shown = version or report.version
        figures = await report_store.list_figures(connection, agreement_id, found.key, shown)
        versions = await report_store.list_versions(connection, agreement_id, found.key)
    return ReportView(
        agreement_id=report.agreement_id,
        period=report.period,
        partner_id=report.partner_id,
        due_on=report.due_on,
        state=report.state,
        version=report.version,
        shown_version=shown,
        figures=[
            FigureView(county=figure.county, service=figure.service, given=figure.given, unmet=figure.unmet)
            for figure in figures
        ],
        versions=[
            VersionView(
                version=row.version,
                file_sha256=row.file_sha256,
                received_by=row.received_by,
                received_at=row.received_at,
            )
            for row in versions
        ],
    )


@router.get("/partner-reports")
async def list_reports(
    queries: EitherReads,
    partner_id: UUID | None = None,
    state: ReportState | None = None,
    limit: Limit = 100,
    after: Cursor | None = None,
) -> Page[ReportLine]:
    """Reports that are awaited, late or received. A partner's own account sees its partner's alone."""
    agreement_id, _, period = (after or "").partition(CURSOR_SEPARATOR)
    place = (UUID(agreement_id), period) if after else None
    async with queries.read() as connection:
        only = await only_partner(connection, queries.principal)
        if only is not None and partner_id not in (None, only):
            return Page(items=[])
        rows = await report_store.list_reports(connection, only or partner_id, state, place, limit)
    lines = [
        ReportLine(
            agreement_id=row.agreement_id,
            period=row.period,
            partner_id=row.partner_id,
            due_on=row.due_on,
            state=row.state,
            version=row.version,
        )
        for row in rows
    ]
    following = f"{rows[-1].agreement_id}{CURSOR_SEPARATOR}{rows[-1].period}" if len(rows) == limit else None
    return Page(items=lines, next=following)

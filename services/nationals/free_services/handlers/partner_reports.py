"""Reports of partners: taken whole or not at all, kept with every version."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SkipValidation

from services.nationals.free_services.domain import partner_refusals as refusals
from services.nationals.free_services.domain.agreement import require_ended, require_period
from services.nationals.free_services.domain.partner_report import read_report
from services.nationals.free_services.domain.report_period import ReportPeriod
from services.nationals.free_services.handlers.partner_access import require_counties, require_own
from services.nationals.free_services.store import agreements as agreement_store
from services.nationals.free_services.store import partner_reports as report_store
from services.nationals.free_services.store.agreements import AgreementRow
from shared.contracts.free_services import PartnerReportReceived
from shared.contracts.refusals import Refusal
from shared.kit.auth import Principal
from shared.kit.transaction import Connection, Transaction
from shared.persian.calendar import office_date
from shared.spreadsheet.rows import SheetRow


class ImportReport(BaseModel):
    """A report's file, already read into rows. Its hash stands for it where two commands are compared."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    agreement_id: UUID
    period: str
    file_sha256: str
    rows: Annotated[Sequence[SheetRow], SkipValidation] = Field(exclude=True)


class ReportImported(BaseModel):
    """`changed` is false where the file says what the report says already."""

    agreement_id: UUID
    period: str
    version: int
    figure_count: int
    changed: bool


async def import_report(command: ImportReport, tx: Transaction) -> ReportImported:
    """Take a report, or a corrected one, which replaces the last and keeps it. The same figures again change nothing.

    Raises Refusal: the file with every row, column and reason; an agreement or period that is not the caller's.
    """
    agreement, period = await agreement_and_period(tx.connection, tx.principal, command.agreement_id, command.period)
    require_counties(tx.principal, agreement.counties)
    require_ended(period, office_date(tx.now))
    figures = read_report(command.rows, str(agreement.agreement_id), period, agreement.counties, agreement.services)
    await report_store.ensure_report(
        tx.connection,
        agreement.agreement_id,
        period.key,
        agreement.partner_id,
        agreement.counties,
        agreement.terms.due_on(period),
    )
    report = await report_store.lock_report(tx.connection, agreement.agreement_id, period.key)
    if report is None:
        raise Refusal(refusals.AGREEMENT_NOT_FOUND)
    version = report.version
    changed = not version or figures != await report_store.list_figures(
        tx.connection, agreement.agreement_id, period.key, version
    )
    if changed:
        version = await report_store.add_version(
            tx.connection, report, figures, command.file_sha256, tx.principal.subject
        )
        await tx.publish(
            PartnerReportReceived(
                partner_id=agreement.partner_id,
                agreement_id=agreement.agreement_id,
                county=agreement.home_county,
                period=period.key,
                report_version=version,
            )
        )
    return ReportImported(
        agreement_id=agreement.agreement_id,
        period=period.key,
        version=version,
        figure_count=len(figures),
        changed=changed,
    )


async def agreement_and_period(
    connection: Connection, principal: Principal, agreement_id: UUID, key: str
) -> tuple[AgreementRow, ReportPeriod]:
    """The agreement, if it is the caller's to see, and a period that it owes a report for. Raises Refusal."""
    agreement = await agreement_store.find_agreement(connection, agreement_id)
    if agreement is None:
        raise Refusal(refusals.AGREEMENT_NOT_FOUND)
    await require_own(connection, principal, agreement.partner_id, refusals.AGREEMENT_NOT_FOUND)
    return agreement, require_period(agreement.terms, key)

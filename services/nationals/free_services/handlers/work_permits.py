"""Work permits: recorded one by one or from a file, renewed, and noticed before they end. There is no revocation."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SkipValidation
from uuid_utils.compat import uuid7

from services.nationals.free_services.domain import partner_refusals as refusals
from services.nationals.free_services.domain.sheet_headings import refuse_file
from services.nationals.free_services.domain.work_permit import (
    COUNTY_NOT_YOURS,
    PERMIT_ELSEWHERE,
    OccupationGroup,
    Permit,
    PermitColumn,
    PermitState,
    StatedPermit,
    compare,
    is_too_far,
    problem_of,
    read_permits,
    read_reference,
    state_of,
)
from services.nationals.free_services.notice_periods import NoticePolicy, notice_periods
from services.nationals.free_services.store import work_permits as permit_store
from services.nationals.free_services.store.work_permits import PermitRow
from shared.contracts.counties import County
from shared.contracts.free_services import WorkPermitExpired, WorkPermitExpiring, WorkPermitRenewed
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Transaction
from shared.persian.calendar import end_of, jalali_text, office_date
from shared.spreadsheet.rows import RowProblem, RowReason, SheetRow

PERMIT_NOTICE = "nationals.work_permit_notice"
PERMIT_END = "nationals.work_permit_end"

_NO_DELAY = timedelta(0)


class RecordPermit(BaseModel):
    permit_number: str
    employer_reference: str
    occupation_group: OccupationGroup
    county: County
    valid_until: date


class PermitRecorded(BaseModel):
    permit_id: UUID
    state: PermitState


class RenewPermit(BaseModel):
    permit_id: UUID
    valid_until: date


class PermitRenewed(BaseModel):
    permit_id: UUID
    valid_until: date
    state: PermitState


class ImportPermits(BaseModel):
    """A file of permits, already read into rows. Its hash stands for it where two commands are compared."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    file_sha256: str
    rows: Annotated[Sequence[SheetRow], SkipValidation] = Field(exclude=True)


class PermitsImported(BaseModel):
    recorded: int
    renewed: int
    unchanged: int


async def record_permit(command: RecordPermit, tx: Transaction) -> PermitRecorded:
    """Record one permit. Raises Refusal for a reference that is none or that is a person's, and for a known number."""
    today = office_date(tx.now)
    permit = Permit(
        _reference("permit_number", command.permit_number),
        _reference("employer_reference", command.employer_reference),
        command.occupation_group,
        command.county,
        command.valid_until,
    )
    if is_too_far(permit.valid_until, today):
        raise Refusal(refusals.PERMIT_DATE_TOO_FAR)
    new = PermitRow(uuid7(), permit, state_of(permit.valid_until, today))
    await _arm_notice(new, tx)
    if not await permit_store.insert_permits(tx.connection, [new], tx.principal.subject):
        raise Refusal(refusals.PERMIT_EXISTS)
    return PermitRecorded(permit_id=new.permit_id, state=new.state)


async def renew_permit(command: RenewPermit, tx: Transaction) -> PermitRenewed:
    """Put a permit's last day off, also after it has passed. Raises Refusal for a day that is no later one."""
    recorded = await permit_store.lock_permit(tx.connection, command.permit_id)
    if recorded is None:
        raise Refusal(refusals.PERMIT_NOT_FOUND)
    today = office_date(tx.now)
    if command.valid_until <= recorded.permit.valid_until or command.valid_until < today:
        raise Refusal(refusals.RENEWAL_NOT_LATER, valid_until=jalali_text(recorded.permit.valid_until))
    if is_too_far(command.valid_until, today):
        raise Refusal(refusals.PERMIT_DATE_TOO_FAR)
    renewal = replace(
        recorded, permit=replace(recorded.permit, valid_until=command.valid_until), state=PermitState.VALID
    )
    await _renew([renewal], tx)
    return PermitRenewed(permit_id=renewal.permit_id, valid_until=command.valid_until, state=renewal.state)


async def import_permits(command: ImportPermits, tx: Transaction) -> PermitsImported:
    """Record the permits of a file and renew those with a later last day: all of them, or none.

    The same file again changes nothing. Raises Refusal with every row, column and reason.
    """
    today = office_date(tx.now)
    stated = read_permits(command.rows, today)
    numbers = [row.permit.permit_number for row in stated]
    recorded = await permit_store.lock_permits_by_number(tx.connection, numbers)
    problems: list[RowProblem] = []
    new: list[PermitRow] = []
    renewals: list[PermitRow] = []
    for row in stated:
        known = recorded.get(row.permit.permit_number)
        differs = None if known is None else compare(known.permit, row.permit)
        if row.permit.county not in tx.principal.counties:
            problems.append(problem_of(row.row, PermitColumn.COUNTY, COUNTY_NOT_YOURS))
        elif differs is not None:
            problems.append(problem_of(row.row, *differs))
        elif known is None:
            new.append(PermitRow(uuid7(), row.permit, state_of(row.permit.valid_until, today)))
        elif row.permit.valid_until > known.permit.valid_until:
            renewals.append(PermitRow(known.permit_id, row.permit, state_of(row.permit.valid_until, today)))
    refuse_file(problems)
    for permit in new:
        await _arm_notice(permit, tx)
    added = await permit_store.insert_permits(tx.connection, new, tx.principal.subject)
    _refuse_elsewhere(stated, new, added)
    await _renew(renewals, tx)
    return PermitsImported(recorded=len(new), renewed=len(renewals), unchanged=len(stated) - len(new) - len(renewals))


async def notice_permit(permit_id: UUID, policy: NoticePolicy, tx: Transaction) -> None:
    """The permit ends soon: tell, so that its employer is reminded, and wait for its end."""
    recorded = await permit_store.lock_permit(tx.connection, permit_id)
    if recorded is None or recorded.state is not PermitState.VALID:
        return
    end = end_of(recorded.permit.valid_until)
    await tx.arm_timer(PERMIT_END, permit_id, max(_NO_DELAY, end - max(tx.now, end - policy.notice)))
    await permit_store.set_state(tx.connection, permit_id, PermitState.EXPIRING)
    await tx.publish(
        WorkPermitExpiring(permit_id=permit_id, county=recorded.permit.county, valid_until=recorded.permit.valid_until)
    )


async def expire_permit(permit_id: UUID, tx: Transaction) -> None:
    """The permit's last day has passed: the reminder ends, and nothing else follows."""
    recorded = await permit_store.lock_permit(tx.connection, permit_id)
    if recorded is None or recorded.state is not PermitState.EXPIRING:
        return
    await permit_store.set_state(tx.connection, permit_id, PermitState.EXPIRED)
    await tx.publish(
        WorkPermitExpired(permit_id=permit_id, county=recorded.permit.county, valid_until=recorded.permit.valid_until)
    )


async def _renew(renewals: Sequence[PermitRow], tx: Transaction) -> None:
    for renewal in renewals:
        await tx.cancel_timer(PERMIT_END, renewal.permit_id)
        await _arm_notice(renewal, tx)
    await permit_store.renew_permits(tx.connection, renewals, tx.principal.subject)
    await tx.publish_many(
        [
            WorkPermitRenewed(
                permit_id=renewal.permit_id, county=renewal.permit.county, valid_until=renewal.permit.valid_until
            )
            for renewal in renewals
        ]
    )


async def _arm_notice(recorded: PermitRow, tx: Transaction) -> None:
    """Arm the notice of the permit's end, at once if it is that near. One that has ended is not noticed."""
    if recorded.state is PermitState.VALID:
        policy = notice_periods().permit_notice
        delay = max(_NO_DELAY, end_of(recorded.permit.valid_until) - policy.notice - tx.now)
        await tx.arm_timer(PERMIT_NOTICE, recorded.permit_id, delay, policy)


def _refuse_elsewhere(stated: Sequence[StatedPermit], new: Sequence[PermitRow], added: set[UUID]) -> None:
    """Raises Refusal for numbers that another county has, or that another import has just recorded."""
    rows = {row.permit.permit_number: row.row for row in stated}
    refuse_file(
        [
            problem_of(rows[permit.permit.permit_number], PermitColumn.PERMIT_NUMBER, PERMIT_ELSEWHERE)
            for permit in new
            if permit.permit_id not in added
        ]
    )


def _reference(field: str, written: str) -> str:
    read = read_reference(written)
    if isinstance(read, RowReason):
        raise Refusal(refusals.PERMIT_REFERENCE, field=field, text_en=read.text_en, text_fa=read.text_fa)
    return read

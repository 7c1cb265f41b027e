"""What an agreement's days bring by themselves: notices of its end, and of reports that did not come."""

from datetime import date, datetime, timedelta
from uuid import UUID

from services.nationals.free_services.domain.agreement import AgreementState
from services.nationals.free_services.domain.report_period import ReportPeriod, read_key
from services.nationals.free_services.notice_periods import NoticePolicy, notice_periods
from services.nationals.free_services.store import agreements as agreement_store
from services.nationals.free_services.store import partner_reports as report_store
from services.nationals.free_services.store.agreements import AgreementRow
from services.nationals.free_services.store.partner_reports import ReportState
from shared.contracts.free_services import PartnerAgreementEnded, PartnerAgreementExpiring, PartnerReportLate
from shared.kit.transaction import Transaction
from shared.persian.calendar import end_of

AGREEMENT_NOTICE = "nationals.partner_agreement_notice"
AGREEMENT_END = "nationals.partner_agreement_end"
REPORT_DUE = "nationals.partner_report_due"

_NO_DELAY = timedelta(0)
_SEPARATOR = "/"


async def arm_agreement_notice(agreement: AgreementRow, valid_until: date, tx: Transaction) -> None:
    """Arm the notice of the agreement's end, at once if it is that near."""
    policy = notice_periods().agreement_notice
    delay = max(_NO_DELAY, end_of(valid_until) - policy.notice - tx.now)
    await tx.arm_timer(AGREEMENT_NOTICE, agreement.agreement_id, delay, policy)


async def notice_agreement(agreement_id: UUID, policy: NoticePolicy, tx: Transaction) -> None:
    """The agreement ends soon: tell, and wait for its end."""
    agreement = await agreement_store.lock_agreement(tx.connection, agreement_id)
    if agreement is None or agreement.state is not AgreementState.IN_FORCE:
        return
    end = end_of(agreement.terms.valid_until)
    await tx.arm_timer(AGREEMENT_END, agreement_id, max(_NO_DELAY, end - max(tx.now, end - policy.notice)))
    await agreement_store.set_state(tx.connection, agreement_id, AgreementState.EXPIRING)
    await tx.publish(
        PartnerAgreementExpiring(
            partner_id=agreement.partner_id,
            agreement_id=agreement_id,
            county=agreement.home_county,
            valid_until=agreement.terms.valid_until,
        )
    )


async def end_agreement(agreement_id: UUID, tx: Transaction) -> None:
    """The agreement's last day has passed. Reports that it owes are still awaited."""
    agreement = await agreement_store.lock_agreement(tx.connection, agreement_id)
    if agreement is None or agreement.state is not AgreementState.EXPIRING:
        return
    await agreement_store.set_state(tx.connection, agreement_id, AgreementState.ENDED)
    await tx.publish(
        PartnerAgreementEnded(
            partner_id=agreement.partner_id,
            agreement_id=agreement_id,
            county=agreement.home_county,
            valid_until=agreement.terms.valid_until,
        )
    )


async def chase_report(agreement: AgreementRow, period: ReportPeriod, since: datetime, tx: Transaction) -> None:
    """Expect the report of `period`: a row for it, and a timer that runs from `since` to the end of its due date."""
    due_on = agreement.terms.due_on(period)
    subject = f"{agreement.agreement_id}{_SEPARATOR}{period.key}"
    await tx.arm_timer(REPORT_DUE, subject, max(_NO_DELAY, end_of(due_on) - since))
    await report_store.ensure_report(
        tx.connection, agreement.agreement_id, period.key, agreement.partner_id, agreement.counties, due_on
    )
    await agreement_store.set_chased_period(tx.connection, agreement.agreement_id, period.key)


async def notice_late_report(subject_id: str, tx: Transaction) -> None:
    """The due date of a report has passed: tell if it has not come, and expect the next one."""
    agreement_id, _, key = subject_id.partition(_SEPARATOR)
    agreement = await agreement_store.lock_agreement(tx.connection, UUID(agreement_id))
    period = read_key(key)
    if agreement is None or period is None or agreement.chased_period != key:
        return
    report = await report_store.lock_report(tx.connection, agreement.agreement_id, key)
    if report is not None and report.state is ReportState.AWAITED:
        await report_store.set_late(tx.connection, agreement.agreement_id, key)
        await tx.publish(
            PartnerReportLate(
                partner_id=agreement.partner_id,
                agreement_id=agreement.agreement_id,
                county=agreement.home_county,
                period=key,
                due_on=report.due_on,
            )
        )
    following = agreement.terms.next_owed(period)
    if following is None:
        await agreement_store.set_chased_period(tx.connection, agreement.agreement_id, None)
    else:
        due_at = end_of(agreement.terms.due_on(period))
        await chase_report(agreement, following, max(tx.now, due_at), tx)

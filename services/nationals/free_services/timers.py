"""Due timers. Each one calls a handler."""

from uuid import UUID

from services.nationals.free_services.handlers import agreement_timers, support_requests, work_permits
from services.nationals.free_services.handlers.agreement_timers import AGREEMENT_END, AGREEMENT_NOTICE, REPORT_DUE
from services.nationals.free_services.handlers.support_requests import SUPPORT_ANSWER
from services.nationals.free_services.handlers.work_permits import PERMIT_END, PERMIT_NOTICE
from services.nationals.free_services.notice_periods import NoticePolicy
from shared.kit.routing import DueTimer, timer
from shared.kit.transaction import Transaction


@timer(AGREEMENT_NOTICE, policy=NoticePolicy)
async def notice_agreement(due: DueTimer, tx: Transaction) -> None:
    await agreement_timers.notice_agreement(UUID(due.subject_id), _notice(due), tx)


@timer(AGREEMENT_END)
async def end_agreement(due: DueTimer, tx: Transaction) -> None:
    await agreement_timers.end_agreement(UUID(due.subject_id), tx)


@timer(REPORT_DUE)
async def notice_late_report(due: DueTimer, tx: Transaction) -> None:
    await agreement_timers.notice_late_report(due.subject_id, tx)


@timer(SUPPORT_ANSWER)
async def notice_unanswered_request(due: DueTimer, tx: Transaction) -> None:
    await support_requests.notice_unanswered_request(UUID(due.subject_id), tx)


@timer(PERMIT_NOTICE, policy=NoticePolicy)
async def notice_permit(due: DueTimer, tx: Transaction) -> None:
    await work_permits.notice_permit(UUID(due.subject_id), _notice(due), tx)


@timer(PERMIT_END)
async def expire_permit(due: DueTimer, tx: Transaction) -> None:
    await work_permits.expire_permit(UUID(due.subject_id), tx)


def _notice(due: DueTimer) -> NoticePolicy:
    if not isinstance(due.policy, NoticePolicy):
        raise TypeError(f"timer {due.kind} carries no notice policy")
    return due.policy

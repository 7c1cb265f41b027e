"""Noticing in time that a screening runs out, so that a household on its way is not stopped by an office's delay."""

from datetime import datetime, timedelta
from uuid import UUID

from pydantic import BaseModel

from services.nationals.casework.domain.case_facts import CaseState
from services.nationals.casework.periods import casework_periods
from services.nationals.casework.store import cases as case_store
from shared.contracts.nationals import ReturnScreeningExpiring
from shared.kit.logging import get_logger
from shared.kit.transaction import Transaction

SCREENING_EXPIRY = "nationals.screening_expiry"
WARNED_STATES = frozenset({CaseState.CONSENTED, CaseState.BOOKED})

log = get_logger(__name__)


class ScreeningWatch(BaseModel, frozen=True):
    """What the timer was armed for, copied into it: the screening of the case that runs out first."""

    valid_until: datetime


async def watch_screenings(case_id: UUID, tx: Transaction, after: datetime | None = None) -> None:
    """Arm the case's warning for the screening that runs out next; `after`: the one that was warned of already.

    Called where a screening is recorded and where a consent is: from then on the household waits for a place or a day.
    """
    screenings = await case_store.latest_screenings(tx.connection, case_id)
    ends = [each.valid_until for each in screenings.values() if each.valid_until > (after or tx.now)]
    if not ends:
        await tx.cancel_timer(SCREENING_EXPIRY, case_id)
        return
    first = min(ends)
    delay = max(first - tx.now - casework_periods().screening_warning, timedelta())
    await tx.arm_timer(SCREENING_EXPIRY, case_id, delay, ScreeningWatch(valid_until=first))


async def warn_of_screening_expiry(case_id: UUID, watch: ScreeningWatch, tx: Transaction) -> None:
    """Tell the protection office that a screening is about to run out. The case is not changed.

    A warning of a screening that was renewed meanwhile, or of a case that is not on its way, is not given (safeguard 12).
    """
    case = await case_store.lock_case(tx.connection, case_id)
    if case is None or case.state not in WARNED_STATES:
        log.info("screening_expiry_ignored", case_id=str(case_id))
        return
    screenings = await case_store.latest_screenings(tx.connection, case_id)
    if any(each.valid_until == watch.valid_until for each in screenings.values()):
        await tx.publish(ReturnScreeningExpiring(case_id=case_id, county=case.county, valid_until=watch.valid_until))
    await watch_screenings(case_id, tx, after=max(watch.valid_until, tx.now))

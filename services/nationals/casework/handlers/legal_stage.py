"""What the steps of phase two have in common: the case with its legal facts, its timers, and the way back."""

from dataclasses import replace
from uuid import UUID

from services.nationals.casework.domain.case_facts import CaseFacts, CaseState
from services.nationals.casework.domain.legal_facts import DecisionState
from services.nationals.casework.handlers.case_reading import read_facts
from services.nationals.casework.handlers.places import give_back_places
from services.nationals.casework.handlers.reviews import LEGAL_REVIEW_REMINDER
from services.nationals.casework.handlers.voluntary_period import VOLUNTARY_PERIOD, stop_voluntary_period
from services.nationals.casework.periods import AppealWindowPolicy, casework_periods
from services.nationals.casework.store import appeals as appeal_store
from services.nationals.casework.store import bookings as booking_store
from services.nationals.casework.store import legal_reviews as legal_store
from services.nationals.casework.store import reviews as review_store
from services.nationals.casework.store.bookings import BookingState
from services.nationals.casework.store.cases import CaseRow
from shared.contracts.nationals import VoluntaryStageRenewed
from shared.kit.auth import SYSTEM
from shared.kit.transaction import Transaction

APPEAL_WINDOW = "nationals.appeal_window"
APPEAL_REMINDER = "nationals.appeal_reminder"


def is_human(tx: Transaction) -> bool:
    return tx.principal.subject != SYSTEM.subject


async def read_legal_stage(case: CaseRow, tx: Transaction) -> CaseFacts:
    """What the guards look at, phase two included, read under the case's lock by a person."""
    facts = await read_facts(case, tx)
    legal = await legal_store.read_legal_facts(tx.connection, case.case_id, tx.now)
    return replace(facts, legal=legal)


async def arm_appeal_window(decision_id: UUID, tx: Transaction) -> None:
    """Start the appeal window that the written decision names. When it is due it changes no state."""
    policy = AppealWindowPolicy(appeal_window_days=await legal_store.read_window_days(tx.connection, decision_id))
    await tx.arm_timer(APPEAL_WINDOW, decision_id, policy.appeal_window, policy)


async def cancel_legal_stage_timers(case: CaseRow, tx: Transaction) -> None:
    """Nothing in phase two waits any longer: call it before the case leaves the stage. The rows follow the case by trigger."""
    review_id = await review_store.find_legal_review_id(tx.connection, case.case_id)
    if review_id is not None:
        await tx.cancel_timer(LEGAL_REVIEW_REMINDER, review_id)
    appeal = await appeal_store.find_open_appeal(tx.connection, case.case_id)
    if appeal is not None:
        await tx.cancel_timer(APPEAL_REMINDER, appeal.appeal_id)
    decision = await legal_store.find_live_decision(tx.connection, case.case_id)
    if decision is not None and decision.state is DecisionState.SERVED:
        await tx.cancel_timer(APPEAL_WINDOW, decision.decision_id)


async def release_places(case: CaseRow, tx: Transaction) -> None:
    booking = await booking_store.held_booking(tx.connection, case.case_id)
    if booking is not None:
        await give_back_places(booking, BookingState.RELEASED, tx)


async def renew_voluntary_stage(case: CaseRow, tx: Transaction) -> None:
    """Back to the start of the voluntary stage with a new full period. While a pause is open the period does not run."""
    await cancel_legal_stage_timers(case, tx)
    await release_places(case, tx)
    period = casework_periods().voluntary_period
    voluntary_until = tx.now + period
    await tx.arm_timer(VOLUNTARY_PERIOD, case.case_id, period)
    await legal_store.renew_voluntary_period(tx.connection, case.case_id, voluntary_until)
    if await review_store.open_pauses(tx.connection, case.case_id):
        await stop_voluntary_period(replace(case, state=CaseState.OPENED), tx)
    await tx.publish(
        VoluntaryStageRenewed(
            case_id=case.case_id,
            county=case.county,
            voluntary_until=voluntary_until,
            was_awaiting_legal_review=case.state is CaseState.AWAITING_LEGAL_REVIEW,
        )
    )

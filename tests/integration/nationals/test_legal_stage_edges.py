"""Where phase two meets the rest: pauses that end, texts that are erased, clocks that run fast, and what comes too late."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.nationals.casework.domain.case_facts import ScreeningOutcome
from services.nationals.casework.domain.clearance import ClearanceReason
from services.nationals.casework.handlers import appeals, legal_decisions, legal_reviews
from services.nationals.casework.handlers.erasure import EraseCase, ErasureWaitsFor, erase_case
from services.nationals.casework.handlers.pauses import VOLUNTARY_PERIOD
from services.nationals.casework.periods import ReviewPolicy
from shared.contracts.nationals import CaseOutcome
from shared.contracts.refusals import Refusal
from shared.kit.clock import set_clock_speedup
from tests.integration.nationals import journey
from tests.integration.nationals import legal_office as legal
from tests.integration.nationals.office import Office
from tests.integration.nationals.test_guards_in_sql import ARM, raw, set_state

SPEEDUP = 1440.0
TEXTS = """
    SELECT reasons, appeal_instructions, return_reason, late_reason, outcome_reasons
    FROM casework.legal_decision LEFT JOIN casework.appeal USING (decision_id)
"""


@pytest.fixture
async def fast_clock() -> AsyncIterator[None]:
    set_clock_speedup(SPEEDUP)
    yield
    set_clock_speedup(1.0)


async def end_pause(office: Office, case_id: UUID, safeguard: int, reason: ClearanceReason) -> None:
    """Two people of the protection office who recorded nothing of it end the pause."""
    clearance_id = await journey.propose(office, case_id, safeguard, reason, journey.PROTECTION[0])
    await journey.decide(office, case_id, clearance_id, journey.PROTECTION[1])


async def test_referral_goes_on_only_after_the_claim_was_decided_by_others(office: Office) -> None:
    case_id, _ = await legal.served(office, window_ended=True)
    await office.screen(case_id, outcome=ScreeningOutcome.PROTECTION_NEED)
    with pytest.raises(Refusal) as refused:
        await legal.refer(office, case_id)
    assert refused.value.reason.safeguard == 5
    await end_pause(office, case_id, 5, ClearanceReason.CLAIM_DECIDED)
    assert await office.state(case_id) == "decision_served", "the end of a pause moves nothing by itself"
    assert await office.armed(VOLUNTARY_PERIOD) == []
    with pytest.raises(Refusal) as refused:
        await legal.refer(office, case_id)
    assert refused.value.reason.safeguard == 1, "the screening that found the need is not a clear one"
    await office.screen(case_id)
    assert (await legal.refer(office, case_id)).state == "referred"


async def test_renewed_period_does_not_run_while_a_pause_is_open(office: Office) -> None:
    case_id = await legal.lapsed(office)
    await office.screen(case_id, outcome=ScreeningOutcome.PROTECTION_NEED)
    await legal.go_back(office, case_id)
    assert await office.armed(VOLUNTARY_PERIOD) == []
    await end_pause(office, case_id, 5, ClearanceReason.CLAIM_DECIDED)
    assert await office.armed(VOLUNTARY_PERIOD) == [str(case_id)]
    days_left = await office.superuser.fetchval(
        "SELECT extract(epoch FROM due_at - now()) / 86400 FROM timer WHERE kind = $1", VOLUNTARY_PERIOD
    )
    assert days_left > 29, "a pause eats nothing of the household's time"
    await office.inform(case_id)
    await office.screen(case_id)
    await office.hear(case_id)
    await office.consent(case_id)
    assert await office.state(case_id) == "consented", "the voluntary way is whole again"


async def test_texts_are_erased_with_the_case_and_evidence_stays(office: Office) -> None:
    basis_id = await legal.basis(office)
    case_id = await legal.lapsed(office)
    await legal.take(office, case_id)
    await legal.assess(office, case_id)
    await legal.give_back(office, case_id, await legal.propose(office, case_id, basis_id=basis_id))
    decision_id = await legal.propose(office, case_id, basis_id=basis_id)
    await legal.confirm(office, case_id, decision_id)
    await legal.serve(office, case_id)
    await legal.appeal(office, case_id, "a reason")
    assert (await office.run(erase_case, EraseCase(case_id=case_id))).waits_for is ErasureWaitsFor.END_OF_CASE
    assert any(any(row) for row in await office.superuser.fetch(TEXTS)), (
        "a running case keeps what protects the household"
    )
    closure = legal_reviews.CloseCase(case_id=case_id, outcome=CaseOutcome.REGULARISED)
    await office.run(legal_reviews.close_case, closure)
    await office.run(erase_case, EraseCase(case_id=case_id))
    rows = await office.superuser.fetch(TEXTS)
    assert len(rows) == 2
    assert not any(any(row) for row in rows)
    evidence = await office.superuser.fetchrow(
        "SELECT proposed_by, confirmed_by, served_by, state FROM casework.legal_decision ORDER BY position DESC LIMIT 1"
    )
    assert evidence is not None
    assert tuple(evidence) == ("legal.one", "legal.two", "caseworker.one", "set_aside")


async def test_window_of_a_sped_up_clock_is_still_a_whole_window(office: Office, fast_clock: None) -> None:
    case_id, _ = await legal.decided(office)
    served = await legal.serve(office, case_id)
    minutes = (served.appeal_window_ends_at - datetime.now(UTC)).total_seconds() / 60
    assert 29 < minutes <= 30, "a day in a minute"
    shorter, _ = await legal.decided(office)
    set_clock_speedup(SPEEDUP * 2)
    with pytest.raises(asyncpg.CheckViolationError, match="safeguard 4"):
        await legal.serve(office, shorter)
    assert await office.state(shorter) == "awaiting_legal_review"


async def test_unknown_ended_and_repeated_timers_change_nothing(office: Office) -> None:
    case_id, decision_id = await legal.served(office)
    lodged = await legal.appeal(office, case_id)
    fence = await office.superuser.fetchval("SELECT window_fence FROM casework.legal_decision")
    policy = ReviewPolicy(interval_days=1, reminders_max=3)
    await legal.go_back(office, case_id)
    before = await office.superuser.fetch("SELECT * FROM casework.return_case")
    events = await office.events()
    for appeal_id in (lodged.appeal_id, uuid4()):
        await office.as_worker(appeals.remind_of_appeal, appeal_id, policy)
    for each in (decision_id, uuid4()):
        await office.as_worker(legal_decisions.tell_end_of_appeal_window, each, fence)
    assert await office.events() == events
    assert await office.superuser.fetch("SELECT * FROM casework.return_case") == before


async def test_a_step_carries_no_second_change_of_what_people_recorded(office: Office) -> None:
    served, _ = await legal.served(office, window_ended=True)
    confirmed, _ = await legal.decided(office)
    for case_id, changes in (
        (served, "state = 'referred', referred_by = 'x', confirmed_by = 'y'"),
        (served, "state = 'referred', referred_by = 'x', served_by = 'y'"),
        (served, "state = 'referred', referred_by = 'x', return_reason = 'y'"),
        (served, "state = 'referred', referred_by = 'x', notices = 9"),
        (confirmed, "state = 'returned', returned_by = 'x', return_reason = 'y', confirmed_by = 'z'"),
        (confirmed, "state = 'returned', returned_by = 'x', return_reason = 'y', referred_by = 'z'"),
    ):
        async with raw(office.api) as connection:
            with pytest.raises(asyncpg.CheckViolationError, match="safeguard 6: what a person recorded"):
                await connection.execute(f"UPDATE casework.legal_decision SET {changes} WHERE case_id = $1", case_id)


async def test_texts_of_a_running_case_are_not_erased_by_anybody(office: Office) -> None:
    await legal.served(office)
    for statement in (
        "UPDATE casework.legal_decision SET reasons = NULL, appeal_instructions = NULL, texts_erased_at = now()",
        "UPDATE casework.legal_decision SET reasons = 'other', texts_erased_at = now()",
    ):
        with pytest.raises(asyncpg.CheckViolationError, match="safeguard 4"):
            await office.superuser.execute(statement)


async def test_no_way_out_of_phase_two_forgets_a_booking(office: Office) -> None:
    centre_id = await office.centre(capacity=1)
    case_id, decision_id = await legal.served(office, window_ended=True)
    await office.superuser.execute("SET session_replication_role = replica")
    await office.superuser.execute(
        """
        INSERT INTO casework.booking (booking_id, case_id, county, centre_id, centre_county, family_places, expires_at,
                                      expiry_due_at, expiry_fence, booked_by)
        VALUES (gen_random_uuid(), $1, 'rey', $2, 'rey', 1, now() + interval '1 day', now() + interval '1 day', 1, 'x')
        """,
        case_id,
        centre_id,
    )
    await office.superuser.execute("SET session_replication_role = origin")
    async with raw(office.api) as connection:
        await connection.execute(
            "UPDATE casework.legal_decision SET state = 'referred', referred_by = 'x' WHERE decision_id = $1",
            decision_id,
        )
        with pytest.raises(asyncpg.CheckViolationError, match="safeguard 3"):
            await set_state(connection, case_id, "referred")
    async with raw(office.api) as connection:
        await connection.execute(ARM.replace("now() - interval", "now() + interval"), VOLUNTARY_PERIOD, str(case_id))
        with pytest.raises(asyncpg.CheckViolationError, match="safeguard 3"):
            await set_state(connection, case_id, "opened")

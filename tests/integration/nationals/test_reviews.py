"""Time passing without a person: reviews are asked for and chased, nothing is decided (safeguards 4, 5, 9, 12, 13)."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from services.nationals.casework import handlers
from services.nationals.casework.domain import refusals
from services.nationals.casework.domain.case_facts import InterpreterRelation, ScreeningOutcome
from services.nationals.casework.handlers.pauses import PAUSE_REVIEW, VOLUNTARY_PERIOD
from services.nationals.casework.handlers.reviews import LEGAL_REVIEW_REMINDER
from shared.contracts.counties import County
from shared.contracts.nationals import CaseOutcome, PhaseTwoReviewRequested
from shared.contracts.refusals import Refusal
from shared.kit.routing import Received
from tests.integration.nationals.office import Office


def review_requested(case_id: UUID) -> Received[PhaseTwoReviewRequested]:
    now = datetime.now(UTC)
    event = PhaseTwoReviewRequested(case_id=case_id, county=County.REY, voluntary_until=now)
    return Received(event, uuid4(), now, 1, "test")


async def close(office: Office, case_id: UUID, outcome: CaseOutcome) -> None:
    await office.run(handlers.close_case, handlers.CloseCase(case_id=case_id, outcome=outcome))


async def test_lapse_asks_people_and_decides_nothing(office: Office) -> None:
    centre_id = await office.centre(capacity=1)
    case_id = await office.consented()
    await office.fire(VOLUNTARY_PERIOD, case_id)
    assert await office.state(case_id) == "awaiting_legal_review"
    [request] = await office.events("PhaseTwoReviewRequested")

    for _ in range(3):
        await office.as_worker(handlers.open_legal_review, review_requested(UUID(request["case_id"])))
    [opened] = await office.events("LegalReviewOpened")
    assert opened["owner_office"] == "legal_office"
    review = await office.superuser.fetchrow("SELECT * FROM casework.legal_review")
    assert review is not None
    assert (review["first_reviewer"], review["second_reviewer"], review["state"]) == (None, None, "open")

    for step in (office.book(case_id, centre_id), office.consent(case_id)):
        with pytest.raises(Refusal) as refused:
            await step
        assert refused.value.reason.safeguard == 4
    assert (await office.withdraw(case_id)).recorded
    assert await office.state(case_id) == "awaiting_legal_review", "the review is for people to end"


async def test_late_repeated_and_unknown_never_advance_a_case(office: Office) -> None:
    waiting = await office.consented()
    closed = await office.open()
    await close(office, closed, CaseOutcome.REGULARISED)
    fence = await office.superuser.fetchval(
        "SELECT voluntary_fence FROM casework.return_case WHERE case_id = $1", waiting
    )
    before = await office.superuser.fetch("SELECT * FROM casework.return_case ORDER BY case_id")
    events = await office.events()
    for case_id in (waiting, closed, uuid4()):
        await office.as_worker(handlers.open_legal_review, review_requested(case_id))
        await office.as_worker(handlers.lapse_voluntary_period, case_id, fence - 1)
        await office.as_worker(handlers.lapse_voluntary_period, case_id, fence + 1)
    assert await office.superuser.fetch("SELECT * FROM casework.return_case ORDER BY case_id") == before
    assert await office.events() == events
    assert await office.superuser.fetchval("SELECT count(*) FROM casework.legal_review") == 0


async def test_lapse_and_withdrawal_and_closure_at_once(office: Office) -> None:
    cases = [await office.consented() for _ in range(10)]
    for case_id in cases:
        await office.make_due(VOLUNTARY_PERIOD, case_id)
    await asyncio.gather(
        office.fire_due(),
        *(office.withdraw(case_id) for case_id in cases),
        *(close(office, case_id, CaseOutcome.NOT_VIABLE) for case_id in cases[:5]),
    )
    assert [await office.state(case_id) for case_id in cases[:5]] == ["closed"] * 5
    assert {await office.state(case_id) for case_id in cases[5:]} == {"awaiting_legal_review"}
    requested = {event["case_id"] for event in await office.events("PhaseTwoReviewRequested")}
    closures = {e["case_id"]: e["was_awaiting_legal_review"] for e in await office.events("ReturnCaseClosed")}
    assert {case_id for case_id, waited in closures.items() if waited} == requested & set(closures)


@pytest.mark.parametrize(
    ("outcome", "safeguard"),
    [
        (ScreeningOutcome.PROTECTION_NEED, 5),
        (ScreeningOutcome.MEDICAL_FLAG, 9),
        (ScreeningOutcome.VULNERABILITY_FLAG, 9),
    ],
)
async def test_flag_pauses_with_owner_date_and_escalation(
    office: Office, outcome: ScreeningOutcome, safeguard: int
) -> None:
    centre_id = await office.centre(capacity=1)
    case_id = await office.consented()
    await office.screen(case_id, outcome=outcome)
    await office.screen(case_id, outcome=ScreeningOutcome.CLEAR)
    with pytest.raises(Refusal) as refused:
        await office.book(case_id, centre_id)
    assert refused.value.reason.safeguard == safeguard, "a later clear screening alone lifts no flag"
    assert await office.armed(VOLUNTARY_PERIOD) == [], "a paused case does not lapse"
    [suspended] = await office.events("ReturnCaseSuspended")
    assert suspended.keys() - {"type", "sequence"} == {"case_id", "county", "review_by"}, "why is not said on the topic"
    for reminder in (1, 2, 3):
        [pause_id] = await office.armed(PAUSE_REVIEW)
        await office.fire(PAUSE_REVIEW, UUID(pause_id))
        overdue = await office.events("ReturnCaseReviewOverdue")
        assert [event["reminder"] for event in overdue] == list(range(1, reminder + 1))
    assert overdue[-1]["next_review_by"] is None
    assert await office.armed(PAUSE_REVIEW) == []
    assert await office.state(case_id) == "consented", "reminding changes nothing about the case"


async def test_pressure_is_always_recorded_blocks_and_frees_the_places(office: Office) -> None:
    centre_id = await office.centre(capacity=1)
    case_id = await office.consented()
    await office.book(case_id, centre_id)
    recorded = await office.consent(case_id, version=9, given_freely=False, interpreter=InterpreterRelation.RELATIVE)
    assert (recorded.accepted, recorded.state) == (False, "informed")
    assert await office.places(centre_id) == (1, 0, 0)
    for step in (office.consent(case_id), office.book(case_id, centre_id)):
        with pytest.raises(Refusal) as refused:
            await step
        assert refused.value.reason is refusals.PRESSURE_RECORDED
    assert (await office.withdraw(case_id)).recorded


async def test_unaccompanied_child_is_paused_at_once_and_never_booked(office: Office) -> None:
    centre_id = await office.centre(capacity=2)
    case_id = await office.open(adults=0, children=1)
    await office.inform(case_id)
    await office.screen(case_id)
    for step in (office.consent(case_id), office.book(case_id, centre_id)):
        with pytest.raises(Refusal) as refused:
            await step
        assert refused.value.reason is refusals.UNACCOMPANIED_CHILD
    [suspended] = await office.events("ReturnCaseSuspended")
    assert suspended.keys() - {"type", "sequence"} == {"case_id", "county", "review_by"}, "why is not said on the topic"
    pause = await office.superuser.fetchrow("SELECT safeguard, owner_office FROM casework.case_pause")
    assert pause is not None
    assert (pause["safeguard"], pause["owner_office"]) == (8, "child_protection_office")


async def test_new_information_voids_the_old_consent(office: Office) -> None:
    centre_id = await office.centre(capacity=1)
    case_id = await office.consented()
    await office.inform(case_id, version=2)
    with pytest.raises(Refusal) as refused:
        await office.book(case_id, centre_id)
    assert refused.value.reason is refusals.CONSENT_MISSING
    await office.consent(case_id, version=2)
    await office.book(case_id, centre_id)


async def test_expired_screening_stops_the_booking(office: Office) -> None:
    centre_id = await office.centre(capacity=2)
    case_id = await office.consented(adults=2)
    await office.superuser.execute(
        """
        UPDATE casework.screening SET screened_at = now() - interval '31 days', valid_until = now() - interval '1 second'
        WHERE case_id = $1 AND person_number = 2
        """,
        case_id,
    )
    with pytest.raises(Refusal) as refused:
        await office.book(case_id, centre_id, 2)
    assert refused.value.reason is refusals.SCREENING_MISSING
    assert refused.value.details["persons"] == [2]


async def test_closure_ends_everything_that_waits(office: Office) -> None:
    case_id = await office.consented()
    with pytest.raises(Refusal) as refused:
        await close(office, case_id, CaseOutcome.WITHDRAWN)
    assert refused.value.reason.safeguard == 3
    await office.fire(VOLUNTARY_PERIOD, case_id)
    await office.as_worker(handlers.open_legal_review, review_requested(case_id))
    [review_id] = await office.armed(LEGAL_REVIEW_REMINDER)
    await office.fire(LEGAL_REVIEW_REMINDER, UUID(review_id))
    assert (await office.events("ReturnCaseReviewOverdue"))[0]["subject"] == "legal_review"
    await office.screen(case_id, outcome=ScreeningOutcome.PROTECTION_NEED)
    await close(office, case_id, CaseOutcome.PROTECTION_REFERRAL)
    assert await office.superuser.fetchval("SELECT count(*) FROM timer") == 0
    assert await office.superuser.fetchval("SELECT state FROM casework.legal_review") == "case_closed"
    assert await office.superuser.fetchval("SELECT count(*) FROM casework.case_pause WHERE ended_at IS NULL") == 0
    assert not (await office.withdraw(case_id)).recorded, "withdrawal succeeds even now, and changes nothing"
    with pytest.raises(Refusal) as refused:
        await office.inform(case_id)
    assert refused.value.reason is refusals.CASE_CLOSED

"""Heard alone, reconfirmed, departed as a whole; withdrawal until then (safeguards 1, 2, 3, 7) and the voluntary period (4)."""

import asyncio
import os
from collections.abc import Awaitable
from datetime import timedelta
from uuid import UUID

import pytest

from services.nationals.casework.domain import refusals, voluntary_refusals
from services.nationals.casework.domain.case_facts import InterpreterRelation, ScreeningOutcome
from services.nationals.casework.domain.counters import COUNTERS, counter_deltas
from services.nationals.casework.handlers.pauses import VOLUNTARY_PERIOD
from services.nationals.casework.handlers.places import BOOKING_EXPIRY
from services.nationals.casework.handlers.screening_expiry import (
    SCREENING_EXPIRY,
    ScreeningWatch,
    warn_of_screening_expiry,
)
from shared.contracts.counties import County
from shared.contracts.nationals import HouseholdDeparted
from shared.contracts.refusals import Refusal, RefusalType
from tests.integration.nationals.journey import booked, depart, reconfirm
from tests.integration.nationals.office import Office

RACES = int(os.environ.get("PAYESH_TEST_RACES", "10"))


async def refused(step: Awaitable[object], reason: RefusalType) -> Refusal:
    with pytest.raises(Refusal) as error:
        await step
    assert error.value.reason is reason
    assert error.value.details["satisfied_by"]
    return error.value


async def voluntary(office: Office, case_id: UUID) -> tuple[timedelta, int]:
    """(time until the voluntary period is due, its fence), of the case and of its timer alike."""
    row = await office.superuser.fetchrow(
        """
        SELECT voluntary_due_at - now() AS left, voluntary_fence, due_at = voluntary_due_at AND fence = voluntary_fence AS same
        FROM casework.return_case LEFT JOIN timer ON kind = 'nationals.voluntary_period' AND subject_id = case_id::text
        WHERE case_id = $1
        """,
        case_id,
    )
    assert row is not None
    assert row["same"] is not False
    return row["left"], row["voluntary_fence"]


async def test_household_departs_as_a_whole_and_its_places_are_given_back(office: Office) -> None:
    case_id, centre_id, booking_id = await booked(office, adults=2, children=1)
    await refused(depart(office, case_id), voluntary_refusals.RECONFIRMATION_MISSING)
    assert await office.places(centre_id) == (9, 3, 0)
    await reconfirm(office, case_id)
    departed = await depart(office, case_id)
    assert departed.state == "departed"
    assert await office.places(centre_id) == (9, 0, 0)
    assert await office.superuser.fetchval("SELECT state FROM casework.booking") == "departed"
    assert await office.superuser.fetchval("SELECT count(*) FROM timer") == 0
    given_back = (await office.events("CentreCapacityChanged"))[-1]
    assert (given_back["change"], given_back["cause"]) == ("released", "released"), "a departure cannot be told from it"
    [event] = await office.events("HouseholdDeparted")
    assert event.keys() - {"type", "sequence"} == {"case_id", "county"}
    too_late = await refused(office.withdraw(case_id), voluntary_refusals.HOUSEHOLD_DEPARTED)
    assert (too_late.reason.status, too_late.reason.safeguard) == (409, 3)
    for step in (depart(office, case_id), office.inform(case_id), office.screen(case_id), office.hear(case_id)):
        await refused(step, voluntary_refusals.HOUSEHOLD_DEPARTED)
    assert not (await office.release(booking_id)).released


def test_departures_are_not_counted() -> None:
    assert not any("depart" in counter for counter in COUNTERS)
    county = County.REY
    event = HouseholdDeparted(case_id=UUID(int=1), county=county)
    assert counter_deltas(event) == {(county, "open"): -1}


async def test_departure_withdrawal_and_a_new_flag_at_once(office: Office) -> None:
    cases = [(await booked(office))[0] for _ in range(RACES)]
    for case_id in cases:
        await reconfirm(office, case_id)
    await asyncio.gather(
        *(depart(office, case_id) for case_id in cases),
        *(office.withdraw(case_id) for case_id in cases[::2]),
        *(office.screen(case_id, outcome=ScreeningOutcome.PROTECTION_NEED) for case_id in cases[1::2]),
        return_exceptions=True,
    )
    departed = {event["case_id"] for event in await office.events("HouseholdDeparted")}
    withdrawn = {event["case_id"] for event in await office.events("ReturnConsentWithdrawn")}
    suspended = {event["case_id"] for event in await office.events("ReturnCaseSuspended")}
    assert not departed & (withdrawn | suspended), "whoever came second was refused whole"
    assert departed | withdrawn | suspended == {str(case_id) for case_id in cases}
    for case_id in cases:
        state = await office.state(case_id)
        assert (state == "departed") is (str(case_id) in departed)
    held = await office.superuser.fetchval("SELECT sum(held) FROM casework.centre_place")
    assert held == len(suspended), "a paused household keeps its places until its booking expires"


async def test_every_adult_is_heard_before_anything_is_booked(office: Office) -> None:
    centre_id = await office.centre(capacity=9)
    case_id = await office.open(adults=2, children=1)
    await office.inform(case_id)
    await office.screen(case_id, 3)
    await office.consent(case_id)
    await office.hear(case_id, 1)
    error = await refused(office.book(case_id, centre_id, 3), voluntary_refusals.HEARING_MISSING)
    assert error.details["persons"] == [2]
    with pytest.raises(Refusal) as not_adult:
        await office.hear(case_id, 3)
    assert not_adult.value.reason is voluntary_refusals.NOT_AN_ADULT
    await office.book(case_id, centre_id, 3)
    columns = await office.superuser.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'casework.private_hearing'::regclass AND attnum > 0"
    )
    assert {row["attname"] for row in columns} == {
        *(
            "hearing_id",
            "position",
            "case_id",
            "county",
            "person_number",
            "language",
            "interpreter",
            "heard_by",
            "heard_at",
        )
    }, "what was said is recorded nowhere"


async def test_reconfirmation_is_of_this_consent_and_soon_too_old(office: Office) -> None:
    case_id, _, _ = await booked(office)
    await refused(reconfirm(office, case_id, language="ar"), voluntary_refusals.LANGUAGE_DIFFERS)
    for dependent in (InterpreterRelation.RELATIVE, InterpreterRelation.DECIDER):
        await refused(reconfirm(office, case_id, interpreter=dependent), refusals.INTERPRETER_NOT_INDEPENDENT)
    await reconfirm(office, case_id)
    await office.consent(case_id)
    await refused(depart(office, case_id), voluntary_refusals.RECONFIRMATION_MISSING)
    await reconfirm(office, case_id)
    await office.superuser.execute("SET session_replication_role = replica")
    await office.superuser.execute(
        "UPDATE casework.reconfirmation SET recorded_at = now() - interval '3 days', valid_until = now()"
    )
    await office.superuser.execute("SET session_replication_role = origin")
    await refused(depart(office, case_id), voluntary_refusals.RECONFIRMATION_MISSING)
    await reconfirm(office, case_id)
    assert (await depart(office, case_id)).state == "departed"


async def test_what_happens_after_the_reconfirmation_still_stops_the_departure(office: Office) -> None:
    flagged, _, _ = await booked(office)
    informed, _, _ = await booked(office)
    withdrawn, centre_id, _ = await booked(office)
    for case_id in (flagged, informed, withdrawn):
        await reconfirm(office, case_id)
    await office.screen(flagged, outcome=ScreeningOutcome.MEDICAL_FLAG)
    await office.screen(flagged)
    await refused(depart(office, flagged), refusals.FLAG_OPEN)
    await office.inform(informed, version=2)
    await refused(depart(office, informed), refusals.CONSENT_MISSING)
    answer = await office.withdraw(withdrawn)
    assert answer.recorded
    assert await office.places(centre_id) == (9, 0, 0)
    assert await office.superuser.fetchval(
        "SELECT cancelled_at IS NOT NULL FROM casework.reconfirmation WHERE case_id = $1", withdrawn
    )
    with pytest.raises(Refusal):
        await depart(office, withdrawn)
    await office.consent(withdrawn)
    await office.book(withdrawn, centre_id)
    await refused(depart(office, withdrawn), voluntary_refusals.RECONFIRMATION_MISSING)


async def test_period_does_not_lapse_while_the_household_is_on_its_way(office: Office) -> None:
    case_id, _, booking_id = await booked(office)
    before = await office.superuser.fetchval("SELECT voluntary_until FROM casework.return_case")
    await office.fire(VOLUNTARY_PERIOD, case_id)
    assert await office.state(case_id) == "booked"
    left, fence = await voluntary(office, case_id)
    assert timedelta(hours=71) < left <= timedelta(hours=72), "it is looked at again when the booking runs out"
    assert await office.superuser.fetchval("SELECT voluntary_until FROM casework.return_case") >= before
    await office.fire(BOOKING_EXPIRY, booking_id)
    assert await office.state(case_id) == "consented"
    await reconfirm(office, case_id)
    await office.fire(VOLUNTARY_PERIOD, case_id)
    assert await office.state(case_id) == "consented", "a reconfirmation is in force"
    assert (await voluntary(office, case_id))[1] != fence
    await office.superuser.execute("UPDATE casework.reconfirmation SET cancelled_at = now()")
    await office.fire(VOLUNTARY_PERIOD, case_id)
    assert await office.state(case_id) == "awaiting_legal_review"
    assert len(await office.events("PhaseTwoReviewRequested")) == 1


async def test_protection_office_is_warned_before_a_screening_runs_out(office: Office) -> None:
    not_on_its_way = await office.open()
    await office.screen(not_on_its_way)
    case_id = await office.consented(adults=2)
    await office.fire(SCREENING_EXPIRY, not_on_its_way, case_id)
    [warning] = await office.events("ReturnScreeningExpiring")
    assert warning["case_id"] == str(case_id)
    assert warning.keys() - {"type", "sequence"} == {"case_id", "county", "valid_until"}
    assert await office.state(case_id) == "consented", "warning changes nothing about the case"
    assert await office.armed(SCREENING_EXPIRY) == [str(case_id)], "the other person's runs out a little later"
    due = await office.superuser.fetchval(
        "SELECT (policy->>'valid_until')::timestamptz FROM timer WHERE kind = $1", SCREENING_EXPIRY
    )
    await office.screen(case_id, 2)
    await office.as_worker(warn_of_screening_expiry, case_id, ScreeningWatch(valid_until=due))
    assert len(await office.events("ReturnScreeningExpiring")) == 1, "a renewed screening is not warned of"
    await office.withdraw(case_id)
    await office.fire(SCREENING_EXPIRY, case_id)
    assert len(await office.events("ReturnScreeningExpiring")) == 1

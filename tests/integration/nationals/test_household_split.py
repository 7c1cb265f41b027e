"""A household is split only at a protected request that two officers carry, with its children safe (safeguards 6, 7, 8)."""

from collections.abc import Awaitable
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.nationals.casework.domain import refusals, voluntary_refusals
from services.nationals.casework.domain.access import AssignmentReason
from services.nationals.casework.domain.case_facts import ScreeningOutcome
from services.nationals.casework.domain.clearance import ClearanceReason
from services.nationals.casework.handlers import household_splits
from services.nationals.casework.handlers.assignments import AssignCase, assign_case
from services.nationals.casework.handlers.pauses import PAUSE_REVIEW, VOLUNTARY_PERIOD
from services.nationals.casework.store.household_splits import SplitDecision
from shared.contracts.refusals import Refusal, RefusalType
from tests.integration.nationals.journey import (
    MEDICAL,
    PROTECTION,
    booked,
    decide_split,
    depart,
    open_pause_id,
    propose,
    reconfirm,
    request_split,
)
from tests.integration.nationals.office import Office, staff


async def refused(step: Awaitable[object], reason: RefusalType) -> None:
    with pytest.raises(Refusal) as error:
        await step
    assert error.value.reason is reason, error.value
    assert error.value.reason.status == 409


async def assign(office: Office, case_id: UUID) -> None:
    """The officer who approved the split has the new cases; a supervisor gives them to a caseworker."""
    command = AssignCase(case_id=case_id, assignee=staff().subject, reason=AssignmentReason.WORKLOAD)
    await office.run(assign_case, command, staff(subject="supervisor.one", role="casework_supervisor"))


async def shape(office: Office, case_id: UUID) -> dict[str, Any]:
    row = await office.superuser.fetchrow(
        """
        SELECT adults, children_under_5 AS children, unaccompanied_child, state,
               (SELECT count(*) FROM casework.screening WHERE screening.case_id = return_case.case_id) AS screenings,
               (SELECT array_agg(safeguard ORDER BY safeguard) FROM casework.case_pause
                WHERE case_pause.case_id = return_case.case_id AND ended_at IS NULL) AS pauses
        FROM casework.return_case WHERE case_id = $1
        """,
        case_id,
    )
    assert row is not None
    return dict(row)


async def test_split_leaves_two_whole_cases_and_nothing_of_the_old_consent(office: Office) -> None:
    case_id, centre_id, _ = await booked(office, adults=2, children=2)
    await reconfirm(office, case_id)
    split_id = await request_split(office, case_id, leaving=[2, 4])
    await refused(depart(office, case_id), voluntary_refusals.SPLIT_REQUESTED)
    decided = await decide_split(office, case_id, split_id)
    assert await office.state(case_id) == "split"
    assert await office.places(centre_id) == (9, 0, 0)
    in_force = "SELECT count(*) FROM casework.consent WHERE withdrawn_at IS NULL"
    assert await office.superuser.fetchval(in_force) == 0
    for part in (decided.leaving_case_id, decided.staying_case_id):
        assert await shape(office, part) == {
            "adults": 1,
            "children": 1,
            "unaccompanied_child": False,
            "state": "opened",
            "screenings": 2,
            "pauses": None,
        }
        await assign(office, part)
        with pytest.raises(Refusal) as unasked:
            await office.book(part, centre_id, 2)
        assert unasked.value.reason is refusals.CONSENT_MISSING, "each is asked anew, and keeps the screenings"
        await office.inform(part)
        await office.consent(part)
        await refused(office.book(part, centre_id, 2), voluntary_refusals.HEARING_MISSING)
        await office.hear(part)
        await office.book(part, centre_id, 2)
    kept = await office.superuser.fetch(
        """
        SELECT kept.person_number, origin.person_number AS before, kept.valid_until = origin.valid_until AS same
        FROM casework.screening AS kept JOIN casework.screening AS origin ON kept.carried_from = origin.screening_id
        WHERE kept.case_id = $1 ORDER BY 1
        """,
        decided.leaving_case_id,
    )
    assert [tuple(row) for row in kept] == [(1, 2, True), (2, 4, True)]
    [event] = await office.events("HouseholdSplit")
    assert event["case_id"] == str(case_id)
    assert set(event["resulting_case_ids"]) == {str(decided.leaving_case_id), str(decided.staying_case_id)}
    assert event.keys() - {"type", "sequence"} == {"case_id", "county", "resulting_case_ids"}
    assert str(case_id) not in {*await office.armed(VOLUNTARY_PERIOD), *await office.armed(PAUSE_REVIEW)}
    assert not (await office.withdraw(case_id)).recorded, "a withdrawal changes nothing here, and is not refused"
    await refused(office.inform(case_id), voluntary_refusals.HOUSEHOLD_SPLIT)


async def test_children_who_would_be_alone_are_unaccompanied_at_once(office: Office) -> None:
    case_id = await office.consented(adults=1, children=2)
    split_id = await request_split(office, case_id, leaving=[2])
    decided = await decide_split(office, case_id, split_id)
    alone = await shape(office, decided.leaving_case_id)
    assert (alone["adults"], alone["unaccompanied_child"], alone["pauses"]) == (0, True, [8])
    assert (await shape(office, decided.staying_case_id))["pauses"] is None
    await assign(office, decided.leaving_case_id)
    await office.inform(decided.leaving_case_id)
    await refused(office.consent(decided.leaving_case_id), refusals.UNACCOMPANIED_CHILD)


async def test_what_pauses_a_person_goes_along(office: Office) -> None:
    case_id = await office.consented(adults=3)
    await office.screen(case_id, outcome=ScreeningOutcome.MEDICAL_FLAG)
    await office.consent(case_id, sign_of_pressure=True)
    split_id = await request_split(office, case_id, leaving=[1])
    decided = await decide_split(office, case_id, split_id)
    assert (await shape(office, decided.leaving_case_id))["pauses"] == [2, 9]
    assert (await shape(office, decided.staying_case_id))["pauses"] == [2], "pressure may have been on either"
    clearance_id = await propose(office, decided.leaving_case_id, 9, ClearanceReason.FIT_TO_TRAVEL, MEDICAL[0])
    assert clearance_id


async def test_nobody_approves_his_own_request_and_a_rejection_lets_the_case_go_on(office: Office) -> None:
    case_id, _, _ = await booked(office, adults=2)
    split_id = await request_split(office, case_id, leaving=[1])
    assert await open_pause_id(office, case_id, 7), "with owner, review date and escalation"
    await refused(request_split(office, case_id, leaving=[2]), voluntary_refusals.SPLIT_REQUESTED)
    await refused(decide_split(office, case_id, split_id, PROTECTION[0]), voluntary_refusals.SPLIT_BY_SECOND_OFFICER)
    await refused(decide_split(office, case_id, uuid4()), voluntary_refusals.SPLIT_NOT_OPEN)
    await refused(
        propose(office, case_id, 7, ClearanceReason.NEED_MET, PROTECTION[1]),
        voluntary_refusals.CLEARANCE_OF_ANOTHER_OFFICE[7],
    )
    decided = await decide_split(office, case_id, split_id, decision=SplitDecision.REJECTED)
    assert decided.leaving_case_id is None
    assert await office.state(case_id) == "booked"
    assert len(await office.events("ReturnCaseResumed")) == 1
    assert await office.armed(VOLUNTARY_PERIOD) == [str(case_id)]
    await reconfirm(office, case_id)


@pytest.mark.parametrize("leaving", [[1, 2], [3], [1, 1], [0], []])
async def test_somebody_leaves_and_somebody_stays(office: Office, leaving: list[int]) -> None:
    case_id = await office.open(adults=2)
    await refused(request_split(office, case_id, leaving), voluntary_refusals.SPLIT_NOT_TWO_PARTS)


async def test_refused_split_leaves_nothing(office: Office) -> None:
    case_id, centre_id, _ = await booked(office, adults=2)
    split_id = await request_split(office, case_id, leaving=[1])
    events = await office.events()
    command = household_splits.DecideSplit(
        case_id=case_id,
        split_id=split_id,
        decision=SplitDecision.APPROVED,
        leaving_reference="A-1",
        staying_reference="Ahmad Karimi",
    )
    with pytest.raises(Refusal) as error:
        await office.run(household_splits.decide_split, command, PROTECTION[1])
    assert error.value.reason is refusals.REFERENCE_NOT_PSEUDONYMOUS
    assert await office.events() == events
    assert await office.places(centre_id) == (9, 2, 0)
    assert await office.superuser.fetchval("SELECT count(*) FROM casework.return_case") == 1

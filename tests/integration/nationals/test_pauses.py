"""Ending a pause: two independent people, a reason, and the household's time given back (safeguards 2, 5, 6, 8, 9, 13)."""

from collections.abc import Awaitable
from datetime import date, timedelta
from uuid import UUID

import pytest

from services.nationals.casework.domain import refusals, voluntary_refusals
from services.nationals.casework.domain.case_facts import ScreeningOutcome
from services.nationals.casework.domain.child_protection import ChildRecordKind
from services.nationals.casework.domain.clearance import ClearanceDecision, ClearanceReason
from services.nationals.casework.handlers import child_protection
from services.nationals.casework.handlers.pauses import PAUSE_REVIEW, VOLUNTARY_PERIOD
from shared.contracts.refusals import Refusal, RefusalType
from shared.kit.auth import SYSTEM, Principal
from tests.integration.nationals.journey import (
    CHILD,
    MEDICAL,
    PROTECTION,
    decide,
    depart,
    officer,
    open_pause_id,
    propose,
    reconfirm,
    record_child,
)
from tests.integration.nationals.office import Office, staff

GUARDIAN, INTERESTS, RECEPTION = ChildRecordKind


async def refused(step: Awaitable[object], reason: RefusalType) -> Refusal:
    with pytest.raises(Refusal) as error:
        await step
    assert error.value.reason is reason, error.value
    assert error.value.reason.status == 409
    assert error.value.details["satisfied_by"]
    return error.value


async def flagged(office: Office, outcome: ScreeningOutcome) -> UUID:
    case_id = await office.consented()
    await office.screen(case_id, outcome=outcome)
    return case_id


@pytest.mark.parametrize(
    ("outcome", "safeguard", "reason", "officers"),
    [
        (ScreeningOutcome.MEDICAL_FLAG, 9, ClearanceReason.FIT_TO_TRAVEL, MEDICAL),
        (ScreeningOutcome.VULNERABILITY_FLAG, 9, ClearanceReason.NEED_MET, PROTECTION),
        (ScreeningOutcome.PROTECTION_NEED, 5, ClearanceReason.CLAIM_DECIDED, PROTECTION),
        (None, 2, ClearanceReason.NO_PRESSURE_FOUND, PROTECTION),
    ],
)
async def test_two_people_end_a_pause_and_the_case_goes_on(
    office: Office,
    outcome: ScreeningOutcome | None,
    safeguard: int,
    reason: ClearanceReason,
    officers: tuple[Principal, Principal],
) -> None:
    centre_id = await office.centre(capacity=1)
    case_id = await office.consented()
    if outcome:
        await office.screen(case_id, outcome=outcome)
    else:
        await office.consent(case_id, sign_of_pressure=True)
    clearance_id = await propose(office, case_id, safeguard, reason, officers[0], note="seen on Monday")
    with pytest.raises(Refusal):
        await office.book(case_id, centre_id)
    await refused(decide(office, case_id, clearance_id, officers[0]), voluntary_refusals.NOT_INDEPENDENT)
    decided = await decide(office, case_id, clearance_id, officers[1])
    assert decided.resumed
    [resumed] = await office.events("ReturnCaseResumed")
    assert resumed.keys() - {"type", "sequence"} == {"case_id", "county"}, "why is not said on the topic"
    assert await office.armed(PAUSE_REVIEW) == []
    assert await office.armed(VOLUNTARY_PERIOD) == [str(case_id)]
    for row in await office.superuser.fetch("SELECT body FROM outbox"):
        assert b"Monday" not in row["body"]
    if outcome:
        await refused(office.book(case_id, centre_id), refusals.SCREENING_MISSING)
        await office.screen(case_id)
    else:
        await refused(office.book(case_id, centre_id), refusals.CONSENT_MISSING)
        await office.consent(case_id)
    await office.book(case_id, centre_id)
    await refused(decide(office, case_id, clearance_id, officers[1]), voluntary_refusals.PAUSE_NOT_OPEN)


async def test_who_recorded_a_concern_clears_nothing(office: Office) -> None:
    case_id = await office.consented()
    recorder = staff(subject="protection.one", role="protection_officer")
    await office.screen(case_id, outcome=ScreeningOutcome.PROTECTION_NEED)
    reason = ClearanceReason.CLAIM_DECIDED
    await refused(propose(office, case_id, 5, reason, recorder), voluntary_refusals.NOT_INDEPENDENT)
    clearance_id = await propose(office, case_id, 5, reason, PROTECTION[0])
    await refused(decide(office, case_id, clearance_id, recorder), voluntary_refusals.NOT_INDEPENDENT)
    await refused(propose(office, case_id, 5, reason, PROTECTION[1]), voluntary_refusals.CLEARANCE_PROPOSED_ALREADY)
    system = Principal(SYSTEM.subject, frozenset({"protection_officer"}), SYSTEM.counties)
    await refused(decide(office, case_id, clearance_id, system), refusals.HUMAN_REQUIRED)
    assert await open_pause_id(office, case_id, 5)


async def test_only_the_right_office_and_reason_end_a_pause(office: Office) -> None:
    medical = await flagged(office, ScreeningOutcome.MEDICAL_FLAG)
    claim = await flagged(office, ScreeningOutcome.PROTECTION_NEED)
    other_office = voluntary_refusals.CLEARANCE_OF_ANOTHER_OFFICE
    error = await refused(propose(office, medical, 9, ClearanceReason.FIT_TO_TRAVEL, PROTECTION[0]), other_office[9])
    assert error.reason.safeguard == 9
    await refused(propose(office, claim, 5, ClearanceReason.CLAIM_DECIDED, MEDICAL[0]), other_office[5])
    await refused(
        propose(office, claim, 5, ClearanceReason.FIT_TO_TRAVEL, PROTECTION[0]),
        voluntary_refusals.REASON_NOT_OF_PAUSE[5],
    )
    await office.screen(medical, outcome=ScreeningOutcome.VULNERABILITY_FLAG)
    mixed = await propose(office, medical, 9, ClearanceReason.NEED_MET, MEDICAL[0])
    await refused(decide(office, medical, mixed, MEDICAL[1]), other_office[9])
    assert (await decide(office, medical, mixed, PROTECTION[0])).resumed


async def test_what_was_recorded_since_the_proposal_is_not_cleared_with_it(office: Office) -> None:
    case_id = await flagged(office, ScreeningOutcome.MEDICAL_FLAG)
    old = await propose(office, case_id, 9, ClearanceReason.FIT_TO_TRAVEL, MEDICAL[0])
    await office.screen(case_id, outcome=ScreeningOutcome.MEDICAL_FLAG)
    await refused(decide(office, case_id, old, MEDICAL[1]), voluntary_refusals.RECORDED_SINCE)
    rejected = await decide(office, case_id, old, MEDICAL[1], ClearanceDecision.REJECTED)
    assert not rejected.resumed
    new = await propose(office, case_id, 9, ClearanceReason.FIT_TO_TRAVEL, MEDICAL[1])
    assert (await decide(office, case_id, new, MEDICAL[0])).resumed
    await office.screen(case_id, outcome=ScreeningOutcome.MEDICAL_FLAG)
    assert await open_pause_id(office, case_id, 9), "a new flag is a new pause"


async def test_a_pause_does_not_eat_the_households_time(office: Office) -> None:
    case_id = await office.consented()
    await office.superuser.execute("SET session_replication_role = replica")
    await office.superuser.execute(
        """
        UPDATE casework.return_case
        SET voluntary_due_at = now() + interval '5 days', voluntary_until = now() + interval '5 days'
        """
    )
    await office.superuser.execute("SET session_replication_role = origin")
    await office.screen(case_id, outcome=ScreeningOutcome.MEDICAL_FLAG)
    await office.screen(case_id, outcome=ScreeningOutcome.PROTECTION_NEED)
    assert await office.armed(VOLUNTARY_PERIOD) == []
    await office.superuser.execute(
        "UPDATE casework.return_case SET voluntary_stopped_at = voluntary_stopped_at - interval '20 days'"
    )
    claim = await propose(office, case_id, 5, ClearanceReason.CLAIM_DECIDED, PROTECTION[0])
    assert not (await decide(office, case_id, claim, PROTECTION[1])).resumed
    assert await office.armed(VOLUNTARY_PERIOD) == [], "one pause is still open"
    assert await office.events("ReturnCaseResumed") == []
    flag = await propose(office, case_id, 9, ClearanceReason.FIT_TO_TRAVEL, MEDICAL[0])
    assert (await decide(office, case_id, flag, MEDICAL[1])).resumed
    row = await office.superuser.fetchrow(
        "SELECT voluntary_due_at - now() AS left, voluntary_stopped_at, voluntary_fence FROM casework.return_case"
    )
    assert row is not None
    assert timedelta(days=24, hours=23) < row["left"] <= timedelta(days=25), "5 days were left 20 days ago"
    assert row["voluntary_stopped_at"] is None
    timer = await office.superuser.fetchrow("SELECT fence FROM timer WHERE kind = $1", VOLUNTARY_PERIOD)
    assert timer is not None
    assert timer["fence"] == row["voluntary_fence"]
    await office.fire(VOLUNTARY_PERIOD, case_id)
    assert await office.state(case_id) == "awaiting_legal_review"


async def test_unaccompanied_child_needs_three_records_and_two_more_people(office: Office) -> None:
    centre_id = await office.centre(capacity=2)
    case_id = await office.open(adults=0, children=2)
    await office.inform(case_id)
    await office.screen(case_id, 2)
    complete = ClearanceReason.CHILD_PROCEDURE_COMPLETE
    witness = officer("reza")
    await refused(propose(office, case_id, 8, complete, CHILD[0]), voluntary_refusals.CHILD_PROCEDURE_INCOMPLETE)
    await refused(
        record_child(office, case_id, 1, INTERESTS, witness), voluntary_refusals.CHILD_RECORD_OF_ANOTHER_OFFICE
    )
    for child in (1, 2):
        await record_child(office, case_id, child, GUARDIAN, witness)
        await record_child(office, case_id, child, INTERESTS, CHILD[0])
        await refused(
            record_child(office, case_id, child, RECEPTION, CHILD[0]), voluntary_refusals.RECEPTION_BY_ANOTHER
        )
        last = await record_child(office, case_id, child, RECEPTION, witness)
    assert last.missing == []
    await refused(office.consent(case_id), refusals.UNACCOMPANIED_CHILD)
    await refused(propose(office, case_id, 8, complete, witness), voluntary_refusals.CLEARANCE_OF_ANOTHER_OFFICE[8])
    clearance_id = await propose(office, case_id, 8, complete, CHILD[0])
    await refused(decide(office, case_id, clearance_id, CHILD[0]), voluntary_refusals.NOT_INDEPENDENT)
    assert (await decide(office, case_id, clearance_id, CHILD[1])).resumed
    await office.consent(case_id)
    await office.book(case_id, centre_id, 2)
    await record_child(office, case_id, 2, INTERESTS, CHILD[1])
    await reconfirm_refused(office, case_id)


async def reconfirm_refused(office: Office, case_id: UUID) -> None:
    """A new determination after the approval stops the case until it is approved too."""
    await refused(reconfirm(office, case_id), refusals.UNACCOMPANIED_CHILD)
    clearance_id = await propose(office, case_id, 8, ClearanceReason.CHILD_PROCEDURE_COMPLETE, CHILD[0])
    await refused(decide(office, case_id, clearance_id, CHILD[1]), voluntary_refusals.NOT_INDEPENDENT)
    await decide(office, case_id, clearance_id, officer("three", "child_protection_officer"))
    await reconfirm(office, case_id)
    assert (await depart(office, case_id)).state == "departed"


async def test_no_child_record_without_an_unaccompanied_child_nor_with_a_name(office: Office) -> None:
    accompanied = await office.open(adults=1, children=1)
    await refused(record_child(office, accompanied, 2, INTERESTS, CHILD[0]), voluntary_refusals.NOT_UNACCOMPANIED)
    alone = await office.open(adults=1, children=1, unaccompanied_child=True)
    await refused(record_child(office, alone, 1, INTERESTS, CHILD[0]), voluntary_refusals.NOT_UNACCOMPANIED)
    command = child_protection.RecordChildProtection(
        case_id=alone,
        person_number=2,
        kind=GUARDIAN,
        appointment_reference="Ahmad Karimi",
        determination_version=None,
        dated_on=date(2026, 11, 1),
    )
    with pytest.raises(Refusal) as named:
        await office.run(child_protection.record_child_protection, command, CHILD[0])
    assert named.value.reason is refusals.REFERENCE_NOT_PSEUDONYMOUS

"""Who may end a pause, for which reason, and when a proposal is overtaken (safeguards 2, 5, 6, 8, 9)."""

import pytest

from services.nationals.casework.domain import voluntary_refusals as refusals
from services.nationals.casework.domain.case_facts import ScreeningOutcome
from services.nationals.casework.domain.child_protection import ChildRecord, ChildRecordKind, is_approved
from services.nationals.casework.domain.clearance import (
    REASONS,
    ClearanceDecision,
    ClearanceReason,
    Concern,
    OpenPause,
    check_decision,
    check_proposal,
    open_concerns,
)
from services.nationals.casework.domain.household import Household
from shared.contracts.refusals import Refusal, RefusalType

PROTECTION = frozenset({"protection_officer"})
MEDICAL = frozenset({"medical_officer"})
CHILD = frozenset({"child_protection_officer"})
CONFIRMED, REJECTED = ClearanceDecision


def pause(safeguard: int, *concerns: Concern) -> OpenPause:
    return OpenPause(safeguard, "opener", concerns)


def flag(position: int, outcome: ScreeningOutcome, by: str = "recorder") -> Concern:
    return Concern(9, position, by, outcome)


FLAGGED = pause(9, flag(4, ScreeningOutcome.MEDICAL_FLAG))
MIXED = pause(9, flag(4, ScreeningOutcome.MEDICAL_FLAG), flag(6, ScreeningOutcome.VULNERABILITY_FLAG))
CHILDREN = pause(8, Concern(8, 3, "determiner"))
FIT = ClearanceReason.FIT_TO_TRAVEL


@pytest.mark.parametrize(
    ("paused", "reason", "actor", "roles", "refusal"),
    [
        (FLAGGED, FIT, "opener", MEDICAL, refusals.NOT_INDEPENDENT),
        (FLAGGED, FIT, "recorder", MEDICAL, refusals.NOT_INDEPENDENT),
        (FLAGGED, FIT, "other", PROTECTION, refusals.CLEARANCE_OF_ANOTHER_OFFICE[9]),
        (FLAGGED, ClearanceReason.CLAIM_DECIDED, "other", MEDICAL, refusals.REASON_NOT_OF_PAUSE[9]),
        (pause(5), ClearanceReason.CLAIM_DECIDED, "other", CHILD, refusals.CLEARANCE_OF_ANOTHER_OFFICE[5]),
        (pause(2), ClearanceReason.PRESSURE_ENDED, "other", MEDICAL, refusals.CLEARANCE_OF_ANOTHER_OFFICE[2]),
        (CHILDREN, ClearanceReason.CHILD_PROCEDURE_COMPLETE, "opener", CHILD, refusals.NOT_INDEPENDENT),
        (
            CHILDREN,
            ClearanceReason.CHILD_PROCEDURE_COMPLETE,
            "other",
            PROTECTION,
            refusals.CLEARANCE_OF_ANOTHER_OFFICE[8],
        ),
        (pause(7), ClearanceReason.NEED_MET, "other", PROTECTION, refusals.CLEARANCE_OF_ANOTHER_OFFICE[7]),
    ],
)
def test_proposal_of_the_wrong_person_or_reason_is_refused(
    paused: OpenPause, reason: ClearanceReason, actor: str, roles: frozenset[str], refusal: RefusalType
) -> None:
    with pytest.raises(Refusal) as refused:
        check_proposal(paused, reason, actor, roles)
    assert refused.value.reason is refusal
    assert refused.value.details["satisfied_by"]


def test_right_office_proposes() -> None:
    assert check_proposal(FLAGGED, FIT, "other", MEDICAL) == ["medical_officer"]
    assert check_proposal(MIXED, FIT, "other", PROTECTION) == ["protection_officer"]
    assert check_proposal(CHILDREN, ClearanceReason.CHILD_PROCEDURE_COMPLETE, "determiner", CHILD), (
        "who determined the best interests may propose; somebody else then decides"
    )


@pytest.mark.parametrize(
    ("paused", "decision", "actor", "roles", "proposed_as", "covers_to", "refusal"),
    [
        (FLAGGED, CONFIRMED, "proposer", MEDICAL, ["medical_officer"], 4, refusals.NOT_INDEPENDENT),
        (FLAGGED, REJECTED, "proposer", MEDICAL, ["medical_officer"], 4, refusals.NOT_INDEPENDENT),
        (FLAGGED, CONFIRMED, "recorder", MEDICAL, ["medical_officer"], 4, refusals.NOT_INDEPENDENT),
        (FLAGGED, CONFIRMED, "opener", MEDICAL, ["medical_officer"], 4, refusals.NOT_INDEPENDENT),
        (CHILDREN, CONFIRMED, "determiner", CHILD, ["child_protection_officer"], 3, refusals.NOT_INDEPENDENT),
        (FLAGGED, CONFIRMED, "other", MEDICAL, ["medical_officer"], 3, refusals.RECORDED_SINCE),
        (MIXED, CONFIRMED, "other", MEDICAL, ["medical_officer"], 6, refusals.CLEARANCE_OF_ANOTHER_OFFICE[9]),
        (FLAGGED, CONFIRMED, "other", CHILD, ["medical_officer"], 4, refusals.CLEARANCE_OF_ANOTHER_OFFICE[9]),
    ],
)
def test_decision_of_the_wrong_person_or_on_an_old_proposal_is_refused(
    paused: OpenPause,
    decision: ClearanceDecision,
    actor: str,
    roles: frozenset[str],
    proposed_as: list[str],
    covers_to: int,
    refusal: RefusalType,
) -> None:
    with pytest.raises(Refusal) as refused:
        check_decision(paused, decision, actor, roles, "proposer", proposed_as, covers_to)
    assert refused.value.reason is refusal


def test_second_person_confirms_and_rejects_even_what_was_overtaken() -> None:
    check_decision(FLAGGED, CONFIRMED, "other", MEDICAL, "proposer", ["medical_officer"], 4)
    check_decision(MIXED, CONFIRMED, "other", PROTECTION, "proposer", ["medical_officer"], 6)
    check_decision(FLAGGED, REJECTED, "other", MEDICAL, "proposer", ["medical_officer"], 1)


def test_cleared_records_are_no_concern_and_later_ones_are() -> None:
    concerns = [flag(4, ScreeningOutcome.MEDICAL_FLAG), Concern(5, 5, "x"), flag(6, ScreeningOutcome.MEDICAL_FLAG)]
    assert [each.position for each in open_concerns(concerns, {9: 4})] == [5, 6]


def test_every_pause_but_the_protected_request_has_its_reasons() -> None:
    assert set(REASONS) == {2, 5, 8, 9}
    listed = [reason for reasons in REASONS.values() for reason in reasons]
    assert sorted(listed) == sorted(ClearanceReason)


def test_child_procedure_is_approved_whole_or_not() -> None:
    household = Household(adults=1, children_under_5=0, children_5_to_17=1)
    records = [ChildRecord(position, 2, kind, "x") for position, kind in enumerate(ChildRecordKind, start=1)]
    assert is_approved(household, records, cleared_to=3)
    assert not is_approved(household, records, cleared_to=2), "the last record came after the approval"
    assert not is_approved(household, records[:2], cleared_to=3)
    assert not is_approved(household, [], cleared_to=3)

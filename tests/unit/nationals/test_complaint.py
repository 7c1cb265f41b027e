"""A complaint's states, who may examine it, when it may be erased, and what a receipt looks like."""

import itertools

import pytest

from services.nationals.complaints.domain import refusals
from services.nationals.complaints.domain.complaint import (
    CASEWORK_ROLES,
    OFFICE_ROLE,
    RECEIPT_CHARACTERS,
    STAFF_ROLES,
    STEPS,
    ComplaintState,
    ComplaintStep,
    advance,
    check_erasable,
    check_examiner,
    read_receipt,
    show_receipt,
)
from services.nationals.complaints.periods import ComplaintPeriods
from shared.contracts.refusals import Refusal, RefusalType

S = ComplaintState
ORDER = [S.RECEIVED, S.ACKNOWLEDGED, S.UNDER_EXAMINATION, S.ANSWERED, S.CLOSED]


def test_the_only_way_is_forward_one_step_at_a_time() -> None:
    for step, state in itertools.product(ComplaintStep, ComplaintState):
        sources, target = STEPS[step]
        if state in sources:
            assert advance(step, state) is target
            assert ORDER.index(target) - ORDER.index(state) in (0, 1)
        else:
            with pytest.raises(Refusal) as refused:
                advance(step, state)
            assert refused.value.reason is refusals.STEP_NOT_ALLOWED
    assert {target for _, target in STEPS.values()} == set(ORDER[1:])


@pytest.mark.parametrize(
    ("examiner", "says_alone", "knows_colleague", "alone"),
    [("other", False, False, False), ("other", True, True, False), ("receiver", True, False, True)],
)
def test_examiners_who_may(examiner: str, says_alone: bool, knows_colleague: bool, alone: bool) -> None:
    assert check_examiner(examiner, "receiver", says_alone, knows_colleague) is alone


@pytest.mark.parametrize(("says_alone", "knows_colleague"), [(False, False), (False, True), (True, True)])
def test_who_received_it_may_not_where_there_are_two(says_alone: bool, knows_colleague: bool) -> None:
    with pytest.raises(Refusal) as refused:
        check_examiner("receiver", "receiver", says_alone, knows_colleague)
    assert refused.value.reason.safeguard == 6


@pytest.mark.parametrize(
    ("state", "is_held", "is_erased", "reason"),
    [
        (S.RECEIVED, False, False, refusals.ERASURE_NEEDS_ANSWER),
        (S.UNDER_EXAMINATION, False, False, refusals.ERASURE_NEEDS_ANSWER),
        (S.ANSWERED, True, False, refusals.TEXTS_HELD),
        (S.CLOSED, False, True, refusals.TEXTS_ERASED),
    ],
)
def test_what_is_not_erased(state: ComplaintState, is_held: bool, is_erased: bool, reason: RefusalType) -> None:
    with pytest.raises(Refusal) as refused:
        check_erasable(state, is_held, is_erased)
    assert refused.value.reason is reason
    check_erasable(S.ANSWERED, is_held=False, is_erased=False)


def test_a_receipt_is_read_however_it_was_written_down() -> None:
    receipt = "ABCDEFGHIJKLMNOPQRSTUVWX"
    shown = show_receipt(receipt)
    assert len(receipt) == RECEIPT_CHARACTERS
    assert shown == "ABCD-EFGH-IJKL-MNOP-QRST-UVWX"
    for written in (shown, shown.lower(), shown.replace("-", " "), f"  {receipt} "):
        assert read_receipt(written) == receipt


def test_the_office_is_no_part_of_the_casework() -> None:
    assert OFFICE_ROLE not in CASEWORK_ROLES
    assert set(STAFF_ROLES) > CASEWORK_ROLES, "whoever works on cases can hand a complaint in"


def test_every_refusal_speaks_both_languages() -> None:
    reasons = [value for value in vars(refusals).values() if isinstance(value, RefusalType)]
    assert len({reason.code for reason in reasons}) == len(reasons) > 8
    for reason in reasons:
        assert reason.code.startswith("nationals.complaint.")
        assert any("\u0600" <= letter <= "\u06ff" for letter in reason.text_fa)
        assert reason.text_en.isascii()


def test_an_acknowledgement_is_due_before_the_answer() -> None:
    periods = ComplaintPeriods()
    assert periods.acknowledge < periods.answer < periods.retention

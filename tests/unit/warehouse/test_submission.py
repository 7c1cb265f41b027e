"""Where a submission belongs, rule by rule and in every combination."""

from dataclasses import replace
from itertools import product

import pytest

from services.warehouse.domain.inspection import InspectionState
from services.warehouse.domain.submission import (
    CONFLICT_REFUSALS,
    ConflictGround,
    Place,
    Standing,
    check_edit,
    place,
)
from shared.contracts.refusals import Refusal

FIRST = Standing(
    InspectionState.ASSIGNED,
    is_assigned=True,
    instance_known=False,
    edited_already=False,
    edits_current=False,
    edits_other_inspection=False,
)
SUBMITTED = replace(FIRST, state=InspectionState.SUBMITTED)
COMPLETED = replace(FIRST, state=InspectionState.COMPLETED)


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (FIRST, Place.TO_REVIEW),
        (replace(FIRST, state=InspectionState.RETURNED), Place.TO_REVIEW),
        (replace(FIRST, instance_known=True), ConflictGround.OTHER_CONTENT),
        (SUBMITTED, ConflictGround.ALREADY_SUBMITTED),
        (replace(SUBMITTED, edits_current=True), Place.TO_REVIEW),
        (replace(SUBMITTED, edited_already=True), Place.HISTORY),
        (replace(COMPLETED, edited_already=True), Place.HISTORY),
        (COMPLETED, ConflictGround.INSPECTION_COMPLETED),
        (replace(COMPLETED, edits_current=True), ConflictGround.EDITED_AFTER_REVIEW),
        (replace(FIRST, is_assigned=False), ConflictGround.REASSIGNED),
        (replace(FIRST, edits_other_inspection=True), ConflictGround.EDIT_OF_OTHER_INSPECTION),
    ],
)
def test_each_rule(standing: Standing, expected: Place | ConflictGround) -> None:
    assert place(standing) is expected


def test_nothing_that_contradicts_is_put_up_for_review() -> None:
    for state, flags in product(InspectionState, product((False, True), repeat=5)):
        standing = Standing(state, *flags)
        if place(standing) is Place.TO_REVIEW:
            assert standing.is_assigned
            assert not standing.instance_known
            assert not standing.edits_other_inspection
            assert state is not InspectionState.COMPLETED
            assert state is not InspectionState.SUBMITTED or standing.edits_current


def test_an_edit_has_an_instance_id_of_its_own() -> None:
    check_edit("uuid:2", "uuid:1")
    check_edit("uuid:1", None)
    with pytest.raises(Refusal) as refused:
        check_edit("uuid:1", "uuid:1")
    assert (refused.value.reason.code, refused.value.reason.status) == ("warehouse.submission.edit_of_itself", 422)


def test_every_ground_is_told() -> None:
    assert set(CONFLICT_REFUSALS) == set(ConflictGround)
    assert {reason.status for reason in CONFLICT_REFUSALS.values()} == {409}
    assert len({reason.code for reason in CONFLICT_REFUSALS.values()}) == len(ConflictGround)

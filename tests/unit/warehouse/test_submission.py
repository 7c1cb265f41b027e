"""Where a submission belongs, rule by rule and in every combination."""

from dataclasses import replace
from itertools import product

import pytest

from services.warehouse.domain.inspection import InspectionState
from services.warehouse.domain.submission import CONFLICT_REFUSALS, ConflictGround, Place, Standing, place

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


def test_every_ground_is_told() -> None:
    assert set(CONFLICT_REFUSALS) == set(ConflictGround)
    assert {reason.status for reason in CONFLICT_REFUSALS.values()} == {409}
    assert len({reason.code for reason in CONFLICT_REFUSALS.values()}) == len(ConflictGround)

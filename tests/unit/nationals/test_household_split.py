"""Splitting a household: everybody goes somewhere, nobody twice, and no child is left without an adult unnoticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.nationals.casework.domain.household import Household
from services.nationals.casework.domain.household_split import split_parts
from shared.contracts.refusals import Refusal

HOUSEHOLDS = st.builds(Household, st.integers(0, 4), st.integers(0, 3), st.integers(0, 3))


@given(household=HOUSEHOLDS, unaccompanied=st.booleans(), leaving=st.lists(st.integers(-1, 12), max_size=12))
def test_split_makes_two_whole_parts_or_is_refused(
    household: Household, unaccompanied: bool, leaving: list[int]
) -> None:
    persons = set(range(1, household.size + 1))
    possible = 0 < len(leaving) == len(set(leaving)) < household.size and set(leaving) <= persons
    if not possible:
        with pytest.raises(Refusal) as refused:
            split_parts(household, unaccompanied, leaving)
        assert refused.value.reason.safeguard == 7
        return
    parts = split_parts(household, unaccompanied, leaving)
    assert set(parts[0].persons) == set(leaving)
    assert sorted(parts[0].persons + parts[1].persons) == sorted(persons)
    for part in parts:
        assert len(part.persons) == part.household.size
        adults = [person for person in part.persons if person in household.adult_numbers]
        assert list(part.persons[: part.household.adults]) == adults, "adults have the first numbers"
        has_children = part.household.adults < part.household.size
        assert part.unaccompanied_child is (has_children and (not adults or unaccompanied))
    for band in ("adults", "children_under_5", "children_5_to_17"):
        assert sum(getattr(part.household, band) for part in parts) == getattr(household, band)

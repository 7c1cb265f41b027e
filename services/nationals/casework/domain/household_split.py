"""Splitting a household at a protected request (safeguard 7): who goes where, and what becomes of the children (safeguard 8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from services.nationals.casework.domain import voluntary_refusals as refusals
from services.nationals.casework.domain.household import Household
from shared.contracts.refusals import Refusal


@dataclass(frozen=True, slots=True)
class HouseholdPart:
    """One of the two households. `persons`: their numbers in the household before, in the order of their new numbers."""

    persons: tuple[int, ...]
    household: Household
    unaccompanied_child: bool


def split_parts(
    household: Household, unaccompanied_child: bool, leaving: Sequence[int]
) -> tuple[HouseholdPart, HouseholdPart]:
    """Those who leave, and those who stay. Raises Refusal (safeguard 7) unless somebody does either.

    A part with children and no adult is an unaccompanied child's at once; so is a part with children of a household that
    was one before.
    """
    if (
        len(set(leaving)) != len(leaving)
        or not set(leaving) < set(range(1, household.size + 1))
        or not 0 < len(leaving) < household.size
    ):
        raise Refusal(refusals.SPLIT_NOT_TWO_PARTS, size=household.size, satisfied_by="some_but_not_all_persons")
    staying = [person for person in range(1, household.size + 1) if person not in set(leaving)]
    return _part(household, unaccompanied_child, leaving), _part(household, unaccompanied_child, staying)


def _part(household: Household, unaccompanied_child: bool, persons: Sequence[int]) -> HouseholdPart:
    bands = [
        [person for person in sorted(persons) if person in band]
        for band in (household.adult_numbers, household.young_child_numbers, household.older_child_numbers)
    ]
    part = Household(*(len(band) for band in bands))
    return HouseholdPart(
        persons=tuple(chain.from_iterable(bands)),
        household=part,
        unaccompanied_child=part.is_children_only or (unaccompanied_child and part.adults < part.size),
    )

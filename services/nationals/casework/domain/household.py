"""Who a case is about, as far as this software may know: a pseudonymous reference and the household's shape.

Nothing here says where people are from, what they are called or where they live (safeguards, "Personal data").
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from services.nationals.casework.domain import refusals
from shared.contracts.refusals import Refusal

HOUSEHOLD_SIZE_MAX = 30
REFERENCE_DIGITS_MAX = 9
"""A national id has ten digits and a telephone number at least eight in a row: neither fits a reference."""

_REFERENCE = re.compile(r"[A-Z]{1,4}(-[0-9]{1,6}){1,2}", re.ASCII)


class HouseholdNeed(StrEnum):
    """Kind of place a household needs. It says what the centre must have, never what a person suffers from."""

    ACCESSIBLE_PLACE = "accessible_place"
    MEDICAL_PLACE = "medical_place"


@dataclass(frozen=True, slots=True)
class Household:
    """Shape of a household. Children are counted by age band; nobody is named."""

    adults: int
    children_under_5: int
    children_5_to_17: int

    @property
    def size(self) -> int:
        return self.adults + self.children_under_5 + self.children_5_to_17

    @property
    def adult_numbers(self) -> range:
        """Person numbers of the adults: 1..adults. The children under 5 follow, then the older ones."""
        return range(1, self.adults + 1)

    @property
    def young_child_numbers(self) -> range:
        return range(self.adults + 1, self.adults + self.children_under_5 + 1)

    @property
    def older_child_numbers(self) -> range:
        return range(self.adults + self.children_under_5 + 1, self.size + 1)

    @property
    def child_numbers(self) -> range:
        return range(self.adults + 1, self.size + 1)

    @property
    def is_children_only(self) -> bool:
        """Children without an adult are unaccompanied, whatever the form says (safeguard 8)."""
        return self.adults == 0


def check_household(household: Household) -> None:
    """Raises Refusal unless the household has 1..HOUSEHOLD_SIZE_MAX persons."""
    if not 1 <= household.size <= HOUSEHOLD_SIZE_MAX:
        raise Refusal(refusals.HOUSEHOLD_SIZE_OUT_OF_RANGE, size=household.size, size_max=HOUSEHOLD_SIZE_MAX)


def check_reference(reference: str) -> None:
    """Raises Refusal unless `reference` is one to four capitals and one or two groups of digits, such as ``REY-0042``.

    The refusal never repeats what was sent: it may be somebody's national id or telephone number.
    """
    digits = sum(character.isdigit() for character in reference)
    if not _REFERENCE.fullmatch(reference) or digits > REFERENCE_DIGITS_MAX:
        raise Refusal(refusals.REFERENCE_NOT_PSEUDONYMOUS)

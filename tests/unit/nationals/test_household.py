import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.nationals.casework.domain import refusals
from services.nationals.casework.domain.household import HOUSEHOLD_SIZE_MAX, Household, check_household, check_reference
from shared.contracts.refusals import Refusal


@pytest.mark.parametrize("reference", ["A-1", "REY-0042", "TEH-140409-17", "ABCD-123456-123"])
def test_pseudonymous_reference_is_taken(reference: str) -> None:
    check_reference(reference)


@pytest.mark.parametrize(
    "reference",
    ["", "-", "0012345678", "09123456789", "+989123456789", "021-88776655", "Ahmad", "AHMADI-1", "REY-0042\n", "rey-1",
     "REY-00123-45678", "A-1234567", "REY 42", "علی-۱", "A-۱۲", "A-1-2-3"],
)  # fmt: skip
def test_reference_that_may_name_somebody_is_refused(reference: str) -> None:
    with pytest.raises(Refusal) as refused:
        check_reference(reference)
    assert refused.value.reason is refusals.REFERENCE_NOT_PSEUDONYMOUS
    assert refused.value.details == {}, "what was sent is never repeated"


@given(st.text(alphabet="0123456789۰۱۲۳۴۵۶۷۸۹-+ ", max_size=20))
def test_no_number_alone_is_a_reference(text: str) -> None:
    with pytest.raises(Refusal):
        check_reference(text)


def test_household_has_bounds() -> None:
    check_household(Household(1, 0, 0))
    check_household(Household(HOUSEHOLD_SIZE_MAX, 0, 0))
    for household in (Household(0, 0, 0), Household(HOUSEHOLD_SIZE_MAX, 1, 0)):
        with pytest.raises(Refusal):
            check_household(household)
    assert Household(0, 1, 0).is_children_only

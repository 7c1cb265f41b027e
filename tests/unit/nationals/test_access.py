"""Access to cases: the closed lists of the domain and those of the database are one, and refusals say how to get in."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

from deploy.issuer import ROLES
from services.nationals.casework.domain import access, access_refusals
from services.nationals.complaints.domain.complaint import CASEWORK_ROLES, OFFICE_ROLE
from shared.contracts.refusals import RefusalType

SCHEMA = Path(__file__).parents[3] / "services" / "nationals" / "schema" / "01050_access.sql"


@pytest.mark.parametrize(
    ("column", "reasons"),
    [
        ("reason", access.AssignmentReason),
        ("end_reason", access.UnassignmentReason),
        ("reason_kind", access.BreakGlassReason),
        ("verdict", access.BreakGlassVerdict),
    ],
)
def test_the_database_knows_the_same_reasons(column: str, reasons: type[StrEnum]) -> None:
    found = re.search(rf"\b{column} text[^,]*?CHECK \({column} IN \(([^)]*)\)", SCHEMA.read_text("utf-8"))
    assert found is not None
    assert set(re.findall(r"'(\w+)'", found[1])) == {reason.value for reason in reasons}


def test_every_role_with_access_exists_and_is_no_complaints_officer() -> None:
    assert set(ROLES) > access.ROLES_WITH_ACCESS
    assert "caseworker" not in access.ROLES_WITH_ACCESS
    assert OFFICE_ROLE not in access.ROLES_WITH_ACCESS
    assert access.ROLES_WITH_ACCESS | {"caseworker"} <= CASEWORK_ROLES, "whoever enters cases reads no complaint"


def test_every_refusal_speaks_both_languages_and_the_first_says_how_to_get_access() -> None:
    reasons = [value for value in vars(access_refusals).values() if isinstance(value, RefusalType)]
    assert len({reason.code for reason in reasons}) == len(reasons) > 5
    for reason in reasons:
        assert any("\u0600" <= letter <= "\u06ff" for letter in reason.text_fa)
    not_assigned = access_refusals.NOT_ASSIGNED
    assert not_assigned.status == 403
    for text in (not_assigned.text_en, not_assigned.text_fa):
        assert "/break-glass" in text
    assert "supervisor" in not_assigned.text_en
    assert "سرپرست" in not_assigned.text_fa

"""Registered against found: the verdict and the fields, at and around every tolerance."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.warehouse.domain.inspection import Findings
from services.warehouse.domain.names import SiteStatus
from services.warehouse.domain.reconciliation import Registered, reconcile
from shared.contracts.warehouse import Verdict, WarehouseKind

REGISTERED = Registered(
    Decimal(1000), Decimal(2000), WarehouseKind.GENERAL, SiteStatus.ACTIVE, Decimal("35.6"), Decimal("51.4")
)
FOUND = Findings(
    Decimal(1000), Decimal(400), Decimal(2000), WarehouseKind.GENERAL, True, Decimal("35.6"), Decimal("51.4")
)


@pytest.mark.parametrize(
    ("found", "verdict", "fields"),
    [
        ({}, Verdict.CONFIRMED, ()),
        ({"capacity_tonnes": Decimal(900)}, Verdict.CONFIRMED, ()),
        ({"capacity_tonnes": Decimal("899.999")}, Verdict.DIFFERS, ("capacity_tonnes",)),
        ({"capacity_tonnes": Decimal(1100)}, Verdict.CONFIRMED, ()),
        ({"capacity_tonnes": Decimal("1100.001")}, Verdict.DIFFERS, ("capacity_tonnes",)),
        ({"capacity_tonnes": Decimal(3000)}, Verdict.DIFFERS, ("capacity_tonnes",)),
        ({"capacity_tonnes": Decimal("3000.001")}, Verdict.NEEDS_RECOUNT, ("capacity_tonnes",)),
        ({"capacity_tonnes": Decimal(0)}, Verdict.NEEDS_RECOUNT, ("capacity_tonnes",)),
        ({"floor_area_m2": Decimal(2100)}, Verdict.CONFIRMED, ()),
        ({"floor_area_m2": Decimal("2100.001")}, Verdict.DIFFERS, ("floor_area_m2",)),
        ({"kind": WarehouseKind.SILO}, Verdict.DIFFERS, ("kind",)),
        ({"operating": False}, Verdict.CLOSED, ("operating",)),
        ({"operating": False, "capacity_tonnes": Decimal(0)}, Verdict.CLOSED, ("capacity_tonnes", "operating")),
        ({"latitude": Decimal("35.604")}, Verdict.CONFIRMED, ()),
        ({"latitude": Decimal("35.605")}, Verdict.MOVED, ("location",)),
        ({"latitude": Decimal("35.7"), "kind": WarehouseKind.TANK}, Verdict.MOVED, ("kind", "location")),
        ({"latitude": None, "longitude": None}, Verdict.CONFIRMED, ()),
    ],
)
def test_verdicts(found: dict[str, Any], verdict: Verdict, fields: tuple[str, ...]) -> None:
    outcome = reconcile(REGISTERED, replace(FOUND, **found))
    assert (outcome.verdict, outcome.fields) == (verdict, fields)


@pytest.mark.parametrize(
    ("status", "operating", "verdict"),
    [
        (SiteStatus.CLOSED, False, Verdict.CONFIRMED),
        (SiteStatus.INACTIVE, False, Verdict.CONFIRMED),
        (SiteStatus.CLOSED, True, Verdict.DIFFERS),
        (SiteStatus.ACTIVE, False, Verdict.CLOSED),
    ],
)
def test_operating_state(status: SiteStatus, operating: bool, verdict: Verdict) -> None:
    outcome = reconcile(replace(REGISTERED, status=status), replace(FOUND, operating=operating))
    assert outcome.verdict is verdict


@pytest.mark.parametrize(
    ("found", "verdict"), [(8, Verdict.CONFIRMED), (9, Verdict.DIFFERS), (10, Verdict.NEEDS_RECOUNT)]
)
def test_small_sites_are_judged_in_tonnes(found: int, verdict: Verdict) -> None:
    registered = replace(REGISTERED, capacity_tonnes=Decimal(3))
    assert reconcile(registered, replace(FOUND, capacity_tonnes=Decimal(found))).verdict is verdict


FIGURES = st.decimals(min_value=0, max_value=1_000_000, places=3, allow_nan=False, allow_infinity=False)


@given(FIGURES, FIGURES)
def test_a_site_confirms_itself_and_any_difference_is_named(capacity: Decimal, area: Decimal) -> None:
    registered = replace(REGISTERED, capacity_tonnes=capacity, floor_area_m2=area)
    same = reconcile(registered, replace(FOUND, capacity_tonnes=capacity, floor_area_m2=area))
    assert same.verdict is Verdict.CONFIRMED
    other = reconcile(registered, FOUND)
    assert (other.verdict is Verdict.CONFIRMED) == (other.fields == ())

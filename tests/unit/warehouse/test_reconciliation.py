"""Registered against found: the verdict and the fields, at and around every tolerance."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.warehouse.domain.inspection import Findings
from services.warehouse.domain.names import SiteStatus
from services.warehouse.domain.reconciliation import TOLERANCES, Registered, counts_agree, reconcile
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


def test_every_kind_has_its_own_tolerances() -> None:
    assert set(TOLERANCES) == set(WarehouseKind)
    for tolerance in TOLERANCES.values():
        assert 0 < tolerance.capacity_share < 1
        assert 0 < tolerance.area_share < 1
        assert min(tolerance.capacity_least_tonnes, tolerance.area_least_m2, tolerance.distance_max_m) > 0


@pytest.mark.parametrize(
    ("kind", "found", "verdict"),
    [
        (WarehouseKind.OPEN_YARD, {"capacity_tonnes": Decimal(1200)}, Verdict.CONFIRMED),
        (WarehouseKind.OPEN_YARD, {"capacity_tonnes": Decimal("1200.001")}, Verdict.DIFFERS),
        (WarehouseKind.SILO, {"capacity_tonnes": Decimal(1050)}, Verdict.CONFIRMED),
        (WarehouseKind.SILO, {"capacity_tonnes": Decimal("1050.001")}, Verdict.DIFFERS),
        (WarehouseKind.OPEN_YARD, {"latitude": Decimal("35.608")}, Verdict.CONFIRMED),
        (WarehouseKind.PHARMACEUTICAL, {"latitude": Decimal("35.604")}, Verdict.MOVED),
    ],
)
def test_tolerances_are_those_of_the_registered_kind(
    kind: WarehouseKind, found: dict[str, Any], verdict: Verdict
) -> None:
    assert reconcile(replace(REGISTERED, kind=kind), replace(FOUND, kind=kind, **found)).verdict is verdict


@pytest.mark.parametrize(
    ("registered", "found", "fields"),
    [
        (None, None, ()),
        ("10100000001", None, ()),
        ("10100000001", "10100000001", ()),
        ("10100000001", "10100000002", ("operator",)),
        (None, "10100000002", ("operator",)),
    ],
)
def test_the_operator_is_compared_where_the_inspector_names_one(
    registered: str | None, found: str | None, fields: tuple[str, ...]
) -> None:
    outcome = reconcile(replace(REGISTERED, operator_id=registered), replace(FOUND, operator_id=found))
    assert outcome.fields == fields


def test_a_recounted_figure_needs_no_third_count() -> None:
    found = replace(FOUND, capacity_tonnes=Decimal(9000))
    assert reconcile(REGISTERED, found).verdict is Verdict.NEEDS_RECOUNT
    assert reconcile(REGISTERED, found, recounted=True).verdict is Verdict.DIFFERS


@pytest.mark.parametrize(
    ("second", "agree"),
    [
        ({}, True),
        ({"capacity_tonnes": Decimal(1100)}, True),
        ({"capacity_tonnes": Decimal("1100.001")}, False),
        ({"kind": WarehouseKind.SILO}, False),
        ({"operating": False}, False),
        ({"latitude": Decimal("35.605")}, False),
        ({"latitude": None, "longitude": None}, True),
        ({"operator_id": "10100000001"}, True),
    ],
)
def test_two_counts_agree_within_the_same_tolerances(second: dict[str, Any], agree: bool) -> None:
    assert counts_agree(FOUND, replace(FOUND, **second), WarehouseKind.GENERAL) is agree


@given(FIGURES, FIGURES)
def test_what_differs_is_told_with_its_measure(registered: Decimal, found: Decimal) -> None:
    outcome = reconcile(
        replace(REGISTERED, capacity_tonnes=registered), replace(FOUND, capacity_tonnes=found), recounted=True
    )
    [capacity] = [one for one in outcome.compared if one.field == "capacity_tonnes"]
    assert capacity.difference is not None
    assert capacity.allowed is not None
    assert capacity.differs == (capacity.difference > capacity.allowed) == ("capacity_tonnes" in outcome.fields)

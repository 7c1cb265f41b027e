"""What an inspection proposes to change in a record, and what a later registry file may not undo."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.warehouse.domain.inspection import Findings
from services.warehouse.domain.names import SiteStatus
from services.warehouse.domain.proposal import (
    ProposedChange,
    ProposedField,
    apply_value,
    found_value,
    keep_corrections,
    propose,
    propose_closing,
    value_of,
)
from services.warehouse.domain.reconciliation import Registered, reconcile
from services.warehouse.domain.risk import RiskClass
from services.warehouse.domain.site import Site
from shared.contracts.counties import County
from shared.contracts.warehouse import Verdict, WarehouseKind

SITE = Site(
    registry_id="1",
    county=County.REY,
    name="انبار",
    kind=WarehouseKind.GENERAL,
    capacity_tonnes=Decimal(1000),
    floor_area_m2=Decimal(500),
    status=SiteStatus.ACTIVE,
    risk_class=RiskClass.C,
    operator="شرکت پیشین",
    operator_id="10100000001",
)
FIGURES = st.decimals(0, 1_000_000, places=3, allow_nan=False, allow_infinity=False)
FINDINGS = st.builds(
    Findings,
    capacity_tonnes=FIGURES,
    in_use_capacity_tonnes=st.just(Decimal(0)),
    floor_area_m2=FIGURES,
    kind=st.sampled_from(list(WarehouseKind)),
    operating=st.booleans(),
    latitude=st.decimals(35, 36, places=6),
    longitude=st.decimals(51, 52, places=6),
    operator_id=st.one_of(st.none(), st.from_regex(r"[0-9]{11}", fullmatch=True)),
)


def registered(site: Site) -> Registered:
    return Registered(
        site.capacity_tonnes,
        site.floor_area_m2,
        site.kind,
        site.status,
        site.latitude,
        site.longitude,
        site.operator_id,
    )


@given(FINDINGS)
def test_a_record_that_takes_every_proposal_is_confirmed_by_the_same_count(found: Findings) -> None:
    site = replace(SITE, latitude=Decimal("35.5"), longitude=Decimal("51.5"))
    outcome = reconcile(registered(site), found, recounted=True)
    changes = propose(site, found, outcome.fields)
    assert len(changes) == len(outcome.fields)
    for change in changes:
        assert value_of(site, change.field) == change.registered_value
        site = apply_value(site, change.field, change.proposed_value)
        assert value_of(site, change.field) == change.proposed_value
    # A new kind has tolerances of its own: a figure within those of the old one may lie outside.
    left = set(reconcile(registered(site), found, recounted=True).fields)
    assert left <= ({"capacity_tonnes", "floor_area_m2"} if "kind" in outcome.fields else set())


def test_the_risk_class_follows_and_the_old_operators_name_does_not_stay() -> None:
    tank = apply_value(SITE, ProposedField.KIND, "tank")
    assert tank.risk_class is RiskClass.A
    handed_over = apply_value(SITE, ProposedField.OPERATOR_ID, "10100000002")
    assert (handed_over.operator_id, handed_over.operator) == ("10100000002", None)


def test_what_the_inspector_left_open_is_not_proposed() -> None:
    found = Findings(Decimal(1), Decimal(0), Decimal(1), WarehouseKind.GENERAL, operating=True)
    with pytest.raises(ValueError, match="location"):
        found_value(found, ProposedField.LOCATION)


def test_a_site_registered_twice_is_closed_once() -> None:
    assert propose_closing(SITE) == [ProposedChange(ProposedField.STATUS, "active", "closed")]
    assert propose_closing(replace(SITE, status=SiteStatus.CLOSED)) == []


CORRECTED = replace(SITE, capacity_tonnes=Decimal(700), operator_id="10100000002", operator=None)
CORRECTIONS: dict[ProposedField, str | None] = {
    ProposedField.CAPACITY_TONNES: "1000.000",
    ProposedField.OPERATOR_ID: "10100000001",
}


@pytest.mark.parametrize(
    ("row", "after"),
    [
        (SITE, CORRECTED),
        (replace(SITE, name="نام نو"), replace(CORRECTED, name="نام نو")),
        (replace(SITE, capacity_tonnes=Decimal(650)), replace(CORRECTED, capacity_tonnes=Decimal(650))),
        (replace(SITE, capacity_tonnes=Decimal(700)), CORRECTED),
    ],
    ids=["the old row again", "news of another field", "news of the field", "the register has caught up"],
)
def test_a_file_that_has_not_heard_of_a_correction_does_not_undo_it(row: Site, after: Site) -> None:
    assert keep_corrections(CORRECTED, row, CORRECTIONS) == after


@given(FINDINGS)
def test_confirmed_proposes_nothing(found: Findings) -> None:
    outcome = reconcile(registered(SITE), found)
    assert bool(propose(SITE, found, outcome.fields)) == (outcome.verdict is not Verdict.CONFIRMED)

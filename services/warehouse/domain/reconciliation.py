"""What is registered against what is there: field by field, with named tolerances, to one verdict for the site."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from services.warehouse.domain.geography import distance_m
from services.warehouse.domain.inspection import Findings
from services.warehouse.domain.names import SiteStatus
from shared.contracts.warehouse import Verdict, WarehouseKind


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a count may be from the register and still confirm it: a share of the registered figure, but never less
    than the least difference, below which a share of a small figure says nothing; and metres between the two points."""

    capacity_share: Decimal
    capacity_least_tonnes: Decimal
    area_share: Decimal
    area_least_m2: Decimal
    distance_max_m: float


TOLERANCES: Mapping[WarehouseKind, Tolerance] = {
    WarehouseKind.GENERAL: Tolerance(Decimal("0.10"), Decimal(5), Decimal("0.05"), Decimal(20), 500.0),
    WarehouseKind.DISTRIBUTION_CENTRE: Tolerance(Decimal("0.10"), Decimal(5), Decimal("0.05"), Decimal(20), 500.0),
    WarehouseKind.COLD_STORE: Tolerance(Decimal("0.10"), Decimal(5), Decimal("0.05"), Decimal(10), 500.0),
    # Built to a measured volume.
    WarehouseKind.SILO: Tolerance(Decimal("0.05"), Decimal(5), Decimal("0.05"), Decimal(20), 500.0),
    WarehouseKind.TANK: Tolerance(Decimal("0.05"), Decimal(5), Decimal("0.05"), Decimal(20), 500.0),
    # Small sites in built-up places, whose stock is controlled by the piece.
    WarehouseKind.HAZARDOUS: Tolerance(Decimal("0.05"), Decimal(1), Decimal("0.05"), Decimal(10), 250.0),
    WarehouseKind.PHARMACEUTICAL: Tolerance(Decimal("0.05"), Decimal(1), Decimal("0.05"), Decimal(10), 250.0),
    WarehouseKind.BONDED: Tolerance(Decimal("0.05"), Decimal(5), Decimal("0.05"), Decimal(20), 500.0),
    # No walls to measure between, and the recorded point may lie anywhere in the yard.
    WarehouseKind.OPEN_YARD: Tolerance(Decimal("0.20"), Decimal(10), Decimal("0.10"), Decimal(100), 1000.0),
}
"""By the registered kind. All figures are the project's own choice, to be confirmed by the province."""
RECOUNT_CAPACITY_FACTOR = Decimal(3)
"""A capacity this many times too large or too small is counted again, by a different inspector, before it is believed.
The project's own choice, to be confirmed by the province."""


@dataclass(frozen=True, slots=True)
class Registered:
    """The registry's figures of a site at the time of the review."""

    capacity_tonnes: Decimal
    floor_area_m2: Decimal
    kind: WarehouseKind
    status: SiteStatus
    latitude: Decimal | None = None
    longitude: Decimal | None = None
    operator_id: str | None = None


@dataclass(frozen=True, slots=True)
class FieldComparison:
    """One field on both sides. `difference` and `allowed` (tonnes, m², metres) only where a field has a measure."""

    field: str
    registered: str | None
    found: str | None
    differs: bool
    difference: Decimal | None = None
    allowed: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The verdict, the names of the fields that differ beyond tolerance, and every comparison, in a fixed order."""

    verdict: Verdict
    fields: tuple[str, ...]
    compared: tuple[FieldComparison, ...] = ()


def reconcile(registered: Registered, found: Findings, *, recounted: bool = False) -> Reconciliation:
    """Compare. The gravest verdict wins: closed, moved, needs_recount, differs, confirmed.

    A count that is `recounted` (two different people agree on it, or a person decided for it) needs no third.
    """
    compared = _compare(registered, found, TOLERANCES[registered.kind])
    differing = {comparison.field for comparison in compared if comparison.differs}
    fields = tuple(comparison.field for comparison in compared if comparison.differs)
    return Reconciliation(_verdict(registered, found, differing, recounted), fields, compared)


def counts_agree(first: Findings, second: Findings, kind: WarehouseKind) -> bool:
    """Whether two counts of one site say the same within the tolerance of its registered kind."""
    status = SiteStatus.ACTIVE if first.operating else SiteStatus.CLOSED
    as_registered = Registered(
        first.capacity_tonnes,
        first.floor_area_m2,
        first.kind,
        status,
        first.latitude,
        first.longitude,
        first.operator_id,
    )
    # A count that does not name the operator says nothing against one that does.
    comparable = second if first.operator_id else replace(second, operator_id=None)
    return not any(comparison.differs for comparison in _compare(as_registered, comparable, TOLERANCES[kind]))


def _verdict(registered: Registered, found: Findings, differing: set[str], recounted: bool) -> Verdict:
    if "operating" in differing and not found.operating:
        return Verdict.CLOSED
    if "location" in differing:
        return Verdict.MOVED
    if "capacity_tonnes" in differing and not recounted and _implausible(registered, found):
        return Verdict.NEEDS_RECOUNT
    return Verdict.DIFFERS if differing else Verdict.CONFIRMED


def _compare(registered: Registered, found: Findings, tolerance: Tolerance) -> tuple[FieldComparison, ...]:
    operating = registered.status is SiteStatus.ACTIVE
    return (
        _figure(
            "capacity_tonnes",
            registered.capacity_tonnes,
            found.capacity_tonnes,
            max(registered.capacity_tonnes * tolerance.capacity_share, tolerance.capacity_least_tonnes),
        ),
        _figure(
            "floor_area_m2",
            registered.floor_area_m2,
            found.floor_area_m2,
            max(registered.floor_area_m2 * tolerance.area_share, tolerance.area_least_m2),
        ),
        FieldComparison("kind", registered.kind, found.kind, registered.kind is not found.kind),
        FieldComparison(
            "operator",
            registered.operator_id,
            found.operator_id,
            found.operator_id is not None and found.operator_id != registered.operator_id,
        ),
        FieldComparison("operating", _yes_no(operating), _yes_no(found.operating), operating is not found.operating),
        _location(registered, found, tolerance.distance_max_m),
    )


def _figure(name: str, registered: Decimal, found: Decimal, allowed: Decimal) -> FieldComparison:
    difference = abs(registered - found)
    return FieldComparison(name, f"{registered:f}", f"{found:f}", difference > allowed, difference, allowed)


def _location(registered: Registered, found: Findings, distance_max_m: float) -> FieldComparison:
    """The distance between the recorded and the found point; where either is unknown, nothing differs."""
    here, there = _point(registered.latitude, registered.longitude), _point(found.latitude, found.longitude)
    allowed = Decimal(str(distance_max_m))
    if here is None or there is None:
        return FieldComparison("location", _point_text(here), _point_text(there), False, None, allowed)
    metres = distance_m(*here, *there)
    difference = Decimal(f"{metres:.1f}")
    return FieldComparison(
        "location", _point_text(here), _point_text(there), metres > distance_max_m, difference, allowed
    )


def _point(latitude: Decimal | None, longitude: Decimal | None) -> tuple[float, float] | None:
    return None if latitude is None or longitude is None else (float(latitude), float(longitude))


def _point_text(point: tuple[float, float] | None) -> str | None:
    return f"{point[0]:.6f},{point[1]:.6f}" if point else None


def _yes_no(operating: bool) -> str:
    return "yes" if operating else "no"


def _implausible(registered: Registered, found: Findings) -> bool:
    larger = max(registered.capacity_tonnes, found.capacity_tonnes)
    return larger > RECOUNT_CAPACITY_FACTOR * min(registered.capacity_tonnes, found.capacity_tonnes)

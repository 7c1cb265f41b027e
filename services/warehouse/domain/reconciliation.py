"""What is registered against what is there: field by field, with named tolerances, to one verdict for the site."""

from dataclasses import dataclass
from decimal import Decimal
from math import asin, cos, radians, sin, sqrt

from services.warehouse.domain.inspection import Findings
from services.warehouse.domain.names import SiteStatus
from shared.contracts.warehouse import Verdict, WarehouseKind

CAPACITY_TOLERANCE_SHARE = Decimal("0.10")
CAPACITY_TOLERANCE_TONNES = Decimal(5)
"""Below this difference a share of a small figure says nothing."""
AREA_TOLERANCE_SHARE = Decimal("0.05")
AREA_TOLERANCE_M2 = Decimal(20)
RECOUNT_CAPACITY_FACTOR = Decimal(3)
"""A capacity this many times too large or too small is counted again, by a different inspector, before it is believed."""
MOVED_DISTANCE_M = 500.0
"""Beyond a phone's error and the yard of a large site."""
EARTH_RADIUS_M = 6_371_000.0


@dataclass(frozen=True, slots=True)
class Registered:
    """The registry's figures of a site at the time of the review."""

    capacity_tonnes: Decimal
    floor_area_m2: Decimal
    kind: WarehouseKind
    status: SiteStatus
    latitude: Decimal | None = None
    longitude: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The verdict and the names of the fields that differ beyond tolerance, in a fixed order."""

    verdict: Verdict
    fields: tuple[str, ...]


def reconcile(registered: Registered, found: Findings) -> Reconciliation:
    """Compare. The gravest verdict wins: closed, moved, needs_recount, differs, confirmed."""
    differing = {
        "capacity_tonnes": _apart(
            registered.capacity_tonnes, found.capacity_tonnes, CAPACITY_TOLERANCE_SHARE, CAPACITY_TOLERANCE_TONNES
        ),
        "floor_area_m2": _apart(registered.floor_area_m2, found.floor_area_m2, AREA_TOLERANCE_SHARE, AREA_TOLERANCE_M2),
        "kind": registered.kind is not found.kind,
        "operating": (registered.status is SiteStatus.ACTIVE) is not found.operating,
        "location": _distance_m(registered, found) > MOVED_DISTANCE_M,
    }
    fields = tuple(name for name, differs in differing.items() if differs)
    return Reconciliation(_verdict(registered, found, differing), fields)


def _verdict(registered: Registered, found: Findings, differing: dict[str, bool]) -> Verdict:
    if differing["operating"] and not found.operating:
        return Verdict.CLOSED
    if differing["location"]:
        return Verdict.MOVED
    if differing["capacity_tonnes"] and _implausible(registered.capacity_tonnes, found.capacity_tonnes):
        return Verdict.NEEDS_RECOUNT
    return Verdict.DIFFERS if any(differing.values()) else Verdict.CONFIRMED


def _apart(registered: Decimal, found: Decimal, tolerance_share: Decimal, tolerance_least: Decimal) -> bool:
    return abs(registered - found) > max(registered * tolerance_share, tolerance_least)


def _implausible(registered: Decimal, found: Decimal) -> bool:
    return max(registered, found) > RECOUNT_CAPACITY_FACTOR * min(registered, found)


def _distance_m(registered: Registered, found: Findings) -> float:
    """Great-circle distance between the recorded and the found point; 0 where either is unknown."""
    if registered.latitude is None or registered.longitude is None or found.latitude is None or found.longitude is None:
        return 0.0
    latitude_a, latitude_b = radians(registered.latitude), radians(found.latitude)
    half_latitude = (latitude_b - latitude_a) / 2
    half_longitude = radians(found.longitude - registered.longitude) / 2
    chord = sin(half_latitude) ** 2 + cos(latitude_a) * cos(latitude_b) * sin(half_longitude) ** 2
    return 2 * EARTH_RADIUS_M * asin(sqrt(min(1.0, chord)))

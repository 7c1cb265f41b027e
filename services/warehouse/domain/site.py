"""A registered site: what the registry says of it, and what a new row of the registry changes in that."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal

from services.warehouse.domain.names import SiteStatus
from services.warehouse.domain.registry_row import RegistryRow
from services.warehouse.domain.risk import RiskClass, risk_class
from shared.contracts.counties import County
from shared.contracts.warehouse import WarehouseKind


@dataclass(frozen=True, slots=True)
class Site:
    """The registry's record of one warehouse. Figures are finite, 0 or more, of 3 decimals."""

    registry_id: str
    county: County
    name: str
    kind: WarehouseKind
    capacity_tonnes: Decimal
    floor_area_m2: Decimal
    status: SiteStatus
    risk_class: RiskClass
    address: str | None = None
    postal_code: str | None = None
    latitude: Decimal | None = None
    longitude: Decimal | None = None
    operator: str | None = None
    operator_id: str | None = None
    registry_updated_on: date | None = None


def new_site(row: RegistryRow) -> Site:
    """The record that a row of an unknown registry id makes; a site whose status is not said is active."""
    return Site(
        registry_id=row.registry_id,
        county=row.county,
        name=row.name,
        kind=row.kind,
        capacity_tonnes=row.capacity_tonnes,
        floor_area_m2=row.floor_area_m2,
        status=row.status or SiteStatus.ACTIVE,
        risk_class=risk_class(row.kind, row.capacity_tonnes),
        address=row.address,
        postal_code=row.postal_code,
        latitude=row.latitude,
        longitude=row.longitude,
        operator=row.operator,
        operator_id=row.operator_id,
        registry_updated_on=row.updated_on,
    )


def updated_site(before: Site, row: RegistryRow) -> Site:
    """`before` with what `row` says; what the row does not say stays."""
    after = new_site(row)
    return replace(
        after,
        status=row.status or before.status,
        **{name: getattr(before, name) for name in _OPTIONAL if getattr(after, name) is None},
    )


def changed_fields(before: Site, after: Site) -> Sequence[str]:
    """Names of the fields that differ, in the order in which they are declared."""
    return [name for name in _NAMES if getattr(before, name) != getattr(after, name)]


_NAMES = tuple(field.name for field in fields(Site))
_OPTIONAL = (
    "address",
    "postal_code",
    "latitude",
    "longitude",
    "operator",
    "operator_id",
    "registry_updated_on",
)

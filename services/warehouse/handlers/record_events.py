"""A record of the register was added or changed, by a file or by a person: what is told, and when its inspection is due."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from services.warehouse.domain.risk import next_due_on
from services.warehouse.domain.site import Site
from services.warehouse.store.registry import StoredSite
from shared.contracts.warehouse import WarehouseChanged, WarehouseRegistered
from shared.persian.calendar import office_date


def registered_event(warehouse_id: UUID, site: Site) -> WarehouseRegistered:
    """A record was added."""
    return WarehouseRegistered(
        warehouse_id=warehouse_id,
        registry_id=site.registry_id,
        county=site.county,
        kind=site.kind,
        capacity_tonnes=float(site.capacity_tonnes),
        floor_area_m2=float(site.floor_area_m2),
    )


def changed_event(
    before: StoredSite, after: Site, changed: Sequence[str], inspection_id: UUID | None = None
) -> WarehouseChanged:
    """A record was changed; by an inspection's findings, where `inspection_id` names it."""
    return WarehouseChanged(
        warehouse_id=before.warehouse_id,
        county=after.county,
        county_before=before.site.county,
        capacity_tonnes=float(after.capacity_tonnes),
        capacity_tonnes_before=float(before.site.capacity_tonnes),
        changed_fields=tuple(changed),
        is_inspected=before.last_inspected_at is not None,
        is_within_interval=before.is_within_interval,
        verified_capacity_tonnes=float(before.verified_capacity_tonnes),
        in_use_capacity_tonnes=float(before.in_use_capacity_tonnes),
        caused_by_inspection_id=inspection_id,
        registry_id=after.registry_id if "registry_id" in changed else None,
    )


def due_on_after(before: StoredSite, after: Site, today: date) -> date:
    """A site that moves to a higher risk class is due earlier; no change puts an inspection off."""
    if after.risk_class is before.site.risk_class:
        return before.next_due_on
    inspected_on = office_date(before.last_inspected_at) if before.last_inspected_at else None
    return min(before.next_due_on, next_due_on(after.risk_class, today, inspected_on, discrepancy_open=False))

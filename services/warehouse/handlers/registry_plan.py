"""What believed rows of a registry file are about to do to the sites that are recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from uuid_utils.compat import uuid7

from services.warehouse.domain.calendar import office_date
from services.warehouse.domain.proposal import ProposedField, keep_corrections
from services.warehouse.domain.registry_column import Column
from services.warehouse.domain.registry_row import RegistryRow, RowError
from services.warehouse.domain.risk import next_due_on
from services.warehouse.domain.site import changed_fields, new_site, updated_site
from services.warehouse.store import registry as store
from services.warehouse.store.proposals import standing_corrections
from services.warehouse.store.registry import SiteToStore, StoredSite
from shared.contracts.base import Event
from shared.contracts.warehouse import RowReason, WarehouseChanged, WarehouseRegistered
from shared.kit.transaction import Transaction


@dataclass(slots=True)
class Plan:
    """What a batch of rows is about to do. `added_lines`, `changed_lines`: the same for the report.

    A line of an addition: row, registry id, name, county, kind, capacity, area. A line of a change: row, registry id,
    name, field, before, after.
    """

    added: list[SiteToStore] = field(default_factory=list[SiteToStore])
    changed: list[SiteToStore] = field(default_factory=list[SiteToStore])
    unchanged_count: int = 0
    errors: list[RowError] = field(default_factory=list[RowError])
    events: list[Event] = field(default_factory=list[Event])
    added_lines: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])
    changed_lines: list[tuple[object, ...]] = field(default_factory=list[tuple[object, ...]])


async def plan_rows(rows: Sequence[RegistryRow], headings: Mapping[Column, str], tx: Transaction) -> Plan:
    """Compare believed rows with what is recorded. The sites that will change are locked; the others are not, so that
    a file that says nothing new keeps nobody waiting.
    """
    plan, today = Plan(), office_date(tx.now)
    recorded = await store.read_sites(tx.connection, [row.registry_id for row in rows])
    differing: list[RegistryRow] = []
    for row in rows:
        before = recorded.get(row.registry_id)
        if before is None:
            _plan_addition(plan, row, today)
        elif changed_fields(before.site, updated_site(before.site, row)):
            differing.append(row)
        else:
            plan.unchanged_count += 1
    if differing:
        await _plan_changes(plan, differing, headings, today, tx)
    return plan


async def _plan_changes(
    plan: Plan, rows: Sequence[RegistryRow], headings: Mapping[Column, str], today: date, tx: Transaction
) -> None:
    recorded = await store.lock_sites(tx.connection, [row.registry_id for row in rows])
    moving = [
        recorded[row.registry_id].warehouse_id
        for row in rows
        if recorded[row.registry_id].site.county is not row.county
    ]
    busy = await store.sites_with_open_work(tx.connection, moving) if moving else set[UUID]()
    corrections = await standing_corrections(tx.connection, [site.warehouse_id for site in recorded.values()])
    for row in rows:
        before = recorded[row.registry_id]
        known_on = before.site.registry_updated_on
        if row.updated_on is not None and known_on is not None and row.updated_on < known_on:
            value = f"{row.updated_on.isoformat()} < {known_on.isoformat()}"
            plan.errors.append(RowError(row.row, headings[Column.UPDATED_ON], RowReason.OLDER_THAN_STORED, value))
        elif before.site.county is not row.county and before.warehouse_id in busy:
            column = headings[Column.COUNTY]
            plan.errors.append(RowError(row.row, column, RowReason.OPEN_WORK_IN_COUNTY, row.county.label_fa))
        else:
            _plan_change(plan, row, before, today, corrections.get(before.warehouse_id, {}))


def _plan_addition(plan: Plan, row: RegistryRow, today: date) -> None:
    site = new_site(row)
    warehouse_id = uuid7()
    plan.added.append(
        SiteToStore(warehouse_id, site, next_due_on(site.risk_class, today, None, discrepancy_open=False))
    )
    plan.events.append(
        WarehouseRegistered(
            warehouse_id=warehouse_id,
            registry_id=site.registry_id,
            county=site.county,
            kind=site.kind,
            capacity_tonnes=float(site.capacity_tonnes),
            floor_area_m2=float(site.floor_area_m2),
        )
    )
    figures = (site.capacity_tonnes, site.floor_area_m2)
    plan.added_lines.append((row.row, site.registry_id, site.name, site.county, site.kind, *figures))


def _plan_change(
    plan: Plan,
    row: RegistryRow,
    before: StoredSite,
    today: date,
    corrections: Mapping[ProposedField, str | None],
) -> None:
    site = keep_corrections(before.site, updated_site(before.site, row), corrections)
    changed = changed_fields(before.site, site)
    if not changed:
        plan.unchanged_count += 1
        return
    due_on = before.next_due_on
    if site.risk_class is not before.site.risk_class:
        inspected_on = office_date(before.last_inspected_at) if before.last_inspected_at else None
        due_on = min(due_on, next_due_on(site.risk_class, today, inspected_on, discrepancy_open=False))
    plan.changed.append(SiteToStore(before.warehouse_id, site, due_on))
    plan.changed_lines += (
        (row.row, site.registry_id, site.name, name, getattr(before.site, name), getattr(site, name))
        for name in changed
    )
    plan.events.append(
        WarehouseChanged(
            warehouse_id=before.warehouse_id,
            county=site.county,
            county_before=before.site.county,
            capacity_tonnes=float(site.capacity_tonnes),
            capacity_tonnes_before=float(before.site.capacity_tonnes),
            changed_fields=tuple(changed),
            is_inspected=before.last_inspected_at is not None,
            is_within_interval=before.is_within_interval,
            verified_capacity_tonnes=float(before.verified_capacity_tonnes),
            in_use_capacity_tonnes=float(before.in_use_capacity_tonnes),
        )
    )

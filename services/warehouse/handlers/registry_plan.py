"""What believed rows of a registry file are about to do to the sites that are recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from uuid_utils.compat import uuid7

from services.warehouse.domain.proposal import ProposedField, keep_corrections
from services.warehouse.domain.registry_column import Column
from services.warehouse.domain.registry_row import RegistryRow, RowError
from services.warehouse.domain.risk import next_due_on
from services.warehouse.domain.site import Site, changed_fields, new_site, updated_site
from services.warehouse.handlers.record_events import changed_event, due_on_after, registered_event
from services.warehouse.store import registry as store
from services.warehouse.store.proposals import standing_corrections
from services.warehouse.store.registry import SiteToStore, StoredSite
from shared.contracts.warehouse import RowReason, WarehouseChanged, WarehouseRegistered
from shared.kit.transaction import Transaction
from shared.persian.calendar import office_date


@dataclass(slots=True)
class Plan:
    """What a batch of rows is about to do: sites to add and to change, events that tell the changes. `added_lines`,
    `changed_lines`: the same for the report.

    A line of an addition: row, registry id, name, county, kind, capacity, area. A line of a change: row, registry id,
    name, field, before, after.
    """

    added: list[Site] = field(default_factory=list[Site])
    changed: list[SiteToStore] = field(default_factory=list[SiteToStore])
    unchanged_count: int = 0
    errors: list[RowError] = field(default_factory=list[RowError])
    changes: list[WarehouseChanged] = field(default_factory=list[WarehouseChanged])
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
            _plan_addition(plan, row)
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


def _plan_addition(plan: Plan, row: RegistryRow) -> None:
    site = new_site(row)
    plan.added.append(site)
    figures = (site.capacity_tonnes, site.floor_area_m2)
    plan.added_lines.append((row.row, site.registry_id, site.name, site.county, site.kind, *figures))


def register(sites: Sequence[Site], today: date) -> tuple[list[SiteToStore], list[WarehouseRegistered]]:
    """New sites as records with ids of their own, and the events that tell of them."""
    records = [
        SiteToStore(uuid7(), site, next_due_on(site.risk_class, today, None, discrepancy_open=False)) for site in sites
    ]
    events = [registered_event(record.warehouse_id, record.site) for record in records]
    return records, events


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
    plan.changed.append(SiteToStore(before.warehouse_id, site, due_on_after(before, site, today)))
    plan.changed_lines += (
        (row.row, site.registry_id, site.name, name, getattr(before.site, name), getattr(site, name))
        for name in changed
    )
    plan.changes.append(changed_event(before, site, changed))

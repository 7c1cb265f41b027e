"""A registry file becomes sites: looked at, or applied whole; sent again, it changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from uuid_utils.compat import uuid7

from services.warehouse.domain import refusals
from services.warehouse.domain.calendar import office_date
from services.warehouse.domain.registry import judge
from services.warehouse.domain.registry_header import Column
from services.warehouse.domain.registry_row import RegistryRow, RowError
from services.warehouse.domain.risk import next_due_on
from services.warehouse.domain.row_reasons import TEXTS_FA_EN
from services.warehouse.domain.site import changed_fields, new_site, updated_site
from services.warehouse.handlers.messages import ImportRegistry, RefusedCell, RegistryImported
from services.warehouse.store import registry as store
from services.warehouse.store.registry import ImportRecord, SiteToStore, StoredSite
from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import RowReason, WarehouseChanged, WarehouseRegistered
from shared.kit.transaction import Transaction

REFUSALS_REPORTED_MAX = 20_000
"""Longest list of reasons in one answer (about 8 MB); the rest are counted."""


@dataclass(slots=True)
class _Plan:
    """What an import is about to do."""

    added: list[SiteToStore] = field(default_factory=list["SiteToStore"])
    changed: list[SiteToStore] = field(default_factory=list["SiteToStore"])
    unchanged_count: int = 0
    errors: list[RowError] = field(default_factory=list["RowError"])
    events: list[Event] = field(default_factory=list["Event"])


async def import_registry(command: ImportRegistry, tx: Transaction) -> RegistryImported:
    """Look at the file (`dry_run`) or apply what of it may be believed, all of it or nothing.

    Raises Refusal: the caller's token does not cover the province; another import is running.
    """
    if tx.principal.counties != frozenset(County):
        raise Refusal(refusals.IMPORT_PROVINCE_WIDE)
    if not await store.try_lock_import(tx.connection):
        raise Refusal(refusals.IMPORT_IN_PROGRESS)
    today = office_date(tx.now)
    judgement = judge(command.table, today)
    plan = await _plan(judgement.accepted, command.table.header.texts[Column.COUNTY], today, tx)
    plan.errors.extend(judgement.errors)
    if command.mode == "apply":
        await store.insert_sites(tx.connection, plan.added)
        await store.update_sites(tx.connection, plan.changed)
        await tx.publish_many(plan.events)
    refused_rows = len({error.row for error in plan.errors})
    record = ImportRecord(
        import_id=uuid7(),
        mode=command.mode,
        file_sha256=command.file_sha256,
        row_count=len(command.table.rows),
        added_count=len(plan.added),
        changed_count=len(plan.changed),
        unchanged_count=plan.unchanged_count,
        refused_count=refused_rows,
        imported_by=tx.principal.subject,
        imported_at=tx.now,
    )
    await store.insert_import(tx.connection, record)
    refused = sorted(plan.errors, key=lambda error: error.row)
    return RegistryImported(
        import_id=record.import_id,
        mode=command.mode,
        file_sha256=record.file_sha256,
        rows=record.row_count,
        added=record.added_count,
        changed=record.changed_count,
        unchanged=record.unchanged_count,
        refused_rows=refused_rows,
        refused=[_refused_cell(error) for error in refused[:REFUSALS_REPORTED_MAX]],
        refused_omitted=max(0, len(refused) - REFUSALS_REPORTED_MAX),
        ignored_columns=list(command.table.header.ignored),
    )


async def _plan(rows: Sequence[RegistryRow], county_header: str, today: date, tx: Transaction) -> _Plan:
    stored = await store.lock_sites(tx.connection, [row.registry_id for row in rows])
    moving = [
        stored[row.registry_id].warehouse_id
        for row in rows
        if row.registry_id in stored and stored[row.registry_id].site.county is not row.county
    ]
    busy = await store.sites_with_open_work(tx.connection, moving) if moving else set[UUID]()
    plan = _Plan()
    for row in rows:
        before = stored.get(row.registry_id)
        if before is None:
            _plan_addition(plan, row, today)
        elif before.site.county is not row.county and before.warehouse_id in busy:
            plan.errors.append(RowError(row.row, county_header, RowReason.OPEN_WORK_IN_COUNTY, row.county.label_fa))
        else:
            _plan_change(plan, row, before, today)
    return plan


def _plan_addition(plan: _Plan, row: RegistryRow, today: date) -> None:
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


def _plan_change(plan: _Plan, row: RegistryRow, before: StoredSite, today: date) -> None:
    site = updated_site(before.site, row)
    changed = changed_fields(before.site, site)
    if not changed:
        plan.unchanged_count += 1
        return
    due_on = before.next_due_on
    if site.risk_class is not before.site.risk_class:
        inspected_on = office_date(before.last_inspected_at) if before.last_inspected_at else None
        due_on = min(due_on, next_due_on(site.risk_class, today, inspected_on, discrepancy_open=False))
    plan.changed.append(SiteToStore(before.warehouse_id, site, due_on))
    plan.events.append(
        WarehouseChanged(
            warehouse_id=before.warehouse_id,
            county=site.county,
            county_before=before.site.county,
            capacity_tonnes=float(site.capacity_tonnes),
            capacity_tonnes_before=float(before.site.capacity_tonnes),
            changed_fields=tuple(changed),
            is_inspected=before.last_inspected_at is not None,
            verified_capacity_tonnes=float(before.verified_capacity_tonnes),
            in_use_capacity_tonnes=float(before.in_use_capacity_tonnes),
        )
    )


def _refused_cell(error: RowError) -> RefusedCell:
    reason_fa, reason_en = TEXTS_FA_EN[error.reason]
    return RefusedCell(
        row=error.row,
        column=error.column,
        value=error.value,
        reason_code=error.reason,
        reason_fa=reason_fa,
        reason_en=reason_en,
    )

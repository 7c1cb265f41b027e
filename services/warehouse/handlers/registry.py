"""A registry file becomes sites: looked at, or applied whole; sent again, it changes nothing."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from uuid_utils.compat import uuid7

from services.warehouse.domain import refusals
from services.warehouse.domain.registry import Judgement
from services.warehouse.domain.registry_column import Column
from services.warehouse.domain.registry_row import RowError
from services.warehouse.domain.row_reasons import TEXTS_FA_EN
from services.warehouse.handlers.messages import ImportRegistry, RefusedCell, RegistryImported
from services.warehouse.handlers.registry_plan import Plan, plan_rows, register
from services.warehouse.handlers.registry_report_lines import ReportLines
from services.warehouse.store import registry as store
from services.warehouse.store import registry_imports
from services.warehouse.store.registry_imports import ImportRecord, Section
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Transaction
from shared.persian.calendar import office_date

REFUSALS_REPORTED_MAX = 5_000
"""Longest list of reasons in one answer (about 2 MB); the rest are counted, and named in the report."""
BATCH_ROWS = 1_000


@dataclass(slots=True)
class _Tally:
    """What the batches have done so far."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused_rows: int = 0
    reasons: int = 0
    cells: list[RefusedCell] = field(default_factory=list[RefusedCell])

    @property
    def rows(self) -> int:
        return self.added + self.changed + self.unchanged + self.refused_rows

    def add(self, plan: Plan) -> None:
        self.added += len(plan.added)
        self.changed += len(plan.changed)
        self.unchanged += plan.unchanged_count
        self.refused_rows += len({error.row for error in plan.errors})
        self.reasons += len(plan.errors)
        self.cells += map(_refused_cell, plan.errors[: REFUSALS_REPORTED_MAX - len(self.cells)])


async def import_registry(command: ImportRegistry, tx: Transaction) -> RegistryImported:
    """Look at the file (`dry_run`) or apply what of it may be believed, all of it or nothing.

    Raises Refusal: the caller's token does not cover the province; another import is running.
    """
    if tx.principal.counties != frozenset(County):
        raise Refusal(refusals.IMPORT_PROVINCE_WIDE)
    if not await store.try_lock_import(tx.connection):
        raise Refusal(refusals.IMPORT_IN_PROGRESS)
    read, import_id = command.read, uuid7()
    missing = await registry_imports.insert_missing(tx.connection, import_id, read.registry_ids)
    tally = await _take_up(command, import_id, tx)
    record = ImportRecord(
        import_id=import_id,
        mode=command.mode,
        file_sha256=command.file_sha256,
        row_count=tally.rows,
        added_count=tally.added,
        changed_count=tally.changed,
        unchanged_count=tally.unchanged,
        refused_count=tally.refused_rows,
        missing_count=missing,
        ignored_columns=read.header.ignored,
        imported_by=tx.principal.subject,
        imported_at=tx.now,
    )
    await registry_imports.insert_import(tx.connection, record)
    await registry_imports.forget_old_reports(tx.connection, command.mode)
    return RegistryImported(
        import_id=import_id,
        mode=command.mode,
        file_sha256=record.file_sha256,
        rows=record.row_count,
        added=record.added_count,
        changed=record.changed_count,
        unchanged=record.unchanged_count,
        refused_rows=record.refused_count,
        refused=tally.cells,
        refused_omitted=tally.reasons - len(tally.cells),
        ignored_columns=list(read.header.ignored),
        missing=missing,
    )


async def _take_up(command: ImportRegistry, import_id: UUID, tx: Transaction) -> _Tally:
    """Plan and keep batch after batch, so that memory does not grow with the file."""
    tally, lines = _Tally(), ReportLines(tx.connection, import_id)
    judgements = command.read.judgements(office_date(tx.now), BATCH_ROWS)
    command.progress.begin_applying()
    while (judgement := await asyncio.to_thread(next, judgements, None)) is not None:
        await _take_batch(command.mode, judgement, command.read.header.texts, lines, tally, tx)
        command.progress.share = tally.rows / command.read.row_count
    await lines.finish()
    return tally


async def _take_batch(
    mode: Literal["dry_run", "apply"],
    judgement: Judgement,
    headings: Mapping[Column, str],
    lines: ReportLines,
    tally: _Tally,
    tx: Transaction,
) -> None:
    plan = await plan_rows(judgement.accepted, headings, tx)
    plan.errors = sorted((*judgement.errors, *plan.errors), key=lambda error: error.row)
    if mode == "apply":
        records, registered = register(plan.added, office_date(tx.now))
        await store.insert_sites(tx.connection, records)
        await store.update_sites(tx.connection, plan.changed)
        await tx.publish_many([*registered, *plan.changes])
        await tx.flush()
    refused = [(error.row, error.column, error.value, error.reason) for error in plan.errors]
    await lines.add(Section.REFUSED, refused)
    await lines.add(Section.ADDED, plan.added_lines)
    await lines.add(Section.CHANGED, plan.changed_lines)
    tally.add(plan)


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

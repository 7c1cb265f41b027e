"""What follows from a completed inspection and waits for a person: discrepancies and corrective actions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from asyncpg import Record

from services.warehouse.domain.corrective_action import ActionState, HistoryEntry
from shared.contracts.counties import County
from shared.contracts.warehouse import Severity, Verdict
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What every follow-up has: its own id, the site, the inspection it follows from, the county it belongs to."""

    id: UUID
    warehouse_id: UUID
    inspection_id: UUID
    county: County


@dataclass(frozen=True, slots=True)
class Action:
    """A corrective action, locked for a transition."""

    action_id: UUID
    warehouse_id: UUID
    county: County
    severity: Severity
    state: ActionState
    due_at: datetime
    timer_fence: int
    owner: str
    resolved_by: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an action's history. `reason`, `evidence` and what was before, only where the entry has them."""

    entry: HistoryEntry
    entered_by: str
    entered_at: datetime
    due_at: datetime
    owner: str
    due_at_before: datetime | None = None
    reason: str | None = None
    evidence: str | None = None
    resolved_by: str | None = None


@dataclass(frozen=True, slots=True)
class ActionRecord:
    """A corrective action as it stands, with all that ever happened to it, the oldest first."""

    action_id: UUID
    warehouse_id: UUID
    inspection_id: UUID
    county: str
    item: str
    severity: str
    state: str
    owner: str
    opened_at: datetime
    due_at: datetime
    was_overdue: bool | None
    resolved_at: datetime | None
    resolved_by: str | None
    evidence: str | None
    history: list[Entry]


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A discrepancy, locked."""

    discrepancy_id: UUID
    warehouse_id: UUID
    county: County
    resolved: bool


async def insert_discrepancy(
    connection: Connection, follow_up: FollowUp, verdict: Verdict, fields: Sequence[str], found_at: datetime
) -> None:
    """Open a discrepancy."""
    await connection.execute(
        """
        INSERT INTO discrepancy (discrepancy_id, warehouse_id, inspection_id, county, verdict, fields, found_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        follow_up.id,
        follow_up.warehouse_id,
        follow_up.inspection_id,
        follow_up.county,
        verdict,
        fields,
        found_at,
    )


async def has_open_discrepancy(connection: Connection, warehouse_id: UUID) -> bool:
    """Whether a discrepancy of the site is not resolved."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM discrepancy WHERE warehouse_id = $1 AND resolved_at IS NULL)", warehouse_id
    )
    return found


async def find_open_discrepancy(connection: Connection, inspection_id: UUID) -> UUID | None:
    """The open discrepancy that this inspection found; None if there is none."""
    return await connection.fetchval(
        "SELECT discrepancy_id FROM discrepancy WHERE inspection_id = $1 AND resolved_at IS NULL", inspection_id
    )


async def find_unregistered_discrepancy(connection: Connection, warehouse_id: UUID) -> UUID | None:
    """The open discrepancy that says that the site is not in the register; None if there is none."""
    return await connection.fetchval(
        """
        SELECT discrepancy_id FROM discrepancy
        WHERE warehouse_id = $1 AND verdict = 'unregistered_found' AND resolved_at IS NULL
        """,
        warehouse_id,
    )


async def lock_discrepancy(connection: Connection, discrepancy_id: UUID) -> Discrepancy | None:
    """The discrepancy, locked; None if it is not there or not in the caller's counties."""
    row = await connection.fetchrow(
        """
        SELECT discrepancy_id, warehouse_id, county, resolved_at IS NOT NULL AS resolved
        FROM discrepancy WHERE discrepancy_id = $1 FOR NO KEY UPDATE
        """,
        discrepancy_id,
    )
    if row is None:
        return None
    return Discrepancy(row["discrepancy_id"], row["warehouse_id"], County(row["county"]), row["resolved"])


async def resolve_discrepancy(
    connection: Connection, discrepancy_id: UUID, resolved_by: str, reason: str, resolved_at: datetime
) -> None:
    """Close a discrepancy."""
    await connection.execute(
        """
        UPDATE discrepancy SET resolved_at = $2, resolved_by = $3, resolution_reason = $4 WHERE discrepancy_id = $1
        """,
        discrepancy_id,
        resolved_at,
        resolved_by,
        reason,
    )


async def insert_action(
    connection: Connection,
    follow_up: FollowUp,
    item: str,
    severity: Severity,
    due_at: datetime,
    timer_fence: int,
    opened_at: datetime,
) -> str:
    """Open a corrective action; its owner, whom this returns, is whoever assigned the inspection."""
    owner: str = await connection.fetchval(
        """
        INSERT INTO corrective_action (action_id, warehouse_id, inspection_id, county, item, severity, state, due_at,
                                       timer_fence, opened_at, owner)
        SELECT $1, $2, inspection_id, $4, $5, $6, 'open', $7, $8, $9, assigned_by
        FROM inspection WHERE inspection_id = $3
        RETURNING owner
        """,
        follow_up.id,
        follow_up.warehouse_id,
        follow_up.inspection_id,
        follow_up.county,
        item,
        severity,
        due_at,
        timer_fence,
        opened_at,
    )
    return owner


async def lock_action(connection: Connection, action_id: UUID) -> Action | None:
    """The corrective action, locked; None if it is not there or not in the caller's counties."""
    row = await connection.fetchrow(
        """
        SELECT action_id, warehouse_id, county, severity, state, due_at, timer_fence, owner, resolved_by
        FROM corrective_action WHERE action_id = $1 FOR NO KEY UPDATE
        """,
        action_id,
    )
    if row is None:
        return None
    return Action(
        action_id=row["action_id"],
        warehouse_id=row["warehouse_id"],
        county=County(row["county"]),
        severity=Severity(row["severity"]),
        state=ActionState(row["state"]),
        due_at=row["due_at"],
        timer_fence=row["timer_fence"],
        owner=row["owner"],
        resolved_by=row["resolved_by"],
    )


async def set_action_overdue(connection: Connection, action_id: UUID) -> None:
    """The action's time has run out."""
    await connection.execute("UPDATE corrective_action SET state = 'overdue' WHERE action_id = $1", action_id)


async def set_action_open(connection: Connection, action_id: UUID, due_at: datetime, timer_fence: int) -> None:
    """The action is open until `due_at`, whatever it was before; what had resolved it stays in the history."""
    await connection.execute(
        """
        UPDATE corrective_action
        SET state = 'open', due_at = $2, timer_fence = $3, was_overdue = NULL, resolved_by = NULL, evidence = NULL,
            resolved_at = NULL
        WHERE action_id = $1
        """,
        action_id,
        due_at,
        timer_fence,
    )


async def set_action_owner(connection: Connection, action_id: UUID, owner: str) -> None:
    """Give the action to another owner."""
    await connection.execute("UPDATE corrective_action SET owner = $2 WHERE action_id = $1", action_id, owner)


async def resolve_action(
    connection: Connection, action_id: UUID, was_overdue: bool, resolved_by: str, evidence: str, resolved_at: datetime
) -> None:
    """Close a corrective action."""
    await connection.execute(
        """
        UPDATE corrective_action
        SET state = 'resolved', was_overdue = $2, resolved_by = $3, evidence = $4, resolved_at = $5
        WHERE action_id = $1
        """,
        action_id,
        was_overdue,
        resolved_by,
        evidence,
        resolved_at,
    )


async def insert_entry(connection: Connection, action_id: UUID, county: County, entry: Entry) -> None:
    """Add a line to the action's history."""
    await connection.execute(
        """
        INSERT INTO corrective_action_history (action_id, county, entry, entered_by, entered_at, due_at, owner,
                                               due_at_before, reason, evidence, resolved_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        action_id,
        county,
        entry.entry,
        entry.entered_by,
        entry.entered_at,
        entry.due_at,
        entry.owner,
        entry.due_at_before,
        entry.reason,
        entry.evidence,
        entry.resolved_by,
    )


async def last_entry(connection: Connection, action_id: UUID) -> Entry:
    """The newest line of the action's history. Raises LookupError: every action has at least its opening."""
    row = await connection.fetchrow(
        f"{_ENTRIES} WHERE action_id = $1 ORDER BY position DESC LIMIT 1",
        action_id,
    )
    if row is None:
        raise LookupError(f"corrective action {action_id} has no history")
    return _entry(row)


async def find_action(connection: Connection, action_id: UUID) -> ActionRecord | None:
    """The corrective action with its history; None if it is not there or not in the caller's counties."""
    row = await connection.fetchrow(
        """
        SELECT action_id, warehouse_id, inspection_id, county, item, severity, state, owner, opened_at, due_at,
               was_overdue, resolved_at, resolved_by, evidence
        FROM corrective_action WHERE action_id = $1
        """,
        action_id,
    )
    if row is None:
        return None
    rows = await connection.fetch(f"{_ENTRIES} WHERE action_id = $1 ORDER BY position", action_id)
    return ActionRecord(**dict(row), history=[_entry(line) for line in rows])


_ENTRIES = """
    SELECT entry, entered_by, entered_at, due_at, owner, due_at_before, reason, evidence, resolved_by
    FROM corrective_action_history
"""


def _entry(row: Record) -> Entry:
    values: dict[str, Any] = dict(row)
    values["entry"] = HistoryEntry(row["entry"])
    return Entry(**values)

"""What follows from a completed inspection and waits for a person: discrepancies, corrective actions, holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.warehouse.domain.corrective_action import ActionState
from shared.contracts.counties import County
from shared.contracts.warehouse import HoldGround, Severity, Verdict
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


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A discrepancy, locked."""

    discrepancy_id: UUID
    warehouse_id: UUID
    county: County
    resolved: bool


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold, locked."""

    hold_id: UUID
    warehouse_id: UUID
    county: County
    ground: HoldGround
    lifted: bool


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
) -> None:
    """Open a corrective action."""
    await connection.execute(
        """
        INSERT INTO corrective_action (action_id, warehouse_id, inspection_id, county, item, severity, state, due_at,
                                       timer_fence, opened_at)
        VALUES ($1, $2, $3, $4, $5, $6, 'open', $7, $8, $9)
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


async def lock_action(connection: Connection, action_id: UUID) -> Action | None:
    """The corrective action, locked; None if it is not there or not in the caller's counties."""
    row = await connection.fetchrow(
        """
        SELECT action_id, warehouse_id, county, severity, state, due_at, timer_fence
        FROM corrective_action WHERE action_id = $1 FOR NO KEY UPDATE
        """,
        action_id,
    )
    if row is None:
        return None
    return Action(
        row["action_id"],
        row["warehouse_id"],
        County(row["county"]),
        Severity(row["severity"]),
        ActionState(row["state"]),
        row["due_at"],
        row["timer_fence"],
    )


async def set_action_overdue(connection: Connection, action_id: UUID) -> None:
    """The action's time has run out."""
    await connection.execute("UPDATE corrective_action SET state = 'overdue' WHERE action_id = $1", action_id)


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


async def insert_hold(
    connection: Connection,
    follow_up: FollowUp,
    ground: HoldGround,
    referred_to: str,
    placed_by: str,
    placed_at: datetime,
) -> bool:
    """Put the site on hold; False, and nothing changes, if it is on hold on the same ground already."""
    status = await connection.execute(
        """
        INSERT INTO hold (hold_id, warehouse_id, inspection_id, county, ground, referred_to, placed_by, placed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (warehouse_id, ground) WHERE lifted_at IS NULL DO NOTHING
        """,
        follow_up.id,
        follow_up.warehouse_id,
        follow_up.inspection_id,
        follow_up.county,
        ground,
        referred_to,
        placed_by,
        placed_at,
    )
    return status == "INSERT 0 1"


async def lock_hold(connection: Connection, hold_id: UUID) -> Hold | None:
    """The hold, locked; None if it is not there or not in the caller's counties."""
    row = await connection.fetchrow(
        """
        SELECT hold_id, warehouse_id, county, ground, lifted_at IS NOT NULL AS lifted
        FROM hold WHERE hold_id = $1 FOR NO KEY UPDATE
        """,
        hold_id,
    )
    if row is None:
        return None
    return Hold(row["hold_id"], row["warehouse_id"], County(row["county"]), HoldGround(row["ground"]), row["lifted"])


async def lift_hold(connection: Connection, hold_id: UUID, lifted_by: str, reason: str, lifted_at: datetime) -> None:
    """Lift a hold."""
    await connection.execute(
        "UPDATE hold SET lifted_at = $2, lifted_by = $3, lifting_reason = $4 WHERE hold_id = $1",
        hold_id,
        lifted_at,
        lifted_by,
        reason,
    )

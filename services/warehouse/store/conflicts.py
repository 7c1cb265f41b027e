"""Submissions that contradict what is there, kept whole until a person decides."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.warehouse.domain.submission import Channel, ConflictDecision, ConflictGround
from shared.contracts.counties import County
from shared.kit.transaction import Connection

_COLUMNS = """conflict_id, inspection_id, county, ground, instance_id, content_sha256, content, channel, submitted_by,
    received_at, first_submission_id, taken_submission_id, decision, resolved_by, resolved_at, reason"""


@dataclass(frozen=True, slots=True)
class Conflict:
    """`content` is the whole submission as it came; `first_submission_id` what was there before it."""

    conflict_id: UUID
    inspection_id: UUID
    county: County
    ground: ConflictGround
    instance_id: str
    content_sha256: str
    content: dict[str, Any]
    channel: Channel
    submitted_by: str
    received_at: datetime
    first_submission_id: UUID | None
    taken_submission_id: UUID | None = None
    decision: ConflictDecision | None = None
    resolved_by: str | None = None
    resolved_at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ConflictLine:
    """One conflict in a list."""

    conflict_id: UUID
    inspection_id: UUID
    warehouse_id: UUID
    county: str
    ground: str
    instance_id: str
    channel: str
    submitted_by: str
    received_at: datetime
    decision: str | None
    resolved_by: str | None


async def keep_conflict(connection: Connection, conflict: Conflict) -> None:
    """Keep a conflict that `find_received` does not know."""
    await connection.execute(
        """
        INSERT INTO submission_conflict (conflict_id, inspection_id, county, ground, instance_id, content_sha256, content,
                                         channel, submitted_by, received_at, first_submission_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        conflict.conflict_id,
        conflict.inspection_id,
        conflict.county,
        conflict.ground,
        conflict.instance_id,
        conflict.content_sha256,
        json.dumps(conflict.content),
        conflict.channel,
        conflict.submitted_by,
        conflict.received_at,
        conflict.first_submission_id,
    )


async def find_received(
    connection: Connection, inspection_id: UUID, instance_id: str, content_sha256: str
) -> Conflict | None:
    """The conflict that this content already makes, decided or not; None if there is none."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS} FROM submission_conflict
        WHERE inspection_id = $1 AND instance_id = $2 AND content_sha256 = $3
        """,
        inspection_id,
        instance_id,
        content_sha256,
    )
    return _conflict(row) if row else None


async def find_conflict(connection: Connection, conflict_id: UUID) -> Conflict | None:
    """The conflict; None if it is not there or not in the caller's counties."""
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM submission_conflict WHERE conflict_id = $1", conflict_id)
    return _conflict(row) if row else None


async def find_open_conflict(connection: Connection, inspection_id: UUID) -> UUID | None:
    """The oldest conflict of the inspection about which nobody has decided; None if there is none."""
    return await connection.fetchval(
        """
        SELECT conflict_id FROM submission_conflict WHERE inspection_id = $1 AND decision IS NULL
        ORDER BY conflict_id LIMIT 1
        """,
        inspection_id,
    )


async def settle_conflict(
    connection: Connection,
    conflict_id: UUID,
    decision: ConflictDecision,
    reason: str,
    resolved_by: str,
    resolved_at: datetime,
    taken_submission_id: UUID | None,
) -> bool:
    """Keep a person's decision; False if somebody has decided before."""
    status = await connection.execute(
        """
        UPDATE submission_conflict
        SET decision = $2, reason = $3, resolved_by = $4, resolved_at = $5, taken_submission_id = $6
        WHERE conflict_id = $1 AND decision IS NULL
        """,
        conflict_id,
        decision,
        reason,
        resolved_by,
        resolved_at,
        taken_submission_id,
    )
    return status == "UPDATE 1"


async def list_conflicts(
    connection: Connection,
    county: County | None,
    inspection_id: UUID | None,
    is_open: bool | None,
    limit: int,
    after: UUID | None,
) -> list[ConflictLine]:
    """Up to `limit` conflicts of the caller's counties that come after `after`, the oldest first."""
    rows = await connection.fetch(
        """
        SELECT c.conflict_id, c.inspection_id, i.warehouse_id, c.county, c.ground, c.instance_id, c.channel,
               c.submitted_by, c.received_at, c.decision, c.resolved_by
        FROM submission_conflict c JOIN inspection i USING (inspection_id)
        WHERE ($1::text IS NULL OR c.county = $1) AND ($2::uuid IS NULL OR c.inspection_id = $2)
          AND ($3::boolean IS NULL OR (c.decision IS NULL) = $3) AND ($4::uuid IS NULL OR c.conflict_id > $4)
        ORDER BY c.conflict_id LIMIT $5
        """,
        county,
        inspection_id,
        is_open,
        after,
        limit,
    )
    return [ConflictLine(**dict(row)) for row in rows]


def _conflict(row: Any) -> Conflict:
    values: dict[str, Any] = dict(row)
    values["county"] = County(values["county"])
    values["ground"] = ConflictGround(values["ground"])
    values["channel"] = Channel(values["channel"])
    values["decision"] = values["decision"] and ConflictDecision(values["decision"])
    values["content"] = json.loads(values["content"])
    return Conflict(**values)

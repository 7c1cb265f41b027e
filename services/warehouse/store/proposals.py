"""Proposed changes of the registry's record, and what people decided on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import UniqueViolationError

from services.warehouse.domain.proposal import (
    ProposalReason,
    ProposalState,
    ProposedChange,
    ProposedField,
)
from services.warehouse.store.follow_ups import FollowUp
from services.warehouse.store.registry import StoredSite, lock_sites
from shared.contracts.counties import County
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal, locked. `not_by` are the accounts that counted."""

    proposal_id: UUID
    warehouse_id: UUID
    inspection_id: UUID
    county: County
    change: ProposedChange
    not_by: tuple[str, ...]
    state: ProposalState


@dataclass(frozen=True, slots=True)
class ProposalLine:
    """One proposal in a list."""

    proposal_id: UUID
    warehouse_id: UUID
    inspection_id: UUID
    county: str
    field: str
    registered_value: str | None
    proposed_value: str
    reason: str
    state: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decision_reason: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided, and why."""

    reason: str | None
    decided_by: str
    decided_at: datetime


async def lock_record(connection: Connection, warehouse_id: UUID) -> StoredSite | None:
    """The registry's record of a site, locked; None if it is not there or not in the caller's counties."""
    registry_id: str | None = await connection.fetchval(
        "SELECT registry_id FROM warehouse WHERE warehouse_id = $1", warehouse_id
    )
    if registry_id is None:
        return None
    return (await lock_sites(connection, [registry_id])).get(registry_id)


async def try_give_registry_id(connection: Connection, warehouse_id: UUID, registry_id: str) -> bool:
    """Give a site another registry id; False, and nothing changes, if a site in any county has it."""
    try:
        async with connection.transaction():
            await connection.execute(
                "UPDATE warehouse SET registry_id = $2 WHERE warehouse_id = $1", warehouse_id, registry_id
            )
    except UniqueViolationError:
        return False
    return True


async def supersede(connection: Connection, warehouse_id: UUID) -> None:
    """What older inspections of the site propose, and nobody decided, is overtaken by a newer one."""
    await connection.execute(
        "UPDATE registry_proposal SET state = 'superseded' WHERE warehouse_id = $1 AND state = 'proposed'", warehouse_id
    )


async def insert_proposal(
    connection: Connection,
    follow_up: FollowUp,
    change: ProposedChange,
    reason: ProposalReason,
    not_by: Sequence[str],
    proposed_at: datetime,
) -> None:
    """Propose a change."""
    await connection.execute(
        """
        INSERT INTO registry_proposal (proposal_id, warehouse_id, inspection_id, county, field, registered_value,
                                       proposed_value, reason, not_by, state, proposed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'proposed', $10)
        """,
        follow_up.id,
        follow_up.warehouse_id,
        follow_up.inspection_id,
        follow_up.county,
        change.field,
        change.registered_value,
        change.proposed_value,
        reason,
        not_by,
        proposed_at,
    )


async def find_warehouse_id(connection: Connection, proposal_id: UUID) -> UUID | None:
    """The site of the proposal; None if there is no such proposal in the caller's counties."""
    return await connection.fetchval("SELECT warehouse_id FROM registry_proposal WHERE proposal_id = $1", proposal_id)


async def lock_proposal(connection: Connection, proposal_id: UUID) -> Proposal | None:
    """The proposal, locked; None if it is not there or not in the caller's counties."""
    row = await connection.fetchrow(
        """
        SELECT proposal_id, warehouse_id, inspection_id, county, field, registered_value, proposed_value, not_by, state
        FROM registry_proposal WHERE proposal_id = $1 FOR NO KEY UPDATE
        """,
        proposal_id,
    )
    if row is None:
        return None
    return Proposal(
        row["proposal_id"],
        row["warehouse_id"],
        row["inspection_id"],
        County(row["county"]),
        ProposedChange(ProposedField(row["field"]), row["registered_value"], row["proposed_value"]),
        tuple(row["not_by"]),
        ProposalState(row["state"]),
    )


async def set_proposal(connection: Connection, proposal_id: UUID, state: ProposalState, decision: Decision) -> None:
    """A person has decided."""
    await connection.execute(
        """
        UPDATE registry_proposal SET state = $2, decision_reason = $3, decided_by = $4, decided_at = $5
        WHERE proposal_id = $1
        """,
        proposal_id,
        state,
        decision.reason,
        decision.decided_by,
        decision.decided_at,
    )


async def find_settled_discrepancy(connection: Connection, inspection_id: UUID) -> UUID | None:
    """The open discrepancy of an inspection all of whose proposals were accepted; None if it has none or they were not."""
    return await connection.fetchval(
        """
        SELECT discrepancy_id FROM discrepancy
        WHERE inspection_id = $1 AND resolved_at IS NULL
          AND NOT EXISTS (SELECT FROM registry_proposal WHERE inspection_id = $1 AND state <> 'accepted')
        """,
        inspection_id,
    )


async def list_proposals(
    connection: Connection,
    county: County | None,
    state: ProposalState | None,
    warehouse_id: UUID | None,
    inspection_id: UUID | None,
    limit: int,
    after: UUID | None,
) -> list[ProposalLine]:
    """Up to `limit` proposals of the caller's counties that come after `after`, the oldest first."""
    rows = await connection.fetch(
        """
        SELECT proposal_id, warehouse_id, inspection_id, county, field, registered_value, proposed_value, reason, state,
               proposed_at, decided_by, decided_at, decision_reason
        FROM registry_proposal
        WHERE ($1::text IS NULL OR county = $1) AND ($2::text IS NULL OR state = $2)
          AND ($3::uuid IS NULL OR warehouse_id = $3) AND ($4::uuid IS NULL OR inspection_id = $4)
          AND ($5::uuid IS NULL OR proposal_id > $5)
        ORDER BY proposal_id LIMIT $6
        """,
        county,
        state,
        warehouse_id,
        inspection_id,
        after,
        limit,
    )
    return [ProposalLine(**dict(row)) for row in rows]


async def standing_corrections(
    connection: Connection, warehouse_ids: Sequence[UUID]
) -> dict[UUID, dict[ProposedField, str | None]]:
    """By site and field: what the register said when the newest accepted correction was made."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (warehouse_id, field) warehouse_id, field, registered_value
        FROM registry_proposal WHERE warehouse_id = ANY ($1::uuid[]) AND state = 'accepted'
        ORDER BY warehouse_id, field, decided_at DESC, proposal_id DESC
        """,
        warehouse_ids,
    )
    corrections: dict[UUID, dict[ProposedField, str | None]] = {}
    for row in rows:
        corrections.setdefault(row["warehouse_id"], {})[ProposedField(row["field"])] = row["registered_value"]
    return corrections

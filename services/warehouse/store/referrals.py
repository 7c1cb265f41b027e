"""Holds and the referrals that come with them. Neither is ever deleted."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.warehouse.domain.hold import Authority, ReferralState
from shared.contracts.counties import County
from shared.contracts.warehouse import HoldGround
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class NewHold:
    """A hold to be placed, with the referral that opens with it. By an inspection, or by a person with a reason."""

    hold_id: UUID
    referral_id: UUID
    warehouse_id: UUID
    county: County
    ground: HoldGround
    authority: Authority
    placed_by: str
    inspection_id: UUID | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold, locked. `answered`: its referral is."""

    hold_id: UUID
    warehouse_id: UUID
    county: County
    ground: HoldGround
    placed_by: str
    lifted: bool
    answered: bool


@dataclass(frozen=True, slots=True)
class HoldLine:
    """One hold in a list, with where its referral stands."""

    hold_id: UUID
    warehouse_id: UUID
    inspection_id: UUID | None
    county: str
    ground: str
    referred_to: str
    referral_id: UUID | None
    referral_state: str | None
    placed_by: str
    placed_at: datetime
    placing_reason: str | None
    lifted_by: str | None
    lifted_at: datetime | None
    lifting_reason: str | None
    lifted_without_answer: bool | None


@dataclass(frozen=True, slots=True)
class Referral:
    """A referral, locked for a transition."""

    referral_id: UUID
    authority: Authority
    state: ReferralState
    received_by: str | None
    received_at: datetime | None
    answered_by: str | None
    answered_at: datetime | None
    answer: str | None
    decision_reference: str | None


@dataclass(frozen=True, slots=True)
class ReferralLine:
    """One referral in a list. `hold_lifted`: a person lifted the hold already, without waiting for the answer or after it."""

    referral_id: UUID
    hold_id: UUID
    warehouse_id: UUID
    registry_id: str
    warehouse_name: str
    county: str
    ground: str
    authority: str
    state: str
    opened_at: datetime
    received_by: str | None
    received_at: datetime | None
    answered_by: str | None
    answered_at: datetime | None
    answer: str | None
    decision_reference: str | None
    hold_lifted: bool


async def lock_warehouse(connection: Connection, warehouse_id: UUID) -> County | None:
    """The county of the site, which is locked: holds and stocks of one site are judged one after the other.

    None if it is not there or not in the caller's counties.
    """
    county: str | None = await connection.fetchval(
        "SELECT county FROM warehouse WHERE warehouse_id = $1 FOR NO KEY UPDATE", warehouse_id
    )
    return None if county is None else County(county)


async def insert_hold(connection: Connection, hold: NewHold, placed_at: datetime) -> bool:
    """Put the site on hold; False, and nothing changes, if it is on hold on the same ground already."""
    status = await connection.execute(
        """
        INSERT INTO hold (hold_id, warehouse_id, inspection_id, county, ground, referred_to, placed_by, placed_at,
                          placing_reason)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (warehouse_id, ground) WHERE lifted_at IS NULL DO NOTHING
        """,
        hold.hold_id,
        hold.warehouse_id,
        hold.inspection_id,
        hold.county,
        hold.ground,
        hold.authority,
        hold.placed_by,
        placed_at,
        hold.reason,
    )
    if status != "INSERT 0 1":
        return False
    await connection.execute(
        """
        INSERT INTO referral (referral_id, hold_id, warehouse_id, county, authority, state, opened_at)
        VALUES ($1, $2, $3, $4, $5, 'opened', $6)
        """,
        hold.referral_id,
        hold.hold_id,
        hold.warehouse_id,
        hold.county,
        hold.authority,
        placed_at,
    )
    return True


async def find_open_hold(connection: Connection, warehouse_id: UUID, ground: HoldGround) -> UUID | None:
    """The hold that the site is on for this ground."""
    return await connection.fetchval(
        "SELECT hold_id FROM hold WHERE warehouse_id = $1 AND ground = $2 AND lifted_at IS NULL", warehouse_id, ground
    )


async def find_hold_warehouse(connection: Connection, hold_id: UUID) -> UUID | None:
    """The site of a hold, not locked; None if it is not there or not in the caller's counties."""
    return await connection.fetchval("SELECT warehouse_id FROM hold WHERE hold_id = $1", hold_id)


async def lock_hold(connection: Connection, hold_id: UUID) -> Hold | None:
    """The hold and its referral, locked; None if it is not there or not in the caller's counties."""
    row = await connection.fetchrow(
        """
        SELECT hold_id, warehouse_id, county, ground, placed_by, lifted_at IS NOT NULL AS lifted
        FROM hold WHERE hold_id = $1 FOR NO KEY UPDATE
        """,
        hold_id,
    )
    if row is None:
        return None
    state = await connection.fetchval("SELECT state FROM referral WHERE hold_id = $1 FOR NO KEY UPDATE", hold_id)
    return Hold(
        hold_id=row["hold_id"],
        warehouse_id=row["warehouse_id"],
        county=County(row["county"]),
        ground=HoldGround(row["ground"]),
        placed_by=row["placed_by"],
        lifted=row["lifted"],
        answered=state == ReferralState.ANSWERED,
    )


async def lift_hold(
    connection: Connection, hold_id: UUID, lifted_by: str, reason: str, without_answer: bool, lifted_at: datetime
) -> None:
    """Lift a hold. `without_answer`: its referral was not answered when it was lifted."""
    await connection.execute(
        """
        UPDATE hold SET lifted_at = $2, lifted_by = $3, lifting_reason = $4, lifted_without_answer = $5
        WHERE hold_id = $1
        """,
        hold_id,
        lifted_at,
        lifted_by,
        reason,
        without_answer,
    )


async def list_holds(
    connection: Connection, county: County | None, lifted: bool | None, limit: int, after: UUID | None
) -> list[HoldLine]:
    """Up to `limit` holds of the caller's counties that come after `after`, the oldest first."""
    rows = await connection.fetch(
        """
        SELECT h.hold_id, h.warehouse_id, h.inspection_id, h.county, h.ground, h.referred_to, r.referral_id,
               r.state AS referral_state, h.placed_by, h.placed_at, h.placing_reason, h.lifted_by, h.lifted_at,
               h.lifting_reason, h.lifted_without_answer
        FROM hold h LEFT JOIN referral r ON r.hold_id = h.hold_id
        WHERE ($1::text IS NULL OR h.county = $1) AND ($2::boolean IS NULL OR (h.lifted_at IS NOT NULL) = $2)
          AND ($3::uuid IS NULL OR h.hold_id > $3)
        ORDER BY h.hold_id LIMIT $4
        """,
        county,
        lifted,
        after,
        limit,
    )
    return [HoldLine(**dict(row)) for row in rows]


async def lock_referral(connection: Connection, referral_id: UUID) -> Referral | None:
    """The referral, locked; None if it is not there or not in the caller's counties."""
    row = await connection.fetchrow(
        """
        SELECT referral_id, authority, state, received_by, received_at, answered_by, answered_at, answer,
               decision_reference
        FROM referral WHERE referral_id = $1 FOR NO KEY UPDATE
        """,
        referral_id,
    )
    if row is None:
        return None
    values: dict[str, Any] = dict(row)
    values["authority"], values["state"] = Authority(row["authority"]), ReferralState(row["state"])
    return Referral(**values)


async def set_received(connection: Connection, referral_id: UUID, received_by: str, received_at: datetime) -> None:
    """The authority has the referral, in the hands of a named person."""
    await connection.execute(
        "UPDATE referral SET state = 'received', received_by = $2, received_at = $3 WHERE referral_id = $1",
        referral_id,
        received_by,
        received_at,
    )


async def set_answered(
    connection: Connection,
    referral_id: UUID,
    answered_by: str,
    answer: str,
    decision_reference: str | None,
    answered_at: datetime,
) -> None:
    """The authority has answered."""
    await connection.execute(
        """
        UPDATE referral SET state = 'answered', answered_by = $2, answer = $3, decision_reference = $4, answered_at = $5
        WHERE referral_id = $1
        """,
        referral_id,
        answered_by,
        answer,
        decision_reference,
        answered_at,
    )


async def list_referrals(
    connection: Connection,
    authorities: Collection[Authority],
    county: County | None,
    state: ReferralState | None,
    limit: int,
    after: UUID | None,
) -> list[ReferralLine]:
    """Up to `limit` referrals to these authorities in the caller's counties that come after `after`, the oldest first."""
    rows = await connection.fetch(
        """
        SELECT r.referral_id, r.hold_id, r.warehouse_id, w.registry_id, w.name AS warehouse_name, r.county, h.ground,
               r.authority, r.state, r.opened_at, r.received_by, r.received_at, r.answered_by, r.answered_at, r.answer,
               r.decision_reference, h.lifted_at IS NOT NULL AS hold_lifted
        FROM referral r JOIN hold h ON h.hold_id = r.hold_id JOIN warehouse w ON w.warehouse_id = r.warehouse_id
        WHERE r.authority = ANY ($1::text[]) AND ($2::text IS NULL OR r.county = $2) AND ($3::text IS NULL OR r.state = $3)
          AND ($4::uuid IS NULL OR r.referral_id > $4)
        ORDER BY r.referral_id LIMIT $5
        """,
        list(authorities),
        county,
        state,
        after,
        limit,
    )
    return [ReferralLine(**dict(row)) for row in rows]

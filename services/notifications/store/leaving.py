"""What is still owed to people who have left."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from shared.contracts.counties import County
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A message that does not leave any more. `chain_waits`: nobody has acted, and the alert's running step told of it."""

    delivery_id: UUID
    alert_id: UUID
    county: County
    step: int
    recipient: str
    channel: str
    correlation_id: str
    chain_waits: bool


async def withdraw_owed(connection: Connection, member_ids: Collection[UUID]) -> list[Withdrawn]:
    """Cancel what is pending for these people, their digests too; returns those that tell of alerts, which stay locked.

    Alerts are locked before deliveries, as everybody does.
    """
    await connection.execute(
        """
        SELECT FROM alert
        WHERE alert_id IN (SELECT alert_id FROM delivery WHERE member_id = ANY ($1) AND state = 'pending')
        ORDER BY alert_id FOR NO KEY UPDATE
        """,
        list(member_ids),
    )
    rows = await connection.fetch(
        """
        WITH withdrawn AS (
            UPDATE delivery SET state = 'cancelled', settled_at = clock_timestamp()
            WHERE member_id = ANY ($1) AND state = 'pending' RETURNING *
        )
        SELECT withdrawn.delivery_id, alert_id, alert.county, withdrawn.step, withdrawn.recipient, withdrawn.channel,
               alert.correlation_id,
               alert.state IN ('open', 'escalated') AND alert.step = withdrawn.step AND alert.lead_alert_id IS NULL
                   AND alert.held_back IS NULL AND NOT alert.digest AS chain_waits
        FROM withdrawn JOIN alert USING (alert_id) ORDER BY withdrawn.delivery_id
        """,
        list(member_ids),
    )
    return [
        Withdrawn(
            delivery_id=row["delivery_id"],
            alert_id=row["alert_id"],
            county=County(row["county"]),
            step=row["step"],
            recipient=row["recipient"],
            channel=row["channel"],
            correlation_id=row["correlation_id"],
            chain_waits=row["chain_waits"],
        )
        for row in rows
    ]

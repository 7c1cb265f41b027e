"""The rows of one person's inbox, in the order in which they came."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.notifications.store import reading
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One delivery in the inbox with its alert as lists show it."""

    delivery_id: UUID
    alert: reading.Row


async def last_delivery(connection: Connection, subject: str) -> UUID | None:
    """The newest row of the person who signs in as `subject`."""
    newest: UUID | None = await connection.fetchval(
        """
        SELECT delivery_id FROM delivery WHERE channel = 'inbox' AND recipient_subject = $1 AND alert_id IS NOT NULL
        ORDER BY delivery_id DESC LIMIT 1
        """,
        subject,
    )
    return newest


async def list_after(
    connection: Connection, subject: str, after: UUID, without: Collection[UUID], limit: int
) -> Sequence[InboxRow]:
    """Up to `limit` rows after the one with id `after`, the oldest first, leaving out those in `without`."""
    rows = await connection.fetch(
        """
        SELECT delivery_id, alert_id FROM delivery
        WHERE channel = 'inbox' AND recipient_subject = $1 AND alert_id IS NOT NULL
          AND delivery_id > $2 AND delivery_id <> ALL ($3::uuid[])
        ORDER BY delivery_id LIMIT $4
        """,
        subject,
        after,
        list(without),
        limit,
    )
    alerts = await reading.find_alerts(connection, [row["alert_id"] for row in rows])
    return [InboxRow(row["delivery_id"], alerts[row["alert_id"]]) for row in rows if row["alert_id"] in alerts]

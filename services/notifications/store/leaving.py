"""What is still owed to people who have left, or have another address, and the alerts that now wait for nobody."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from services.notifications.store.deliveries import NOTE_UNDER_WAY
from shared.contracts.counties import County
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A message that does not leave any more."""

    delivery_id: UUID
    alert_id: UUID
    county: County
    step: int
    recipient: str
    channel: str


@dataclass(frozen=True, slots=True)
class Forsaken:
    """An alert that waits for somebody who has left: whom its running step told, or who acknowledged it."""

    alert_id: UUID
    county: County
    step: int
    correlation_id: str
    name: str


async def withdraw_owed(connection: Connection, member_ids: Collection[UUID]) -> list[Withdrawn]:
    """Cancel what is pending for these people, their digests too; returns those that tell of alerts, which stay locked.

    Alerts are locked before deliveries, as everybody does. The history says what was under way.
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
        f"""
        WITH cancelled AS (
            UPDATE delivery SET state = 'cancelled', settled_at = clock_timestamp()
            WHERE member_id = ANY ($1) AND state = 'pending' RETURNING *
        ), {NOTE_UNDER_WAY}
        SELECT cancelled.delivery_id, alert_id, alert.county, cancelled.step, cancelled.recipient, cancelled.channel
        FROM cancelled JOIN alert USING (alert_id) ORDER BY cancelled.delivery_id
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
        )
        for row in rows
    ]


async def list_unwatched(connection: Connection, member_ids: Collection[UUID]) -> list[Forsaken]:
    """Unanswered chains whose running step told these people and nobody who is still a member."""
    rows = await connection.fetch(
        """
        SELECT alert_id, alert.county, alert.step, alert.correlation_id, min(delivery.recipient) AS name
        FROM alert JOIN delivery USING (alert_id)
        WHERE alert.state IN ('open', 'escalated') AND alert.lead_alert_id IS NULL AND alert.held_back IS NULL
          AND NOT alert.digest AND delivery.step = alert.step AND delivery.round >= 0 AND delivery.member_id = ANY ($1)
          AND NOT EXISTS (
              SELECT FROM delivery AS other JOIN working_group_member AS told USING (member_id)
              WHERE other.alert_id = alert.alert_id AND other.step = alert.step AND other.round >= 0 AND told.active)
        GROUP BY alert.alert_id ORDER BY alert.alert_id
        """,
        list(member_ids),
    )
    return [_forsaken(row) for row in rows]


async def list_acknowledged_by(connection: Connection, member_ids: Collection[UUID]) -> list[Forsaken]:
    """Alerts that these people acknowledged, each group once: those of the office that they left, and those of any if they
    are a member nowhere now."""
    rows = await connection.fetch(
        """
        SELECT alert.alert_id, alert.county, alert.step, alert.correlation_id, alert.acknowledged_by AS name
        FROM alert LEFT JOIN alert AS lead ON lead.alert_id = alert.lead_alert_id
        WHERE alert.state = 'acknowledged'
          AND (lead.state = 'acknowledged' AND lead.acknowledged_at = alert.acknowledged_at) IS NOT TRUE
          AND EXISTS (
              SELECT FROM working_group_member AS leaver
              WHERE leaver.member_id = ANY ($1) AND alert.acknowledged_by IN (leaver.subject, leaver.email)
                AND (leaver.working_group = CASE alert.audience WHEN 'working_group' THEN alert.county ELSE alert.audience END
                     OR NOT EXISTS (
                         SELECT FROM working_group_member AS other
                         WHERE other.active AND alert.acknowledged_by IN (other.subject, other.email))))
        ORDER BY alert.alert_id
        """,
        list(member_ids),
    )
    return [_forsaken(row) for row in rows]


def _forsaken(row: asyncpg.Record) -> Forsaken:
    return Forsaken(row["alert_id"], County(row["county"]), row["step"], row["correlation_id"], row["name"])


async def readdress_owed(connection: Connection, emails: Mapping[UUID, tuple[str, str]], by: str) -> None:
    """What is pending for these people goes to the second of their e-mail addresses where it would have gone to the first;
    the alerts' histories say so. A try that is under way goes to the first."""
    await connection.execute(
        """
        WITH moved AS (
            UPDATE delivery
            SET recipient = new.email,
                address = CASE WHEN (channel, address) = ('email', new.former) THEN new.email ELSE address END,
                fallbacks = (
                    SELECT coalesce(jsonb_agg(
                        CASE WHEN contact = jsonb_build_object('channel', 'email', 'address', new.former)
                        THEN jsonb_build_object('channel', 'email', 'address', new.email) ELSE contact END ORDER BY place
                    ), '[]')
                    FROM jsonb_array_elements(delivery.fallbacks) WITH ORDINALITY AS one (contact, place))
            FROM unnest($1::uuid[], $2::text[], $3::text[]) AS new (member_id, former, email)
            WHERE delivery.member_id = new.member_id AND state = 'pending'
            RETURNING delivery.*, new.former
        )
        INSERT INTO alert_history (alert_id, county, at, entry, step, by, details)
        SELECT alert_id, county, clock_timestamp(), 'readdressed', step, $4,
               jsonb_build_object('delivery_id', delivery_id, 'recipient', recipient, 'channel', channel, 'former', former)
        FROM moved WHERE alert_id IS NOT NULL ORDER BY delivery_id
        """,
        list(emails),
        [former for former, _ in emails.values()],
        [email for _, email in emails.values()],
        by,
    )

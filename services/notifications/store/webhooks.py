"""Webhook endpoints, their sealed keys, and what they have missed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from services.notifications.store.deliveries import wake_workers
from shared.kit.transaction import Connection

Scheme = Literal["v1", "v1a"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`failing_since`: since when nothing has succeeded; None after a success."""

    name: str
    county: str | None
    url: str
    created_at: datetime
    created_by: str
    failing_since: datetime | None
    last_error: str | None
    disabled_at: datetime | None
    disabled_by: str | None
    disabled_reason: str | None


@dataclass(frozen=True, slots=True)
class Key:
    """`public_key`: of an ed25519 pair (v1a). `ends_at`: when it stops signing; None: when it is replaced."""

    key_id: UUID
    endpoint: str
    scheme: Scheme
    sealed: bytes
    public_key: bytes | None
    created_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class OwedAgain:
    """A message that is owed to the endpoint once more. Without `alert_id` it is a digest."""

    delivery_id: UUID
    alert_id: UUID | None
    county: str | None
    step: int
    recipient: str


_OWED_AGAIN = "delivery_id, alert_id, county, step, recipient"
_ENDPOINT = """name, county, url, created_at, created_by, failing_since, last_error, disabled_at, disabled_by,
    disabled_reason"""


async def insert_endpoint(connection: Connection, endpoint: Endpoint) -> bool:
    """Insert; False if the name is taken, perhaps in a county that the caller does not see."""
    status = await connection.execute(
        """
        INSERT INTO webhook_endpoint (name, county, url, created_at, created_by) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING
        """,
        endpoint.name,
        endpoint.county,
        endpoint.url,
        endpoint.created_at,
        endpoint.created_by,
    )
    return status == "INSERT 0 1"


async def find_endpoint(connection: Connection, name: str, *, lock: bool = False) -> Endpoint | None:
    """The endpoint, if the caller may see it; `lock` holds it until the transaction ends."""
    row = await connection.fetchrow(
        f"SELECT {_ENDPOINT} FROM webhook_endpoint WHERE name = $1 {'FOR UPDATE' if lock else ''}", name
    )
    return None if row is None else Endpoint(**dict(row))


async def list_endpoints(connection: Connection) -> list[Endpoint]:
    """Those that the caller may see, by name."""
    rows = await connection.fetch(f"SELECT {_ENDPOINT} FROM webhook_endpoint ORDER BY name")
    return [Endpoint(**dict(row)) for row in rows]


async def list_endpoint_names(connection: Connection) -> frozenset[str]:
    """Endpoints that the caller may name in people's contacts: those of their counties and of the province."""
    rows = await connection.fetch("SELECT name FROM webhook_endpoint_names() AS name")
    return frozenset(row["name"] for row in rows)


async def insert_keys(connection: Connection, keys: Sequence[Key]) -> None:
    await connection.executemany(
        """
        INSERT INTO webhook_key (key_id, endpoint, scheme, sealed, public_key, created_at) VALUES ($1, $2, $3, $4, $5, $6)
        """,
        [(key.key_id, key.endpoint, key.scheme, key.sealed, key.public_key, key.created_at) for key in keys],
    )


async def list_keys(connection: Connection, endpoint: str) -> list[Key]:
    """Keys that sign now, the newest first."""
    rows = await connection.fetch(
        """
        SELECT key_id, endpoint, scheme, sealed, public_key, created_at, ends_at FROM webhook_key
        WHERE endpoint = $1 AND (ends_at IS NULL OR ends_at > clock_timestamp()) ORDER BY key_id DESC
        """,
        endpoint,
    )
    return [Key(**dict(row)) for row in rows]


async def end_keys(connection: Connection, endpoint: str, overlap: timedelta) -> None:
    """Let keys that have no end yet sign for `overlap` more."""
    await connection.execute(
        "UPDATE webhook_key SET ends_at = clock_timestamp() + $2 WHERE endpoint = $1 AND ends_at IS NULL",
        endpoint,
        overlap,
    )


async def set_url(connection: Connection, name: str, url: str) -> None:
    await connection.execute("UPDATE webhook_endpoint SET url = $2 WHERE name = $1", name, url)


async def set_disabled(connection: Connection, name: str, by: str, reason: str) -> bool:
    """Switch off; False if it is off already."""
    status = await connection.execute(
        """
        UPDATE webhook_endpoint SET disabled_at = clock_timestamp(), disabled_by = $2, disabled_reason = $3
        WHERE name = $1 AND disabled_at IS NULL
        """,
        name,
        by,
        reason,
    )
    return status == "UPDATE 1"


async def set_enabled(connection: Connection, name: str) -> None:
    """Switch on, with its failures forgotten."""
    await connection.execute(
        """
        UPDATE webhook_endpoint
        SET disabled_at = NULL, disabled_by = NULL, disabled_reason = NULL, failing_since = NULL, last_error = NULL
        WHERE name = $1
        """,
        name,
    )


async def note_success(connection: Connection, name: str) -> None:
    await connection.execute(
        """
        UPDATE webhook_endpoint SET failing_since = NULL, last_error = NULL
        WHERE name = $1 AND failing_since IS NOT NULL
        """,
        name,
    )


async def note_failure(connection: Connection, name: str, error: str, disable_after: timedelta) -> bool:
    """Keep the failure; True if the endpoint has failed for `disable_after` without a success between."""
    sustained: bool | None = await connection.fetchval(
        """
        UPDATE webhook_endpoint SET failing_since = coalesce(failing_since, clock_timestamp()), last_error = $2
        WHERE name = $1 RETURNING failing_since <= clock_timestamp() - $3::interval
        """,
        name,
        error,
        disable_after,
    )
    return bool(sustained)


_MISSED = """created_at >= $2 AND (
    (channel = 'webhook' AND address = $1 AND state = 'dead')
    OR (channel <> 'webhook'
        AND tried @> jsonb_build_array(jsonb_build_object('channel', 'webhook', 'address', $1::text))
        AND NOT EXISTS (
            SELECT FROM delivery AS other
            WHERE other.alert_id = delivery.alert_id AND other.step = delivery.step AND other.round = delivery.round
              AND other.recipient = delivery.recipient AND other.channel = 'webhook'
        ))
)"""
"""Dead at this endpoint ($1), or gone on to another contact from it and not replayed since."""
_UNANSWERED = (
    "(alert_id IS NULL OR EXISTS (SELECT FROM alert WHERE alert.alert_id = delivery.alert_id"
    " AND alert.state IN ('open', 'escalated')))"
)


async def lock_missed(connection: Connection, name: str, since: datetime) -> int:
    """Hold the alerts of what the endpoint has missed since then as they are, until the transaction ends; returns how many
    of these messages tell of an alert that somebody has answered."""
    await connection.execute(
        f"""
        SELECT FROM alert WHERE alert_id IN (SELECT alert_id FROM delivery WHERE {_MISSED})
        ORDER BY alert_id FOR NO KEY UPDATE
        """,
        name,
        since,
    )
    answered: int = await connection.fetchval(
        f"SELECT count(*) FROM delivery WHERE {_MISSED} AND NOT {_UNANSWERED}", name, since
    )
    return answered


async def owe_again(connection: Connection, name: str, since: datetime) -> list[OwedAgain]:
    """Owe anew what the endpoint has missed of messages made since then, but for alerts that somebody has answered.

    A dead letter is revived under its own id. What went on to another contact instead is owed to the endpoint once more,
    by a row of its own.
    """
    revived = await connection.fetch(
        f"""
        UPDATE delivery
        SET state = 'pending', attempts = 0, settled_at = NULL, last_error = NULL, next_attempt_at = clock_timestamp(),
            contact_since = clock_timestamp()
        WHERE channel = 'webhook' AND {_MISSED} AND {_UNANSWERED}
        RETURNING {_OWED_AGAIN}
        """,
        name,
        since,
    )
    added = await connection.fetch(
        f"""
        INSERT INTO delivery (delivery_id, alert_id, digest_id, county, step, round, member_id, recipient, recipient_name,
                              recipient_subject, language, channel, address, state, next_attempt_at, created_at,
                              contact_since, correlation_id, traceparent)
        SELECT uuidv7(), alert_id, digest_id, county, step, round, member_id, recipient, recipient_name,
               recipient_subject, language, 'webhook', $1, 'pending', clock_timestamp(), created_at, clock_timestamp(),
               correlation_id, traceparent
        FROM delivery WHERE channel <> 'webhook' AND {_MISSED} AND {_UNANSWERED}
        ON CONFLICT DO NOTHING
        RETURNING {_OWED_AGAIN}
        """,
        name,
        since,
    )
    await wake_workers(connection)
    return [OwedAgain(**dict(row)) for row in (*revived, *added)]

"""Durable timers: a row with a due time on the database's clock, a fence and a copied policy (rule 8).

The effect and the timer's end commit together, so a timer fires exactly once however often its process dies.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel

from shared.kit.clock import wall_delay
from shared.kit.connections import Connection

RETRY_DELAY_S_MIN = 1.0
RETRY_DELAY_S_MAX = 300.0


@dataclass(frozen=True, slots=True)
class TimerRow:
    kind: str
    subject_id: str
    fence: int
    due_at: datetime
    policy: str | None
    correlation_id: str
    tries: int


@dataclass(frozen=True, slots=True)
class Arming:
    """One of many timers of a kind to arm. `delay` is domain time; `policy` is copied; `correlation_id` None: the
    transaction's own."""

    subject_id: str
    delay: timedelta
    policy: BaseModel | None = None
    correlation_id: str | None = None


async def arm(
    connection: Connection,
    kind: str,
    subject_id: str,
    delay: timedelta,
    policy: BaseModel | None,
    correlation_id: str,
) -> int:
    """Arm or re-arm; returns the fence. The due time is the database's now plus the wall length of `delay`."""
    fence: int = await connection.fetchval(
        """
        INSERT INTO timer (kind, subject_id, fence, due_at, next_try_at, policy, correlation_id)
        VALUES ($1, $2, nextval('timer_fence'), now() + $3, now() + $3, $4, $5)
        ON CONFLICT (kind, subject_id) DO UPDATE
        SET fence = excluded.fence, due_at = excluded.due_at, next_try_at = excluded.next_try_at,
            policy = excluded.policy, correlation_id = excluded.correlation_id, tries = 0, last_error = NULL
        RETURNING fence
        """,
        kind,
        subject_id,
        wall_delay(delay),
        policy.model_dump_json() if policy else None,
        correlation_id,
    )
    return fence


async def arm_many(connection: Connection, kind: str, armings: Sequence[Arming], correlation_id: str) -> None:
    """`arm` for many subjects in one statement, each once; rows are locked in the order of their subjects."""
    ordered = sorted(armings, key=lambda arming: arming.subject_id)
    await connection.execute(
        """
        INSERT INTO timer (kind, subject_id, fence, due_at, next_try_at, policy, correlation_id)
        SELECT $1, subject_id, nextval('timer_fence'), now() + delay, now() + delay, policy::jsonb, correlation_id
        FROM unnest($2::text[], $3::interval[], $4::text[], $5::text[])
             AS arming (subject_id, delay, policy, correlation_id)
        ON CONFLICT (kind, subject_id) DO UPDATE
        SET fence = excluded.fence, due_at = excluded.due_at, next_try_at = excluded.next_try_at,
            policy = excluded.policy, correlation_id = excluded.correlation_id, tries = 0, last_error = NULL
        """,
        kind,
        [arming.subject_id for arming in ordered],
        [wall_delay(arming.delay) for arming in ordered],
        [arming.policy.model_dump_json() if arming.policy else None for arming in ordered],
        [arming.correlation_id or correlation_id for arming in ordered],
    )


async def cancel(connection: Connection, kind: str, subject_id: str) -> bool:
    """Delete the timer; False if there was none."""
    status = await connection.execute("DELETE FROM timer WHERE kind = $1 AND subject_id = $2", kind, subject_id)
    return status != "DELETE 0"


async def cancel_many(connection: Connection, kind: str, subject_ids: Collection[str]) -> list[str]:
    """`cancel` for many subjects in one statement; returns the subjects whose timer was armed."""
    rows = await connection.fetch(
        """
        WITH locked AS (
            SELECT subject_id FROM timer WHERE kind = $1 AND subject_id = ANY ($2) ORDER BY subject_id FOR UPDATE
        )
        DELETE FROM timer USING locked WHERE timer.kind = $1 AND timer.subject_id = locked.subject_id
        RETURNING timer.subject_id
        """,
        kind,
        list(subject_ids),
    )
    return [row["subject_id"] for row in rows]


async def hand_over_many(connection: Connection, kind: str, successors: Mapping[str, str]) -> list[str]:
    """Give each armed timer of a key to its value, at the same due time and under a new fence; the successor's own timer
    of this kind is replaced. Returns the subjects that had one."""
    moved = await connection.fetch(
        """
        WITH locked AS (
            SELECT subject_id FROM timer WHERE kind = $1 AND subject_id = ANY ($2) ORDER BY subject_id FOR UPDATE
        )
        DELETE FROM timer USING locked WHERE timer.kind = $1 AND timer.subject_id = locked.subject_id
        RETURNING timer.subject_id, due_at, policy::text AS policy, correlation_id
        """,
        kind,
        list(successors),
    )
    await connection.execute(
        """
        INSERT INTO timer (kind, subject_id, fence, due_at, next_try_at, policy, correlation_id)
        SELECT $1, subject_id, nextval('timer_fence'), due_at, due_at, policy::jsonb, correlation_id
        FROM unnest($2::text[], $3::timestamptz[], $4::text[], $5::text[])
             AS moved (subject_id, due_at, policy, correlation_id)
        ON CONFLICT (kind, subject_id) DO UPDATE
        SET fence = excluded.fence, due_at = excluded.due_at, next_try_at = excluded.next_try_at,
            policy = excluded.policy, correlation_id = excluded.correlation_id, tries = 0, last_error = NULL
        """,
        kind,
        [successors[row["subject_id"]] for row in moved],
        [row["due_at"] for row in moved],
        [row["policy"] for row in moved],
        [row["correlation_id"] for row in moved],
    )
    return [row["subject_id"] for row in moved]


async def next_due(connection: Connection) -> TimerRow | None:
    """The most overdue timer, not locked: a command locks its own row first and the timer second, so must its handler."""
    row = await connection.fetchrow(
        """
        SELECT kind, subject_id, fence, due_at, policy, correlation_id, tries
        FROM timer WHERE next_try_at <= clock_timestamp() ORDER BY next_try_at LIMIT 1
        """
    )
    return TimerRow(**dict(row)) if row else None


async def claim(connection: Connection, timer: TimerRow) -> bool:
    """Keep other workers off this timer for the transaction; False if one is at it or it changed meanwhile."""
    locked: bool = await connection.fetchval(
        "SELECT pg_try_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 0))", timer.kind, timer.subject_id
    )
    if not locked:
        return False
    # A statement of its own: its snapshot is taken under the lock, so it sees what the last holder committed.
    unchanged: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM timer WHERE kind = $1 AND subject_id = $2 AND fence = $3)",
        timer.kind,
        timer.subject_id,
        timer.fence,
    )
    return unchanged


async def finish(connection: Connection, timer: TimerRow) -> bool:
    """Delete the fired timer; False if it was cancelled or re-armed since it was claimed."""
    status = await connection.execute(
        "DELETE FROM timer WHERE kind = $1 AND subject_id = $2 AND fence = $3",
        timer.kind,
        timer.subject_id,
        timer.fence,
    )
    return status == "DELETE 1"


async def postpone(connection: Connection, timer: TimerRow, error: str) -> None:
    """Put a timer whose handler failed off with backoff. It is never given up: the sweeper reports it as late."""
    delay_s = min(RETRY_DELAY_S_MIN * 2.0**timer.tries, RETRY_DELAY_S_MAX)
    await connection.execute(
        """
        UPDATE timer SET tries = least(tries + 1, 1000), last_error = $4, next_try_at = clock_timestamp() + $5
        WHERE kind = $1 AND subject_id = $2 AND fence = $3
        """,
        timer.kind,
        timer.subject_id,
        timer.fence,
        error,
        timedelta(seconds=delay_s),
    )


async def seconds_until_next(connection: Connection) -> float | None:
    """Seconds until the next timer wants to run (negative if late); None if none is armed."""
    return await connection.fetchval(
        "SELECT extract(epoch FROM min(next_try_at) - clock_timestamp())::float8 FROM timer"
    )


async def late(connection: Connection, late_after: timedelta, limit: int) -> list[tuple[TimerRow, str | None]]:
    """Timers that should have fired `late_after` ago, the latest first, with their last error."""
    rows = await connection.fetch(
        """
        SELECT kind, subject_id, fence, due_at, policy, correlation_id, tries, last_error
        FROM timer WHERE due_at < clock_timestamp() - $1::interval ORDER BY due_at LIMIT $2
        """,
        late_after,
        limit,
    )
    return [(TimerRow(**{k: v for k, v in row.items() if k != "last_error"}), row["last_error"]) for row in rows]

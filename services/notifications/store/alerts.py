"""Alerts one by one and by their groups: locking, moving, and their history."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import JsonValue

from services.notifications.domain.escalation import AlertState, EscalationPolicy
from services.notifications.domain.grouping import Joined
from services.notifications.domain.rules import UNRESTRICTED_TYPES, Audience
from services.notifications.store.deliveries import NOTE_UNDER_WAY
from shared.contracts.counties import County
from shared.kit.transaction import Connection

_ALERT_COLUMNS = """alert_id, county, rule_id, kind, severity, audience, state, step, policy::text AS policy, lead_alert_id,
    group_wait_s, held_back, held_back_by, digest, step_told_at, letter_due, letter_round, acknowledged_by,
    acknowledged_at, correlation_id, source_type, coalesce(joined_at, raised_at) AS joined_at"""

_MEMBERS = f"""SELECT {_ALERT_COLUMNS} FROM alert
    WHERE lead_alert_id = $1 AND state <> 'resolved' ORDER BY alert_id"""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as its chain needs it; `policy` is the copy taken when it opened."""

    alert_id: UUID
    county: County
    rule_id: str
    kind: str
    severity: str
    audience: Audience
    state: AlertState
    step: int
    policy: EscalationPolicy
    lead_alert_id: UUID | None
    group_wait_s: int | None
    held_back: str | None
    held_back_by: UUID | None
    digest: bool
    step_told_at: datetime | None
    letter_due: bool
    letter_round: int
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    correlation_id: str
    source_type: str
    joined_at: datetime
    """When it joined its lead; of one that joined nobody, when it was raised."""

    @property
    def restricted(self) -> bool:
        """About a case or a complaint; so is whatever no contract knows any more."""
        return self.source_type not in UNRESTRICTED_TYPES

    @property
    def has_chain(self) -> bool:
        """Whether people are told of it by letters of its own."""
        return self.lead_alert_id is None and self.held_back is None and not self.digest


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """What happened to an alert, for reading later."""

    alert_id: UUID
    county: County
    entry: str
    step: int
    by: str
    details: Mapping[str, JsonValue]


async def find_alert(connection: Connection, alert_id: UUID) -> Alert | None:
    """The alert as it is at the moment; None if it does not exist or row-level security hides it."""
    row = await connection.fetchrow(f"SELECT {_ALERT_COLUMNS} FROM alert WHERE alert_id = $1", alert_id)
    return None if row is None else _alert(row)


async def lock_alert(connection: Connection, alert_id: UUID) -> Alert | None:
    """The alert, locked until the transaction ends; None if it does not exist or row-level security hides it."""
    row = await connection.fetchrow(
        f"SELECT {_ALERT_COLUMNS} FROM alert WHERE alert_id = $1 FOR NO KEY UPDATE", alert_id
    )
    return None if row is None else _alert(row)


async def lock_with_lead(connection: Connection, alert_id: UUID) -> tuple[Alert | None, Alert | None]:
    """The alert and its lead (None where it has none), the lead locked first, as everybody does."""
    while True:
        lead_id: UUID | None = await connection.fetchval(
            "SELECT lead_alert_id FROM alert WHERE alert_id = $1", alert_id
        )
        lead = None if lead_id is None else await lock_alert(connection, lead_id)
        alert = await lock_alert(connection, alert_id)
        if alert is None or alert.lead_alert_id == lead_id:
            return alert, lead


async def lock_members(connection: Connection, lead_alert_id: UUID) -> list[Alert]:
    """The unresolved alerts that joined a lead, locked, the oldest first."""
    rows = await connection.fetch(f"{_MEMBERS} FOR NO KEY UPDATE", lead_alert_id)
    return [_alert(row) for row in rows]


async def list_members(connection: Connection, lead_alert_id: UUID) -> list[Alert]:
    """As `lock_members`, as they are at the moment."""
    rows = await connection.fetch(_MEMBERS, lead_alert_id)
    return [_alert(row) for row in rows]


async def open_group(connection: Connection, lead_alert_id: UUID, alert_ids: Collection[UUID]) -> None:
    """Make the first the lead of these locked alerts, itself among them: its first step waits for its letter."""
    await connection.execute(
        """
        UPDATE alert
        SET lead_alert_id = CASE WHEN alert_id <> $1 THEN $1 END, letter_due = alert_id = $1, step = 0, step_told_at = NULL,
            first_wait_ends_at = NULL, letter_round = 0,
            joined_at = CASE WHEN alert_id <> $1 THEN clock_timestamp() END
        WHERE alert_id = ANY ($2)
        """,
        lead_alert_id,
        list(alert_ids),
    )


async def lock_joined(connection: Connection, lead_ids: Collection[UUID]) -> list[Joined]:
    """The unresolved alerts that joined one of these leads and are not among them, locked."""
    rows = await connection.fetch(
        """
        SELECT alert.alert_id, alert.lead_alert_id, alert.state, alert.acknowledged_at, lead.state AS lead_state,
               lead.acknowledged_at AS lead_acknowledged_at
        FROM alert JOIN alert AS lead ON lead.alert_id = alert.lead_alert_id
        WHERE alert.lead_alert_id = ANY ($1) AND alert.state <> 'resolved' AND alert.alert_id <> ALL ($1)
        ORDER BY alert.alert_id FOR NO KEY UPDATE OF alert
        """,
        list(lead_ids),
    )
    return [
        Joined(
            row["alert_id"],
            row["lead_alert_id"],
            AlertState(row["state"]),
            row["acknowledged_at"],
            AlertState(row["lead_state"]),
            row["lead_acknowledged_at"],
        )
        for row in rows
    ]


async def lock_group(connection: Connection, rule_id: str, county: County) -> None:
    """Keep others from joining or leading alerts of a rule and county until the transaction ends."""
    await lock_groups(connection, [(rule_id, county)])


async def lock_groups(connection: Connection, keys: Collection[tuple[str, str]]) -> None:
    """As `lock_group`, for many, in one order everywhere."""
    if keys:
        await connection.execute(
            """
            SELECT pg_advisory_xact_lock(key) FROM (
                SELECT DISTINCT hashtextextended('alert_group ' || name, 0) AS key FROM unnest($1::text[]) AS name
                ORDER BY 1 OFFSET 0
            )
            """,
            [f"{rule_id} {county}" for rule_id, county in keys],
        )


async def hand_over(connection: Connection, successors: Mapping[UUID, UUID], ended: Collection[UUID]) -> None:
    """Make each value the lead of what its key led, going on where that one stands, with its policy; former leads keep
    pointing at the one of today. What else joined an alert of `ended` (the keys and others) and goes on stands alone from now
    on; what ends with its lead keeps it, so that people see why it was told to nobody. Nobody has set them resolved yet."""
    await connection.execute(
        """
        UPDATE alert AS successor
        SET lead_alert_id = NULL, step = lead.step, policy = lead.policy, policy_name = lead.policy_name,
            state = CASE WHEN successor.state = 'acknowledged' THEN successor.state ELSE lead.state END,
            step_told_at = lead.step_told_at, first_wait_ends_at = lead.first_wait_ends_at,
            letter_due = lead.letter_due, letter_round = lead.letter_round
        FROM unnest($1::uuid[], $2::uuid[]) AS pair (before, after) JOIN alert AS lead ON lead.alert_id = pair.before
        WHERE successor.alert_id = pair.after
        """,
        list(successors),
        list(successors.values()),
    )
    await connection.execute(
        """
        UPDATE alert SET lead_alert_id = pair.after
        FROM unnest($1::uuid[], $2::uuid[]) AS pair (before, after)
        WHERE (alert.lead_alert_id = pair.before AND (alert.state <> 'resolved' OR alert.step_told_at IS NOT NULL))
           OR alert.alert_id = pair.before
        """,
        list(successors),
        list(successors.values()),
    )
    await connection.execute(
        """
        UPDATE alert SET lead_alert_id = NULL
        WHERE lead_alert_id = ANY ($1) AND state <> 'resolved' AND alert_id <> ALL ($1)
        """,
        list(ended),
    )


async def set_told(connection: Connection, alert_ids: Collection[UUID], at: datetime) -> None:
    """The running step was told; no letter is due any more."""
    await connection.execute(
        "UPDATE alert SET step_told_at = $2, letter_due = false WHERE alert_id = ANY ($1)", list(alert_ids), at
    )


async def set_first_wait(connection: Connection, alert_id: UUID, ends_at: datetime) -> None:
    """The first step was told, and nobody joins this lead from `ends_at` on."""
    await connection.execute("UPDATE alert SET first_wait_ends_at = $2 WHERE alert_id = $1", alert_id, ends_at)


async def set_letter_round(connection: Connection, alert_id: UUID, letter_round: int) -> None:
    await connection.execute("UPDATE alert SET letter_round = $2 WHERE alert_id = $1", alert_id, letter_round)


async def set_letter_due(connection: Connection, alert_ids: Collection[UUID], *, due: bool = True) -> None:
    """Say whether a timer will send one more letter of these leads."""
    await connection.execute("UPDATE alert SET letter_due = $2 WHERE alert_id = ANY ($1)", list(alert_ids), due)


async def set_step(connection: Connection, alert_id: UUID, state: AlertState, step: int, at: datetime) -> None:
    """The chain goes on with `step`, told `at`."""
    await connection.execute(
        """
        UPDATE alert SET state = $2, step = $3, step_told_at = $4, letter_due = false, letter_round = 0
        WHERE alert_id = $1
        """,
        alert_id,
        state,
        step,
        at,
    )


async def set_acknowledged(connection: Connection, alert_ids: Collection[UUID], by: str, at: datetime) -> None:
    await connection.execute(
        """
        UPDATE alert SET state = 'acknowledged', acknowledged_by = $2, acknowledged_at = $3, letter_due = false
        WHERE alert_id = ANY ($1)
        """,
        list(alert_ids),
        by,
        at,
    )


async def set_reopened(connection: Connection, alert_ids: Collection[UUID]) -> None:
    """Nobody has acknowledged these any more."""
    await connection.execute(
        """
        UPDATE alert SET state = 'open', acknowledged_by = NULL, acknowledged_at = NULL WHERE alert_id = ANY ($1)
        """,
        list(alert_ids),
    )


async def set_alone(connection: Connection, alert_id: UUID) -> None:
    """The alert leaves its group and has a chain of its own from now on."""
    await connection.execute("UPDATE alert SET lead_alert_id = NULL WHERE alert_id = $1", alert_id)


async def set_resolved(connection: Connection, alert_ids: Collection[UUID], at: datetime) -> None:
    await connection.execute(
        "UPDATE alert SET state = 'resolved', resolved_at = $2, letter_due = false WHERE alert_id = ANY ($1)",
        list(alert_ids),
        at,
    )


async def cancel_messages(connection: Connection, alert_ids: Collection[UUID]) -> set[UUID]:
    """What has not left yet does not leave; returns the alerts of which something had not. The history says what was under
    way."""
    rows = await connection.fetch(
        f"""
        WITH cancelled AS (
            UPDATE delivery SET state = 'cancelled', settled_at = clock_timestamp()
            WHERE alert_id = ANY ($1) AND state = 'pending' RETURNING *
        ), {NOTE_UNDER_WAY}
        SELECT alert_id FROM cancelled
        """,
        list(alert_ids),
    )
    return {row["alert_id"] for row in rows}


async def list_holding(connection: Connection, alert_ids: Collection[UUID]) -> list[UUID]:
    """Those of these alerts that hold others back."""
    rows = await connection.fetch(
        "SELECT DISTINCT held_back_by FROM alert WHERE held_back_by = ANY ($1) AND state <> 'resolved'", list(alert_ids)
    )
    return [row["held_back_by"] for row in rows]


async def drop_holds_of_acknowledged(connection: Connection, held_back_by: UUID) -> set[UUID]:
    """Alerts that somebody has acknowledged although they were held back are held no more; returns them."""
    rows = await connection.fetch(
        """
        UPDATE alert SET held_back = NULL, held_back_by = NULL
        WHERE held_back_by = $1 AND state = 'acknowledged' RETURNING alert_id
        """,
        held_back_by,
    )
    return {row["alert_id"] for row in rows}


async def list_policies_of(connection: Connection, alert_ids: Collection[UUID]) -> dict[UUID, EscalationPolicy]:
    """The policy that each of these alerts copied when it opened."""
    rows = await connection.fetch(
        "SELECT alert_id, policy::text AS policy FROM alert WHERE alert_id = ANY ($1)", list(alert_ids)
    )
    known: dict[str, EscalationPolicy] = {}
    for row in rows:
        if row["policy"] not in known:
            known[row["policy"]] = EscalationPolicy.model_validate_json(row["policy"])
    return {row["alert_id"]: known[row["policy"]] for row in rows}


async def was_told(connection: Connection, alert: Alert, subject: str) -> bool:
    """True if `subject` (a sign-in name) is among those to whom the alert, or a letter of its group, was addressed."""
    told: bool = await connection.fetchval(
        """
        SELECT EXISTS (
            SELECT FROM alert JOIN delivery USING (alert_id)
            WHERE (alert.alert_id = $1 OR alert.alert_id = $2 OR alert.lead_alert_id = $2) AND recipient_subject = $3
        )
        """,
        alert.alert_id,
        alert.lead_alert_id or alert.alert_id,
        subject,
    )
    return told


async def add_history(
    connection: Connection,
    alert_id: UUID,
    entry: str,
    *,
    county: str,
    at: datetime,
    step: int,
    by: str,
    details: Mapping[str, JsonValue],
) -> None:
    await add_histories(connection, [HistoryLine(alert_id, County(county), entry, step, by, details)], at)


async def add_histories(connection: Connection, lines: Sequence[HistoryLine], at: datetime) -> None:
    """Add lines in their order, all at one time, in one statement."""
    if not lines:
        return
    await connection.execute(
        """
        INSERT INTO alert_history (alert_id, county, at, entry, step, by, details)
        SELECT alert_id, county, $1, entry, step, by, details::jsonb
        FROM unnest($2::uuid[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[])
             WITH ORDINALITY AS line (alert_id, county, entry, step, by, details, place)
        ORDER BY place
        """,
        at,
        [line.alert_id for line in lines],
        [line.county for line in lines],
        [line.entry for line in lines],
        [line.step for line in lines],
        [line.by for line in lines],
        [json.dumps(dict(line.details), ensure_ascii=False) if line.details else "{}" for line in lines],
    )


def _alert(row: asyncpg.Record) -> Alert:
    values: dict[str, Any] = dict(row)
    values["county"] = County(row["county"])
    values["audience"] = Audience(row["audience"])
    values["state"] = AlertState(row["state"])
    values["policy"] = EscalationPolicy.model_validate_json(row["policy"])
    return Alert(**values)

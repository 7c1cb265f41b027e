"""The auditor's reading: every chain that should have moved and did not, found set-wise. Only SELECT."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg

from services.notifications.domain.auditing import UNANSWERED_MARGIN, Found, LateChain, Lateness
from services.notifications.domain.operations import PROVINCE_SEAT
from services.notifications.domain.rules import Audience
from shared.contracts.counties import County
from shared.contracts.notifications import OperationsTroubleFound
from shared.kit.clock import wall_delay
from shared.kit.transaction import Connection

FOUND_MAX: Final = 1_000
"""Of each kind of lateness in one round, the oldest first; more are found when these are put right."""


@dataclass(frozen=True, slots=True)
class TimerKinds:
    """Kinds of the timers that move chains; `others` are those of the service that are about no alert."""

    step: str
    letter: str
    lapse: str
    digest: str
    others: tuple[str, ...]

    @property
    def all(self) -> list[str]:
        return [self.step, self.letter, self.lapse, self.digest, *self.others]


async def find_late(connection: Connection, kinds: TimerKinds, late_after: timedelta, lease: timedelta) -> Found:
    """Everything late now, on the database's clock and in one snapshot. `lease`: for how long a worker takes a delivery."""
    found: set[LateChain] = set()
    is_whole = True
    for reason, query, *arguments in (
        (Lateness.STEP_TIMER_MISSING, STEP_TIMER_MISSING, kinds.step),
        (Lateness.LETTER_TIMER_MISSING, LETTER_TIMER_MISSING, kinds.letter),
        (Lateness.LAPSE_TIMER_MISSING, LAPSE_TIMER_MISSING, kinds.lapse),
        (Lateness.LEAD_ENDED, LEAD_ENDED),
        (Lateness.DIGEST_TIMER_MISSING, _DIGEST_TIMER_MISSING, kinds.digest),
        (Lateness.TIMER_OVERDUE, _TIMER_OVERDUE, kinds.all, late_after),
        (Lateness.DELIVERY_OVERDUE, _DELIVERY_OVERDUE, late_after, lease),
        (Lateness.HOLD_OVERDUE, _HOLD_OVERDUE, late_after),
    ):
        rows = await connection.fetch(f"{query} LIMIT {FOUND_MAX}", *arguments)
        found.update(_late(reason, row) for row in rows)
        is_whole = is_whole and len(rows) < FOUND_MAX
    return Found(frozenset(found), is_whole)


async def unanswered_counties(connection: Connection) -> set[County]:
    """Counties with a chain at its end: every step told, the last one's wait over by more than the margin, nobody acted.

    Alerts about troubles of the platform are left out. The wait is that of the clock, also where the step counts working
    hours.
    """
    rows = await connection.fetch(
        UNANSWERED_COUNTIES, OperationsTroubleFound.type_name(), wall_delay(timedelta(seconds=1)), UNANSWERED_MARGIN
    )
    return {County(row["county"]) for row in rows}


async def is_armed(connection: Connection, kind: str, subject_id: UUID) -> bool:
    armed: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM timer WHERE kind = $1 AND subject_id = $2)", kind, str(subject_id)
    )
    return armed


async def find_raised(connection: Connection, source_event_id: UUID) -> list[UUID]:
    """Alerts that an event raised."""
    rows = await connection.fetch("SELECT alert_id FROM alert WHERE source_event_id = $1", source_event_id)
    return [row["alert_id"] for row in rows]


def _late(reason: Lateness, row: asyncpg.Record) -> LateChain:
    county, audience = row["county"], row["audience"]
    return LateChain(
        subject=row["subject"],
        reason=reason,
        county=PROVINCE_SEAT if county is None else County(county),
        alert_id=row["alert_id"],
        audience=None if audience is None else Audience(audience),
    )


# The conditions of these queries are those of the indexes of schema/01090_audit.sql, word by word. Ids are in the order in
# which alerts were raised, and as texts in that of the timers, so that both are read along their indexes side by side.
_OWN_CHAIN = "held_back IS NULL AND lead_alert_id IS NULL AND NOT digest AND state IN ('open', 'escalated')"
_STEPS = "jsonb_array_length(policy -> 'steps') + coalesce((policy ->> 'repeats')::integer, 0)"
_COLUMNS = "alert_id::text AS subject, alert_id, county, audience"
_HAS_NO_TIMER = "NOT EXISTS (SELECT FROM timer WHERE timer.kind = $1 AND timer.subject_id = alert.alert_id::text)"

STEP_TIMER_MISSING: Final = f"""
SELECT {_COLUMNS} FROM alert
WHERE {_OWN_CHAIN} AND step_told_at IS NOT NULL AND step + 1 < {_STEPS} AND {_HAS_NO_TIMER}
ORDER BY alert_id::text
"""
UNANSWERED_COUNTIES: Final = f"""
SELECT DISTINCT county FROM alert
WHERE {_OWN_CHAIN} AND NOT letter_due AND step + 1 >= {_STEPS} AND source_type <> $1
  AND step_told_at < clock_timestamp() - $3::interval - $2::interval * (
      policy -> 'steps' -> least(step, jsonb_array_length(policy -> 'steps') - 1) ->> 'wait_s')::integer
"""
LETTER_TIMER_MISSING: Final = f"""
SELECT {_COLUMNS} FROM alert
WHERE {_OWN_CHAIN} AND (letter_due OR step_told_at IS NULL) AND {_HAS_NO_TIMER}
ORDER BY alert_id::text
"""
# What was acknowledged with its lead ends with the lead's timer; what somebody acknowledged by itself has its own.
LAPSE_TIMER_MISSING: Final = f"""
(
    SELECT {_COLUMNS} FROM alert
    WHERE state = 'acknowledged' AND lead_alert_id IS NULL AND (policy ->> 'acknowledged_for_s') IS NOT NULL
      AND {_HAS_NO_TIMER}
) UNION ALL (
    SELECT {_COLUMNS} FROM alert
    WHERE state = 'acknowledged' AND (policy ->> 'acknowledged_for_s') IS NOT NULL AND {_HAS_NO_TIMER}
      AND (lead_alert_id, acknowledged_at) IN (
          SELECT joined.lead_alert_id, joined.acknowledged_at FROM (
              SELECT DISTINCT lead_alert_id, acknowledged_at FROM alert
              WHERE lead_alert_id IS NOT NULL AND state = 'acknowledged'
          ) AS joined LEFT JOIN alert AS lead ON lead.alert_id = joined.lead_alert_id
          WHERE (lead.state = 'acknowledged' AND lead.acknowledged_at = joined.acknowledged_at) IS NOT TRUE)
)
ORDER BY subject
"""
LEAD_ENDED: Final = f"""
SELECT {_COLUMNS} FROM alert
WHERE state IN ('open', 'escalated') AND lead_alert_id IN (
    SELECT joined.lead_alert_id FROM (
        SELECT DISTINCT lead_alert_id FROM alert
        WHERE lead_alert_id IS NOT NULL AND state IN ('open', 'escalated')
    ) AS joined LEFT JOIN alert AS lead ON lead.alert_id = joined.lead_alert_id
    WHERE (lead.state IN ('open', 'escalated') AND lead.lead_alert_id IS NULL AND lead.held_back IS NULL) IS NOT TRUE)
ORDER BY alert_id::text
"""
_DIGEST_TIMER_MISSING: Final = """
SELECT DISTINCT working_group || '/' || period AS subject, NULL::uuid AS alert_id, member.county, NULL AS audience
FROM digest_wish JOIN working_group_member AS member USING (member_id)
WHERE active AND NOT EXISTS (
    SELECT FROM timer WHERE timer.kind = $1 AND timer.subject_id = member.working_group || '/' || digest_wish.period)
ORDER BY subject
"""
# A timer whose handler failed is put off: its `next_try_at` is ahead of its time, so such ones are looked up by themselves.
_TIMER_OVERDUE: Final = """
SELECT overdue.subject_id AS subject, alert.alert_id, alert.county, alert.audience
FROM (
    SELECT kind, subject_id, due_at FROM timer
    WHERE next_try_at < now() - $2::interval AND due_at < now() - $2::interval
    UNION
    SELECT kind, subject_id, due_at FROM timer WHERE tries > 0 AND due_at < now() - $2::interval
) AS overdue
LEFT JOIN alert
  ON alert.alert_id = CASE WHEN pg_input_is_valid(overdue.subject_id, 'uuid') THEN overdue.subject_id::uuid END
WHERE overdue.kind = ANY ($1)
ORDER BY overdue.due_at
"""
# One that is leased may be under way for one lease; one that is leased again and again goes on being late.
_DELIVERY_OVERDUE: Final = """
SELECT coalesce(delivery.alert_id, delivery.digest_id)::text AS subject, alert.alert_id, delivery.county, alert.audience
FROM delivery LEFT JOIN alert USING (alert_id)
WHERE delivery.state = 'pending' AND delivery.next_attempt_at < clock_timestamp() - $1::interval
      - CASE WHEN delivery.lease_until IS NULL THEN interval '0' ELSE $2::interval END
ORDER BY delivery.next_attempt_at
"""
_HOLD_OVERDUE: Final = f"""
SELECT {_COLUMNS} FROM alert
WHERE held_back_by IS NOT NULL AND state IN ('open', 'escalated') AND (
    (held_back = 'inhibited' AND EXISTS (
        SELECT FROM alert AS source WHERE source.alert_id = alert.held_back_by AND source.state = 'resolved'
          AND source.resolved_at < clock_timestamp() - $1::interval))
    OR (held_back = 'silenced' AND EXISTS (
        SELECT FROM silence WHERE silence_id = alert.held_back_by AND coalesce(
            ended_at, CASE alert.severity WHEN 'critical' THEN critical_until ELSE ends_at END
        ) < clock_timestamp() - $1::interval))
)
ORDER BY raised_at
"""

"""What a batch of events reads and writes: a constant number of statements, however many alerts it opens."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from services.notifications.domain.decision import Incoming, NewAlert, OpenAlert, Placed, SubjectKey
from services.notifications.domain.escalation import AlertState, EscalationPolicy, StreamPlace
from services.notifications.domain.grouping import GroupKey, Lead
from services.notifications.domain.holding import HeldBack, Inhibitor
from services.notifications.domain.rules import Audience, Inhibition
from shared.contracts.counties import County
from shared.contracts.notifications import AlertSeverity
from shared.kit.transaction import Connection


async def lock_subjects(connection: Connection, subjects: Mapping[SubjectKey, County]) -> dict[SubjectKey, StreamPlace]:
    """Lock what rules' alerts are about until the transaction ends; returns where their last resolving events stand."""
    ordered = sorted(subjects)
    rows = await connection.fetch(
        """
        INSERT INTO alert_subject AS known (rule_id, subject_id, county)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
        ON CONFLICT (rule_id, subject_id) DO UPDATE SET county = known.county
        RETURNING rule_id, subject_id, resolved_aggregate, resolved_sequence,
                  extract(epoch FROM resolved_time)::float8 AS resolved_time_s
        """,
        [rule_id for rule_id, _ in ordered],
        [subject_id for _, subject_id in ordered],
        [subjects[key] for key in ordered],
    )
    return {
        (row["rule_id"], row["subject_id"]): StreamPlace(
            row["resolved_aggregate"], row["resolved_sequence"], row["resolved_time_s"]
        )
        for row in rows
        if row["resolved_aggregate"] is not None
    }


async def list_answered(connection: Connection, answers: Collection[tuple[str, UUID]]) -> set[tuple[str, UUID]]:
    """Those of these rules and events of which there is an alert."""
    rows = await connection.fetch(
        """
        SELECT alert.rule_id, alert.source_event_id
        FROM unnest($1::text[], $2::uuid[]) AS answer (rule_id, source_event_id)
        JOIN alert USING (rule_id, source_event_id)
        """,
        [rule_id for rule_id, _ in answers],
        [event_id for _, event_id in answers],
    )
    return {(row["rule_id"], row["source_event_id"]) for row in rows}


async def lock_unresolved(connection: Connection, keys: Collection[SubjectKey]) -> dict[SubjectKey, list[OpenAlert]]:
    """All alerts about these subjects that are not resolved, locked in the order of their ids."""
    rows = await connection.fetch(
        """
        SELECT alert.alert_id, alert.county, alert.rule_id, alert.subject_id, alert.state, alert.step,
               alert.source_aggregate, alert.source_sequence,
               extract(epoch FROM alert.source_time)::float8 AS source_time_s
        FROM unnest($1::text[], $2::text[]) AS wanted (rule_id, subject_id) JOIN alert USING (rule_id, subject_id)
        WHERE alert.state <> 'resolved' ORDER BY alert.alert_id FOR NO KEY UPDATE OF alert
        """,
        [rule_id for rule_id, _ in keys],
        [subject_id for _, subject_id in keys],
    )
    found: dict[SubjectKey, list[OpenAlert]] = {}
    for row in rows:
        source = StreamPlace(row["source_aggregate"], row["source_sequence"], row["source_time_s"])
        alert = OpenAlert(
            row["alert_id"],
            County(row["county"]),
            row["rule_id"],
            row["subject_id"],
            AlertState(row["state"]),
            row["step"],
            source,
        )
        found.setdefault((alert.rule_id, alert.subject_id), []).append(alert)
    return found


async def keep_resolutions(connection: Connection, kept: Mapping[SubjectKey, Incoming]) -> None:
    """Remember the newest resolving event of locked subjects, for source events that are still on their way."""
    if not kept:
        return
    await connection.execute(
        """
        UPDATE alert_subject
        SET resolved_by_event_id = kept.event_id, resolved_aggregate = kept.aggregate,
            resolved_sequence = kept.sequence, resolved_time = kept.time
        FROM unnest($1::text[], $2::text[], $3::uuid[], $4::text[], $5::bigint[], $6::timestamptz[])
             AS kept (rule_id, subject_id, event_id, aggregate, sequence, time)
        WHERE alert_subject.rule_id = kept.rule_id AND alert_subject.subject_id = kept.subject_id
        """,
        [rule_id for rule_id, _ in kept],
        [subject_id for _, subject_id in kept],
        [incoming.event_id for incoming in kept.values()],
        [incoming.place.aggregate for incoming in kept.values()],
        [incoming.place.sequence for incoming in kept.values()],
        [incoming.time for incoming in kept.values()],
    )


async def lock_inhibitors(
    connection: Connection, inhibitions: Sequence[Inhibition], targets: Sequence[Placed]
) -> list[Inhibitor]:
    """Unresolved alerts that may hold `targets` back. None of them can be resolved until the transaction ends."""
    kinds: list[str] = []
    fields: list[str] = []
    likenesses: list[str] = []
    for inhibition in inhibitions:
        wanted = {
            likeness[0]
            for alert in targets
            if inhibition.targets(alert.kind, alert.severity)
            and (likeness := inhibition.likeness(alert.details)) is not None
        }
        for value in wanted:
            kinds.append(inhibition.source_kind)
            fields.append(inhibition.equal[0])
            likenesses.append(value)
    if not likenesses:
        return []
    rows = await connection.fetch(
        """
        SELECT alert_id, county, kind, details::text AS details FROM alert
        WHERE state <> 'resolved' AND kind = ANY ($1) AND county = ANY ($2)
          AND held_back IS DISTINCT FROM 'inhibited'
          AND EXISTS (
              SELECT FROM unnest($1::text[], $3::text[], $4::text[]) AS wanted (kind, field, likeness)
              WHERE wanted.kind = alert.kind AND alert.details ->> wanted.field = wanted.likeness
          )
        ORDER BY alert_id FOR SHARE
        """,
        kinds,
        sorted({alert.county.value for alert in targets}),
        fields,
        likenesses,
    )
    return [Inhibitor(row["alert_id"], County(row["county"]), row["kind"], json.loads(row["details"])) for row in rows]


async def lock_leads(connection: Connection, keys: Collection[GroupKey]) -> dict[GroupKey, Lead]:
    """The oldest lead of each group whose first step's wait runs unanswered, locked: it is neither answered nor told more
    until the transaction ends. Whoever a later step has told is not the first who should hear of what comes now; nor is a
    chain joined that is at its end.
    """
    if not keys:
        return {}
    rows = await connection.fetch(
        """
        SELECT alert.alert_id, alert.rule_id, alert.county, alert.audience, alert.group_wait_s, alert.letter_due
        FROM unnest($1::text[], $2::text[]) AS wanted (rule_id, county) JOIN alert USING (rule_id, county)
        WHERE lead_alert_id IS NULL AND held_back IS NULL AND group_wait_s IS NOT NULL AND state IN ('open', 'escalated')
          AND step = 0 AND (first_wait_ends_at IS NULL OR first_wait_ends_at > clock_timestamp())
        ORDER BY alert.alert_id FOR NO KEY UPDATE OF alert
        """,
        [rule_id for rule_id, _ in keys],
        [county for _, county in keys],
    )
    leads: dict[GroupKey, Lead] = {}
    for row in rows:
        lead = Lead(row["alert_id"], Audience(row["audience"]), row["group_wait_s"], letter_due=row["letter_due"])
        leads.setdefault((row["rule_id"], County(row["county"])), lead)
    return leads


async def insert_alerts(
    connection: Connection,
    alerts: Sequence[NewAlert],
    *,
    rules_version: int,
    policies: Mapping[str, EscalationPolicy],
    at: datetime,
) -> None:
    """Open alerts in one statement; `policies` by name are copied into them."""
    documents = {name: policy.model_dump_json() for name, policy in policies.items()}
    await connection.execute(
        """
        INSERT INTO alert (alert_id, county, rule_id, rules_version, kind, severity, audience, state, policy_name,
                           policy, subject_id, source_type, source_event_id, source_aggregate, source_aggregate_id,
                           source_sequence, source_time, details, correlation_id, raised_at, resolved_at, lead_alert_id,
                           group_wait_s, held_back, held_back_by, digest, step_told_at, letter_due, joined_at)
        SELECT alert_id, county, rule_id, $1, kind, severity, audience, state, policy_name, policy::jsonb, subject_id,
               source_type, source_event_id, source_aggregate, source_aggregate_id, source_sequence, source_time,
               details::jsonb, correlation_id, $2::timestamptz, CASE WHEN state = 'resolved' THEN $2::timestamptz END,
               lead_alert_id, group_wait_s, held_back, held_back_by, digest, CASE WHEN starts THEN $2::timestamptz END,
               letter_due, CASE WHEN lead_alert_id IS NOT NULL THEN clock_timestamp() END
        FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
                    $11::text[], $12::text[], $13::text[], $14::uuid[], $15::text[], $16::text[], $17::bigint[],
                    $18::timestamptz[], $19::text[], $20::text[], $21::uuid[], $22::int[], $23::text[], $24::uuid[],
                    $25::bool[], $26::bool[], $27::bool[])
             AS new (alert_id, county, rule_id, kind, severity, audience, state, policy_name, policy, subject_id,
                     source_type, source_event_id, source_aggregate, source_aggregate_id, source_sequence, source_time,
                     details, correlation_id, lead_alert_id, group_wait_s, held_back, held_back_by, digest, starts,
                     letter_due)
        """,
        rules_version,
        at,
        [alert.alert_id for alert in alerts],
        [alert.county for alert in alerts],
        [alert.rule_id for alert in alerts],
        [alert.kind for alert in alerts],
        [alert.severity for alert in alerts],
        [alert.audience for alert in alerts],
        ["open" if alert.resolved_by is None else "resolved" for alert in alerts],
        [alert.rule.policy for alert in alerts],
        [documents[alert.rule.policy] for alert in alerts],
        [alert.subject_id for alert in alerts],
        [alert.source.event.type_name() for alert in alerts],
        [alert.source.event_id for alert in alerts],
        [alert.source.place.aggregate for alert in alerts],
        [alert.source.event.aggregate_id for alert in alerts],
        [alert.source.place.sequence for alert in alerts],
        [alert.source.time for alert in alerts],
        [json.dumps(alert.details, ensure_ascii=False) for alert in alerts],
        [alert.source.correlation_id for alert in alerts],
        [alert.lead_alert_id for alert in alerts],
        [alert.group_wait_s for alert in alerts],
        [None if alert.held_back is None else alert.held_back.reason for alert in alerts],
        [None if alert.held_back is None else alert.held_back.by for alert in alerts],
        [alert.digest for alert in alerts],
        [alert.resolved_by is None and alert.starts for alert in alerts],
        [alert.letter_due for alert in alerts],
    )


async def lock_held(connection: Connection, held_back_by: UUID) -> list[Placed]:
    """The unresolved alerts that an alert or a silence holds back, locked, the oldest first."""
    rows = await connection.fetch(
        """
        SELECT alert_id, county, rule_id, kind, severity, audience, subject_id, details::text AS details, digest,
               group_wait_s
        FROM alert WHERE held_back_by = $1 AND state <> 'resolved' ORDER BY alert_id FOR NO KEY UPDATE
        """,
        held_back_by,
    )
    return [_placed(row) for row in rows]


async def list_group_keys_of_held(connection: Connection, held_back_by: UUID) -> list[tuple[str, str]]:
    """(rule id, county) of held alerts that will want to join a group."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT rule_id, county FROM alert
        WHERE held_back_by = $1 AND state <> 'resolved' AND group_wait_s IS NOT NULL
        """,
        held_back_by,
    )
    return [(row["rule_id"], row["county"]) for row in rows]


async def set_placed(connection: Connection, alerts: Sequence[Placed], at: datetime) -> None:
    """Write down what was said of alerts that were held back; the step of those that start is told `at`."""
    held: list[HeldBack | None] = [alert.held_back for alert in alerts]
    await connection.execute(
        """
        UPDATE alert
        SET held_back = placed.held_back, held_back_by = placed.held_back_by, lead_alert_id = placed.lead_alert_id,
            letter_due = placed.letter_due, step_told_at = CASE WHEN placed.starts THEN $6::timestamptz END,
            joined_at = CASE WHEN placed.lead_alert_id IS NOT NULL THEN clock_timestamp() END
        FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::bool[], $7::bool[])
             AS placed (alert_id, held_back, held_back_by, lead_alert_id, letter_due, starts)
        WHERE alert.alert_id = placed.alert_id
        """,
        [alert.alert_id for alert in alerts],
        [None if one is None else one.reason for one in held],
        [None if one is None else one.by for one in held],
        [alert.lead_alert_id for alert in alerts],
        [alert.letter_due for alert in alerts],
        at,
        [alert.starts for alert in alerts],
    )


def _placed(row: asyncpg.Record) -> Placed:
    return Placed(
        alert_id=row["alert_id"],
        county=County(row["county"]),
        rule_id=row["rule_id"],
        kind=row["kind"],
        severity=AlertSeverity(row["severity"]),
        audience=Audience(row["audience"]),
        subject_id=row["subject_id"],
        details=json.loads(row["details"]),
        restricted=False,
        digest=row["digest"],
        group_wait_s=row["group_wait_s"],
    )

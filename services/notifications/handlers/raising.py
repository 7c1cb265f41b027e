"""Events become alerts and end them: a batch at a time, decided by `services.notifications.domain.decision`."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from pydantic import JsonValue
from uuid_utils.compat import uuid7

from services.notifications.domain.decision import (
    Incoming,
    Known,
    Match,
    NewAlert,
    Placed,
    Settled,
    match,
    place,
    settle,
)
from services.notifications.domain.escalation import AlertState, EscalationPolicy, Step, StreamPlace
from services.notifications.domain.grouping import Lead, group_wait_s
from services.notifications.domain.holding import HoldReason, Holds
from services.notifications.domain.rules import RuleBook, county_of
from services.notifications.domain.telling import OF_SILENCED_CRITICAL, Telling
from services.notifications.handlers.resolving import Ending, end_alerts, resolved_event
from services.notifications.handlers.telling import BY_SYSTEM, GROUP_LETTER_TIMER, SILENCED_ROUND, Chain, tell_chains
from services.notifications.routing_rules import EVENT_TYPES, rules_in_force
from services.notifications.store import alerts as store
from services.notifications.store import groups, raising, silences
from services.notifications.store.alerts import HistoryLine
from services.notifications.store.members import share_memberships
from shared.contracts.base import Event
from shared.contracts.notifications import AlertRaised, AlertSeverity
from shared.kit.routing import Received, fold
from shared.kit.telemetry import span
from shared.kit.timers import Arming
from shared.kit.transaction import Transaction

TO_THE_CHAIR: Final = EscalationPolicy(steps=(Step(position="chair", wait_s=1),))


@fold(*EVENT_TYPES)
async def apply_rules(received: Sequence[Received[Event]], tx: Transaction) -> None:
    """Resolve and raise what the routing rules in force say: one alert per rule and event, whichever event came first."""
    book = await rules_in_force(tx.connection)
    matches = match(book, [_incoming(one) for one in received if book.rules_about(type(one.event))])
    if not matches:
        return
    await share_memberships(tx.connection)
    await store.lock_groups(tx.connection, _group_keys(matches))
    settled = await _settle(matches, tx)
    endings = [Ending(alert.alert_id, alert.county, alert.step, alert.state, BY_SYSTEM) for alert, _ in settled.ended]
    await end_alerts(tx, endings)
    await _open_alerts(book, settled.opened, tx)
    await _publish(settled, endings, tx)


async def _settle(matches: Sequence[Match], tx: Transaction) -> Settled:
    resolutions = await raising.lock_subjects(
        tx.connection, {found.key: county_of(found.incoming.event) for found in matches}
    )
    sources = {(found.rule.rule_id, found.incoming.event_id) for found in matches if not found.resolves}
    answered = await raising.list_answered(tx.connection, sources) if sources else set[tuple[str, UUID]]()
    resolved = {found.key for found in matches if found.resolves}
    unresolved = await raising.lock_unresolved(tx.connection, resolved) if resolved else {}
    settled = settle(matches, Known(resolutions, answered, unresolved), _new_ids())
    await raising.keep_resolutions(tx.connection, settled.kept)
    return settled


async def _open_alerts(book: RuleBook, opened: Sequence[NewAlert], tx: Transaction) -> None:
    if not opened:
        return
    standing = [alert for alert in opened if alert.resolved_by is None]
    owing = await place_alerts(book, standing, tx)
    saved = await groups.list_policies(tx.connection)
    policies = {**book.policies, **{name: policy for name, (_, policy) in saved.items()}}
    await raising.insert_alerts(tx.connection, opened, rules_version=book.version, policies=policies, at=tx.now)
    chains = [_chain(alert, policies) for alert in standing if alert.starts]
    tellings = await tell_chains(tx, chains)
    await _add_history(opened, tellings, tx)
    await tell_of_placed(tx, standing, owing, {alert.alert_id: alert.source.correlation_id for alert in standing})


async def place_alerts(book: RuleBook, alerts: Sequence[Placed], tx: Transaction) -> list[Lead]:
    """Decide what becomes of alerts that are not resolved, from what holds back and what leads now; the groups they may
    join are locked already. Returns leads that owe one more letter."""
    running = await silences.lock_running(tx.connection)
    inhibitors = await raising.lock_inhibitors(tx.connection, book.inhibitions, alerts) if book.inhibitions else []
    keys = {(alert.rule_id, alert.county) for alert in alerts if alert.group_wait_s is not None}
    leads = await raising.lock_leads(tx.connection, keys)
    return place(alerts, Holds(book.inhibitions, running, inhibitors, tx.now), leads)


async def tell_of_placed(
    tx: Transaction, alerts: Sequence[Placed], owing: Sequence[Lead], correlation_ids: Mapping[UUID, str]
) -> None:
    """Arm the letters of groups that open or have grown, and tell the next office of critical alerts that are silenced."""
    armings = [
        Arming(str(alert.alert_id), _wait(alert.group_wait_s), None, correlation_ids[alert.alert_id])
        for alert in alerts
        if alert.letter_due
    ]
    armings += [Arming(str(lead.alert_id), _wait(lead.group_wait_s)) for lead in owing]
    await tx.arm_timers(GROUP_LETTER_TIMER, armings)
    await store.set_letter_due(tx.connection, [lead.alert_id for lead in owing])
    silenced = [
        Chain(
            alert_id=alert.alert_id,
            county=alert.county,
            audience=OF_SILENCED_CRITICAL,
            policy=TO_THE_CHAIR,
            step=0,
            correlation_id=correlation_ids[alert.alert_id],
            traceparent=tx.traceparent,
            letter_round=SILENCED_ROUND,
        )
        for alert in alerts
        if alert.severity is AlertSeverity.CRITICAL
        and alert.held_back is not None
        and alert.held_back.reason is HoldReason.SILENCED
    ]
    tellings = await tell_chains(tx, silenced, arms=False) if silenced else {}
    lines = [
        HistoryLine(chain.alert_id, chain.county, "silence_told", 0, BY_SYSTEM, tellings[chain.alert_id].details)
        for chain in silenced
        if tellings[chain.alert_id].told is not None
    ]
    await store.add_histories(tx.connection, lines, tx.now)


def placement_details(alert: Placed) -> dict[str, JsonValue]:
    """For the history: why nobody is told at once."""
    if alert.held_back is not None:
        return {"held_back": alert.held_back.reason.value, "by": str(alert.held_back.by)}
    if alert.lead_alert_id is not None:
        return {"lead_alert_id": str(alert.lead_alert_id)}
    if alert.digest:
        return {"digest": True}
    return {"group_wait_s": alert.group_wait_s} if alert.letter_due else {}


async def _add_history(opened: Sequence[NewAlert], tellings: Mapping[UUID, Telling], tx: Transaction) -> None:
    lines: list[HistoryLine] = []
    for alert in opened:
        telling = tellings.get(alert.alert_id)
        details = placement_details(alert) if telling is None else telling.details
        lines.append(HistoryLine(alert.alert_id, alert.county, "raised", 0, BY_SYSTEM, details))
        if alert.resolved_by is not None:
            lines.append(HistoryLine(alert.alert_id, alert.county, "resolved", 0, BY_SYSTEM, {}))
    await store.add_histories(tx.connection, lines, tx.now)


async def _publish(settled: Settled, endings: Sequence[Ending], tx: Transaction) -> None:
    """Each event under the correlation, and in the trace, of the event that it follows from."""
    for (_, incoming), ending in zip(settled.ended, endings, strict=True):
        await _follow(incoming, resolved_event(ending, by_event=True), tx)
    for alert in settled.opened:
        raised = AlertRaised(
            alert_id=alert.alert_id,
            county=alert.county,
            kind=alert.kind,
            severity=alert.severity,
            source_event_id=alert.source.event_id,
        )
        await _follow(alert.source, raised, tx)
        if alert.resolved_by is not None:
            ended = Ending(alert.alert_id, alert.county, 0, AlertState.OPEN, BY_SYSTEM)
            await _follow(alert.resolved_by, resolved_event(ended, by_event=True), tx)


async def _follow(incoming: Incoming, event: Event, tx: Transaction) -> None:
    tx.correlation_id, tx.causation_id = incoming.correlation_id, str(incoming.event_id)
    tx.traceparent = incoming.traceparent
    with span(f"handle {incoming.event.type_name()}", incoming.traceparent):
        await tx.publish_many([event])


def _chain(alert: NewAlert, policies: Mapping[str, EscalationPolicy]) -> Chain:
    return Chain(
        alert_id=alert.alert_id,
        county=alert.county,
        audience=alert.audience,
        policy=policies[alert.rule.policy],
        step=0,
        correlation_id=alert.source.correlation_id,
        traceparent=alert.source.traceparent,
        restricted=alert.restricted,
    )


def _group_keys(matches: Sequence[Match]) -> set[tuple[str, str]]:
    """Groups that an alert may join, or whose lead may end."""
    return {
        (found.rule.rule_id, county_of(found.incoming.event))
        for found in matches
        if group_wait_s(found.rule) is not None
    }


def _new_ids() -> Iterator[UUID]:
    while True:
        yield uuid7()


def _wait(wait_s: int | None) -> timedelta:
    return timedelta(seconds=wait_s or 0)


def _incoming(received: Received[Event]) -> Incoming:
    event = received.event
    aggregate = f"{event.stream.topic}/{event.aggregate_id}"
    return Incoming(
        event=event,
        event_id=received.id,
        time=received.time,
        place=StreamPlace(aggregate, received.sequence, received.time.timestamp()),
        correlation_id=received.correlation_id,
        traceparent=received.traceparent,
    )

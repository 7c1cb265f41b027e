"""Events become alerts, alerts are escalated, acknowledged and resolved."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from services.notifications.domain.delivering import DeliveryState
from services.notifications.domain.escalation import (
    CHAIR,
    AlertState,
    Channel,
    EscalationPolicy,
    Member,
    StreamPlace,
    acknowledging_changes,
    next_step,
    recipient_of,
    settles,
)
from services.notifications.domain.refusals import ALERT_NOT_FOUND, ALERT_OF_AN_OFFICE, LINK_MEMBER_LEFT
from services.notifications.domain.rules import Audience, Rule, county_of
from services.notifications.routing_rules import RULES
from services.notifications.store import alerts as store
from services.notifications.store import deliveries, groups
from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.notifications import AlertAcknowledged, AlertEscalated, AlertRaised, AlertResolved
from shared.contracts.refusals import Refusal
from shared.kit.logging import get_logger
from shared.kit.routing import Received, reaction
from shared.kit.transaction import Transaction

ESCALATION_TIMER: Final = "notifications.escalation_step"
BY_SYSTEM: Final = "system"

_log = get_logger(__name__)


class StepTimer(BaseModel):
    """The step whose wait a timer measures; a timer of an older step does nothing."""

    step: int


class AcknowledgeAlert(BaseModel):
    alert_id: UUID


class AcknowledgeByLink(BaseModel):
    """A signed link was followed and its button pressed; the signature has been checked."""

    alert_id: UUID
    member_id: UUID


class Acknowledgement(BaseModel):
    """`acknowledged_by` is whoever was first."""

    alert_id: UUID
    state: AlertState
    step: int
    acknowledged_by: str
    acknowledged_at: datetime


@reaction(*RULES.event_types)
async def apply_rules(received: Received[Event], tx: Transaction) -> None:
    """Resolve and raise what the routing rules say: one alert per rule and event, whichever event came first."""
    for rule in RULES.rules:
        for resolver in rule.resolvers:
            if resolver.matches(received.event):
                await _resolve_subject(rule, resolver.subject_of(received.event), received, tx)
        if rule.raises(received.event):
            await _raise_alert(rule, received, tx)


async def escalate_alert(alert_id: UUID, step: int, tx: Transaction) -> None:
    """The wait of `step` ended: tell the next person, unless somebody has acted or the chain is at its end."""
    alert = await store.lock_alert(tx.connection, alert_id)
    if alert is None or alert.step != step:
        return
    following = next_step(alert.policy, alert.state, alert.step)
    if following is None:
        return
    await store.set_escalated(tx.connection, alert_id, following)
    told = await _tell_step(
        tx, alert_id=alert_id, county=alert.county, audience=alert.audience, policy=alert.policy, step=following
    )
    await _add_history(tx, "escalated", alert_id=alert_id, county=alert.county, step=following, told=told)
    await tx.publish(AlertEscalated(alert_id=alert_id, county=alert.county, step=following))


async def acknowledge_alert(command: AcknowledgeAlert, tx: Transaction) -> Acknowledgement:
    """Somebody acts: the chain stops. Acknowledging twice answers with the first. Raises Refusal.

    An alert of a provincial office (a legal review that is asked for) is not stopped by whoever shares its county.
    """
    alert = await store.lock_alert(tx.connection, command.alert_id)
    if (
        alert is not None
        and alert.audience is not Audience.WORKING_GROUP
        and not await deliveries.was_told(tx.connection, alert.alert_id, tx.principal.subject)
    ):
        raise Refusal(ALERT_OF_AN_OFFICE)
    return await _acknowledge(command.alert_id, tx.principal.subject, tx)


async def acknowledge_by_link(command: AcknowledgeByLink, tx: Transaction) -> Acknowledgement:
    """As `acknowledge_alert`, by the member whom the link names, if still a member. Raises Refusal."""
    member = await groups.find_member(tx.connection, command.member_id)
    if member is None:
        raise Refusal(LINK_MEMBER_LEFT)
    return await _acknowledge(command.alert_id, member.subject or member.email, tx)


async def _raise_alert(rule: Rule, received: Received[Event], tx: Transaction) -> None:
    event, county = received.event, county_of(received.event)
    subject_id, source = rule.source.subject_of(event), _place_of(received)
    resolution = await store.lock_subject(tx.connection, rule.rule_id, subject_id, county)
    policy = await groups.find_policy(tx.connection, rule.policy) or RULES.policies[rule.policy]
    alert_id = uuid7()
    opened = await store.insert_alert(
        tx.connection,
        store.NewAlert(
            alert_id=alert_id,
            county=county,
            rule_id=rule.rule_id,
            rules_version=RULES.version,
            kind=rule.kind,
            severity=rule.severity,
            audience=rule.audience,
            policy_name=rule.policy,
            policy=policy,
            subject_id=subject_id,
            source_type=event.type_name(),
            source_event_id=received.id,
            source_aggregate=source.aggregate,
            source_aggregate_id=event.aggregate_id,
            source_sequence=received.sequence,
            source_time=received.time,
            details=rule.details_of(event),
            correlation_id=tx.correlation_id,
            raised_at=tx.now,
        ),
    )
    if not opened:
        return
    await tx.publish(
        AlertRaised(
            alert_id=alert_id, county=county, kind=rule.kind, severity=rule.severity, source_event_id=received.id
        )
    )
    if resolution is not None and settles(resolution, source):
        await _add_history(tx, "raised", alert_id=alert_id, county=county, step=0)
        await _resolve(alert_id, county, AlertState.OPEN, 0, tx)
        return
    told = await _tell_step(tx, alert_id=alert_id, county=county, audience=rule.audience, policy=policy, step=0)
    await _add_history(tx, "raised", alert_id=alert_id, county=county, step=0, told=told)


async def _resolve_subject(rule: Rule, subject_id: str, received: Received[Event], tx: Transaction) -> None:
    place = _place_of(received)
    known = await store.lock_subject(tx.connection, rule.rule_id, subject_id, county_of(received.event))
    if known is None or settles(place, known):
        await store.keep_resolution(
            tx.connection, rule.rule_id, subject_id, event_id=received.id, place=place, time=received.time
        )
    for alert in await store.lock_unresolved(tx.connection, rule.rule_id, subject_id):
        if settles(place, alert.source):
            await _resolve(alert.alert_id, alert.county, alert.state, alert.step, tx)


async def _resolve(alert_id: UUID, county: County, state: AlertState, step: int, tx: Transaction) -> None:
    await store.set_resolved(tx.connection, alert_id, tx.now)
    await deliveries.cancel_pending(tx.connection, alert_id)
    await tx.cancel_timer(ESCALATION_TIMER, alert_id)
    await _add_history(tx, "resolved", alert_id=alert_id, county=county, step=step)
    was_acknowledged = state is AlertState.ACKNOWLEDGED
    await tx.publish(
        AlertResolved(alert_id=alert_id, county=county, resolved_by_event=True, was_acknowledged=was_acknowledged)
    )


async def _acknowledge(alert_id: UUID, by: str, tx: Transaction) -> Acknowledgement:
    alert = await store.lock_alert(tx.connection, alert_id)
    if alert is None:
        raise Refusal(ALERT_NOT_FOUND, alert_id=str(alert_id))
    if not acknowledging_changes(alert.state):
        first_by, first_at = alert.acknowledged_by or by, alert.acknowledged_at or tx.now
        return _acknowledgement(alert, first_by, first_at)
    await store.set_acknowledged(tx.connection, alert_id, by, tx.now)
    await deliveries.cancel_pending(tx.connection, alert_id)
    await tx.cancel_timer(ESCALATION_TIMER, alert_id)
    await store.add_history(
        tx.connection, alert_id, "acknowledged", county=alert.county, at=tx.now, step=alert.step, by=by, details={}
    )
    await tx.publish(AlertAcknowledged(alert_id=alert_id, county=alert.county, step=alert.step))
    return _acknowledgement(alert, by, tx.now)


def _acknowledgement(alert: store.Alert, by: str, at: datetime) -> Acknowledgement:
    return Acknowledgement(
        alert_id=alert.alert_id,
        state=AlertState.ACKNOWLEDGED,
        step=alert.step,
        acknowledged_by=by,
        acknowledged_at=at,
    )


async def _tell_step(
    tx: Transaction, *, alert_id: UUID, county: County, audience: Audience, policy: EscalationPolicy, step: int
) -> Member | None:
    """Owe the step's messages and arm the wait that follows. An empty group is told nothing; its chain still runs."""
    definition = policy.step_at(step)
    member = recipient_of(definition, await _audience_members(tx, audience, county))
    if member is None:
        _log.warning("alert_without_recipient", alert_id=str(alert_id), county=county, audience=audience, step=step)
    else:
        await deliveries.insert_deliveries(
            tx.connection,
            [deliveries.NewDelivery(uuid7(), channel, _first_state(channel)) for channel in definition.channels],
            member,
            alert_id=alert_id,
            county=county,
            step=step,
            at=tx.now,
            correlation_id=tx.correlation_id,
            traceparent=tx.traceparent,
        )
    if policy.has_step(step + 1):
        await tx.arm_timer(ESCALATION_TIMER, alert_id, timedelta(seconds=definition.wait_s), StepTimer(step=step))
    return member


def _first_state(channel: Channel) -> DeliveryState:
    """A row in the inbox is there as soon as it commits; everything else has to be sent."""
    return DeliveryState.SENT if channel is Channel.INBOX else DeliveryState.PENDING


async def _audience_members(tx: Transaction, audience: Audience, county: County) -> Sequence[Member]:
    """The office's members; while it has none, the county's chair alone: an office's matters are not for everybody."""
    members = await groups.list_members(tx.connection, county)
    if audience is Audience.WORKING_GROUP:
        return members
    office = await groups.list_members(tx.connection, audience)
    return office or [member for member in members if member.role == CHAIR] or members[-1:]


async def _add_history(
    tx: Transaction, entry: str, *, alert_id: UUID, county: County, step: int, told: Member | None = None
) -> None:
    details = {"told": told.email, "role": told.role} if told is not None else {}
    await store.add_history(
        tx.connection, alert_id, entry, county=county, at=tx.now, step=step, by=BY_SYSTEM, details=details
    )


def _place_of(received: Received[Event]) -> StreamPlace:
    event = received.event
    aggregate = f"{event.stream.topic}/{event.aggregate_id}"
    return StreamPlace(aggregate, received.sequence, received.time.timestamp())

"""What the auditor does about a late chain: puts right what it safely can, and tells the operations office straight."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from uuid_utils.compat import uuid7

from services.notifications.domain.auditing import LateChain, Lateness, unanswered_name
from services.notifications.domain.channels import Channel, Contact
from services.notifications.domain.delivering import DeliveryState
from services.notifications.domain.escalation import UNANSWERED, AlertState
from services.notifications.domain.members import Member
from services.notifications.domain.operations import PROVINCE_SEAT
from services.notifications.domain.rules import Audience
from services.notifications.domain.telling import office_of
from services.notifications.handlers.acknowledging import lead_on
from services.notifications.handlers.digests import DIGEST_TIMER, arm_missing_digests
from services.notifications.handlers.escalating import resume_chain
from services.notifications.handlers.operations import end_trouble, report_trouble
from services.notifications.handlers.raising import apply_rules
from services.notifications.handlers.telling import (
    AT_ONCE,
    BY_SYSTEM,
    ESCALATION_TIMER,
    GROUP_LETTER_TIMER,
    LAPSE_TIMER,
    RELEASE_TIMER,
    SILENCE_TIMER,
)
from services.notifications.store import alerts, deliveries, groups
from services.notifications.store.alerts import Alert, HistoryLine
from services.notifications.store.auditing import TimerKinds, find_raised, is_armed
from services.notifications.store.deliveries import NewDelivery
from shared.contracts.counties import County
from shared.contracts.notifications import AlertSeverity, OperationsTrouble
from shared.kit.transaction import Transaction
from shared.persian.calendar import office_date

TIMER_KINDS: Final = TimerKinds(
    step=ESCALATION_TIMER,
    letter=GROUP_LETTER_TIMER,
    lapse=LAPSE_TIMER,
    digest=DIGEST_TIMER,
    others=(RELEASE_TIMER, SILENCE_TIMER),
)


async def repair_chain(late: LateChain, tx: Transaction) -> bool:
    """Put right what a round found, if it still is so, and say it in the history; False if there is nothing to do."""
    if late.reason is Lateness.DIGEST_TIMER_MISSING:
        await arm_missing_digests(tx)
        return True
    if late.alert_id is None:
        return False
    alert, _ = await alerts.lock_with_lead(tx.connection, late.alert_id)
    if alert is None or not await _rearm(alert, late.reason, tx):
        return False
    details = {"reason": late.reason.value}
    line = HistoryLine(alert.alert_id, alert.county, "chain_repaired", alert.step, BY_SYSTEM, details)
    await alerts.add_histories(tx.connection, [line], tx.now)
    return True


async def tell_late(name: str, county: County | None, tx: Transaction) -> None:
    """Tell everybody of the operations office, by every contact, at once and by no chain; nothing if it is told already.

    The alert is opened here and not when its event comes back from the broker, which may be what is away; when it comes,
    the event has been answered. An alert that is held back by a silence is held back here too.
    """
    found = await report_trouble(
        OperationsTrouble.CHAIN_LATE,
        name=name,
        county=county or PROVINCE_SEAT,
        severity=AlertSeverity.CRITICAL,
        tx=tx,
    )
    if found is None:
        return
    await apply_rules([found], tx)
    for alert_id in await find_raised(tx.connection, found.id):
        alert = await alerts.lock_alert(tx.connection, alert_id)
        if alert is not None and alert.has_chain:
            await _tell_everybody(alert, tx)


async def end_late(name: str, tx: Transaction) -> None:
    """The chain moves again: its trouble is over, and with it the alert, at the latest when the event comes back."""
    await end_trouble(OperationsTrouble.CHAIN_LATE, name=name, tx=tx)


async def tell_unanswered(county: County, tx: Transaction) -> None:
    """Chains of a county are at their end and nobody answers; nothing if it is told already."""
    await report_trouble(OperationsTrouble.CHAINS_UNANSWERED, name=unanswered_name(county), county=county, tx=tx)


async def end_unanswered(name: str, tx: Transaction) -> None:
    """No chain of that county is at its end unanswered any more."""
    await end_trouble(OperationsTrouble.CHAINS_UNANSWERED, name=name, tx=tx)


async def _rearm(alert: Alert, reason: Lateness, tx: Transaction) -> bool:
    match reason:
        case Lateness.STEP_TIMER_MISSING:
            return not await is_armed(tx.connection, ESCALATION_TIMER, alert.alert_id) and await resume_chain(
                alert.alert_id, tx
            )
        case Lateness.LETTER_TIMER_MISSING:
            return not await is_armed(tx.connection, GROUP_LETTER_TIMER, alert.alert_id) and await resume_chain(
                alert.alert_id, tx
            )
        case Lateness.LAPSE_TIMER_MISSING:
            return await _await_lapse(alert, tx)
        case Lateness.LEAD_ENDED:
            return await _regroup(alert, tx)
        case Lateness.HOLD_OVERDUE:
            return await _look_at_hold(alert, tx)
        case _:
            return False


async def _await_lapse(alert: Alert, tx: Transaction) -> bool:
    """The whole time again, from now: rather too late than over the head of whoever is at work."""
    lasts_s = alert.policy.acknowledged_for_s
    if alert.state is not AlertState.ACKNOWLEDGED or lasts_s is None:
        return False
    if await is_armed(tx.connection, LAPSE_TIMER, alert.alert_id):
        return False
    await tx.arm_timer(LAPSE_TIMER, alert.alert_id, timedelta(seconds=lasts_s))
    return True


async def _regroup(alert: Alert, tx: Transaction) -> bool:
    """All that wait for the same ended lead are told together, at once, and by a chain of their own."""
    if alert.lead_alert_id is None or alert.state not in UNANSWERED:
        return False
    lead = await alerts.find_alert(tx.connection, alert.lead_alert_id)
    if lead is not None and lead.has_chain and lead.state in UNANSWERED:
        return False
    waiting = [one for one in await alerts.lock_members(tx.connection, alert.lead_alert_id) if one.state in UNANSWERED]
    await lead_on(waiting, tx)
    await tx.arm_timer(GROUP_LETTER_TIMER, waiting[0].alert_id, AT_ONCE)
    return True


async def _look_at_hold(alert: Alert, tx: Transaction) -> bool:
    """Let what releases held alerts look at their cause now."""
    if alert.held_back_by is None or await is_armed(tx.connection, RELEASE_TIMER, alert.held_back_by):
        return False
    await tx.arm_timer(RELEASE_TIMER, alert.held_back_by, AT_ONCE)
    return True


async def _tell_everybody(alert: Alert, tx: Transaction) -> None:
    offices = await groups.load_offices(
        tx.connection, {alert.audience.value, Audience.PROVINCE_OFFICE.value, alert.county.value}
    )
    office = office_of(alert.audience, alert.county, offices, office_date(tx.now), restricted=alert.restricted)
    owed = [new for member in office.members for new in _messages(alert, member, tx)]
    inserted = await deliveries.insert_deliveries(tx.connection, owed)
    lines = [
        HistoryLine(
            alert.alert_id,
            alert.county,
            "told_straight",
            alert.step,
            BY_SYSTEM,
            {"delivery_id": str(new.delivery_id), "told": new.told.email, "channel": new.contact.channel.value},
        )
        for new in owed
        if new.delivery_id in inserted
    ]
    await alerts.add_histories(tx.connection, lines, tx.now)


def _messages(alert: Alert, member: Member, tx: Transaction) -> list[NewDelivery]:
    """One by each channel at the same time; a second address of a channel is tried when nobody takes it at the first."""
    by_channel: dict[Channel, list[Contact]] = {}
    for contact in _contacts(member):
        by_channel.setdefault(contact.channel, []).append(contact)
    return [
        NewDelivery(
            delivery_id=uuid7(),
            alert_id=alert.alert_id,
            county=alert.county,
            step=alert.step,
            told=member,
            contact=first,
            fallbacks=tuple(others),
            state=DeliveryState.SENT if channel is Channel.INBOX else DeliveryState.PENDING,
            at=tx.now,
            correlation_id=alert.correlation_id,
            traceparent=tx.traceparent,
        )
        for channel, (first, *others) in by_channel.items()
    ]


def _contacts(member: Member) -> Iterable[Contact]:
    yield from member.contacts
    if all(contact.channel is not Channel.INBOX for contact in member.contacts):
        yield Contact(Channel.INBOX, member.email)

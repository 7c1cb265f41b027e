"""Alerts end: by an event that answers their source, or by a person with a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, JsonValue

from services.notifications.domain.escalation import AlertState
from services.notifications.domain.grouping import successors
from services.notifications.domain.refusals import ALERT_ALREADY_RESOLVED
from services.notifications.handlers.acting import Acted, find_concerned
from services.notifications.handlers.telling import AT_ONCE, CHAIN_TIMERS, GROUP_LETTER_TIMER, RELEASE_TIMER
from services.notifications.store import alerts as store
from services.notifications.store.alerts import HistoryLine
from shared.contracts.counties import County
from shared.contracts.notifications import AlertResolved
from shared.contracts.refusals import Refusal
from shared.kit.timers import Arming
from shared.kit.transaction import Transaction

REASON_CHARACTERS_MAX = 1000


class ResolveAlert(BaseModel):
    """A person says that it is settled, and why."""

    alert_id: UUID
    reason: Annotated[str, Field(min_length=1, max_length=REASON_CHARACTERS_MAX)]


@dataclass(frozen=True, slots=True)
class Ending:
    """A locked alert that ends; `details` are for its history."""

    alert_id: UUID
    county: County
    step: int
    state: AlertState
    by: str
    details: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])


async def resolve_alert(command: ResolveAlert, tx: Transaction) -> Acted:
    """Resolve one alert; the others of its group go on. Raises Refusal."""
    alert = await find_concerned(command.alert_id, tx)
    if alert.group_wait_s is not None:
        await store.lock_group(tx.connection, alert.rule_id, alert.county)
    locked, _ = await store.lock_with_lead(tx.connection, alert.alert_id)
    if locked is None or locked.state is AlertState.RESOLVED:
        raise Refusal(ALERT_ALREADY_RESOLVED)
    by = tx.principal.subject
    ending = Ending(locked.alert_id, locked.county, locked.step, locked.state, by, {"reason": command.reason})
    await end_alerts(tx, [ending])
    await tx.publish(resolved_event(ending, by_event=False))
    return Acted(alert_id=locked.alert_id, state=AlertState.RESOLVED, step=locked.step)


async def end_alerts(tx: Transaction, endings: Sequence[Ending]) -> None:
    """Resolve locked alerts: their messages and waits end, a lead's group goes on under its oldest alert, and what they
    held back is looked at again. Publishing is the caller's."""
    if not endings:
        return
    ids = [ending.alert_id for ending in endings]
    following = successors(await store.lock_joined(tx.connection, ids))
    await store.hand_over(tx.connection, following, ids)
    await store.set_resolved(tx.connection, ids, tx.now)
    unsent = await store.cancel_messages(tx.connection, ids)
    for kind in CHAIN_TIMERS:
        await tx.hand_over_timers(kind, following)
        await tx.cancel_timers(kind, [alert_id for alert_id in ids if alert_id not in following])
    # Whoever should have learnt of the group from a letter that now does not leave learns of it from the next lead's.
    untold = [after for before, after in following.items() if before in unsent]
    await store.set_letter_due(tx.connection, untold)
    await tx.arm_timers(GROUP_LETTER_TIMER, [Arming(str(alert_id), AT_ONCE) for alert_id in untold])
    holding = await store.list_holding(tx.connection, ids)
    await tx.arm_timers(RELEASE_TIMER, [Arming(str(alert_id), AT_ONCE) for alert_id in holding])
    lines = [HistoryLine(e.alert_id, e.county, "resolved", e.step, e.by, e.details) for e in endings]
    await store.add_histories(tx.connection, lines, tx.now)


def resolved_event(ending: Ending, *, by_event: bool) -> AlertResolved:
    return AlertResolved(
        alert_id=ending.alert_id,
        county=ending.county,
        resolved_by_event=by_event,
        was_acknowledged=ending.state is AlertState.ACKNOWLEDGED,
    )

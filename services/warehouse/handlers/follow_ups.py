"""What people do about what an inspection found; and the one thing that time does: an action runs overdue."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.warehouse.domain import follow_up_refusals, refusals
from services.warehouse.domain.corrective_action import ActionState, HistoryEntry, due_at, extended_due_at
from services.warehouse.handlers.follow_up_messages import ActionMoved, ExtendAction, HandOverAction, ReopenAction
from services.warehouse.handlers.messages import (
    ActionResolved,
    DiscrepancyResolvedAnswer,
    ResolveAction,
    ResolveDiscrepancy,
)
from services.warehouse.public_holidays import PUBLIC_HOLIDAYS
from services.warehouse.store import follow_ups as store
from services.warehouse.store.follow_ups import Action, Entry, FollowUp
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import (
    ChecklistItem,
    CorrectiveActionExtended,
    CorrectiveActionOpened,
    CorrectiveActionOverdue,
    CorrectiveActionReopened,
    CorrectiveActionResolved,
    DiscrepancyResolved,
    Severity,
)
from shared.kit.transaction import Transaction
from shared.persian.calendar import office_date

ACTION_OVERDUE = "warehouse.action_overdue"


async def open_action(follow_up: FollowUp, item: ChecklistItem, severity: Severity, tx: Transaction) -> None:
    """Open a corrective action about a failed item, owned by whoever assigned the inspection; its timer starts."""
    due = due_at(severity, tx.now, PUBLIC_HOLIDAYS)
    fence = await tx.arm_timer(ACTION_OVERDUE, follow_up.id, due - tx.now)
    owner = await store.insert_action(tx.connection, follow_up, item, severity, due, fence, tx.now)
    entry = Entry(HistoryEntry.OPENED, tx.principal.subject, tx.now, due, owner)
    await store.insert_entry(tx.connection, follow_up.id, follow_up.county, entry)
    await tx.publish(
        CorrectiveActionOpened(
            action_id=follow_up.id,
            warehouse_id=follow_up.warehouse_id,
            inspection_id=follow_up.inspection_id,
            county=follow_up.county,
            item=item,
            severity=severity,
            due_at=due,
        )
    )


async def resolve_action(command: ResolveAction, tx: Transaction) -> ActionResolved:
    """Close a corrective action with evidence. Raises Refusal: no such action, already resolved."""
    action = await _lock_unresolved(command.action_id, tx)
    # Overdue is what was announced, not what a clock says now: the counters are a fold of the announcements.
    was_overdue = action.state is ActionState.OVERDUE
    await store.resolve_action(
        tx.connection, action.action_id, was_overdue, tx.principal.subject, command.evidence, tx.now
    )
    await tx.cancel_timer(ACTION_OVERDUE, action.action_id)
    await _enter(action, replace(_entry(HistoryEntry.RESOLVED, action, tx), evidence=command.evidence), tx)
    await tx.publish(
        CorrectiveActionResolved(
            action_id=action.action_id,
            warehouse_id=action.warehouse_id,
            county=action.county,
            was_overdue=was_overdue,
        )
    )
    return ActionResolved(action_id=action.action_id, was_overdue=was_overdue)


async def extend_action(command: ExtendAction, tx: Transaction) -> ActionMoved:
    """Give an action more time, with a reason; one that was overdue no longer is. The same extension again changes nothing.

    Raises Refusal: no such action, already resolved, a due day that is no extension, too far ahead or a day off.
    """
    action = await _lock_unresolved(command.action_id, tx)
    if await _was_extended_so(command, action, tx):
        return _moved(action)
    due = extended_due_at(action.due_at, command.due_on, tx.now, PUBLIC_HOLIDAYS)
    extended = await _open_until(action, due, tx)
    entry = replace(_entry(HistoryEntry.EXTENDED, extended, tx), due_at_before=action.due_at, reason=command.reason)
    await _enter(extended, entry, tx)
    await tx.publish(
        CorrectiveActionExtended(
            action_id=action.action_id,
            warehouse_id=action.warehouse_id,
            county=action.county,
            severity=action.severity,
            due_at=due,
            was_overdue=action.state is ActionState.OVERDUE,
        )
    )
    return _moved(extended)


async def reopen_action(command: ReopenAction, tx: Transaction) -> ActionMoved:
    """Open a resolved action again, with a new due time; what had closed it stays in its history.

    Raises Refusal: no such action, not resolved, or resolved by the caller.
    """
    action = await _lock(command.action_id, tx)
    if action.state is not ActionState.RESOLVED or action.resolved_by is None:
        raise Refusal(follow_up_refusals.ACTION_NOT_RESOLVED)
    if action.resolved_by == tx.principal.subject:
        raise Refusal(follow_up_refusals.ACTION_REOPENED_BY_RESOLVER)
    reopened = await _open_until(action, due_at(action.severity, tx.now, PUBLIC_HOLIDAYS), tx)
    entry = replace(
        _entry(HistoryEntry.REOPENED, reopened, tx),
        due_at_before=action.due_at,
        reason=command.reason,
        resolved_by=action.resolved_by,
    )
    await _enter(reopened, entry, tx)
    await tx.publish(
        CorrectiveActionReopened(
            action_id=action.action_id,
            warehouse_id=action.warehouse_id,
            county=action.county,
            severity=action.severity,
            due_at=reopened.due_at,
        )
    )
    return _moved(reopened)


async def hand_over_action(command: HandOverAction, tx: Transaction) -> ActionMoved:
    """Give an action to another owner, with a reason; to its present owner changes nothing.

    Raises Refusal: no such action, already resolved.
    """
    action = await _lock_unresolved(command.action_id, tx)
    if command.owner == action.owner:
        return _moved(action)
    handed_over = replace(action, owner=command.owner)
    await store.set_action_owner(tx.connection, action.action_id, command.owner)
    await _enter(handed_over, replace(_entry(HistoryEntry.HANDED_OVER, handed_over, tx), reason=command.reason), tx)
    return _moved(handed_over)


async def mark_action_overdue(action_id: UUID, fence: int, tx: Transaction) -> None:
    """Announce, once, that an open action ran out of time; a timer of an older arming changes nothing."""
    action = await store.lock_action(tx.connection, action_id)
    if action is None or action.state is not ActionState.OPEN or action.timer_fence != fence:
        return
    await store.set_action_overdue(tx.connection, action_id)
    await _enter(action, _entry(HistoryEntry.OVERDUE, action, tx), tx)
    await tx.publish(
        CorrectiveActionOverdue(
            action_id=action_id,
            warehouse_id=action.warehouse_id,
            county=action.county,
            severity=action.severity,
            due_at=action.due_at,
        )
    )


async def resolve_discrepancy(command: ResolveDiscrepancy, tx: Transaction) -> DiscrepancyResolvedAnswer:
    """Close a discrepancy with a reason. Raises Refusal: no such discrepancy, already resolved."""
    discrepancy = await store.lock_discrepancy(tx.connection, command.discrepancy_id)
    if discrepancy is None:
        raise Refusal(refusals.DISCREPANCY_NOT_FOUND)
    if discrepancy.resolved:
        raise Refusal(refusals.DISCREPANCY_RESOLVED)
    await store.resolve_discrepancy(
        tx.connection, discrepancy.discrepancy_id, tx.principal.subject, command.reason, tx.now
    )
    await tx.publish(
        DiscrepancyResolved(
            discrepancy_id=discrepancy.discrepancy_id,
            warehouse_id=discrepancy.warehouse_id,
            county=discrepancy.county,
        )
    )
    return DiscrepancyResolvedAnswer(discrepancy_id=discrepancy.discrepancy_id)


async def _lock(action_id: UUID, tx: Transaction) -> Action:
    action = await store.lock_action(tx.connection, action_id)
    if action is None:
        raise Refusal(refusals.ACTION_NOT_FOUND)
    return action


async def _lock_unresolved(action_id: UUID, tx: Transaction) -> Action:
    action = await _lock(action_id, tx)
    if action.state is ActionState.RESOLVED:
        raise Refusal(refusals.ACTION_RESOLVED)
    return action


async def _was_extended_so(command: ExtendAction, action: Action, tx: Transaction) -> bool:
    """Whether this very extension is the last thing that happened to the action."""
    if action.state is not ActionState.OPEN or office_date(action.due_at) != command.due_on:
        return False
    last = await store.last_entry(tx.connection, action.action_id)
    said = (last.entry, last.entered_by, last.reason)
    return said == (HistoryEntry.EXTENDED, tx.principal.subject, command.reason)


async def _open_until(action: Action, due: datetime, tx: Transaction) -> Action:
    """The action, open until `due`: armed anew, so that an older timer that is about to fire changes nothing."""
    fence = await tx.arm_timer(ACTION_OVERDUE, action.action_id, due - tx.now)
    await store.set_action_open(tx.connection, action.action_id, due, fence)
    return replace(action, state=ActionState.OPEN, due_at=due, timer_fence=fence, resolved_by=None)


def _entry(entry: HistoryEntry, action: Action, tx: Transaction) -> Entry:
    return Entry(entry, tx.principal.subject, tx.now, action.due_at, action.owner)


async def _enter(action: Action, entry: Entry, tx: Transaction) -> None:
    await store.insert_entry(tx.connection, action.action_id, action.county, entry)


def _moved(action: Action) -> ActionMoved:
    return ActionMoved(action_id=action.action_id, state=action.state, due_at=action.due_at, owner=action.owner)

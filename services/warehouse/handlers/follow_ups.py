"""What people do about what an inspection found; and the one thing that time does: an action runs overdue."""

from uuid import UUID

from services.warehouse.domain import refusals
from services.warehouse.domain.corrective_action import ActionState
from services.warehouse.handlers.messages import (
    ActionResolved,
    DiscrepancyResolvedAnswer,
    HoldLifted,
    LiftHold,
    ResolveAction,
    ResolveDiscrepancy,
)
from services.warehouse.store import follow_ups as store
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import (
    CorrectiveActionOverdue,
    CorrectiveActionResolved,
    DiscrepancyResolved,
    WarehouseHoldLifted,
)
from shared.kit.transaction import Transaction

ACTION_OVERDUE = "warehouse.action_overdue"


async def resolve_action(command: ResolveAction, tx: Transaction) -> ActionResolved:
    """Close a corrective action with evidence. Raises Refusal: no such action, already resolved."""
    action = await store.lock_action(tx.connection, command.action_id)
    if action is None:
        raise Refusal(refusals.ACTION_NOT_FOUND)
    if action.state is ActionState.RESOLVED:
        raise Refusal(refusals.ACTION_RESOLVED)
    # Overdue is what was announced, not what a clock says now: the counters are a fold of the announcements.
    was_overdue = action.state is ActionState.OVERDUE
    await store.resolve_action(
        tx.connection, action.action_id, was_overdue, tx.principal.subject, command.evidence, tx.now
    )
    await tx.cancel_timer(ACTION_OVERDUE, action.action_id)
    await tx.publish(
        CorrectiveActionResolved(
            action_id=action.action_id,
            warehouse_id=action.warehouse_id,
            county=action.county,
            was_overdue=was_overdue,
        )
    )
    return ActionResolved(action_id=action.action_id, was_overdue=was_overdue)


async def mark_action_overdue(action_id: UUID, fence: int, tx: Transaction) -> None:
    """Announce, once, that an open action ran out of time; a timer of an older arming changes nothing."""
    action = await store.lock_action(tx.connection, action_id)
    if action is None or action.state is not ActionState.OPEN or action.timer_fence != fence:
        return
    await store.set_action_overdue(tx.connection, action_id)
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


async def lift_hold(command: LiftHold, tx: Transaction) -> HoldLifted:
    """Lift a hold, by a named person and with a reason. Raises Refusal: no such hold, already lifted."""
    hold = await store.lock_hold(tx.connection, command.hold_id)
    if hold is None:
        raise Refusal(refusals.HOLD_NOT_FOUND)
    if hold.lifted:
        raise Refusal(refusals.HOLD_LIFTED)
    await store.lift_hold(tx.connection, hold.hold_id, tx.principal.subject, command.reason, tx.now)
    await tx.publish(
        WarehouseHoldLifted(
            hold_id=hold.hold_id, warehouse_id=hold.warehouse_id, county=hold.county, ground=hold.ground
        )
    )
    return HoldLifted(hold_id=hold.hold_id)

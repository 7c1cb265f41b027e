"""Holds, the referrals that come with them, and how both end: by named persons, never by software."""

from uuid import UUID

from uuid_utils.compat import uuid7

from services.warehouse.domain import follow_up_refusals, refusals
from services.warehouse.domain.hold import ReferralState, check_lifting, check_officer, referred_to
from services.warehouse.handlers.essential_goods import judge_site_stock
from services.warehouse.handlers.follow_up_messages import (
    AnswerReferral,
    HoldLifted,
    HoldPlaced,
    LiftHold,
    PlaceHold,
    ReceiveReferral,
    ReferralMoved,
)
from services.warehouse.store import referrals as store
from services.warehouse.store.referrals import NewHold, Referral
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import HoldGround, WarehouseHoldLifted, WarehousePutOnHold
from shared.kit.transaction import Transaction


async def place_hold(command: PlaceHold, tx: Transaction) -> HoldPlaced:
    """Put a site on hold by a person's decision; on hold on this ground already, nothing changes.

    Raises Refusal: no such site.
    """
    county = await store.lock_warehouse(tx.connection, command.warehouse_id)
    if county is None:
        raise Refusal(refusals.WAREHOUSE_NOT_FOUND)
    hold_id = await put_on_hold(command.warehouse_id, county, command.ground, tx, reason=command.reason)
    if hold_id is not None:
        return HoldPlaced(hold_id=hold_id, placed=True)
    present = await store.find_open_hold(tx.connection, command.warehouse_id, command.ground)
    if present is None:
        raise LookupError(f"warehouse {command.warehouse_id} is on hold without a hold")
    return HoldPlaced(hold_id=present, placed=False)


async def put_on_hold(
    warehouse_id: UUID,
    county: County,
    ground: HoldGround,
    tx: Transaction,
    *,
    inspection_id: UUID | None = None,
    reason: str | None = None,
) -> UUID | None:
    """Put a site, which the caller has locked, on hold and refer it; its stocks no longer count as cover.

    Returns the hold's id, or None, and nothing changes, if the site is on hold on this ground already.
    """
    hold = NewHold(
        hold_id=uuid7(),
        referral_id=uuid7(),
        warehouse_id=warehouse_id,
        county=county,
        ground=ground,
        authority=referred_to(ground),
        placed_by=tx.principal.subject,
        inspection_id=inspection_id,
        reason=reason,
    )
    if not await store.insert_hold(tx.connection, hold, tx.now):
        return None
    await tx.publish(
        WarehousePutOnHold(
            hold_id=hold.hold_id,
            warehouse_id=warehouse_id,
            county=county,
            ground=ground,
            referred_to=hold.authority.value,
        )
    )
    await judge_site_stock(warehouse_id, tx)
    return hold.hold_id


async def lift_hold(command: LiftHold, tx: Transaction) -> HoldLifted:
    """Lift a hold, by a named person and with a reason.

    Raises Refusal: no such hold, already lifted, by software, by who placed it, or before the authority's answer without
    saying so.
    """
    warehouse_id = await store.find_hold_warehouse(tx.connection, command.hold_id)
    # The site first and then its hold, as whoever places one does.
    if warehouse_id is None or await store.lock_warehouse(tx.connection, warehouse_id) is None:
        raise Refusal(refusals.HOLD_NOT_FOUND)
    hold = await store.lock_hold(tx.connection, command.hold_id)
    if hold is None:
        raise Refusal(refusals.HOLD_NOT_FOUND)
    if hold.lifted:
        raise Refusal(refusals.HOLD_LIFTED)
    check_lifting(hold.placed_by, tx.principal.subject, hold.answered, command.without_answer)
    await store.lift_hold(tx.connection, hold.hold_id, tx.principal.subject, command.reason, not hold.answered, tx.now)
    await tx.publish(
        WarehouseHoldLifted(
            hold_id=hold.hold_id, warehouse_id=hold.warehouse_id, county=hold.county, ground=hold.ground
        )
    )
    await judge_site_stock(hold.warehouse_id, tx)
    return HoldLifted(hold_id=hold.hold_id)


async def receive_referral(command: ReceiveReferral, tx: Transaction) -> ReferralMoved:
    """The authority's officer takes the referral; again by the same officer, nothing changes.

    Raises Refusal: no such referral, another authority's, received by somebody else.
    """
    referral = await _lock(command.referral_id, tx)
    if referral.state is not ReferralState.OPENED:
        if referral.received_by != tx.principal.subject:
            raise Refusal(follow_up_refusals.REFERRAL_RECEIVED, received_by=referral.received_by)
        return await _moved(command.referral_id, tx)
    await store.set_received(tx.connection, referral.referral_id, tx.principal.subject, tx.now)
    return await _moved(command.referral_id, tx)


async def answer_referral(command: AnswerReferral, tx: Transaction) -> ReferralMoved:
    """The authority answers, by any of its officers; the same answer again changes nothing.

    Raises Refusal: no such referral, another authority's, not received yet, answered otherwise.
    """
    referral = await _lock(command.referral_id, tx)
    if referral.state is ReferralState.OPENED:
        raise Refusal(follow_up_refusals.REFERRAL_NOT_RECEIVED)
    if referral.state is ReferralState.ANSWERED:
        given = (referral.answered_by, referral.answer, referral.decision_reference)
        if given != (tx.principal.subject, command.answer, command.decision_reference):
            raise Refusal(follow_up_refusals.REFERRAL_ANSWERED)
        return await _moved(command.referral_id, tx)
    await store.set_answered(
        tx.connection,
        referral.referral_id,
        tx.principal.subject,
        command.answer,
        command.decision_reference,
        tx.now,
    )
    return await _moved(command.referral_id, tx)


async def _lock(referral_id: UUID, tx: Transaction) -> Referral:
    referral = await store.lock_referral(tx.connection, referral_id)
    if referral is None:
        raise Refusal(follow_up_refusals.REFERRAL_NOT_FOUND)
    check_officer(tx.principal.subject, tx.principal.roles, referral.authority)
    return referral


async def _moved(referral_id: UUID, tx: Transaction) -> ReferralMoved:
    referral = await store.lock_referral(tx.connection, referral_id)
    if referral is None or referral.received_by is None or referral.received_at is None:
        raise LookupError(f"referral {referral_id} was just moved and is not received")
    return ReferralMoved(
        referral_id=referral_id,
        state=referral.state,
        received_by=referral.received_by,
        received_at=referral.received_at,
        answered_by=referral.answered_by,
        answered_at=referral.answered_at,
    )

"""HTTP of what follows an inspection: corrective actions, discrepancies, holds, referrals."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from services.warehouse import handlers
from services.warehouse.api.reading import Reader
from services.warehouse.domain import refusals
from services.warehouse.domain.corrective_action import ActionState
from services.warehouse.domain.hold import Authority, ReferralState, authorities_of
from services.warehouse.handlers import follow_up_messages, messages
from services.warehouse.store import follow_ups, referrals, views
from services.warehouse.store.follow_ups import ActionRecord
from services.warehouse.store.referrals import HoldLine, ReferralLine
from services.warehouse.store.views import ActionLine
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.http import Commands, Queries, allow, allow_read
from shared.kit.paging import Limit, Page, page_of

router = APIRouter()

CountyOfficial = Annotated[Commands, Depends(allow("reviewer", "county_chair"))]
Lifter = Annotated[Commands, Depends(allow("county_chair", "province_officer"))]
AuthorityOfficer = Annotated[Commands, Depends(allow("health_officer", "commission_secretary"))]
ReferralReader = Annotated[
    Queries,
    Depends(allow_read("health_officer", "commission_secretary", "reviewer", "county_chair", "province_officer")),
]


@router.get("/corrective-actions")
async def list_corrective_actions(
    queries: Reader,
    county: County | None = None,
    state: ActionState | None = None,
    limit: Limit = 100,
    after: UUID | None = None,
) -> Page[ActionLine]:
    """Corrective actions of the caller's counties, the oldest first."""
    async with queries.read() as connection:
        lines = await views.list_actions(connection, county, state, limit, after)
    return page_of(lines, limit, lambda line: line.action_id)


@router.get("/corrective-actions/{action_id}")
async def read_corrective_action(action_id: UUID, queries: Reader) -> ActionRecord:
    """One corrective action with everything that ever happened to it, the oldest first."""
    async with queries.read() as connection:
        action = await follow_ups.find_action(connection, action_id)
    if action is None:
        raise Refusal(refusals.ACTION_NOT_FOUND)
    return action


@router.post("/corrective-actions/{action_id}/resolution")
async def resolve_action(
    action_id: UUID,
    body: messages.EvidenceBody,
    commands: Annotated[Commands, Depends(allow("inspector", "reviewer", "county_chair"))],
) -> messages.ActionResolved:
    """Close a corrective action with evidence."""
    command = messages.ResolveAction(action_id=action_id, evidence=body.evidence)
    return await commands.execute(handlers.resolve_action, command)


@router.post("/corrective-actions/{action_id}/extension")
async def extend_action(
    action_id: UUID, body: follow_up_messages.ExtensionBody, commands: CountyOfficial
) -> follow_up_messages.ActionMoved:
    """Give a corrective action more time, with a reason; an overdue one no longer is."""
    command = follow_up_messages.ExtendAction(action_id=action_id, **dict(body))
    return await commands.execute(handlers.extend_action, command)


@router.post("/corrective-actions/{action_id}/reopening")
async def reopen_action(
    action_id: UUID, body: messages.ReasonBody, commands: CountyOfficial
) -> follow_up_messages.ActionMoved:
    """Open a resolved corrective action again; never by whoever resolved it."""
    command = follow_up_messages.ReopenAction(action_id=action_id, **dict(body))
    return await commands.execute(handlers.reopen_action, command)


@router.post("/corrective-actions/{action_id}/owner")
async def hand_over_action(
    action_id: UUID, body: follow_up_messages.HandOverBody, commands: CountyOfficial
) -> follow_up_messages.ActionMoved:
    """Give a corrective action to another official of the county, with a reason."""
    command = follow_up_messages.HandOverAction(action_id=action_id, **dict(body))
    return await commands.execute(handlers.hand_over_action, command)


@router.post("/discrepancies/{discrepancy_id}/resolution")
async def resolve_discrepancy(
    discrepancy_id: UUID, body: messages.ReasonBody, commands: CountyOfficial
) -> messages.DiscrepancyResolvedAnswer:
    """Close a discrepancy with a reason."""
    command = messages.ResolveDiscrepancy(discrepancy_id=discrepancy_id, reason=body.reason)
    return await commands.execute(handlers.resolve_discrepancy, command)


@router.get("/holds")
async def list_holds(
    queries: Reader,
    county: County | None = None,
    lifted: bool | None = None,
    limit: Limit = 100,
    after: UUID | None = None,
) -> Page[HoldLine]:
    """Holds of the caller's counties with where their referrals stand, the oldest first; lifted ones stay in the list."""
    async with queries.read() as connection:
        lines = await referrals.list_holds(connection, county, lifted, limit, after)
    return page_of(lines, limit, lambda line: line.hold_id)


@router.post("/warehouses/{warehouse_id}/holds", status_code=201)
async def place_hold(
    warehouse_id: UUID, body: follow_up_messages.PlacingBody, commands: CountyOfficial
) -> follow_up_messages.HoldPlaced:
    """Put a site on hold by a person's decision, with a reason, and refer it to the authority that its ground belongs to."""
    command = follow_up_messages.PlaceHold(warehouse_id=warehouse_id, **dict(body))
    return await commands.execute(handlers.place_hold, command)


@router.post("/holds/{hold_id}/lifting")
async def lift_hold(
    hold_id: UUID, body: follow_up_messages.LiftingBody, commands: Lifter
) -> follow_up_messages.HoldLifted:
    """Lift a hold: by a named person who did not place it, with a reason, after the authority's answer or expressly without."""
    command = follow_up_messages.LiftHold(hold_id=hold_id, **dict(body))
    return await commands.execute(handlers.lift_hold, command)


@router.get("/referrals")
async def list_referrals(
    queries: ReferralReader,
    county: County | None = None,
    state: ReferralState | None = None,
    limit: Limit = 100,
    after: UUID | None = None,
) -> Page[ReferralLine]:
    """Referrals of the caller's counties, the oldest first: an authority's officer sees those to that authority alone."""
    authorities = authorities_of(queries.principal.roles) or frozenset(Authority)
    async with queries.read() as connection:
        lines = await referrals.list_referrals(connection, authorities, county, state, limit, after)
    return page_of(lines, limit, lambda line: line.referral_id)


@router.post("/referrals/{referral_id}/receipt")
async def receive_referral(referral_id: UUID, commands: AuthorityOfficer) -> follow_up_messages.ReferralMoved:
    """The authority has the referral, in the hands of the caller."""
    command = follow_up_messages.ReceiveReferral(referral_id=referral_id)
    return await commands.execute(handlers.receive_referral, command)


@router.post("/referrals/{referral_id}/answer")
async def answer_referral(
    referral_id: UUID, body: follow_up_messages.AnswerBody, commands: AuthorityOfficer
) -> follow_up_messages.ReferralMoved:
    """The authority's answer, in words and with the reference of its decision; it lifts nothing by itself."""
    command = follow_up_messages.AnswerReferral(referral_id=referral_id, **dict(body))
    return await commands.execute(handlers.answer_referral, command)

"""People decide on what inspections propose to change in the registry's record; only then it changes."""

from dataclasses import replace
from uuid import UUID

from services.warehouse.domain import proposal_refusals as refusals
from services.warehouse.domain import refusals as general_refusals
from services.warehouse.domain.proposal import (
    PROVISIONAL_PREFIX,
    ProposalState,
    apply_value,
    check_decider,
    value_of,
)
from services.warehouse.domain.site import Site, changed_fields
from services.warehouse.handlers.follow_ups import resolve_discrepancy
from services.warehouse.handlers.messages import ResolveDiscrepancy
from services.warehouse.handlers.proposal_messages import (
    DecideProposal,
    GiveRegistryId,
    ProposalDecided,
    RegistryIdGiven,
)
from services.warehouse.handlers.record_events import changed_event, due_on_after
from services.warehouse.store import follow_ups as follow_up_store
from services.warehouse.store import proposals as store
from services.warehouse.store import registry as registry_store
from services.warehouse.store.proposals import Decision, Proposal
from services.warehouse.store.registry import SiteToStore, StoredSite
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Transaction
from shared.persian.calendar import office_date


async def decide_proposal(command: DecideProposal, tx: Transaction) -> ProposalDecided:
    """Accept or reject a proposed change; accepted, the record says what was found.

    When all that an inspection proposed is accepted, its discrepancy is resolved. Raises Refusal: no such proposal,
    decided before, found by the caller, no reason, a record that says something else since.
    """
    warehouse_id = await store.find_warehouse_id(tx.connection, command.proposal_id)
    # The site first, then what is about it, as a review does.
    stored = await store.lock_record(tx.connection, warehouse_id) if warehouse_id else None
    proposal = await store.lock_proposal(tx.connection, command.proposal_id)
    if stored is None or proposal is None:
        raise Refusal(refusals.PROPOSAL_NOT_FOUND)
    if proposal.state is not ProposalState.PROPOSED:
        raise Refusal(refusals.PROPOSAL_DECIDED, state=proposal.state.value)
    check_decider(tx.principal.subject, proposal.not_by)
    accepted = command.decision == "accept"
    if not accepted and command.reason is None:
        raise Refusal(refusals.PROPOSAL_REASON_MISSING)
    state = ProposalState.ACCEPTED if accepted else ProposalState.REJECTED
    decision = Decision(command.reason, tx.principal.subject, tx.now)
    await store.set_proposal(tx.connection, proposal.proposal_id, state, decision)
    changed = accepted and await _apply(proposal, stored, tx)
    return ProposalDecided(
        proposal_id=proposal.proposal_id,
        warehouse_id=proposal.warehouse_id,
        state=state,
        changed=changed,
        discrepancy_id=await _resolve_settled(proposal, tx) if accepted else None,
    )


async def give_registry_id(command: GiveRegistryId, tx: Transaction) -> RegistryIdGiven:
    """Give a site that was found in the field the national register's own id, so that later files know it.

    Raises Refusal: no such site, one that has its id, an id that another site has.
    """
    stored = await store.lock_record(tx.connection, command.warehouse_id)
    if stored is None:
        raise Refusal(general_refusals.WAREHOUSE_NOT_FOUND)
    if not stored.site.registry_id.startswith(PROVISIONAL_PREFIX):
        raise Refusal(refusals.REGISTRY_ID_NOT_PROVISIONAL)
    if not await store.try_give_registry_id(tx.connection, command.warehouse_id, command.registry_id):
        raise Refusal(refusals.REGISTRY_ID_TAKEN)
    await change_record(stored, replace(stored.site, registry_id=command.registry_id), None, tx)
    discrepancy_id = await follow_up_store.find_unregistered_discrepancy(tx.connection, command.warehouse_id)
    if discrepancy_id is not None:
        await resolve_discrepancy(ResolveDiscrepancy(discrepancy_id=discrepancy_id, reason=command.reason), tx)
    return RegistryIdGiven(
        warehouse_id=command.warehouse_id, registry_id=command.registry_id, discrepancy_id=discrepancy_id
    )


async def change_record(stored: StoredSite, after: Site, inspection_id: UUID | None, tx: Transaction) -> bool:
    """Change a locked record and say which inspection caused it; False, and nothing changes, if it already says so."""
    changed = changed_fields(stored.site, after)
    if not changed:
        return False
    due_on = due_on_after(stored, after, office_date(tx.now))
    await registry_store.update_sites(tx.connection, [SiteToStore(stored.warehouse_id, after, due_on)])
    await tx.publish(changed_event(stored, after, changed, inspection_id))
    return True


async def _apply(proposal: Proposal, stored: StoredSite, tx: Transaction) -> bool:
    change = proposal.change
    now = value_of(stored.site, change.field)
    if now == change.proposed_value:
        return False
    if now != change.registered_value:
        raise Refusal(refusals.PROPOSAL_OUTDATED, now=now or "—", then=change.registered_value or "—")
    after = apply_value(stored.site, change.field, change.proposed_value)
    return await change_record(stored, after, proposal.inspection_id, tx)


async def _resolve_settled(proposal: Proposal, tx: Transaction) -> UUID | None:
    discrepancy_id = await store.find_settled_discrepancy(tx.connection, proposal.inspection_id)
    if discrepancy_id is None:
        return None
    reason = f"پرونده برابر یافته‌های بازرسی {proposal.inspection_id} اصلاح شد"
    await resolve_discrepancy(ResolveDiscrepancy(discrepancy_id=discrepancy_id, reason=reason), tx)
    return discrepancy_id

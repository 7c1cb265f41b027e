"""HTTP of what the field proposes to the register: changes of records, and sites that are not in it."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from services.warehouse import handlers
from services.warehouse.domain.proposal import FoundSiteState, ProposalState
from services.warehouse.handlers import proposal_messages as messages
from services.warehouse.store import found_sites as found_site_store
from services.warehouse.store import proposals as store
from services.warehouse.store.found_sites import FoundSiteLine
from services.warehouse.store.proposals import ProposalLine
from shared.contracts.counties import County
from shared.kit.http import Commands, Queries, allow, allow_read
from shared.kit.paging import Limit, Page, page_of

router = APIRouter()

Decider = Annotated[Commands, Depends(allow("registry_clerk", "county_chair"))]
ProposalReader = Annotated[
    Queries, Depends(allow_read("registry_clerk", "reviewer", "county_chair", "province_officer"))
]


@router.get("/registry-proposals")
async def list_proposals(
    queries: ProposalReader,
    county: County | None = None,
    state: ProposalState | None = None,
    warehouse_id: UUID | None = None,
    inspection_id: UUID | None = None,
    limit: Limit = 100,
    after: UUID | None = None,
) -> Page[ProposalLine]:
    """What inspections propose to change in the records of the caller's counties, the oldest first."""
    async with queries.read() as connection:
        lines = await store.list_proposals(connection, county, state, warehouse_id, inspection_id, limit, after)
    return page_of(lines, limit, lambda line: line.proposal_id)


@router.post("/registry-proposals/{proposal_id}/decision")
async def decide_proposal(
    proposal_id: UUID, body: messages.ProposalDecisionBody, commands: Decider
) -> messages.ProposalDecided:
    """Accept or reject a proposed change; never who counted."""
    command = messages.DecideProposal(proposal_id=proposal_id, **dict(body))
    return await commands.execute(handlers.decide_proposal, command)


@router.post("/unregistered-sites", status_code=201)
async def report_found_site(
    body: messages.ReportFoundSite, commands: Annotated[Commands, Depends(allow("inspector"))]
) -> messages.FoundSiteReported:
    """Report a site that is there and not in the register."""
    commands.require_county(body.county)
    return await commands.execute(handlers.report_found_site, body)


@router.get("/unregistered-sites")
async def list_found_sites(
    queries: Annotated[
        Queries, Depends(allow_read("registry_clerk", "reviewer", "county_chair", "province_officer", "inspector"))
    ],
    county: County | None = None,
    state: FoundSiteState | None = None,
    limit: Limit = 100,
    after: UUID | None = None,
) -> Page[FoundSiteLine]:
    """Sites found in the caller's counties and what was decided on them, the oldest first."""
    async with queries.read() as connection:
        lines = await found_site_store.list_found_sites(connection, county, state, limit, after)
    return page_of(lines, limit, lambda line: line.unregistered_site_id)


@router.post("/unregistered-sites/{unregistered_site_id}/decision")
async def decide_found_site(
    unregistered_site_id: UUID, body: messages.FoundSiteDecisionBody, commands: Decider
) -> messages.FoundSiteDecided:
    """Register a found site, reject it, or say which registered site it is; never who found it."""
    command = messages.DecideFoundSite(unregistered_site_id=unregistered_site_id, **dict(body))
    return await commands.execute(handlers.decide_found_site, command)


@router.post("/warehouses/{warehouse_id}/registry-id")
async def give_registry_id(
    warehouse_id: UUID, body: messages.RegistryIdBody, commands: Decider
) -> messages.RegistryIdGiven:
    """Give a found site the id that the national register gave it, so that later registry files know it."""
    command = messages.GiveRegistryId(warehouse_id=warehouse_id, **dict(body))
    return await commands.execute(handlers.give_registry_id, command)

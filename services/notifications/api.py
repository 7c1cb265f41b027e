"""HTTP of the notifications service."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, JsonValue

from services.notifications import handlers
from services.notifications.api_link import router as link_router
from services.notifications.domain.escalation import AlertState, EscalationPolicy
from services.notifications.domain.refusals import ALERT_NOT_FOUND
from services.notifications.handlers import Acknowledgement, MemberBody, Office, SavedPolicy, WorkingGroup
from services.notifications.routing_rules import RULES
from services.notifications.store import groups, reading
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.http import Commands, Queries, allow, allow_read
from shared.kit.paging import Page, page_of

PAGE_ITEMS_DEFAULT = 100
PAGE_ITEMS_MAX = 500

ADMINISTRATORS = ("notifications_admin",)
ACTING = (
    "member",
    "county_chair",
    "legal_officer",
    "appeal_officer",
    "protection_officer",
    "province_officer",
    "casework_supervisor",
    "complaints_officer",
)
READING = (*ACTING, *ADMINISTRATORS, "operator")

router = APIRouter()
routers = (router, link_router)
Limit = Annotated[int, Query(ge=1, le=PAGE_ITEMS_MAX)]


class DeliveryItem(BaseModel):
    """`state`: pending, sent, dead (every try failed) or cancelled (nobody needed to be told any more)."""

    delivery_id: UUID
    recipient: str
    channel: str
    language: str
    step: int
    state: str
    attempts: int
    settled_at: datetime | None
    last_error: str | None


class AlertItem(BaseModel):
    """`subject_id`: what the alert is about; `source_aggregate_id`: the aggregate of the event that raised it."""

    alert_id: UUID
    county: County
    kind: str
    severity: str
    state: AlertState
    step: int
    rule_id: str
    source_event_id: UUID
    source_type: str
    source_aggregate_id: str
    subject_id: str
    details: dict[str, JsonValue]
    raised_at: datetime
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    deliveries: list[DeliveryItem]


class HistoryEntry(BaseModel):
    at: datetime
    entry: str
    step: int
    by: str
    details: dict[str, JsonValue]


class AlertWithHistory(AlertItem):
    history: list[HistoryEntry]


class MembersBody(BaseModel):
    members: list[MemberBody]


class RoutingRules(BaseModel):
    version: int
    policies: dict[str, JsonValue]
    rules: list[JsonValue]


class CountyCounters(BaseModel):
    """`raised` to `resolved` fold this service's events; `delivered` to `pending` count delivery rows as they are."""

    raised: int = 0
    open: int = 0
    acknowledged: int = 0
    escalated: int = 0
    resolved: int = 0
    delivered: int = 0
    undelivered: int = 0
    cancelled: int = 0
    pending: int = 0


_COUNTER_OF_STATE = {"sent": "delivered", "dead": "undelivered", "cancelled": "cancelled", "pending": "pending"}


@router.put("/working-groups/{working_group}")
async def set_working_group(
    working_group: County | Office, body: MembersBody, commands: Annotated[Commands, Depends(allow(*ADMINISTRATORS))]
) -> WorkingGroup:
    """Replace the members of a county's working group or of a provincial office."""
    if isinstance(working_group, County):
        commands.require_county(working_group)
    command = WorkingGroup(working_group=working_group, members=body.members)
    return await commands.execute(handlers.set_working_group, command)


@router.get("/working-groups/{working_group}")
async def get_working_group(
    working_group: County | Office, queries: Annotated[Queries, Depends(allow_read(*READING))]
) -> WorkingGroup:
    if isinstance(working_group, County):
        queries.require_county(working_group)
    async with queries.read() as connection:
        members = await groups.list_members(connection, working_group)
    return WorkingGroup(
        working_group=working_group, members=[MemberBody.model_validate(m, from_attributes=True) for m in members]
    )


@router.put("/escalation-policies/{name}")
async def set_policy(
    name: str, body: EscalationPolicy, commands: Annotated[Commands, Depends(allow(*ADMINISTRATORS))]
) -> SavedPolicy:
    """Replace a policy that routing rules name, for alerts that open from now on."""
    return await commands.execute(handlers.set_policy, handlers.SetPolicy(name=name, policy=body))


@router.get("/escalation-policies")
async def list_policies(queries: Annotated[Queries, Depends(allow_read(*READING))]) -> list[SavedPolicy]:
    """Policies in force; version 0 is what ships with the routing rules."""
    async with queries.read() as connection:
        saved = await groups.list_policies(connection)
    shipped = {name: (0, policy) for name, policy in RULES.policies.items()}
    return [
        SavedPolicy(name=name, version=version, policy=policy)
        for name, (version, policy) in sorted({**shipped, **saved}.items())
    ]


@router.get("/routing-rules")
async def get_routing_rules(_queries: Annotated[Queries, Depends(allow_read(*READING))]) -> RoutingRules:
    return RoutingRules.model_validate(RULES.document)


@router.get("/alerts")
async def list_alerts(
    queries: Annotated[Queries, Depends(allow_read(*READING))],
    county: County | None = None,
    state: AlertState | None = None,
    after: UUID | None = None,
    limit: Limit = PAGE_ITEMS_DEFAULT,
) -> Page[AlertItem]:
    """Alerts in the order they were opened."""
    async with queries.read() as connection:
        rows = await reading.list_alerts(connection, county, state, after, limit)
    return _page(rows, limit)


@router.get("/alerts/{alert_id}")
async def get_alert(alert_id: UUID, queries: Annotated[Queries, Depends(allow_read(*READING))]) -> AlertWithHistory:
    """One alert: who was told what and when, and who acted."""
    async with queries.read() as connection:
        row = await reading.find_alert(connection, alert_id)
    if row is None:
        raise Refusal(ALERT_NOT_FOUND, alert_id=str(alert_id))
    return AlertWithHistory.model_validate(row)


@router.get("/inbox")
async def get_inbox(
    queries: Annotated[Queries, Depends(allow_read(*ACTING))],
    after: UUID | None = None,
    limit: Limit = PAGE_ITEMS_DEFAULT,
) -> Page[AlertItem]:
    """Alerts addressed to the caller, the newest first."""
    async with queries.read() as connection:
        rows = await reading.list_inbox(connection, queries.principal.subject, after, limit)
    return _page(rows, limit)


@router.post("/alerts/{alert_id}/acknowledgement")
async def acknowledge_alert(alert_id: UUID, commands: Annotated[Commands, Depends(allow(*ACTING))]) -> Acknowledgement:
    """Take charge of an alert; nobody further is told."""
    return await commands.execute(handlers.acknowledge_alert, handlers.AcknowledgeAlert(alert_id=alert_id))


@router.get("/counters")
async def get_counters(queries: Annotated[Queries, Depends(allow_read(*READING))]) -> dict[County, CountyCounters]:
    """Counters of the caller's counties."""
    async with queries.read() as connection:
        folded = await reading.list_counters(connection)
        delivered = await reading.count_deliveries(connection)
    values: dict[County, dict[str, Any]] = {county: {} for county in County if county in queries.principal.counties}
    for county, counter, value in folded:
        values[County(county)][counter] = value
    for county, state, number in delivered:
        values[County(county)][_COUNTER_OF_STATE[state]] = number
    return {county: CountyCounters(**counters) for county, counters in values.items()}


def _page(rows: list[reading.Row], limit: int) -> Page[AlertItem]:
    items = [AlertItem.model_validate(row) for row in rows]
    return page_of(items, limit, lambda line: line.alert_id)

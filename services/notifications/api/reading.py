"""HTTP of reading: alerts with their deliveries and history, the caller's inbox, counters."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, JsonValue

from services.notifications.api.roles import ACTING, PAGE_ITEMS_DEFAULT, READING, Limit, reader_of
from services.notifications.domain.escalation import AlertState
from services.notifications.domain.refusals import ALERT_NOT_FOUND
from services.notifications.store import reading
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.http import Queries, allow_read
from shared.kit.paging import Page, page_of

router = APIRouter()


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
    """`subject_id`: what the alert is about; `source_aggregate_id`: the aggregate of the event that raised it.

    Both are empty, and `details` too, where the alert is about a case or a complaint and the reader was not told of it.
    `lead_alert_id`: the alert of its group whose letters tell of this one. `held_back`: why nobody is told yet, and by which
    alert or silence. `digest`: told in the digest alone. `step_told_at` is null while the step's letter waits.
    `registry_id`: the register's id of the site that it is about, where that is known.
    """

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
    registry_id: str | None
    details: dict[str, JsonValue]
    raised_at: datetime
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    lead_alert_id: UUID | None
    held_back: str | None
    held_back_by: UUID | None
    digest: bool
    step_told_at: datetime | None
    deliveries: list[DeliveryItem]


class HistoryEntry(BaseModel):
    at: datetime
    entry: str
    step: int
    by: str
    details: dict[str, JsonValue]


class AlertWithHistory(AlertItem):
    history: list[HistoryEntry]


class CountyCounters(BaseModel):
    """`raised` to `resolved` fold this service's events; `delivered` to `pending` count delivery rows as they are.

    Readers who do not see the alerts of provincial offices are counted those that they may list, and no others: alerts of
    the working group that are not about cases or complaints.
    """

    raised: int = 0
    open: int = 0
    acknowledged: int = 0
    reopened: int = 0
    escalated: int = 0
    resolved: int = 0
    delivered: int = 0
    undelivered: int = 0
    cancelled: int = 0
    pending: int = 0


_COUNTER_OF_STATE = {"sent": "delivered", "dead": "undelivered", "cancelled": "cancelled", "pending": "pending"}


@router.get("/alerts")
async def list_alerts(
    queries: Annotated[Queries, Depends(allow_read(*READING))],
    county: County | None = None,
    state: AlertState | None = None,
    after: UUID | None = None,
    limit: Limit = PAGE_ITEMS_DEFAULT,
) -> Page[AlertItem]:
    """Alerts in the order they were opened; those of provincial offices only for who was told of them, and for operators."""
    async with queries.read() as connection:
        rows = await reading.list_alerts(connection, reader_of(queries.principal), county, state, after, limit)
    return _page(rows, limit)


@router.get("/alerts/{alert_id}")
async def get_alert(alert_id: UUID, queries: Annotated[Queries, Depends(allow_read(*READING))]) -> AlertWithHistory:
    """One alert: who was told what and when, and who acted."""
    async with queries.read() as connection:
        row = await reading.find_alert(connection, alert_id, reader_of(queries.principal))
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


@router.get("/counters")
async def get_counters(queries: Annotated[Queries, Depends(allow_read(*READING))]) -> dict[County, CountyCounters]:
    """Counters of the caller's counties."""
    async with queries.read() as connection:
        if reader_of(queries.principal).sees_offices:
            counted = await reading.list_counters(connection)
            delivered = await reading.count_deliveries(connection)
        else:
            counted = await reading.count_shown(connection)
            delivered = await reading.count_shown_deliveries(connection)
    values: dict[County, dict[str, Any]] = {county: {} for county in County if county in queries.principal.counties}
    for county, counter, value in counted:
        values[County(county)][counter] = value
    for county, state, number in delivered:
        values[County(county)][_COUNTER_OF_STATE[state]] = number
    return {county: CountyCounters(**counters) for county, counters in values.items()}


def _page(rows: list[reading.Row], limit: int) -> Page[AlertItem]:
    items = [AlertItem.model_validate(row) for row in rows]
    return page_of(items, limit, lambda line: line.alert_id)

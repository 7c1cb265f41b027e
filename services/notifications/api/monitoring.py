"""HTTP of the platform's own troubles: what Alertmanager posts, and what runs or ran."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from services.notifications.api.roles import ADMINISTRATORS, PAGE_ITEMS_DEFAULT, Limit
from services.notifications.handlers.monitoring import (
    MonitoringAlert,
    MonitoringTaken,
    ReportMonitoring,
    report_monitoring,
)
from services.notifications.store import operations as store
from shared.contracts.counties import County
from shared.contracts.notifications import AlertSeverity, OperationsTrouble
from shared.kit.http import Commands, Queries, allow_password, allow_read
from shared.kit.logging import get_logger
from shared.kit.paging import Page, page_of

ALERTS_MAX: Final = 1_000
LABELS_MAX: Final = 64
VALUE_CHARACTERS_MAX: Final = 1_000
POSTING: Final = ("alertmanager",)
OPERATING: Final = (*ADMINISTRATORS, "operator", "operations_officer")

router = APIRouter()
_log = get_logger(__name__)


def _shortened(value: Any) -> Any:
    """Alertmanager never posts again what was answered 4xx: a text that is too long is cut and not refused."""
    return value[:VALUE_CHARACTERS_MAX] if isinstance(value, str) else value


_Texts = Annotated[
    dict[str, Annotated[str, BeforeValidator(_shortened)]],
    Field(max_length=LABELS_MAX),
]


class AlertmanagerAlert(BaseModel):
    """One alert of a webhook message; fields that nobody here reads are left out."""

    model_config = ConfigDict(extra="ignore")

    status: Literal["firing", "resolved"]
    labels: _Texts
    annotations: _Texts = {}
    starts_at: Annotated[AwareDatetime, Field(alias="startsAt")]
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{1,64}$")]


class AlertmanagerMessage(BaseModel):
    """Alertmanager's webhook message, version 4 (prometheus.io/docs/alerting/latest/configuration, webhook_config)."""

    model_config = ConfigDict(extra="ignore")

    version: Literal["4"]
    group_key: Annotated[str, Field(alias="groupKey"), BeforeValidator(_shortened)] = ""
    truncated_alerts: Annotated[int, Field(alias="truncatedAlerts", ge=0)] = 0
    alerts: list[AlertmanagerAlert]
    """Of more than `ALERTS_MAX` the first are taken: a message that is refused never comes again."""


class TroubleItem(BaseModel):
    """`details`: what the monitoring said, in its own words; `ended_at` null: it still runs."""

    trouble_id: UUID
    county: County
    trouble: OperationsTrouble
    name: str
    severity: AlertSeverity
    details: dict[str, JsonValue]
    found_at: datetime
    ended_at: datetime | None


@router.post("/alertmanager")
async def take_alertmanager_message(
    message: AlertmanagerMessage, commands: Annotated[Commands, Depends(allow_password(*POSTING))]
) -> MonitoringTaken:
    """A webhook message of Alertmanager: each firing alert becomes one of the operations office, a resolved one ends it."""
    if message.truncated_alerts:
        _log.warning("alertmanager_truncated", left_out=message.truncated_alerts, next_step="raise max_alerts there")
    alerts = [
        MonitoringAlert(
            status=alert.status,
            fingerprint=alert.fingerprint,
            starts_at=alert.starts_at,
            labels=alert.labels,
            annotations=alert.annotations,
        )
        for alert in message.alerts[:ALERTS_MAX]
    ]
    left_out = message.truncated_alerts + len(message.alerts) - len(alerts)
    command = ReportMonitoring(alerts=alerts, group_key=message.group_key, left_out=left_out)
    return await commands.execute(report_monitoring, command)


@router.get("/operations-troubles")
async def list_operations_troubles(
    queries: Annotated[Queries, Depends(allow_read(*OPERATING))],
    running_only: bool = False,
    after: UUID | None = None,
    limit: Limit = PAGE_ITEMS_DEFAULT,
) -> Page[TroubleItem]:
    """What is or was wrong with the platform itself, the newest first; an alert's `subject_id` is the trouble's id."""
    async with queries.read() as connection:
        rows = await store.list_troubles(connection, running_only=running_only, after=after, limit=limit)
    return page_of([TroubleItem.model_validate(row) for row in rows], limit, lambda line: line.trouble_id)

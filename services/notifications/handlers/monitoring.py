"""Alerts of the platform's monitoring: each from its first report to its end is one alert of the operations office."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, JsonValue

from services.notifications.domain.operations import county_of_labels, severity_of
from services.notifications.handlers.operations import end_trouble, report_trouble
from shared.contracts.notifications import OperationsTrouble
from shared.kit.transaction import Transaction

NAME_LABEL: Final = "alertname"
TRUNCATED: Final = "alertmanager/truncated"


class MonitoringAlert(BaseModel):
    """One alert as Alertmanager reports it; `fingerprint` and `starts_at` tell it from every other."""

    status: Literal["firing", "resolved"]
    fingerprint: str
    starts_at: datetime
    labels: dict[str, str]
    annotations: dict[str, str]

    @property
    def key(self) -> str:
        return f"{self.fingerprint}/{self.starts_at.isoformat()}"

    @property
    def name(self) -> str:
        return self.labels.get(NAME_LABEL, "")


class ReportMonitoring(BaseModel):
    """`group_key`: which of Alertmanager's groups this is about; `left_out`: how many of its alerts are not in `alerts`."""

    alerts: Sequence[MonitoringAlert]
    group_key: str = ""
    left_out: int = 0


class MonitoringTaken(BaseModel):
    """`began`, `ended`: how many alerts this report was the first to say so of; the rest was known."""

    began: int
    ended: int


async def report_monitoring(command: ReportMonitoring, tx: Transaction) -> MonitoringTaken:
    """Take one report whole. Reports come again until they are answered, and after; a known alert changes nothing.

    In the order of their keys, so that two reports at once wait for each other and never in a circle.
    """
    began = ended = 0
    for alert in sorted(command.alerts, key=lambda alert: alert.key):
        if alert.status == "firing":
            details: dict[str, JsonValue] = {"labels": {**alert.labels}, "annotations": {**alert.annotations}}
            found = await report_trouble(
                OperationsTrouble.OPS_ALERT,
                name=alert.name,
                key=alert.key,
                county=county_of_labels(alert.labels),
                severity=severity_of(alert.labels),
                details=details,
                recurs=False,
                tx=tx,
            )
            began += found is not None
        else:
            ended += await end_trouble(
                OperationsTrouble.OPS_ALERT, name=alert.name, key=alert.key, never_recurs=True, tx=tx
            )
    await _say_truncated(command, tx)
    return MonitoringTaken(began=began, ended=ended)


async def _say_truncated(command: ReportMonitoring, tx: Transaction) -> None:
    """A trouble while reports of a group are longer than what is taken; the first that is whole ends it."""
    key = f"{TRUNCATED}/{command.group_key}"
    if command.left_out:
        await report_trouble(
            OperationsTrouble.OPS_ALERT,
            name=TRUNCATED,
            key=key,
            details={"left_out": command.left_out, "group_key": command.group_key},
            tx=tx,
        )
    else:
        await end_trouble(OperationsTrouble.OPS_ALERT, name=TRUNCATED, key=key, tx=tx)

"""Who may act on an alert, and what every action answers."""

from uuid import UUID

from pydantic import BaseModel

from services.notifications.domain.escalation import AlertState
from services.notifications.domain.refusals import ALERT_NOT_FOUND, ALERT_OF_AN_OFFICE
from services.notifications.domain.rules import Audience
from services.notifications.store import alerts as store
from services.notifications.store.alerts import Alert
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Transaction


class Acted(BaseModel):
    """The alert as it is now."""

    alert_id: UUID
    state: AlertState
    step: int


async def find_concerned(alert_id: UUID, tx: Transaction) -> Alert:
    """The alert, not locked, if the caller may act on it. Raises Refusal.

    An alert of a provincial office (a legal review that is asked for) is not touched by whoever shares its county.
    """
    alert = await store.find_alert(tx.connection, alert_id)
    if alert is None:
        raise Refusal(ALERT_NOT_FOUND, alert_id=str(alert_id))
    if alert.audience is not Audience.WORKING_GROUP and not await store.was_told(
        tx.connection, alert, tx.principal.subject
    ):
        raise Refusal(ALERT_OF_AN_OFFICE)
    return alert

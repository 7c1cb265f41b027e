"""Troubles of the platform itself become events of this service, and by ordinary rules alerts of the operations office."""

from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue
from uuid_utils.compat import uuid7

from services.notifications.domain.operations import PROVINCE_SEAT, machine_word
from services.notifications.store import operations as store
from shared.contracts.counties import County
from shared.contracts.notifications import (
    AlertSeverity,
    OperationsTrouble,
    OperationsTroubleEnded,
    OperationsTroubleFound,
)
from shared.kit.logging import get_logger
from shared.kit.routing import Received
from shared.kit.transaction import Transaction

FIRST_OF_ITS_STREAM: Final = 1

_log = get_logger(__name__)


async def report_trouble(
    trouble: OperationsTrouble,
    *,
    name: str,
    tx: Transaction,
    county: County = PROVINCE_SEAT,
    severity: AlertSeverity = AlertSeverity.WARNING,
    key: str | None = None,
    details: Mapping[str, JsonValue] | None = None,
    recurs: bool = True,
) -> Received[OperationsTroubleFound] | None:
    """Report a trouble, once from its beginning to its end; None if it is known already.

    `name`: a machine's word for what is wrong (a channel, an endpoint's id). `key`: what tells troubles of one kind apart,
    by default the name. `recurs`: whether one that ended may begin again under the same key. `details` stay in the row;
    the event carries none of them. Returns the event as its readers will get it.
    """
    one = store.Trouble(uuid7(), county, trouble, key or name, machine_word(name), severity, details or {})
    if not await store.insert_trouble(tx.connection, one, tx.now, recurs=recurs):
        return None
    event = OperationsTroubleFound(
        trouble_id=one.trouble_id, county=county, trouble=trouble, severity=severity, name=one.name
    )
    event_id = await tx.publish(event)
    _log.warning("operations_trouble_found", trouble=trouble, name=one.name, trouble_id=str(one.trouble_id))
    return Received(event, event_id, tx.now, FIRST_OF_ITS_STREAM, tx.correlation_id)


async def end_trouble(
    trouble: OperationsTrouble, *, name: str, tx: Transaction, key: str | None = None, never_recurs: bool = False
) -> bool:
    """The trouble is over, and with it its alert; False if none runs.

    `never_recurs`: as in `report_trouble` without `recurs`; also an end that comes before its beginning is then kept.
    """
    ended = await store.end_running(tx.connection, trouble, key or name, tx.now)
    if ended is None:
        if never_recurs:
            unseen = store.Trouble(
                uuid7(), PROVINCE_SEAT, trouble, key or name, machine_word(name), AlertSeverity.WARNING, {}
            )
            await store.insert_ended(tx.connection, unseen, tx.now)
        return False
    trouble_id, county = ended
    await tx.publish(OperationsTroubleEnded(trouble_id=trouble_id, county=county, trouble=trouble))
    return True

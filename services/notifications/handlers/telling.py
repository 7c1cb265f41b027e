"""Steps are told: messages are owed and waits armed, for many alerts in as many statements as for one."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from services.notifications.domain.channels import Channel
from services.notifications.domain.delivering import DeliveryState
from services.notifications.domain.escalation import EscalationPolicy, Step
from services.notifications.domain.operations import PROVINCE_SEAT, nobody_there_name
from services.notifications.domain.rules import Audience
from services.notifications.domain.telling import NOBODY, Telling, office_of, tell
from services.notifications.handlers.operations import report_trouble
from services.notifications.store import deliveries, groups
from services.notifications.store.deliveries import NewDelivery
from shared.contracts.counties import County
from shared.contracts.notifications import AlertSeverity, OperationsTrouble
from shared.kit.logging import get_logger
from shared.kit.timers import Arming
from shared.kit.transaction import Transaction
from shared.persian.calendar import office_date

ESCALATION_TIMER: Final = "notifications.escalation_step"
GROUP_LETTER_TIMER: Final = "notifications.group_letter"
LAPSE_TIMER: Final = "notifications.acknowledgement_lapse"
RELEASE_TIMER: Final = "notifications.release_held_back"
SILENCE_TIMER: Final = "notifications.silence_end"
CHAIN_TIMERS: Final = (ESCALATION_TIMER, GROUP_LETTER_TIMER, LAPSE_TIMER)
SILENCED_ROUND: Final = -1
"""The letter that tells of a silenced alert: none of those of its first step, which may still come."""
BY_SYSTEM: Final = "system"
RECIPIENT_LEFT: Final = "recipient_left"
AT_ONCE: Final = timedelta()

_log = get_logger(__name__)


class StepTimer(BaseModel):
    """The step whose wait a timer measures; a timer of an older step does nothing.

    `reopened`: the wait is over because an acknowledgement came to nothing, so somebody is told even at the chain's end.
    """

    step: int
    reopened: bool = False


class LapseTimer(BaseModel):
    """`left`: by whom the alert was acknowledged who has left since; None: the time for acting is over, whoever it was."""

    left: str | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """A step of an alert's chain that is told now; `step` counts from 0, repeats of the last one included."""

    alert_id: UUID
    county: County
    audience: Audience
    policy: EscalationPolicy
    step: int
    correlation_id: str
    traceparent: str | None
    letter_round: int = 0
    restricted: bool = False


async def tell_chains(tx: Transaction, chains: Sequence[Chain], *, arms: bool = True) -> dict[UUID, Telling]:
    """Owe each step's messages and arm (`arms`) the wait that follows. An empty group is told nothing, which is a trouble of
    the platform until it has members; its chain still runs. Returns what each step does; nobody is told by one whose messages
    were all owed before."""
    tellings = await _look_up(tx, chains)
    await _report_untold(tx, chains, tellings)
    owed = [new for chain in chains for new in _messages(chain, tellings[chain.alert_id], tx)]
    inserted = await deliveries.insert_deliveries(tx.connection, owed)
    if arms:
        await _arm_waits(tx, chains, tellings)
    newly_told = {new.alert_id for new in owed if new.delivery_id in inserted}
    return {
        alert_id: telling if alert_id in newly_told else replace(telling, told=None)
        for alert_id, telling in tellings.items()
    }


async def arm_waits(tx: Transaction, chains: Sequence[Chain]) -> None:
    """Arm the wait of each chain's running step, where a further step follows, and tell nobody."""
    await _arm_waits(tx, chains, await _look_up(tx, chains))


async def _look_up(tx: Transaction, chains: Sequence[Chain]) -> dict[UUID, Telling]:
    if not chains:
        return {}
    offices = await groups.load_offices(tx.connection, _offices_of(chains))
    today = office_date(tx.now)
    earlier = {chain.alert_id: chain.policy.told_differently(chain.step) for chain in chains}
    told_before = await deliveries.list_told_before(
        tx.connection, {alert_id: steps for alert_id, steps in earlier.items() if steps}
    )
    known: dict[tuple[Audience, County, Step, bool, frozenset[UUID]], Telling] = {}
    tellings: dict[UUID, Telling] = {}
    for chain in chains:
        step = chain.policy.step_at(chain.step)
        told = told_before.get(chain.alert_id, NOBODY)
        key = chain.audience, chain.county, step, chain.restricted, frozenset(told)
        telling = known.get(key)
        if telling is None:
            office = office_of(chain.audience, chain.county, offices, today, restricted=chain.restricted)
            telling = known[key] = tell(
                step,
                office,
                tx.now,
                restricted=chain.restricted,
                told_before=told,
                province=offices[Audience.PROVINCE_OFFICE],
            )
        tellings[chain.alert_id] = telling
    return tellings


async def _arm_waits(tx: Transaction, chains: Sequence[Chain], tellings: dict[UUID, Telling]) -> None:
    timers: dict[int, StepTimer] = {}
    armings = [
        Arming(
            str(chain.alert_id),
            tellings[chain.alert_id].wait,
            timers.setdefault(chain.step, StepTimer(step=chain.step)),
            chain.correlation_id,
        )
        for chain in chains
        if chain.policy.has_step(chain.step + 1)
    ]
    await tx.arm_timers(ESCALATION_TIMER, armings)


def _offices_of(chains: Iterable[Chain]) -> set[str]:
    counties = {chain.county.value for chain in chains}
    provincial = {chain.audience.value for chain in chains if chain.audience is not Audience.WORKING_GROUP}
    return counties | provincial | {Audience.PROVINCE_OFFICE.value}


def _messages(chain: Chain, telling: Telling, tx: Transaction) -> list[NewDelivery]:
    if telling.told is None:
        return []
    return [
        NewDelivery(
            delivery_id=uuid7(),
            alert_id=chain.alert_id,
            county=chain.county,
            step=chain.step,
            told=telling.told.member,
            contact=message.contact,
            fallbacks=message.fallbacks,
            state=_first_state(message.contact.channel),
            at=tx.now,
            correlation_id=chain.correlation_id,
            traceparent=chain.traceparent,
            round=chain.letter_round,
        )
        for message in telling.messages
    ]


def _first_state(channel: Channel) -> DeliveryState:
    """A row in the inbox is there as soon as it commits; everything else has to be sent."""
    return DeliveryState.SENT if channel is Channel.INBOX else DeliveryState.PENDING


async def _report_untold(tx: Transaction, chains: Sequence[Chain], tellings: Mapping[UUID, Telling]) -> None:
    """One trouble for each office, until it has members: of the operations office too, whose alert then stands for people
    who look."""
    untold = Counter((c.audience, c.county) for c in chains if tellings[c.alert_id].is_to_nobody)
    for (audience, county), number in sorted(untold.items()):
        _log.warning("alert_without_recipient", county=county, audience=audience, alerts=number)
        await report_trouble(
            OperationsTrouble.OPS_ALERT,
            name=nobody_there_name(county if audience is Audience.WORKING_GROUP else audience),
            county=county if audience is Audience.WORKING_GROUP else PROVINCE_SEAT,
            severity=AlertSeverity.CRITICAL,
            tx=tx,
        )

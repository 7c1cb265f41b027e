"""The checker of the fault tests is itself checked: each violation, planted in a sound ledger, is found."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from uuid import UUID

import pytest

from tests.support.alert_ledger import ALARM_KIND, MAY_REPEAT, AlertLine, DeliveryLine, HistoryLine, Ledger, violations

ANSWERED, DEAD, ALARM = UUID(int=1), UUID(int=2), UUID(int=3)
SENT, BURIED, BURIED_ALARM, SHOWN = UUID(int=11), UUID(int=12), UUID(int=13), UUID(int=14)
MEMBER = UUID(int=21)
HANDED: Mapping[UUID, int] = {SENT: 1}


def _delivery(delivery_id: UUID, alert_id: UUID, state: str, channel: str = "email") -> DeliveryLine:
    return DeliveryLine(delivery_id, alert_id, 0, MEMBER, "m0@x.ir", channel, state)


def _undelivered(alert_id: UUID) -> HistoryLine:
    return HistoryLine(alert_id, "undelivered", 0, {"recipient": "m0@x.ir", "channel": "email"})


SOUND = Ledger(
    alerts=(
        AlertLine(ANSWERED, "discrepancy_found", "acknowledged"),
        AlertLine(DEAD, "discrepancy_found", "escalated"),
        AlertLine(ALARM, ALARM_KIND, "open"),
    ),
    deliveries=(
        _delivery(SENT, ANSWERED, "sent"),
        _delivery(SHOWN, ANSWERED, "sent", "inbox"),
        _delivery(BURIED, DEAD, "dead"),
        _delivery(BURIED_ALARM, ALARM, "dead"),
    ),
    history=(_undelivered(DEAD), _undelivered(ALARM)),
    alarmed=frozenset({BURIED}),
)


def _with(*deliveries: DeliveryLine, history: tuple[HistoryLine, ...] = ()) -> Ledger:
    return replace(SOUND, deliveries=(*SOUND.deliveries, *deliveries), history=(*SOUND.history, *history))


def _why(entry: str, **details: str) -> HistoryLine:
    return HistoryLine(ANSWERED, entry, 0, details)


AGAIN = _delivery(UUID(int=15), ANSWERED, "sent", "sms")
UNSURE = replace(_delivery(UUID(int=16), ANSWERED, "cancelled"), member_id=UUID(int=22))

PLANTED: Mapping[str, tuple[Callable[[], Ledger], Mapping[UUID, int]]] = {
    "nobody acted": (
        lambda: replace(SOUND, alerts=(replace(SOUND.alerts[0], state="open"), *SOUND.alerts[1:])),
        HANDED,
    ),
    "still owed": (lambda: _with(_delivery(UUID(int=16), ANSWERED, "pending")), HANDED),
    "not in the history": (lambda: replace(SOUND, history=SOUND.history[1:]), HANDED),
    "alarms nobody": (lambda: replace(SOUND, alarmed=frozenset()), HANDED),
    "there is no row": (lambda: SOUND, {**HANDED, UUID(int=99): 1}),
    "never took it": (lambda: SOUND, {}),
    "history does not say so": (lambda: _with(UNSURE), {**HANDED, UNSURE.delivery_id: 1}),
    "was told 2 times": (lambda: _with(AGAIN), HANDED),
    "the history explains 0 of the 1": (lambda: SOUND, {SENT: 2}),
    "the history explains 1 of the 2": (lambda: _with(history=(_why(MAY_REPEAT, delivery_id=str(SENT)),)), {SENT: 3}),
    "explains 0 of the 1 repetitions": (lambda: _with(AGAIN, history=(_why("fallback", recipient="m1@x.ir"),)), HANDED),
}


def test_a_sound_ledger_has_no_violation() -> None:
    assert violations(SOUND, HANDED) == []


def test_a_replay_explains_the_message_that_it_names_and_no_other() -> None:
    replayed = _with(AGAIN, history=(_why("replayed", delivery_id=str(AGAIN.delivery_id)),))
    assert violations(replayed, HANDED) == []
    of_another = _with(AGAIN, history=(_why("replayed", delivery_id=str(UUID(int=98))),))
    assert len(violations(of_another, HANDED)) == 1


@pytest.mark.parametrize("said", PLANTED)
def test_a_planted_violation_is_found_and_nothing_else_is(said: str) -> None:
    plant, handed = PLANTED[said]
    found = violations(plant(), handed)
    assert len(found) == 1
    assert said in found[0]


@pytest.mark.parametrize(
    ("ledger", "handed"),
    [
        (_with(AGAIN, history=(_why("fallback", recipient="m0@x.ir", to_channel="sms"),)), HANDED),
        (_with(history=(_why(MAY_REPEAT, delivery_id=str(SENT)),)), {SENT: 2}),
        (
            _with(UNSURE, history=(_why(MAY_REPEAT, delivery_id=str(UNSURE.delivery_id)),)),
            {SENT: 1, UNSURE.delivery_id: 1},
        ),
        (_with(replace(AGAIN, step=1)), HANDED),
        (_with(replace(AGAIN, member_id=UUID(int=22))), HANDED),
    ],
    ids=["next contact", "lease ended", "no answer, then cancelled", "another step", "another person"],
)
def test_what_the_history_explains_is_no_violation(ledger: Ledger, handed: Mapping[UUID, int]) -> None:
    assert violations(ledger, handed) == []

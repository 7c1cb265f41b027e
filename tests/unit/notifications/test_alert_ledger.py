"""The checker of the fault tests is itself checked: each violation, planted in a sound ledger, is found."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from uuid import UUID

import pytest

from tests.support.alert_ledger import (
    ALARM_KIND,
    MAY_REPEAT,
    NOT_DELIVERED,
    AlertLine,
    DeliveryLine,
    HistoryLine,
    Ledger,
    mistaken_channels,
    violations,
)

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


DROPPED = replace(_delivery(UUID(int=17), DEAD, "dead"), member_id=UUID(int=22))


def _dropped(error: str) -> Ledger:
    details = {"delivery_id": str(DROPPED.delivery_id), "recipient": DROPPED.recipient, "error": error}
    planted = _with(DROPPED, history=(HistoryLine(DEAD, "undelivered", 0, details),))
    return replace(planted, alarmed=planted.alarmed | {DROPPED.delivery_id})


AGAIN = _delivery(UUID(int=15), ANSWERED, "sent", "sms")
OF_SILENCE = replace(_delivery(UUID(int=18), ANSWERED, "sent"), round=-1)
FURTHER = replace(_delivery(UUID(int=19), ANSWERED, "sent"), round=1)
STRAIGHT_ALONE = (
    replace(_delivery(UUID(int=23), ANSWERED, "sent"), member_id=UUID(int=22)),
    replace(_delivery(UUID(int=24), ANSWERED, "sent", "sms"), member_id=UUID(int=22)),
)


def _straight(*rows: DeliveryLine) -> Ledger:
    """Each of them told straight, besides what the chain tells."""
    return _with(
        *rows, history=tuple(_why("told_straight", delivery_id=str(row.delivery_id), told="m0@x.ir") for row in rows)
    )


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
    "is dead, but the provider took it": (lambda: _dropped("no answer in time"), {**HANDED, DROPPED.delivery_id: 1}),
    "was told 2 times": (lambda: _with(AGAIN), HANDED),
    "the history explains 0 of the 1": (lambda: SOUND, {SENT: 2}),
    "the history explains 1 of the 2": (lambda: _with(history=(_why(MAY_REPEAT, delivery_id=str(SENT)),)), {SENT: 3}),
    "explains 0 of the 1 repetitions": (lambda: _with(AGAIN, history=(_why(MAY_REPEAT, recipient="m1@x.ir"),)), HANDED),
    "group_told is in the history too seldom": (
        lambda: _with(FURTHER, replace(FURTHER, delivery_id=UUID(int=20), round=2), history=(_why("group_told"),)),
        {**HANDED, FURTHER.delivery_id: 1, UUID(int=20): 1},
    ),
    "silence_told is in the history too seldom": (
        lambda: _with(OF_SILENCE),
        {**HANDED, OF_SILENCE.delivery_id: 1},
    ),
}


def test_a_sound_ledger_has_no_violation() -> None:
    assert violations(SOUND, HANDED) == []


def test_a_dead_letter_whose_text_left_by_another_channel_need_alarm_nobody_and_ends_nothing() -> None:
    beside = _delivery(UUID(int=25), ANSWERED, "dead", "sms")
    ledger = _with(beside, history=(_undelivered(ANSWERED),))
    assert violations(ledger, HANDED) == []
    waits = replace(ledger, alerts=(replace(SOUND.alerts[0], state="open"), *SOUND.alerts[1:]))
    [found] = violations(waits, HANDED)
    assert "nobody acted" in found


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
    ("ledger", "handed", "said"),
    [
        (_with(AGAIN, history=(_why("fallback", recipient="m0@x.ir", error="451 later"),)), HANDED, "0 of the 1"),
        (_with(history=(_why("group_told", told="m0@x.ir"),)), {SENT: 2}, "0 of the 1"),
        (
            _with(OF_SILENCE, history=(_why("silence_told", told="m0@x.ir"),)),
            {**HANDED, OF_SILENCE.delivery_id: 2},
            "0 of the 1",
        ),
        (_straight(AGAIN), {SENT: 2}, "1 of the 2"),
        (_straight(*STRAIGHT_ALONE), {**HANDED, STRAIGHT_ALONE[0].delivery_id: 2}, "1 of the 2"),
    ],
    ids=[
        "the next contact, though the one before took nothing",
        "the first letter of a group",
        "the letter of a silence",
        "told straight too, and once more",
        "told straight alone, and once more",
    ],
)
def test_a_line_about_the_first_message_explains_no_second_one(
    ledger: Ledger, handed: Mapping[UUID, int], said: str
) -> None:
    [found] = violations(ledger, handed)
    assert f"the history explains {said} repetitions" in found


@pytest.mark.parametrize(
    ("ledger", "handed"),
    [
        (_with(AGAIN, history=(_why("fallback", recipient="m0@x.ir", error=f"{NOT_DELIVERED}failed"),)), HANDED),
        (_straight(AGAIN), HANDED),
        (_straight(*STRAIGHT_ALONE), {**HANDED, STRAIGHT_ALONE[0].delivery_id: 1}),
        (_with(OF_SILENCE, history=(_why("silence_told"),)), {**HANDED, OF_SILENCE.delivery_id: 1}),
        (_with(FURTHER, history=(_why("group_told"),)), {**HANDED, FURTHER.delivery_id: 1}),
        (_with(history=(_why(MAY_REPEAT, delivery_id=str(SENT)),)), {SENT: 2}),
        (
            _with(UNSURE, history=(_why(MAY_REPEAT, delivery_id=str(UNSURE.delivery_id)),)),
            {SENT: 1, UNSURE.delivery_id: 1},
        ),
        (
            _with(UNSURE, history=(_why("cancelled_under_way", delivery_id=str(UNSURE.delivery_id)),)),
            {SENT: 1, UNSURE.delivery_id: 1},
        ),
        (_dropped("the provider says: undelivered"), {**HANDED, DROPPED.delivery_id: 1}),
        (_with(replace(AGAIN, step=1)), HANDED),
        (_with(replace(AGAIN, member_id=UUID(int=22))), HANDED),
    ],
    ids=[
        "next contact",
        "told straight too",
        "told straight alone, by two channels",
        "of a silence",
        "the group has grown",
        "lease ended",
        "no answer, then cancelled",
        "cancelled under way",
        "dropped",
        "another step",
        "another person",
    ],
)
def test_what_the_history_explains_is_no_violation(ledger: Ledger, handed: Mapping[UUID, int]) -> None:
    assert violations(ledger, handed) == []


def test_a_row_that_says_sent_by_a_channel_whose_provider_never_took_it_is_found() -> None:
    assert mistaken_channels(SOUND, {"email": HANDED, "sms": {}}) == []
    [found] = mistaken_channels(SOUND, {"email": {}, "sms": HANDED})
    assert "says sent by email" in found

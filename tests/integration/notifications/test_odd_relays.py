"""Relays that say what is not text, or cut the line in the middle of a letter."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from shared.contracts.counties import County
from tests.support.channels import all_are, history, rows, until
from tests.support.notifications import Desk, overdue
from tests.support.scripted_relay import ScriptedRelay, as_usual

REFUSED = "m0.rey@payesh.example"
COUNTIES = (County.REY, County.PARDIS, County.QODS)


@pytest.fixture
async def relay() -> AsyncIterator[ScriptedRelay]:
    async with ScriptedRelay().run() as one:
        yield one


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (b"550 5.1.1 Empf\xe4nger unbekannt", "550 5.1.1 Empf?nger unbekannt"),
        (b"550 5.1.1 no\x00such\x00user", "550 5.1.1 no?such?user"),
    ],
)
async def test_an_answer_that_is_not_text_is_kept_as_far_as_it_is_and_repeats_no_other_letter(
    desk: Desk, relay: ScriptedRelay, said: bytes, kept: str
) -> None:
    relay.answer = lambda command, to: said if (command, to) == ("RCPT", REFUSED) else as_usual(command, to)
    for county in COUNTIES:
        await desk.set_group(county, 1)
        await desk.take(overdue(county=county))
    desk.start_delivery(smtp_port=relay.port, smtp_timeout_s=0.4, delivery_lease_s=1.0, delivery_attempts_max=2)
    found = await until(desk, lambda found: all(row["state"] in ("sent", "dead") for row in found))
    assert {row["recipient"]: (row["state"], row["attempts"]) for row in found} == {
        REFUSED: ("dead", 2),
        "m0.pardis@payesh.example": ("sent", 1),
        "m0.qods@payesh.example": ("sent", 1),
    }
    assert [row["last_error"] for row in found if row["state"] == "dead"] == [kept]
    assert relay.taken == Counter({row["recipient"]: 1 for row in found if row["state"] == "sent"})
    assert Counter(entry for entry, _ in await history(desk)) == {"raised": 3, "undelivered": 1}
    assert "AlertUndelivered" in await desk.published()


@pytest.mark.parametrize(("cut_at", "may_repeat"), [("MAIL", 0), ("RCPT", 0), (".", 1)])
async def test_a_line_that_is_cut_before_the_letter_was_offered_repeats_nothing(
    desk: Desk, relay: ScriptedRelay, cut_at: str, may_repeat: int
) -> None:
    relay.answer = lambda command, to: None if command == cut_at else as_usual(command, to)
    await desk.take(overdue())
    desk.start_delivery(smtp_port=relay.port, smtp_timeout_s=5.0)
    await until(desk, lambda found: found[0]["last_error"] is not None)
    relay.answer = as_usual
    [row] = await all_are(desk, "sent")
    tries_cut = row["attempts"] - 1
    assert Counter(entry for entry, _ in await history(desk))["may_repeat"] == may_repeat * tries_cut
    assert relay.taken[REFUSED] == 1 + may_repeat * tries_cut
    assert tries_cut >= 1, await rows(desk)

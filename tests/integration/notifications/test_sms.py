"""SMS over real TLS to a provider written from Kavenegar's documentation."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest

from deploy.embedded.smtp_sink import SmtpSink
from services.notifications.channels.sms_kavenegar import KavenegarSender
from services.notifications.channels.sms_parts import parts_of
from services.notifications.domain.channels import Channel
from services.notifications.domain.circuit_breaker import CircuitBreaker
from services.notifications.store import channel_load
from services.notifications.store.deliveries import LeasedDelivery
from services.notifications.workers import channel_worker, provider_states
from services.notifications.workers.channel_worker import ChannelWorker, Outcome
from services.notifications.workers.composing import Composer
from shared.kit.transaction import Connection, Transaction
from tests.support.channels import MOBILE, all_are, history, owe, prefer, rows, until
from tests.support.kavenegar import DELIVERED, UNDELIVERED, FakeKavenegar
from tests.support.notifications import POLL_S, WAIT_S, Desk, members
from tests.support.tls import Authority, create_authority, https_server

pytestmark = pytest.mark.slow

KEY = "6B4C7A2F70A1SECRET"
STOP_TAKES_S: Final = 2.0
"""Longer than a worker of a channel, which looks every second, takes to end."""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return create_authority(tmp_path / "tls")


@pytest.fixture
def kavenegar(authority: Authority) -> Iterator[tuple[FakeKavenegar, dict[str, Any]]]:
    """The provider, and the settings that reach it."""
    fake = FakeKavenegar(KEY)
    with https_server(fake.app(), authority) as port:
        yield (
            fake,
            {
                "kavenegar_url": f"https://127.0.0.1:{port}",
                "kavenegar_api_key": KEY,
                "kavenegar_sender": "10004346",
                "ca_file": authority.ca_file,
                "sms_timeout_s": 5.0,
                "sms_status_first_s": 0.1,
            },
        )


Provider = tuple[FakeKavenegar, dict[str, Any]]


async def test_a_short_letter_leaves_with_a_link_and_is_followed_until_delivered(
    desk: Desk, kavenegar: Provider
) -> None:
    fake, settings = kavenegar
    await prefer(desk, ("sms", MOBILE))
    await owe(desk)
    desk.start_delivery(**settings)
    [row] = await all_are(desk, "sent")
    [message] = fake.messages
    assert (message.receptor, message.sender) == ("09121234567", "10004346")
    assert parts_of(message.text) <= 3
    assert "/a/" in message.text
    assert row["provider_message_id"] == str(message.message_id)
    message.state = DELIVERED
    await until(desk, lambda found: found[0]["provider_status"] == "delivered" and found[0]["ask_provider_at"] is None)
    asked = fake.calls.count("status")
    await asyncio.sleep(0.5)
    assert fake.calls.count("status") == asked, "nobody asks about what is settled"


async def test_what_is_not_delivered_goes_on_by_mail(desk: Desk, sink: SmtpSink, kavenegar: Provider) -> None:
    fake, settings = kavenegar
    await prefer(desk, ("sms", MOBILE))
    await owe(desk)
    desk.start_delivery(**settings)
    await all_are(desk, "sent")
    fake.messages[0].state = UNDELIVERED
    [row] = await until(desk, lambda found: found[0]["channel"] == "email" and found[0]["state"] == "sent")
    assert (row["attempts"], row["address"], len(sink.letters)) == (1, "m0.rey@payesh.example", 1)
    [details] = [details for entry, details in await history(desk) if entry == "fallback"]
    assert (details["channel"], details["to_channel"]) == ("sms", "email")
    assert details["error"] == "the provider says: undelivered"


async def test_what_is_not_delivered_is_let_be_once_somebody_acts(
    desk: Desk, sink: SmtpSink, kavenegar: Provider
) -> None:
    fake, settings = kavenegar
    await prefer(desk, ("sms", MOBILE))
    await owe(desk)
    desk.start_delivery(**settings)
    await all_are(desk, "sent")
    [alert] = await desk.alerts()
    async with desk.client("member", subject="m0.rey") as client:
        (await client.post(f"/alerts/{alert['alert_id']}/acknowledgement")).raise_for_status()
    fake.messages[0].state = UNDELIVERED
    [row] = await until(desk, lambda found: found[0]["provider_status"] == "undelivered")
    assert (row["channel"], row["state"], sink.letters) == ("sms", "sent", [])


async def test_what_is_not_delivered_to_somebody_who_has_left_goes_nowhere_else(
    desk: Desk, sink: SmtpSink, kavenegar: Provider
) -> None:
    fake, settings = kavenegar
    await prefer(desk, ("sms", MOBILE))
    await owe(desk)
    desk.start_delivery(**settings)
    await all_are(desk, "sent")
    async with desk.client("notifications_admin") as client:
        body = {"members": members("rey")[1:]}
        (await client.put("/working-groups/rey", json=body)).raise_for_status()
    fake.messages[0].state = UNDELIVERED
    [row] = await until(desk, lambda found: found[0]["provider_status"] == "undelivered")
    assert (row["channel"], row["state"], sink.letters) == ("sms", "sent", [])


async def test_a_late_answer_makes_no_second_sms(desk: Desk, kavenegar: Provider) -> None:
    """The provider took it and answered after the time-out: the second try asks by the local id and finds it."""
    fake, settings = kavenegar
    fake.answer_after_s = 6.0
    await prefer(desk, ("sms", MOBILE))
    await owe(desk)
    desk.start_delivery(**settings | {"sms_timeout_s": 3.0})
    [row] = await all_are(desk, "sent")
    assert (len(fake.messages), fake.calls.count("send")) == (1, 1)
    assert row["attempts"] == 2
    assert [details["reason"] for entry, details in await history(desk) if entry == "may_repeat"] == ["no_answer"]


async def test_a_number_that_is_refused_goes_on_at_once(desk: Desk, sink: SmtpSink, kavenegar: Provider) -> None:
    fake, settings = kavenegar
    fake.fails_with, fake.fails_saying = (411, 411), "not\x00a number"
    await prefer(desk, ("sms", MOBILE))
    await owe(desk)
    desk.start_delivery(**settings)
    [row] = await all_are(desk, "sent")
    assert (row["channel"], len(sink.letters), fake.calls) == ("email", 1, ["send"])
    [error] = [details["error"] for entry, details in await history(desk) if entry == "fallback"]
    assert error == "411 not?a number", "in words that can be stored"


async def test_without_an_account_sms_go_on_to_the_next_contact(desk: Desk, sink: SmtpSink) -> None:
    await prefer(desk, ("sms", MOBILE))
    await owe(desk)
    desk.start_delivery()
    [row] = await all_are(desk, "sent")
    assert (row["channel"], len(sink.letters)) == ("email", 1)


async def test_the_circuit_opens_uses_up_no_tries_is_an_alert_and_closes(
    desk: Desk, kavenegar: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, settings = kavenegar
    breakers: list[CircuitBreaker] = []

    def create_breaker(failures_to_open: int, open_s_first: float) -> CircuitBreaker:
        breakers.append(CircuitBreaker(failures_to_open, open_s_first))
        return breakers[-1]

    monkeypatch.setattr(channel_worker, "CircuitBreaker", create_breaker)
    fake.fails_with = (503, 409)
    await prefer(desk, ("sms", MOBILE))
    await owe(desk, 6)
    desk.start_delivery(**settings, breaker_failures=2, breaker_open_s=300.0)
    await until(desk, lambda found: sum(row["last_error"] is not None for row in found) >= 2)
    running = "SELECT count(*) FROM operations_trouble WHERE trouble = 'channel_circuit_open' AND ended_at IS NULL"
    await _until_count(desk, running, 1)
    await until(desk, lambda found: all(row["lease_id"] is None for row in found))
    tried = len(fake.calls)
    assert tried <= KavenegarSender.sends_at_once, "what was under way when it opened, and no more"
    assert sum(row["attempts"] for row in await rows(desk)) == tried
    fake.fails_with = None
    for breaker in breakers:
        breaker.open_until_s = 0.0
    await all_are(desk, "sent")
    await _until_count(desk, running, 0)
    assert len(fake.messages) == 6


async def _until_count(desk: Desk, query: str, wanted: int) -> None:
    async with asyncio.timeout(WAIT_S):
        while await desk.pool.fetchval(query) != wanted:
            await asyncio.sleep(POLL_S)


async def test_a_message_waits_for_an_open_circuit_only_so_long(
    desk: Desk, sink: SmtpSink, kavenegar: Provider
) -> None:
    fake, settings = kavenegar
    fake.fails_with = (503, 409)
    await prefer(desk, ("sms", MOBILE))
    await owe(desk, 9)
    desk.start_delivery(**settings, breaker_failures=1, breaker_open_s=300.0, delivery_attempts_max=3)
    found = await all_are(desk, "sent")
    assert {row["channel"] for row in found} == {"email"}
    assert len(sink.letters) == 9
    assert len(fake.calls) <= KavenegarSender.sends_at_once


async def _end_connection(connection: Connection) -> None:
    """As a database that goes away does in the middle of an exchange."""
    await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")


async def test_a_database_that_goes_away_when_turns_are_taken_uses_up_no_try(
    desk: Desk, kavenegar: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, settings = kavenegar
    take_turn, faults = channel_load.take_turn, [True] * 3

    async def take_turn_or_fail(connection: Connection, channel: Channel, limit_per_minute: int) -> bool:
        if faults and faults.pop():
            await _end_connection(connection)
        return await take_turn(connection, channel, limit_per_minute)

    monkeypatch.setattr(channel_load, "take_turn", take_turn_or_fail)
    await prefer(desk, ("sms", MOBILE))
    await owe(desk, 3)
    desk.start_delivery(**settings, channel_limits_per_minute={"sms": 1000})
    found = await all_are(desk, "sent")
    assert [(row["channel"], row["attempts"]) for row in found] == [("sms", 1)] * 3
    assert (len(fake.messages), faults) == (3, [])


async def test_a_fault_while_an_undelivered_message_goes_on_loses_neither_it_nor_the_others(
    desk: Desk, sink: SmtpSink, kavenegar: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, settings = kavenegar
    settle_failed, faults = provider_states.settle_failed, [True]

    async def settle_or_fail(lease_id: UUID, delivery: LeasedDelivery, error: str, tx: Transaction) -> Channel | None:
        if faults and faults.pop():
            await _end_connection(tx.connection)
        return await settle_failed(lease_id, delivery, error, tx)

    monkeypatch.setattr(provider_states, "settle_failed", settle_or_fail)
    await prefer(desk, ("sms", MOBILE))
    await owe(desk, 3)
    desk.start_delivery(**settings | {"sms_status_first_s": 0.3})
    await all_are(desk, "sent")
    for message in fake.messages:
        message.state = UNDELIVERED
    await until(desk, lambda found: all((row["channel"], row["state"]) == ("email", "sent") for row in found))
    assert (len(sink.letters), faults) == (3, [])


async def test_a_stop_while_the_provider_is_asked_ends_quietly(
    desk: Desk, kavenegar: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, settings = kavenegar
    take_questions, asking = channel_load.take_questions, asyncio.Event()

    async def take_and_wait(*arguments: Any) -> list[channel_load.Question]:
        asked = await take_questions(*arguments)
        if asked:
            asking.set()
            await asyncio.sleep(STOP_TAKES_S)
        return asked

    monkeypatch.setattr(channel_load, "take_questions", take_and_wait)
    await prefer(desk, ("sms", MOBILE))
    await owe(desk)
    desk.start_delivery(**settings)
    await asyncio.wait_for(asking.wait(), WAIT_S)
    await desk.stop()
    assert fake.calls.count("status") == 1, "the question under way was still asked"


async def test_two_workers_together_keep_the_limit_of_a_minute(desk: Desk, kavenegar: Provider) -> None:
    fake, settings = kavenegar
    await prefer(desk, ("sms", MOBILE))
    await owe(desk, 12)
    limits = {"channel_limits_per_minute": {"sms": 5}}
    desk.start_delivery(**settings, **limits)
    desk.start_delivery(**settings, **limits)
    await until(desk, lambda found: sum(row["state"] == "sent" for row in found) >= 5)
    await asyncio.sleep(1.0)
    await until(desk, lambda found: all(row["lease_id"] is None for row in found))
    begun = await desk.pool.fetch("SELECT begun FROM channel_minute ORDER BY minute")
    assert all(row["begun"] == 5 for row in begun[:-1]), begun
    assert len(fake.messages) == sum(row["begun"] for row in begun) <= 5 * len(begun)
    waiting = [row for row in await rows(desk) if row["state"] == "pending"]
    shown = [(row["attempts"], row["lease_id"], row["last_error"]) for row in waiting]
    assert all(row["attempts"] == 0 for row in waiting), f"waiting for a turn uses up no try: {shown}"


async def test_a_dry_channel_sends_nothing_and_says_so(desk: Desk, kavenegar: Provider) -> None:
    fake, settings = kavenegar
    await prefer(desk, ("sms", MOBILE))
    await owe(desk)
    desk.start_delivery(**settings, dry_channels=["sms"])
    [row] = await all_are(desk, "sent")
    assert (row["provider_status"], fake.calls) == ("dry", [])
    assert [details["channel"] for entry, details in await history(desk) if entry == "dry_run"] == ["sms"]


@pytest.mark.parametrize("fails", ["answer", "untrusted", "unreachable", "wrong_key"])
async def test_the_key_is_in_no_error_and_no_log(
    desk: Desk, kavenegar: Provider, fails: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    fake, settings = kavenegar
    caplog.set_level(logging.DEBUG)
    changed: dict[str, Any] = {
        "answer": {},
        "untrusted": {"ca_file": None},
        "unreachable": {"kavenegar_url": "https://127.0.0.1:1"},
        "wrong_key": {"kavenegar_api_key": KEY + "X"},
    }[fails]
    fake.fails_with = (500, 402) if fails == "answer" else None
    await prefer(desk, ("sms", MOBILE))
    await owe(desk)
    desk.start_delivery(**settings | changed)
    [row] = await until(desk, lambda found: found[0]["last_error"] is not None)
    assert KEY not in row["last_error"]
    output = capsys.readouterr()
    own = [record.getMessage() for record in caplog.records if record.name.startswith(("services", "shared", "httpx"))]
    assert KEY not in output.out + output.err + "".join(own)
    assert fake.messages == []


class DiesBeforeMarking(ChannelWorker):
    """Ends where a kill would hurt most: the provider has the message, the row does not say so."""

    async def _mark(self, lease_id: UUID, leased: Sequence[LeasedDelivery], outcome: Outcome) -> None:
        raise SystemError("killed")


async def test_a_death_between_sending_and_marking_makes_no_second_sms(desk: Desk, kavenegar: Provider) -> None:
    fake, settings = kavenegar
    await prefer(desk, ("sms", MOBILE))
    await owe(desk)
    context = desk.context(**settings, delivery_lease_s=8.0)
    sender = KavenegarSender(context.settings)
    dying = DiesBeforeMarking(context, Channel.SMS, sender, Composer(context))
    with pytest.raises(SystemError):
        await dying.deliver_batch()
    await sender.close()
    await desk.pool.execute("UPDATE delivery SET lease_until = clock_timestamp() WHERE lease_id IS NOT NULL")
    desk.start_delivery(**settings)
    [row] = await all_are(desk, "sent")
    assert (len(fake.messages), row["attempts"]) == (1, 2)
    assert fake.calls[:2] == ["send", "statuslocalmessageid"]
    assert [details["reason"] for entry, details in await history(desk) if entry == "may_repeat"] == ["lease_ended"]

"""Letters over real SMTP: each once when nothing fails, never lost when something does."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from deploy.embedded.smtp_sink import SmtpSink
from services.notifications.channels.email import EmailSender
from services.notifications.domain.channels import Channel
from services.notifications.settings import Settings
from services.notifications.store import deliveries
from services.notifications.store import delivery_outcomes as store
from services.notifications.store.deliveries import LeasedDelivery
from services.notifications.workers.channel_worker import LEASE_ROWS_MAX, ChannelWorker, Outcome
from services.notifications.workers.composing import Composer
from shared.contracts.counties import County
from shared.contracts.notifications import AlertUndelivered
from shared.kit.service import WorkerContext
from tests.support.channels import MOBILE, owe, prefer, rows
from tests.support.notifications import WAIT_S, Desk, members, overdue, received, resolved

REFUSES = "554 no"


def refuse(_recipient: str, _taken: int) -> str:
    return REFUSES


def accept(_recipient: str, _taken: int) -> str:
    return "250 OK"


def emails(alerts: list[dict[str, Any]], *states: str) -> list[dict[str, Any]]:
    """E-mail deliveries, if all of them are in one of `states`; else none."""
    found = [d for alert in alerts for d in alert["deliveries"] if d["channel"] == "email"]
    return found if all(d["state"] in states for d in found) else []


async def letters(sink: SmtpSink, count: int) -> None:
    assert await asyncio.to_thread(sink.wait_for, count, WAIT_S), f"{len(sink.letters)} of {count} letters"


async def test_a_letter_leaves_at_once_and_says_whose_it_is(desk: Desk, sink: SmtpSink) -> None:
    desk.start_delivery()
    await asyncio.sleep(0.3)
    event = received(overdue())
    started_s = asyncio.get_running_loop().time()
    await desk.take(event)
    await letters(sink, 1)
    assert asyncio.get_running_loop().time() - started_s < 0.8, "woken, not polled"
    [delivery] = await desk.until(lambda alerts: emails(alerts, "sent"))
    [letter] = sink.letters
    [alert] = await desk.alerts()
    assert letter.delivery_id == delivery["delivery_id"]
    assert letter.message_id == f"<{delivery['delivery_id']}@payesh.example>"
    assert (letter.recipient, letter.language, letter.step) == ("m0.rey@payesh.example", "fa", 0)
    assert (letter.alert_id, letter.alert_kind) == (alert["alert_id"], "corrective_action_overdue")
    assert letter.correlation_id == event.correlation_id
    assert letter.subject == "بحرانی: اقدام اصلاحی دیرکرده در ری"
    assert letter.acknowledge_link is not None
    assert letter.acknowledge_link.startswith("http://service.test/acknowledge/")
    assert f"Message-ID: {letter.message_id}".encode() in sink.mailbox_file.read_bytes()


async def test_a_listener_that_could_not_listen_is_made_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that answers the login and then no more leaves a connection that is open, and deaf."""
    listen, errors, heard = asyncpg.Connection.add_listener, [TimeoutError()], asyncio.Event()

    async def listen_at_last(connection: Any, channel: str, callback: Any) -> None:
        if errors:
            raise errors.pop()
        await listen(connection, channel, callback)
        heard.set()

    monkeypatch.setattr(asyncpg.Connection, "add_listener", listen_at_last)
    desk.start_delivery()
    async with asyncio.timeout(WAIT_S):
        await heard.wait()


async def test_two_workers_send_every_letter_once(desk: Desk, sink: SmtpSink) -> None:
    count = LEASE_ROWS_MAX * 4 + 3
    for _ in range(count):
        await desk.take(overdue())
    desk.start_delivery()
    desk.start_delivery()
    await desk.until(lambda alerts: emails(alerts, "sent"))
    await letters(sink, count)
    assert Counter(Counter(letter.delivery_id for letter in sink.letters).values()) == {1: count}


async def test_a_refused_letter_is_tried_again_and_delays_no_other(desk: Desk, sink: SmtpSink) -> None:
    attempts: Counter[str] = Counter()

    def answer(recipient: str, _taken: int) -> str:
        attempts[recipient] += 1
        return REFUSES if recipient.startswith("m0.rey") and attempts[recipient] < 3 else "250 OK"

    sink.answer = answer
    await desk.set_group("pardis")
    await desk.take(overdue())
    await desk.take(overdue(county=County.PARDIS))
    desk.start_delivery()
    sent = await desk.until(lambda alerts: emails(alerts, "sent"))
    assert {d["recipient"]: d["attempts"] for d in sent} == {"m0.rey@payesh.example": 3, "m0.pardis@payesh.example": 1}
    assert len(sink.letters) == 2


async def test_after_the_last_try_there_is_one_dead_letter_event_and_history(desk: Desk, sink: SmtpSink) -> None:
    sink.answer = refuse
    event = received(overdue())
    await desk.take(event)
    desk.start_delivery(delivery_attempts_max=2)
    [dead] = await desk.until(lambda alerts: emails(alerts, "dead"))
    assert (dead["attempts"], dead["last_error"]) == (2, "554 no")
    assert await desk.published() == ["AlertRaised", "AlertUndelivered"]
    [alert] = await desk.alerts()
    assert alert["state"] == "open", "the chain still runs"
    assert [entry["entry"] for entry in await desk.history(alert["alert_id"])] == ["raised", "undelivered"]
    correlation = await desk.pool.fetchval("SELECT correlation_id FROM outbox WHERE type LIKE '%AlertUndelivered%'")
    assert correlation == event.correlation_id


async def test_a_dead_letter_alarms_the_province_and_a_dead_alarm_raises_no_further(desk: Desk, sink: SmtpSink) -> None:
    await desk.set_group("province_office", language="en")
    first = AlertUndelivered(
        alert_id=uuid4(), county=County.REY, delivery_id=uuid4(), channel="email", alert_kind="discrepancy_found"
    )
    await desk.take(first)
    sink.answer = refuse
    desk.start_delivery(delivery_attempts_max=1)
    [dead] = await desk.until(lambda alerts: emails(alerts, "dead"))
    assert dead["recipient"] == "m0.province-office@payesh.example"
    body = await desk.pool.fetchval("SELECT body FROM outbox WHERE type LIKE '%AlertUndelivered%'")
    await desk.take(AlertUndelivered.model_validate_json(body))
    assert len(await desk.alerts()) == 1


async def test_a_provider_that_is_away_is_waited_for(desk: Desk, sink: SmtpSink) -> None:
    port = sink.port
    await asyncio.to_thread(sink.stop)
    await desk.take(overdue())
    await desk.take(overdue())
    desk.start_delivery()
    await desk.until(lambda alerts: any(d["last_error"] for a in alerts for d in a["deliveries"]))
    sink.port = port
    await asyncio.to_thread(sink.start)
    await desk.until(lambda alerts: emails(alerts, "sent"))
    assert len(sink.letters) == 2


async def test_a_provider_that_hangs_is_given_up_and_its_connection_thrown_away(desk: Desk) -> None:
    held: list[asyncio.StreamWriter] = []

    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    silent = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    await desk.take(overdue())
    await desk.take(overdue())
    desk.start_delivery(smtp_port=port, smtp_timeout_s=0.3, breaker_failures=1)
    tried = await desk.until(lambda alerts: [d for d in emails(alerts, "pending") if d["last_error"]])
    assert [d["attempts"] for d in tried] == [1]
    assert len(held) == 1, "the second letter of the batch did not wait for the same provider"
    assert await desk.pool.fetchval("SELECT sum(attempts) FROM delivery") == 1, "nor did it use up a try"
    for writer in held:
        writer.close()
    silent.close()


def email_worker(context: WorkerContext[Settings], kind: type[ChannelWorker] = ChannelWorker) -> ChannelWorker:
    return kind(context, Channel.EMAIL, EmailSender(context.settings), Composer(context))


class DiesBeforeMarking(ChannelWorker):
    """Ends where a kill would hurt most: the provider has the letters, the rows do not say so."""

    async def _mark(self, lease_id: UUID, leased: Sequence[LeasedDelivery], outcome: Outcome) -> None:
        raise SystemError("killed")


class MarksLate(ChannelWorker):
    """Stalls between sending and marking until it is let go, longer than its lease."""

    may_mark: asyncio.Event

    async def _mark(self, lease_id: UUID, leased: Sequence[LeasedDelivery], outcome: Outcome) -> None:
        await self.may_mark.wait()
        await super()._mark(lease_id, leased, outcome)


async def test_when_a_worker_dies_with_a_lease_another_takes_over_at_its_end(desk: Desk, sink: SmtpSink) -> None:
    await desk.take(overdue())
    with pytest.raises(SystemError):
        await email_worker(desk.context(delivery_lease_s=1.0, smtp_timeout_s=0.4), DiesBeforeMarking).deliver_batch()
    assert len(sink.letters) == 1
    assert await email_worker(desk.context()).deliver_batch() == 0, "the lease still holds"
    desk.start_delivery()
    [delivery] = await desk.until(lambda alerts: emails(alerts, "sent"))
    assert delivery["attempts"] == 2
    assert len(sink.letters) == 2
    assert len({letter.message_id for letter in sink.letters}) == 1, "the receiver can drop the second"


async def test_a_worker_whose_lease_ended_marks_nothing(desk: Desk, sink: SmtpSink) -> None:
    await desk.take(overdue())
    sink.answer = refuse
    late = email_worker(desk.context(delivery_lease_s=1.0, smtp_timeout_s=0.4, delivery_attempts_max=1), MarksLate)
    assert isinstance(late, MarksLate)
    late.may_mark = asyncio.Event()
    stalled = asyncio.create_task(late.deliver_batch())
    async with asyncio.timeout(WAIT_S):
        while not sink.refused:
            await asyncio.sleep(0.01)
    sink.answer = accept
    desk.start_delivery()
    await desk.until(lambda alerts: emails(alerts, "sent"))
    late.may_mark.set()
    assert await stalled == 1
    [delivery] = emails(await desk.alerts(), "sent")
    assert (delivery["state"], delivery["last_error"]) == ("sent", None)
    assert await desk.published() == ["AlertRaised"]


async def test_only_the_holder_of_the_lease_marks_a_row(desk: Desk) -> None:
    await desk.take(overdue())
    lost, held = uuid4(), uuid4()
    async with desk.begin() as tx:
        [row] = await deliveries.lease_due(tx.connection, lost, Channel.EMAIL, 1, timedelta(0))
    async with desk.begin() as tx:
        [row] = await deliveries.lease_due(tx.connection, held, Channel.EMAIL, 1, timedelta(seconds=60))
        assert row.attempts == 2
    async with desk.begin() as tx:
        ids = [row.delivery_id]
        assert await store.mark_sent(tx.connection, lost, [store.SentDelivery(row.delivery_id)]) == 0
        assert not await store.mark_dead(tx.connection, lost, row.delivery_id, "no")
        await store.release_unsent(tx.connection, lost, ids)
        await store.mark_for_retry(tx.connection, lost, [store.FailedDelivery(row.delivery_id, "no", 0.0)])
    [delivery] = emails(await desk.alerts(), "pending")
    assert (delivery["attempts"], delivery["last_error"]) == (2, None)
    async with desk.begin() as tx:
        assert await store.mark_sent(tx.connection, held, [store.SentDelivery(row.delivery_id)]) == 1


FIRST, SECOND = "m0.rey@payesh.example", "second.rey@payesh.example"


@pytest.mark.parametrize(
    ("further", "told_by_sms", "goes_on"),
    [
        (("email", SECOND), False, ("email", FIRST)),
        (("sms", MOBILE), False, ("sms", MOBILE)),
        (("sms", MOBILE), True, ("email", FIRST)),
    ],
)
async def test_what_has_no_turn_for_too_long_goes_on_by_another_channel_or_waits_and_none_is_buried(
    desk: Desk, sink: SmtpSink, further: tuple[str, str], *, told_by_sms: bool, goes_on: tuple[str, str]
) -> None:
    """Two of five messages may begin in a minute; the rest wait as long as for a channel that is away."""
    await prefer(desk, ("email", FIRST), further)
    await owe(desk, 5)
    worker = email_worker(desk.context(channel_limits_per_minute={"email": 2}))
    await worker.deliver_batch()
    await desk.pool.execute("UPDATE delivery SET contact_since = contact_since - interval '1 day'")
    if told_by_sms:
        await desk.pool.execute("UPDATE delivery SET channel = 'sms' WHERE channel = 'inbox'")
    await worker.deliver_batch()
    found = [row for row in await rows(desk) if (row["channel"], row["state"]) != ("sms", "sent")]
    kept = [row for row in found if row["state"] != "sent"]
    assert {(row["channel"], row["address"]) for row in kept} <= {goes_on}
    assert {(row["state"], row["attempts"]) for row in kept} <= {("pending", 0)}
    assert (len(found), len(found) - len(kept)) == (5, len(sink.letters))
    assert await desk.published() == ["AlertRaised"] * 5


async def test_a_stop_in_the_middle_marks_what_left_and_gives_back_the_rest(desk: Desk, sink: SmtpSink) -> None:
    for _ in range(10):
        await desk.take(overdue())

    def answer(_recipient: str, taken: int) -> str:
        if taken == 3:
            loop.call_soon_threadsafe(desk.stopping.set)
        return "250 OK"

    loop = asyncio.get_running_loop()
    sink.answer = answer
    desk.start_delivery()
    await asyncio.wait_for(asyncio.gather(*desk.tasks), WAIT_S)
    states = Counter(d["state"] for a in await desk.alerts() for d in a["deliveries"] if d["channel"] == "email")
    assert states["sent"] == len(sink.letters) < 10
    assert await desk.pool.fetchval("SELECT count(*) FROM delivery WHERE lease_id IS NOT NULL") == 0
    assert await desk.pool.fetchval("SELECT max(attempts) FROM delivery WHERE state = 'pending'") == 0


async def test_letters_of_alerts_resolved_while_they_wait_do_not_leave(desk: Desk, sink: SmtpSink) -> None:
    action = uuid4()
    await desk.take(overdue(action), 1)
    await desk.take(resolved(action), 2)
    await desk.take(overdue())
    desk.start_delivery()
    await letters(sink, 1)
    await desk.until(lambda alerts: emails(alerts, "sent", "cancelled"))
    assert len(sink.letters) == 1


async def test_who_leaves_gets_no_letter_any_more_and_the_next_person_is_told_at_once(desk: Desk) -> None:
    await desk.set_policy(wait_s=3600)
    await desk.take(overdue())
    await desk.set_group("qods", 1)
    await desk.take(overdue(county=County.QODS))
    leaver, *others = members("rey")
    async with desk.client("notifications_admin") as client:
        body = {"members": others}
        (await client.put("/working-groups/rey", json=body)).raise_for_status()
    rows = "SELECT recipient, state FROM delivery WHERE county = $1 AND channel = 'email' ORDER BY delivery_id"
    assert [tuple(row) for row in await desk.pool.fetch(rows, "rey")] == [(leaver["email"], "cancelled")]
    desk.start_timers()
    [alert] = await desk.until(lambda alerts: [one for one in alerts if one["county"] == "rey" and one["step"] == 1])
    [left] = [line for line in await desk.history(alert["alert_id"]) if line["entry"] == "recipient_left"]
    assert (left["details"]["recipient"], left["by"]) == (leaver["email"], "somebody")
    _, (told, state) = [tuple(row) for row in await desk.pool.fetch(rows, "rey")]
    assert (told, state) == (others[0]["email"], "pending")
    [(_, elsewhere)] = [tuple(row) for row in await desk.pool.fetch(rows, "qods")]
    assert elsewhere == "pending"


async def test_who_leaves_at_the_last_step_is_followed_by_whoever_has_the_place_now(desk: Desk) -> None:
    await desk.set_group("rey", 1)
    async with desk.client("notifications_admin") as client:
        body = {"steps": [{"position": 0, "wait_s": 3600}], "repeats": 0}
        (await client.put("/escalation-policies/urgent", json=body)).raise_for_status()
    await desk.take(overdue())
    [alone] = members("rey", 1)
    successor = alone | {"email": "successor@payesh.example", "subject": "successor.rey"}
    async with desk.client("notifications_admin") as client:
        (await client.put("/working-groups/rey", json={"members": [successor]})).raise_for_status()
    desk.start_timers()
    await desk.until(lambda alerts: alerts[0]["step"] == 1)
    rows = await desk.pool.fetch("SELECT recipient, state FROM delivery WHERE channel = 'email' ORDER BY delivery_id")
    assert [tuple(row) for row in rows] == [(alone["email"], "cancelled"), (successor["email"], "pending")]

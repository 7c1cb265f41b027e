"""The auditor: each kind of lateness, planted, is found, put right where that is safe, and told another way."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.notifications.domain.auditing import REPAIRABLE, UNANSWERED_MARGIN, Lateness
from services.notifications.handlers.auditing import TIMER_KINDS
from services.notifications.handlers.operations import report_trouble
from services.notifications.store import auditing as store
from services.notifications.store.auditing import find_late
from services.notifications.workers.auditor import FURTHER, TOLD_CHAINS_MAX, Auditor, audit_chains
from services.notifications.workers.heartbeat import Heartbeat
from shared.contracts.notifications import OperationsTrouble
from shared.contracts.warehouse import Severity
from shared.kit import metrics
from shared.kit.database import open_pool
from shared.kit.service import WorkerContext
from tests.support.disturbed_day import everybody_acts, everything, raise_alerts
from tests.support.notifications import WAIT_S, Desk, members, overdue, resolved
from tests.support.operations import take_operations_events

LATE_AFTER = timedelta(seconds=60)
LEASE = timedelta(seconds=60)
STEP_S = 3_600
LASTS_S = 7_200


class Heard(Heartbeat):
    """Remembers what it was to say."""

    def __init__(self) -> None:
        super().__init__(None)
        self.said: list[tuple[bool, int]] = []

    async def tell(self, *, is_sound: bool, late_chains: int) -> None:
        self.said.append((is_sound, late_chains))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
async def auditor(desk: Desk, heard: Heard) -> Auditor:
    """Of a service whose operations office has three people."""
    await desk.set_group("ops_office", language="en")
    async with desk.client("notifications_admin") as client:
        steps = [{"position": position, "wait_s": STEP_S} for position in (0, 1, "chair")]
        body = {"steps": steps, "acknowledged_for_s": LASTS_S}
        (await client.put("/escalation-policies/urgent", json=body)).raise_for_status()
    return Auditor(desk.context(), heard)


async def change(desk: Desk, statement: str, *arguments: Any) -> None:
    async with everything(desk.database) as connection:
        await connection.execute(statement, *arguments)


async def late(desk: Desk) -> set[Lateness]:
    async with desk.begin() as tx:
        found = await find_late(tx.connection, TIMER_KINDS, LATE_AFTER, LEASE)
    return {one.reason for one in found.chains}


async def troubles(desk: Desk) -> dict[str, bool]:
    """Names of late chains that were told, and whether they still run."""
    rows = await desk.pool.fetch("SELECT name, ended_at FROM operations_trouble WHERE trouble = 'chain_late'")
    return {row["name"]: row["ended_at"] is None for row in rows}


async def lose_step_timer(desk: Desk) -> None:
    await raise_alerts(desk, 1)
    await change(desk, "DELETE FROM timer WHERE kind = $1", TIMER_KINDS.step)


async def lose_letter_timer(desk: Desk) -> None:
    await desk.take(overdue(severity=Severity.MAJOR))
    await change(desk, "DELETE FROM timer WHERE kind = $1", TIMER_KINDS.letter)


async def lose_lapse_timer(desk: Desk) -> None:
    await raise_alerts(desk, 1)
    await everybody_acts(desk, from_inbox=True)
    await change(desk, "DELETE FROM timer WHERE kind = $1", TIMER_KINDS.lapse)


async def stop_timers(desk: Desk) -> None:
    await raise_alerts(desk, 1)
    await change(
        desk, "UPDATE timer SET due_at = now() - $1::interval, next_try_at = now() - $1::interval", 2 * LATE_AFTER
    )


async def fail_timers(desk: Desk) -> None:
    await raise_alerts(desk, 1)
    await change(
        desk,
        "UPDATE timer SET due_at = now() - $1::interval, next_try_at = now() + interval '5 min', tries = 9",
        2 * LATE_AFTER,
    )


async def stop_deliveries(desk: Desk) -> None:
    await raise_alerts(desk, 1)
    await change(desk, "UPDATE delivery SET next_attempt_at = now() - $1::interval", 2 * LATE_AFTER)


async def lease_again_and_again(desk: Desk) -> None:
    """A worker has it, as every minute since it was due."""
    await raise_alerts(desk, 1)
    await change(
        desk,
        """
        UPDATE delivery SET next_attempt_at = now() - $1::interval, lease_until = now() + $2::interval
        WHERE state = 'pending'
        """,
        LATE_AFTER + 2 * LEASE,
        LEASE,
    )


async def raise_group(desk: Desk) -> None:
    """An alert, and one that joins it."""
    for _ in range(2):
        await desk.take(overdue(severity=Severity.MAJOR))


async def acknowledge(desk: Desk, place: int) -> None:
    alert = (await desk.alerts())[place]
    async with desk.client("member", subject="m0.rey") as client:
        (await client.post(f"/alerts/{alert['alert_id']}/acknowledgement")).raise_for_status()


async def lose_lapse_timer_of_a_joined_one(desk: Desk) -> None:
    """Somebody acknowledged it by itself; its lead runs."""
    await raise_group(desk)
    await acknowledge(desk, 1)
    await change(desk, "DELETE FROM timer WHERE kind = $1", TIMER_KINDS.lapse)


async def end_lead_alone(desk: Desk) -> None:
    await raise_group(desk)
    await change(desk, "UPDATE alert SET state = 'resolved', resolved_at = now() WHERE lead_alert_id IS NULL")
    await change(desk, "DELETE FROM timer")


async def forget_held(desk: Desk) -> None:
    """Held back by an alert that was resolved long ago."""
    action = uuid4()
    await desk.take(overdue(action), 1)
    await desk.take(resolved(action), 2)
    await desk.take(overdue())
    await change(
        desk,
        """
        UPDATE alert SET held_back = 'inhibited', held_back_by = source.alert_id, step_told_at = NULL
        FROM alert AS source WHERE source.state = 'resolved' AND alert.state = 'open'
        """,
    )
    await change(desk, "UPDATE alert SET resolved_at = resolved_at - $1::interval", 2 * LATE_AFTER)
    await change(desk, "DELETE FROM timer")


async def lose_digest_timer(desk: Desk) -> None:
    async with desk.client("notifications_admin") as client:
        wishes = {"wishes": [{"email": "m0.rey@payesh.example", "period": "daily"}]}
        (await client.put("/working-groups/rey/digests", json=wishes)).raise_for_status()
    await change(desk, "DELETE FROM timer WHERE kind = $1", TIMER_KINDS.digest)


PLANTED: Mapping[str, tuple[Callable[[Desk], Awaitable[None]], Lateness]] = {
    "step timer lost": (lose_step_timer, Lateness.STEP_TIMER_MISSING),
    "letter timer lost": (lose_letter_timer, Lateness.LETTER_TIMER_MISSING),
    "lapse timer lost": (lose_lapse_timer, Lateness.LAPSE_TIMER_MISSING),
    "lapse timer of a joined alert lost": (lose_lapse_timer_of_a_joined_one, Lateness.LAPSE_TIMER_MISSING),
    "lead ended and nobody follows": (end_lead_alone, Lateness.LEAD_ENDED),
    "timers stand still": (stop_timers, Lateness.TIMER_OVERDUE),
    "timers fail": (fail_timers, Lateness.TIMER_OVERDUE),
    "deliveries stand still": (stop_deliveries, Lateness.DELIVERY_OVERDUE),
    "a delivery is leased again and again": (lease_again_and_again, Lateness.DELIVERY_OVERDUE),
    "digest timer lost": (lose_digest_timer, Lateness.DIGEST_TIMER_MISSING),
    "held back for ever": (forget_held, Lateness.HOLD_OVERDUE),
}


async def test_what_runs_as_it_should_is_not_late(desk: Desk, auditor: Auditor, heard: Heard) -> None:
    action = uuid4()
    await desk.take(overdue(action), 1)
    await desk.take(resolved(action), 2)
    await raise_alerts(desk, 1)
    await everybody_acts(desk, from_inbox=True)
    await raise_group(desk)
    await acknowledge(desk, -2)
    assert [alert["state"] for alert in await desk.alerts()][-2:] == ["acknowledged", "acknowledged"]
    await raise_alerts(desk, 2)
    await raise_group(desk)
    under_way = "UPDATE delivery SET next_attempt_at = now() - $1::interval, lease_until = now() + interval '9 s'"
    await change(desk, f"{under_way} WHERE state = 'pending'", LATE_AFTER + LEASE / 2)
    assert await late(desk) == set()
    await auditor.run_round()
    assert heard.said == [(True, 0)]
    assert await troubles(desk) == {}
    assert (metrics.REGISTRY.get_sample_value("payesh_auditor_last_sound_round_timestamp_seconds") or 0) > 0


@pytest.mark.parametrize("what", PLANTED)
async def test_every_kind_of_lateness_is_found_told_and_where_safe_put_right(
    desk: Desk, auditor: Auditor, heard: Heard, what: str
) -> None:
    plant, reason = PLANTED[what]
    await plant(desk)
    assert await late(desk) == {reason}
    await auditor.run_round()
    if reason not in REPAIRABLE:
        assert await troubles(desk) == {}, "what is overdue may be about to be done"
        await auditor.run_round()
    assert heard.said[-1] == (False, 1)
    [name] = await troubles(desk)
    [alert] = [one for one in await desk.alerts() if one["kind"] == "chain_late"]
    assert (alert["severity"], alert["details"]) == ("critical", {"name": name})
    if reason is Lateness.HOLD_OVERDUE:
        desk.start_timers()
        async with asyncio.timeout(WAIT_S):
            while await late(desk):
                await asyncio.sleep(0.05)
    if reason in REPAIRABLE:
        assert reason not in await late(desk)
        if reason is not Lateness.DIGEST_TIMER_MISSING:
            entries = [entry for entry in await desk.history(name) if entry["entry"] == "chain_repaired"]
            assert [entry["details"] for entry in entries] == [{"reason": reason.value}]
        await auditor.run_round()
        assert heard.said[-1] == (True, 0)
        assert await troubles(desk) == {name: False}
        await take_operations_events(desk)
        assert [one["state"] for one in await desk.alerts() if one["kind"] == "chain_late"] == ["resolved"]


async def test_everybody_of_the_office_is_told_at_once_by_every_contact(desk: Desk, auditor: Auditor) -> None:
    people = members("ops_office", 2, "en")
    people[1]["contacts"] = [
        {"channel": "sms", "address": "+989121234567"},
        {"channel": "email", "address": people[1]["email"]},
    ]
    async with desk.client("notifications_admin") as client:
        (await client.put("/working-groups/ops_office", json={"members": people})).raise_for_status()
    await lose_step_timer(desk)
    await auditor.run_round()
    [alert] = [one for one in await desk.alerts() if one["kind"] == "chain_late"]
    told = {(d["recipient"].split(".")[0], d["channel"]) for d in alert["deliveries"]}
    assert told == {("m0", "email"), ("m0", "inbox"), ("m1", "sms"), ("m1", "email"), ("m1", "inbox")}
    entries = [e["details"] for e in await desk.history(alert["alert_id"]) if e["entry"] == "told_straight"]
    by_the_chain = {("m0", "email"), ("m0", "inbox")}
    assert {(e["told"].split(".")[0], e["channel"]) for e in entries} == told - by_the_chain
    assert {e["delivery_id"] for e in entries} == {
        d["delivery_id"] for d in alert["deliveries"] if d["recipient"].startswith("m1")
    }
    await take_operations_events(desk)
    await auditor.run_round()
    assert len([one for one in await desk.alerts() if one["kind"] == "chain_late"]) == 1


async def test_a_late_chain_of_the_office_itself_is_told_outside_alone(
    desk: Desk, auditor: Auditor, heard: Heard
) -> None:
    await lose_step_timer(desk)
    await auditor.run_round()
    await auditor.run_round()
    assert heard.said == [(False, 1), (True, 0)]
    await change(
        desk, "UPDATE delivery SET next_attempt_at = now() - $1::interval WHERE state = 'pending'", 2 * LATE_AFTER
    )
    await change(
        desk,
        "UPDATE delivery SET state = 'cancelled' WHERE alert_id IN (SELECT alert_id FROM alert WHERE kind <> 'chain_late')",
    )
    await auditor.run_round()
    await auditor.run_round()
    assert heard.said[-1] == (False, 1)
    assert len(await troubles(desk)) == 1


async def test_many_late_chains_are_one_by_one_only_up_to_a_number(desk: Desk, auditor: Auditor) -> None:
    await raise_alerts(desk, TOLD_CHAINS_MAX + 3)
    await stop_timers(desk)
    await auditor.run_round()
    await auditor.run_round()
    told = await troubles(desk)
    assert len(told) == TOLD_CHAINS_MAX + 1
    assert FURTHER in told
    await change(desk, "UPDATE timer SET due_at = now() + interval '1 h', next_try_at = now() + interval '1 h'")
    await auditor.run_round()
    assert set((await troubles(desk)).values()) == {False}


async def test_what_a_full_list_leaves_out_is_not_over(
    desk: Desk, auditor: Auditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await raise_alerts(desk, 3)
    await stop_deliveries(desk)
    for _ in range(2):
        await auditor.run_round()
    assert len(await troubles(desk)) >= 3
    monkeypatch.setattr(store, "FOUND_MAX", 1)
    await auditor.run_round()
    assert set((await troubles(desk)).values()) == {True}
    monkeypatch.undo()
    await change(desk, "UPDATE delivery SET state = 'cancelled' WHERE state = 'pending'")
    await auditor.run_round()
    assert set((await troubles(desk)).values()) == {False}


async def end_chains(desk: Desk, ago: timedelta) -> None:
    await change(
        desk,
        "UPDATE alert SET state = 'escalated', step = 2, step_told_at = now() - $1::interval WHERE kind <> 'ops_alert'",
        ago,
    )
    await change(desk, "DELETE FROM timer")


async def unanswered(desk: Desk) -> list[tuple[str, str]]:
    await take_operations_events(desk)
    return [(a["details"]["name"], a["state"]) for a in await desk.alerts() if a["kind"] == "chains_unanswered"]


async def test_chains_at_their_end_that_nobody_answers_are_one_trouble_of_their_county_until_somebody_does(
    desk: Desk, auditor: Auditor, heard: Heard
) -> None:
    await raise_alerts(desk, 2)
    await end_chains(desk, UNANSWERED_MARGIN + timedelta(seconds=STEP_S - 60))
    await auditor.run_round()
    assert await unanswered(desk) == []
    await end_chains(desk, UNANSWERED_MARGIN + timedelta(seconds=STEP_S + 60))
    for _ in range(2):
        await auditor.run_round()
        assert await unanswered(desk) == [("unanswered/rey", "open")]
    assert heard.said[-1] == (True, 0), "the service did what it had to"
    await everybody_acts(desk, from_inbox=True)
    await auditor.run_round()
    assert await unanswered(desk) == [("unanswered/rey", "resolved")]


async def test_chains_with_a_step_left_and_those_of_troubles_are_no_unanswered_ones(
    desk: Desk, auditor: Auditor
) -> None:
    await raise_alerts(desk, 1)
    async with desk.begin() as tx:
        await report_trouble(OperationsTrouble.OPS_ALERT, name="Probe", tx=tx)
    await take_operations_events(desk)
    await end_chains(desk, timedelta(days=30))
    await change(desk, "UPDATE alert SET step = 1 WHERE kind <> 'ops_alert'")
    await change(
        desk,
        "UPDATE alert SET state = 'escalated', step = 2, step_told_at = now() - interval '30 d' WHERE kind = 'ops_alert'",
    )
    async with desk.begin() as tx:
        assert await store.unanswered_counties(tx.connection) == set()


async def test_two_auditors_at_once_repair_and_tell_once(desk: Desk, auditor: Auditor) -> None:
    await lose_step_timer(desk)
    other = Auditor(desk.context(), Heard())
    await asyncio.gather(auditor.run_round(), other.run_round())
    [name] = await troubles(desk)
    assert [entry["entry"] for entry in await desk.history(name)].count("chain_repaired") == 1
    assert len([one for one in await desk.alerts() if one["kind"] == "chain_late"]) == 1


async def test_a_round_without_a_database_is_not_sound_and_ends_nothing(desk: Desk, heard: Heard) -> None:
    pool = await open_pool(desk.database.worker_url, size=1, name="gone")
    pool.terminate()
    context = WorkerContext(pool, desk.settings(), desk.stopping)
    await Auditor(context, heard).run_round()
    assert heard.said == [(False, 0)]


async def test_the_worker_makes_its_rounds_until_the_service_stops(desk: Desk) -> None:
    await desk.set_group("ops_office", language="en")
    await lose_step_timer(desk)
    worker = asyncio.create_task(audit_chains(desk.context(audit_interval_s=0.05)))
    async with asyncio.timeout(WAIT_S):
        while set((await troubles(desk)).values()) != {False}:
            await asyncio.sleep(0.05)
    desk.stopping.set()
    await asyncio.wait_for(worker, WAIT_S)
    desk.stopping.clear()

"""Events become alerts on real PostgreSQL: once each, resolved in either order, escalated on time, stopped by people."""

import asyncio
import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.notifications.domain.rule_reading import event_catalogue
from services.notifications.handlers import apply_rules, escalate_alert, fold_alert_counters
from shared.contracts.counties import County
from shared.contracts.nationals import CentreCapacityThresholdCrossed, PhaseTwoReviewRequested, PlaceKind
from shared.contracts.warehouse import (
    CorrectiveActionExtended,
    EssentialStockLow,
    EssentialStockRecovered,
    InspectionScheduled,
    Severity,
)
from tests.support.notifications import Desk, overdue, received, resolved


async def test_one_alert_per_event_however_often_it_comes(desk: Desk) -> None:
    event = received(overdue())
    await asyncio.gather(*(desk.take(event) for _ in range(5)))
    [alert] = await desk.alerts()
    assert alert["source_event_id"] == str(event.id)
    assert [delivery["channel"] for delivery in alert["deliveries"]] == ["email", "inbox"]
    assert await desk.published() == ["AlertRaised"]


async def test_an_alert_says_what_it_is_about_and_whom_it_told(desk: Desk) -> None:
    event = received(overdue())
    await desk.take(event)
    [alert] = await desk.alerts()
    assert alert["subject_id"] == alert["source_aggregate_id"] == event.event.aggregate_id
    assert (alert["state"], alert["step"], alert["severity"]) == ("open", 0, "critical")
    assert alert["details"]["severity"] == "critical"
    assert {delivery["recipient"] for delivery in alert["deliveries"]} == {"m0.rey@payesh.example"}
    [entry] = await desk.history(alert["alert_id"])
    assert (entry["entry"], entry["details"]["told"]) == ("raised", "m0.rey@payesh.example")


async def test_an_event_no_rule_names_raises_nothing(desk: Desk) -> None:
    due_on = datetime(2026, 11, 22, tzinfo=UTC).date()
    await desk.take(InspectionScheduled(inspection_id=uuid4(), warehouse_id=uuid4(), county=County.REY, due_on=due_on))
    assert await desk.alerts() == []


async def test_a_resolving_event_resolves_the_alert_about_its_subject_and_no_other(desk: Desk) -> None:
    mine, other = uuid4(), uuid4()
    await desk.take(overdue(mine), 1)
    await desk.take(overdue(other), 1)
    await desk.take(resolved(mine), 2)
    states = {alert["subject_id"]: alert["state"] for alert in await desk.alerts()}
    assert states == {str(mine): "resolved", str(other): "open"}
    assert await desk.published() == ["AlertRaised", "AlertRaised", "AlertResolved"]


async def test_a_stock_that_is_low_again_is_told_again(desk: Desk) -> None:
    figures = {"stock_id": "rey:rice", "county": County.REY, "commodity": "rice", "stock_tonnes": 5, "cover_days": 2}
    low = EssentialStockLow.model_validate(figures | {"low_below_days": 3})
    await desk.take(low, 1)
    await desk.take(EssentialStockRecovered.model_validate(figures | {"recovered_above_days": 5}), 2)
    await desk.take(low, 3)
    alerts = await desk.alerts()
    assert {alert["subject_id"] for alert in alerts} == {"rey:rice"}
    assert sorted(alert["state"] for alert in alerts) == ["open", "resolved"]
    assert alerts[0]["details"]["commodity"] == "rice"


async def test_more_time_resolves_the_overdue_alert_until_it_is_overdue_again(desk: Desk) -> None:
    late = overdue()
    extended = CorrectiveActionExtended(
        action_id=late.action_id,
        warehouse_id=late.warehouse_id,
        county=late.county,
        severity=Severity.CRITICAL,
        due_at=late.due_at + timedelta(days=7),
        was_overdue=True,
    )
    await desk.take(late, 1)
    await desk.take(extended, 2)
    assert [alert["state"] for alert in await desk.alerts()] == ["resolved"]
    await desk.take(late, 3)
    assert sorted(alert["state"] for alert in await desk.alerts()) == ["open", "resolved"]


async def test_what_has_not_left_when_an_alert_is_resolved_does_not_leave(desk: Desk) -> None:
    action = uuid4()
    await desk.take(overdue(action), 1)
    await desk.take(resolved(action), 2)
    [alert] = await desk.alerts()
    assert {delivery["channel"]: delivery["state"] for delivery in alert["deliveries"]} == {
        "email": "cancelled",
        "inbox": "sent",
    }
    assert await desk.pool.fetchval("SELECT count(*) FROM timer") == 0


async def test_a_resolving_event_that_comes_first_leaves_the_alert_resolved_and_tells_nobody(desk: Desk) -> None:
    action = uuid4()
    await desk.take(resolved(action), 2)
    await desk.take(overdue(action), 1)
    [alert] = await desk.alerts()
    assert (alert["state"], alert["deliveries"]) == ("resolved", [])
    assert await desk.published() == ["AlertRaised", "AlertResolved"]
    assert await desk.pool.fetchval("SELECT count(*) FROM timer") == 0


async def test_a_resolving_event_of_before_does_not_answer_what_happened_after(desk: Desk) -> None:
    action = uuid4()
    await desk.take(resolved(action), 1)
    await desk.take(overdue(action), 2)
    [alert] = await desk.alerts()
    assert alert["state"] == "open"


async def test_a_late_older_resolving_event_neither_resolves_nor_forgets_the_newer(desk: Desk) -> None:
    action = uuid4()
    await desk.take(resolved(action), 4)
    await desk.take(resolved(action), 2)
    await desk.take(overdue(action), 3)
    await desk.take(overdue(action), 5)
    states = [alert["state"] for alert in await desk.alerts()]
    assert states == ["resolved", "open"]


@pytest.mark.parametrize("falls_after", [timedelta(seconds=1), timedelta(seconds=-1)])
async def test_thresholds_rise_and_fall(desk: Desk, falls_after: timedelta) -> None:
    centre, at = uuid4(), datetime.now(UTC)

    def crossed(*, rising: bool) -> CentreCapacityThresholdCrossed:
        return CentreCapacityThresholdCrossed(
            centre_id=centre, county=County.REY, place_kind=PlaceKind.FAMILY, threshold_percent=95, rising=rising
        )

    later = falls_after > timedelta()
    await desk.take(received(crossed(rising=True), 2, at))
    await desk.take(received(crossed(rising=False), 3 if later else 1, at + falls_after))
    [alert] = await desk.alerts()
    assert alert["state"] == ("resolved" if later else "open")


async def test_source_and_resolving_event_side_by_side_always_end_resolved(desk: Desk) -> None:
    actions = [uuid4() for _ in range(12)]
    await asyncio.gather(
        *(desk.take(overdue(action), 1) for action in actions), *(desk.take(resolved(action), 2) for action in actions)
    )
    assert {alert["state"] for alert in await desk.alerts()} == {"resolved"}
    assert len(await desk.alerts()) == len(actions)


async def test_nobody_acts_so_the_next_is_told_and_at_last_the_chair(desk: Desk) -> None:
    await desk.set_policy(wait_s=1)
    desk.start_timers()
    await desk.take(overdue())
    [alert] = await desk.until(lambda alerts: [a for a in alerts if a["step"] == 2])
    told = [d["recipient"].partition(".")[0] for d in alert["deliveries"] if d["channel"] == "inbox"]
    assert told == ["m0", "m1", "m2"]
    history = await desk.history(alert["alert_id"])
    assert [(entry["entry"], entry["step"]) for entry in history] == [("raised", 0), ("escalated", 1), ("escalated", 2)]
    waits_s = [_seconds(first["at"], second["at"]) for first, second in itertools.pairwise(history)]
    assert all(1.0 <= wait_s < 2.0 for wait_s in waits_s), waits_s
    await asyncio.sleep(1.2)
    [alert] = await desk.alerts()
    assert (alert["state"], alert["step"]) == ("escalated", 2)
    assert await desk.published() == ["AlertRaised", "AlertEscalated", "AlertEscalated"]


async def test_the_last_step_is_repeated_as_often_as_the_policy_says(desk: Desk) -> None:
    await desk.set_policy(wait_s=1, repeats=1)
    await desk.take(overdue())
    [alert] = await desk.alerts()
    for step in range(4):
        async with desk.begin() as tx:
            await escalate_alert(UUID(alert["alert_id"]), step, tx)
    [alert] = await desk.alerts()
    told = [d["recipient"].partition(".")[0] for d in alert["deliveries"] if d["channel"] == "email"]
    assert (alert["step"], told) == (3, ["m0", "m1", "m2", "m2"])


async def test_acknowledging_stops_the_chain(desk: Desk) -> None:
    await desk.set_policy(wait_s=1)
    desk.start_timers()
    await desk.take(overdue())
    [alert] = await desk.alerts()
    async with desk.client("member", subject="m0.rey", counties=["rey"]) as client:
        answer = await client.post(f"/alerts/{alert['alert_id']}/acknowledgement")
    assert answer.status_code == 200
    assert answer.json()["acknowledged_by"] == "m0.rey"
    await asyncio.sleep(1.5)
    [alert] = await desk.alerts()
    assert (alert["state"], alert["step"], alert["acknowledged_by"]) == ("acknowledged", 0, "m0.rey")
    assert await desk.published() == ["AlertRaised", "AlertAcknowledged"]


async def test_acknowledging_twice_answers_with_the_first_and_after_resolving_is_refused(desk: Desk) -> None:
    action = uuid4()
    await desk.take(overdue(action), 1)
    [alert] = await desk.alerts()
    path = f"/alerts/{alert['alert_id']}/acknowledgement"
    async with desk.client("member", subject="m0.rey") as first, desk.client("member", subject="m1.rey") as second:
        answers = [(await client.post(path)).json()["acknowledged_by"] for client in (first, second)]
        await desk.take(resolved(action), 2)
        refused = await second.post(path)
    assert answers == ["m0.rey", "m0.rey"]
    assert (refused.status_code, refused.json()["code"]) == (409, "notifications.alert.already_resolved")
    assert await desk.published() == ["AlertRaised", "AlertAcknowledged", "AlertResolved"]


async def test_people_and_timers_at_the_same_moment_leave_one_history(desk: Desk) -> None:
    await desk.take(overdue())
    [alert] = await desk.alerts()
    alert_id = UUID(alert["alert_id"])

    async def end_wait() -> None:
        async with desk.begin() as tx:
            await escalate_alert(alert_id, 0, tx)

    async def acknowledge() -> None:
        async with desk.client("member") as client:
            (await client.post(f"/alerts/{alert_id}/acknowledgement")).raise_for_status()

    await asyncio.gather(*(end_wait() for _ in range(3)), *(acknowledge() for _ in range(3)))
    entries = Counter(entry["entry"] for entry in await desk.history(str(alert_id)))
    assert entries["acknowledged"] == 1
    assert entries["escalated"] <= 1
    assert (await desk.alerts())[0]["state"] == "acknowledged"


async def test_a_later_edit_of_the_policy_does_not_change_a_running_alert(desk: Desk) -> None:
    await desk.set_policy(wait_s=1)
    await desk.take(overdue())
    await desk.set_policy(wait_s=2_000_000)
    await desk.take(overdue())
    desk.start_timers()
    [escalated] = await desk.until(lambda alerts: [a for a in alerts if a["step"] == 2])
    running = [alert for alert in await desk.alerts() if alert["alert_id"] != escalated["alert_id"]]
    assert [(alert["state"], alert["step"]) for alert in running] == [("open", 0)]


async def test_who_leaves_the_group_is_not_told_by_later_steps(desk: Desk) -> None:
    await desk.take(overdue())
    [alert] = await desk.alerts()
    await desk.set_group("rey", count=1)
    async with desk.begin() as tx:
        await escalate_alert(UUID(alert["alert_id"]), 0, tx)
    [alert] = await desk.alerts()
    assert [d["recipient"] for d in alert["deliveries"] if d["step"] == 1] == ["m0.rey@payesh.example"] * 2


async def test_an_empty_group_loses_no_alert_and_its_chain_runs(desk: Desk) -> None:
    await desk.take(overdue(county=County.PARDIS))
    [alert] = await desk.alerts(county="pardis")
    assert (alert["state"], alert["deliveries"]) == ("open", [])
    await desk.set_group("pardis")
    async with desk.begin() as tx:
        await escalate_alert(UUID(alert["alert_id"]), 0, tx)
    [alert] = await desk.alerts(county="pardis")
    assert {d["recipient"] for d in alert["deliveries"]} == {"m1.pardis@payesh.example"}


async def test_a_review_request_goes_to_the_legal_office_and_before_it_exists_to_the_chair_alone(desk: Desk) -> None:
    def request() -> PhaseTwoReviewRequested:
        return PhaseTwoReviewRequested(case_id=uuid4(), county=County.REY, voluntary_until=datetime.now(UTC))

    await desk.take(request())
    await desk.set_group("legal_office")
    await desk.take(request())
    told = [alert["deliveries"][0]["recipient"] for alert in await desk.alerts()]
    assert told == ["m2.rey@payesh.example", "m0.legal-office@payesh.example"]


async def test_the_counters_are_the_fold_of_the_events(desk: Desk) -> None:
    first, second = uuid4(), uuid4()
    await desk.take(overdue(first), 1)
    await desk.take(overdue(second), 1)
    await desk.take(overdue(county=County.PARDIS), 1)
    alerts = {alert["subject_id"]: alert for alert in await desk.alerts()}
    async with desk.begin() as tx:
        await escalate_alert(UUID(alerts[str(first)]["alert_id"]), 0, tx)
    async with desk.client("member") as client:
        (await client.post(f"/alerts/{alerts[str(first)]['alert_id']}/acknowledgement")).raise_for_status()
    await desk.take(resolved(first), 2)
    await desk.take(resolved(second), 2)
    await _fold_outbox(desk)
    async with desk.client("operator") as client:
        counters = (await client.get("/counters")).raise_for_status().json()
    assert len(counters) == 16
    rey = {"raised": 2, "open": 0, "acknowledged": 1, "escalated": 1, "resolved": 2}
    assert {name: counters["rey"][name] for name in rey} == rey
    assert (counters["pardis"]["raised"], counters["pardis"]["open"]) == (1, 1)
    assert (counters["rey"]["delivered"], counters["rey"]["cancelled"]) == (3, 3)


async def test_who_does_not_see_the_offices_counts_no_more_than_they_can_list(desk: Desk) -> None:
    await desk.set_group("legal_office")
    mended, left = uuid4(), uuid4()
    for event in (overdue(mended), overdue(left), overdue()):
        await desk.take(event, 1)
    alerts = {alert["subject_id"]: alert["alert_id"] for alert in await desk.alerts()}
    async with desk.begin() as tx:
        await escalate_alert(UUID(alerts[str(mended)]), 0, tx)
    async with desk.client("member") as client:
        for method in ("POST", "DELETE", "POST"):
            path = f"/alerts/{alerts[str(mended)]}/acknowledgement"
            (await client.request(method, path)).raise_for_status()
    await desk.take(resolved(mended), 2)
    await desk.take(resolved(left), 2)
    await _fold_outbox(desk)
    async with desk.client("member", counties=["rey"]) as member, desk.client("operator") as operator:
        before = (await member.get("/counters")).json()["rey"]
        assert before == (await operator.get("/counters")).json()["rey"], (
            "counted from the rows as folded from the events"
        )
        assert (before["reopened"], before["acknowledged"], before["resolved"]) == (1, 2, 2)

        await desk.take(PhaseTwoReviewRequested(case_id=uuid4(), county=County.REY, voluntary_until=datetime.now(UTC)))
        await desk.pool.execute("DELETE FROM alert_counter")
        await _fold_outbox(desk)
        seen = (await member.get("/counters")).json()["rey"]
        listed = (await member.get("/alerts")).json()["items"]
        whole = (await operator.get("/counters")).json()["rey"]
    assert seen == before
    assert seen["raised"] == len(listed) == 3
    assert [whole[name] - seen[name] for name in ("raised", "open", "pending", "resolved")] == [1, 1, 1, 0]


async def test_a_failed_transaction_leaves_no_alert_and_no_event(desk: Desk) -> None:
    event = received(overdue())

    async def apply_and_fail() -> None:
        async with desk.begin() as tx:
            await apply_rules([event], tx)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await apply_and_fail()
    assert await desk.alerts() == []
    assert await desk.published() == []


async def _fold_outbox(desk: Desk) -> None:
    """What the consumer would do with this service's own events."""
    catalogue = event_catalogue()
    rows = await desk.pool.fetch("SELECT type, body FROM outbox ORDER BY position")
    events = [received(catalogue[row["type"]].model_validate_json(row["body"])) for row in rows]
    async with desk.begin() as tx:
        await fold_alert_counters(events, tx)


def _seconds(first: str, second: str) -> float:
    return (datetime.fromisoformat(second) - datetime.fromisoformat(first)).total_seconds()

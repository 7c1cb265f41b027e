"""The dry run on a real broker: what last week's events would have raised, and who would have got them. Nothing changes."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.notifications.domain.channels import Channel
from services.notifications.handlers import dry_runs
from services.notifications.past import Past, configured_past
from services.notifications.routing_rules import RULES
from services.notifications.workers import channel_worker
from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.nationals import BreakGlassOpened
from shared.contracts.warehouse import (
    CorrectiveActionOverdue,
    CorrectiveActionResolved,
    HoldGround,
    Severity,
    WarehouseHoldLifted,
    WarehousePutOnHold,
)
from shared.kit import timer_worker
from shared.kit.past_events import PastRead
from shared.persian.calendar import office_date
from tests.support.disturbed_day import pass_time, quiet
from tests.support.notifications import WAIT_S, Desk, overdue, received, resolved
from tests.support.past_events import publish_past

ADMINISTRATOR = "notifications_admin"
HOUR = timedelta(hours=1)
HOUR_S = 3_600
POLL_S = 0.05


@pytest.fixture
def past(kafka_with_topics: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The broker that the service reads the past from."""
    monkeypatch.setenv("PAYESH_KAFKA_BOOTSTRAP_SERVERS", kafka_with_topics)
    configured_past.cache_clear()
    return kafka_with_topics


def late_action(**fields: Any) -> CorrectiveActionOverdue:
    """One whose alert may be grouped and held back."""
    return overdue(severity=Severity.MAJOR, **fields)


def ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


async def dry_run(desk: Desk, counties: tuple[str, ...] = tuple(County), **body: Any) -> httpx.Response:
    async with desk.client(ADMINISTRATOR, counties=counties) as client:
        return await client.post("/routing-rules/dry-run", json=body)


def by_rule(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {rule["rule_id"]: rule for rule in report["rules"]}


async def test_last_weeks_alerts_and_who_would_have_got_them(desk: Desk, past: str) -> None:
    first, second = late_action(), late_action()
    elsewhere = late_action(county=County.PARDIS)
    long_ago = late_action()
    events: list[tuple[Event, datetime]] = [
        (long_ago, ago(days=9)),
        (first, ago(days=3)),
        (second, ago(days=3, minutes=-1)),
        (resolved(second.action_id), ago(days=2)),
        (elsewhere, ago(days=1)),
    ]
    await publish_past(past, events)
    report = (await dry_run(desk)).raise_for_status().json()
    assert (report["whole"], report["alerts"], report["rules_version"]) == (True, 3, 0)
    [rule] = report["rules"]
    assert (rule["rule_id"], rule["alerts"], rule["told"], rule["grouped"]) == ("corrective_action_overdue", 3, 2, 1)
    assert (rule["resolved"], rule["by_county"]) == (1, {"rey": 2, "pardis": 1})
    assert [example["subject_id"] for example in rule["examples"]] == [
        str(one.action_id) for one in (first, second, elsewhere)
    ]
    assert rule["examples"][0]["details"]["warehouse_id"] == str(first.warehouse_id)
    [person] = rule["people"]
    assert (person["name"], person["working_group"], person["counties"]) == ("عضو 0", "rey", ["rey"])
    assert rule["nobody_in"] == ["pardis"]
    await desk.set_group("province_office")
    [rule] = (await dry_run(desk)).raise_for_status().json()["rules"]
    stands_in = [(one["working_group"], one["counties"]) for one in rule["people"]]
    assert (stands_in, rule["nobody_in"]) == ([("rey", ["rey"]), ("province_office", ["pardis"])], [])
    assert "discrepancy_found" in report["matched_nothing"]
    assert len(report["matched_nothing"]) == len(RULES.rules) - 1
    month = (await dry_run(desk, days=31)).raise_for_status().json()
    assert month["alerts"] == 4
    assert await desk.alerts() == []
    assert await desk.published() == []


async def test_a_document_is_tried_before_it_is_saved_and_a_broken_one_is_refused(desk: Desk, past: str) -> None:
    site = uuid4()
    hold = {"hold_id": uuid4(), "warehouse_id": site, "county": County.REY, "ground": HoldGround.BIOLOGICAL_HAZARD}
    late = late_action().model_copy(update={"warehouse_id": site})
    events: list[tuple[Event, datetime]] = [
        (WarehousePutOnHold.model_validate({**hold, "referred_to": "health_authority"}), ago(hours=5)),
        (late, ago(hours=4)),
        (WarehouseHoldLifted.model_validate(hold), ago(hours=3)),
    ]
    await publish_past(past, events)
    held = by_rule((await dry_run(desk)).raise_for_status().json())["corrective_action_overdue"]
    assert (held["held_back"], held["told_after_hold"], held["told"]) == (1, 1, 0)
    without = RULES.text[: RULES.text.index("\ninhibitions:")]
    report = (await dry_run(desk, document=without)).raise_for_status().json()
    told = by_rule(report)["corrective_action_overdue"]
    assert (report["rules_version"], told["held_back"], told["told"]) == (None, 0, 1)
    refused = await dry_run(desk, document=without.replace("policy: standard", "policy: swift"))
    assert (refused.status_code, refused.json()["code"]) == (422, "notifications.routing_rules.refused")
    async with desk.client("operator") as client:
        assert (await client.get("/routing-rules")).json()["version"] == 0


async def test_whoever_is_away_today_is_named_with_the_deputy(desk: Desk, past: str) -> None:
    today: date = office_date(datetime.now(UTC))
    rows = await desk.pool.fetch("SELECT member_id FROM working_group_member ORDER BY position")
    people: list[UUID] = [row["member_id"] for row in rows]
    async with desk.api_pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('payesh.counties', 'rey', true)")
        await connection.execute(
            """
            INSERT INTO absence (member_id, first_day, last_day, deputy_id, county, set_by)
            VALUES ($1, $2, $2, $3, 'rey', 'test')
            """,
            people[0],
            today,
            people[2],
        )
    await publish_past(past, [(late_action(), ago(hours=1))])
    [rule] = (await dry_run(desk)).raise_for_status().json()["rules"]
    [person] = rule["people"]
    assert (person["name"], person["instead_of"]) == ("عضو 2", "عضو 0")


async def test_of_cases_only_the_number_and_the_office_are_told(desk: Desk, past: str) -> None:
    await desk.set_group("casework_supervision", 1)
    opened = BreakGlassOpened(
        case_id=uuid4(), county=County.REY, break_glass_id=uuid4(), expires_at=ago(), review_by=ago()
    )
    await publish_past(past, [(opened, ago(hours=1))])
    answer = await dry_run(desk)
    [rule] = answer.raise_for_status().json()["rules"]
    assert (rule["alerts"], rule["by_county"], rule["examples"], rule["nobody_in"]) == (1, {}, [], [])
    [person] = rule["people"]
    assert (person["working_group"], person["counties"]) == ("casework_supervision", [])
    assert str(opened.case_id) not in answer.text


async def test_a_caller_sees_their_own_counties_and_needs_the_role(desk: Desk, past: str) -> None:
    await publish_past(past, [(late_action(), ago(hours=1)), (late_action(county=County.PARDIS), ago(hours=1))])
    report = (await dry_run(desk, counties=("pardis",))).raise_for_status().json()
    assert [rule["by_county"] for rule in report["rules"]] == [{"pardis": 1}]
    async with desk.client("operator") as client:
        assert (await client.post("/routing-rules/dry-run", json={})).status_code == 403
    assert (await dry_run(desk, days=32)).status_code == 422


async def test_one_that_is_cut_off_says_so(desk: Desk, past: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dry_runs, "RECORDS_MAX", 3)
    await publish_past(past, [(late_action(), ago(hours=1)) for _ in range(5)])
    report = (await dry_run(desk)).raise_for_status().json()
    assert (report["whole"], report["alerts"], report["records_read"], report["records_left"]) == (False, 3, 3, 2)


async def test_only_one_runs_at_a_time_and_a_broker_that_is_away_is_said_to_be(
    desk: Desk, past: str, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish_past(past, [(late_action(), ago(hours=1))])
    entered, may_end = asyncio.Event(), asyncio.Event()
    read = Past.read

    async def read_slowly(*arguments: Any) -> PastRead:
        entered.set()
        await may_end.wait()
        return await read(*arguments)

    monkeypatch.setattr(Past, "read", read_slowly)
    first = asyncio.create_task(dry_run(desk))
    await asyncio.wait_for(entered.wait(), WAIT_S)
    others = [await dry_run(desk) for _ in range(2)]
    may_end.set()
    assert [answer.status_code for answer in (await first, *others)] == [200, 503, 503]
    monkeypatch.setenv("PAYESH_KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{unused_tcp_port}")
    configured_past.cache_clear()
    monkeypatch.setattr(dry_runs, "READ_TIMEOUT_S", 3.0)
    away = await dry_run(desk)
    configured_past.cache_clear()
    assert (away.status_code, away.json()["code"]) == (503, "notifications.routing_rules.past_unavailable")


async def test_the_dry_run_says_what_the_service_really_did(desk: Desk, past: str) -> None:
    """The same events through the service and through a dry run: the same alerts, begun in the same way."""
    site, other_site = uuid4(), uuid4()
    hold = {"hold_id": uuid4(), "warehouse_id": site, "county": County.REY, "ground": HoldGround.BIOLOGICAL_HAZARD}
    late = [
        late_action().model_copy(update={"warehouse_id": one}) for one in (other_site, site, site, other_site, site)
    ]
    critical = overdue(severity=Severity.CRITICAL).model_copy(update={"warehouse_id": site})
    events: list[Event] = [
        late[0],
        WarehousePutOnHold.model_validate({**hold, "referred_to": "health_authority"}),
        *late[1:],
        critical,
        resolved(late[1].action_id),
        resolved(late[3].action_id),
        late_action(county=County.PARDIS),
    ]
    began = ago(hours=5)
    timed = [(event, began + timedelta(minutes=number)) for number, event in enumerate(events)]
    await publish_past(past, timed)
    for event, at in timed:
        await desk.take(received(event, 2 if isinstance(event, CorrectiveActionResolved) else 1, at))
    really = await begun(desk)
    assert tried((await dry_run(desk)).raise_for_status().json()) == really
    assert really["corrective_action_overdue"] == (6, 2, 3, 1, 0)
    assert really["critical_corrective_action_overdue"] == (1, 0, 0, 0, 0)


async def test_over_days_groups_close_and_silences_end_as_they_really_did(
    desk: Desk, past: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service lives through three days, its timers running; the dry run then sees the same days."""
    monkeypatch.setattr(timer_worker, "POLL_INTERVAL_S_MAX", POLL_S)
    monkeypatch.setattr(channel_worker, "POLL_INTERVAL_S", POLL_S)
    desk.start_timers()
    desk.start_delivery(dry_channels=[Channel.EMAIL])
    begun_at, lived = datetime.now(UTC), list[tuple[Event, timedelta]]()
    passed = timedelta(0)

    async def live(*events: Event, then: timedelta) -> None:
        nonlocal passed
        for event in events:
            before = sum(one.aggregate_id == event.aggregate_id for one, _ in lived)
            lived.append((event, datetime.now(UTC) - begun_at + passed))
            await desk.take(received(event, 1 + before))
        await quiet(desk)
        await pass_time(desk, then, then)
        passed += then

    site, hold_id = uuid4(), uuid4()
    hold = {"hold_id": hold_id, "warehouse_id": site, "county": County.REY, "ground": HoldGround.BIOLOGICAL_HAZARD}
    first, silenced = late_action(), late_action()
    held = late_action().model_copy(update={"warehouse_id": site})
    await live(first, late_action(), late_action(county=County.PARDIS), then=timedelta(minutes=15))
    await live(late_action(), resolved(first.action_id), then=timedelta(hours=1))
    body = {"county": "rey", "kind": "corrective_action_overdue", "lasts_s": 3 * HOUR_S, "reason": "works"}
    async with desk.client("member", subject="m0.rey") as client:
        (await client.post("/silences", json=body)).raise_for_status()
    await live(silenced, overdue(), then=timedelta(hours=3))
    await live(late_action(), then=timedelta(hours=9))
    await live(late_action(), then=timedelta(minutes=15))
    await live(late_action(), then=timedelta(hours=30))
    await live(WarehousePutOnHold.model_validate({**hold, "referred_to": "health_authority"}), held, then=HOUR)
    await live(WarehouseHoldLifted.model_validate(hold), then=timedelta(minutes=15))
    await live(then=timedelta(hours=9))
    await live(late_action(), then=HOUR)
    ended_at = datetime.now(UTC)
    await desk.stop()
    began_at = begun_at - passed
    assert ended_at - began_at > timedelta(days=2)
    await publish_past(past, [(event, began_at + after) for event, after in lived])
    really = await begun(desk)
    assert tried((await dry_run(desk)).raise_for_status().json()) == really
    assert really["corrective_action_overdue"] == (10, 1, 2, 4, 2)
    assert really["critical_corrective_action_overdue"] == (1, 0, 1, 0, 1)


async def begun(desk: Desk) -> dict[str, tuple[int, ...]]:
    """Of each rule: alerts, resolved, held back, grouped, told after they were held back."""
    rows = await desk.pool.fetch(
        """
        SELECT rule_id, count(*) FILTER (WHERE entry = 'raised') AS alerts,
               count(*) FILTER (WHERE entry = 'raised' AND state = 'resolved') AS resolved,
               count(*) FILTER (WHERE entry = 'raised' AND history.details ? 'held_back') AS held_back,
               count(*) FILTER (WHERE entry = 'raised' AND history.details ? 'lead_alert_id') AS grouped,
               count(*) FILTER (WHERE entry = 'released') AS released
        FROM alert JOIN alert_history AS history USING (alert_id) GROUP BY rule_id
        """
    )
    return {row["rule_id"]: tuple(row.values())[1:] for row in rows}


def tried(report: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """The same, as a dry run says it."""
    said = ("alerts", "resolved", "held_back", "grouped", "told_after_hold")
    return {name: tuple(rule[one] for one in said) for name, rule in by_rule(report).items()}

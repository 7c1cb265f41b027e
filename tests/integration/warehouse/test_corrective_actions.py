"""A corrective action's whole life over HTTP: owned, extended, overdue, resolved, reopened; nothing of it is forgotten."""

import asyncio
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from services.warehouse.domain.calendar import next_working_day
from services.warehouse.public_holidays import PUBLIC_HOLIDAYS
from shared.contracts.counties import County
from shared.contracts.warehouse import (
    CorrectiveActionExtended,
    CorrectiveActionOverdue,
    CorrectiveActionReopened,
    CorrectiveActionResolved,
)
from shared.persian.calendar import office_date
from tests.integration.warehouse.province import Province, as_api, site_row

EXTENSION = {"reason": "پیمانکار زمان بیشتری می‌خواهد"}
EVIDENCE = {"evidence": "عکس پس از رفع نقص"}
REOPENING = {"reason": "نقص برجاست"}


async def open_action(province: Province, severity: str = "minor") -> str:
    [site] = await province.register(site_row(1))
    [action_id] = (await province.inspect(site, failed={"structure": severity}))["action_ids"]
    return action_id


def later(due_at: str, days: int) -> str:
    """A working day at least `days` after an action's due time."""
    due_on = office_date(datetime.fromisoformat(due_at)) + timedelta(days=days)
    return next_working_day(due_on, PUBLIC_HOLIDAYS).isoformat()


async def read(province: Province, action_id: str) -> Any:
    return await province.ask("GET", f"/corrective-actions/{action_id}", "reviewer.rey", status=200)


async def move(
    province: Province, action_id: str, step: str, body: Any, who: str = "reviewer2.rey", **asked: Any
) -> Any:
    return await province.ask("POST", f"/corrective-actions/{action_id}/{step}", who, body, **asked)


async def counted(province: Province) -> tuple[int, int]:
    """Open and overdue actions of the county, by the fold of the events; and the rows must say the same."""
    await province.superuser.execute("TRUNCATE county_counter, county_counter_day")
    await province.fold_events()
    assert await province.counters_from_folds() == await province.counters_from_rows()
    counters = (await province.counters())["rey"]
    return int(counters["open_actions"]), int(counters["overdue_actions"])


async def test_the_whole_life_is_kept(province: Province) -> None:
    action_id = await open_action(province)
    opened = await read(province, action_id)
    assert (opened["state"], opened["owner"], opened["item"]) == ("open", "reviewer.rey", "structure")
    await move(province, action_id, "owner", {"owner": "county_chair.rey", "reason": "مسئول محل"}, status=200)
    await province.fire(action_id)
    assert await counted(province) == (1, 1)
    due_on = later(opened["due_at"], 7)
    extended = await move(province, action_id, "extension", EXTENSION | {"due_on": due_on}, status=200)
    assert (extended["state"], extended["owner"]) == ("open", "county_chair.rey")
    assert office_date(datetime.fromisoformat(extended["due_at"])) == date.fromisoformat(due_on)
    assert await counted(province) == (1, 0)
    await move(province, action_id, "resolution", EVIDENCE, status=200)
    assert await counted(province) == (0, 0)
    reopened = await move(province, action_id, "reopening", REOPENING, "county_chair.rey", status=200)
    assert reopened["state"] == "open"
    assert await counted(province) == (1, 0)
    await province.fire(action_id)
    assert await counted(province) == (1, 1)
    await move(province, action_id, "resolution", EVIDENCE, "inspector.rey", status=200)
    assert await counted(province) == (0, 0)

    record = await read(province, action_id)
    assert [(line["entry"], line["entered_by"]) for line in record["history"]] == [
        ("opened", "reviewer2.rey"),
        ("handed_over", "reviewer2.rey"),
        ("overdue", "system"),
        ("extended", "reviewer2.rey"),
        ("resolved", "reviewer2.rey"),
        ("reopened", "county_chair.rey"),
        ("overdue", "system"),
        ("resolved", "inspector.rey"),
    ]
    assert [line["reason"] for line in record["history"] if line["reason"]] == [
        "مسئول محل",
        EXTENSION["reason"],
        REOPENING["reason"],
    ]
    assert record["history"][5]["resolved_by"] == "reviewer2.rey"
    assert [line["evidence"] for line in record["history"] if line["evidence"]] == [EVIDENCE["evidence"]] * 2
    assert record["was_overdue"]
    [more] = await province.events(CorrectiveActionExtended)
    assert isinstance(more, CorrectiveActionExtended)
    assert more.was_overdue
    assert len(await province.events(CorrectiveActionReopened)) == 1
    assert len(await province.events(CorrectiveActionOverdue)) == 2
    assert len(await province.events(CorrectiveActionResolved)) == 2
    assert await province.superuser.fetchval("SELECT count(*) FROM timer WHERE kind = 'warehouse.action_overdue'") == 0


async def test_an_extension_arms_the_timer_anew(province: Province) -> None:
    action_id = await open_action(province)
    timer = "SELECT fence, due_at FROM timer WHERE subject_id = $1"
    before = await province.superuser.fetchrow(timer, action_id)
    due_on = later((await read(province, action_id))["due_at"], 10)
    extended = await move(province, action_id, "extension", EXTENSION | {"due_on": due_on})
    after = await province.superuser.fetchrow(timer, action_id)
    assert before is not None
    assert after is not None
    assert after["fence"] > before["fence"]
    assert abs(after["due_at"] - datetime.fromisoformat(extended["due_at"])) < timedelta(seconds=5)
    fence = await province.superuser.fetchval("SELECT timer_fence FROM corrective_action")
    assert fence == after["fence"]


async def test_the_same_extension_again_changes_nothing(province: Province) -> None:
    action_id = await open_action(province)
    body = EXTENSION | {"due_on": later((await read(province, action_id))["due_at"], 10)}
    answers = await asyncio.gather(*(move(province, action_id, "extension", body) for _ in range(6)))
    assert all(answer == answers[0] for answer in answers)
    assert len(await province.events(CorrectiveActionExtended)) == 1
    assert [line["entry"] for line in (await read(province, action_id))["history"]] == ["opened", "extended"]
    other = await move(province, action_id, "extension", body | {"reason": "دلیل دیگر"}, status=422)
    assert other["code"] == "warehouse.action.extension_too_early"


async def test_wrong_steps_are_refused(province: Province) -> None:
    action_id = await open_action(province)
    due_at = (await read(province, action_id))["due_at"]
    body = EXTENSION | {"due_on": later(due_at, 10)}

    async def refused(step: str, asked: Any, status: int, code: str, who: str = "reviewer2.rey") -> Any:
        problem = await move(province, action_id, step, asked, who, status=status)
        assert problem["code"] == code
        return problem

    await refused("reopening", REOPENING, 409, "warehouse.action.not_resolved")
    await refused("extension", body | {"due_on": "2020-01-01"}, 422, "warehouse.action.extension_too_early")
    await refused("extension", body | {"due_on": "2099-01-03"}, 422, "warehouse.action.extension_too_late")
    friday = date.fromisoformat(body["due_on"])
    while friday.weekday() != 4:
        friday += timedelta(days=1)
    off = await refused("extension", body | {"due_on": friday.isoformat()}, 422, "warehouse.action.extension_day_off")
    assert next_working_day(friday, PUBLIC_HOLIDAYS).isoformat() in off["detail"]
    await refused("extension", body, 403, "kit.role_not_allowed", "inspector.rey")
    await move(province, action_id, "extension", body | {"reason": " "}, status=422)
    await move(province, action_id, "resolution", EVIDENCE, "reviewer2.rey")
    await refused("extension", body, 409, "warehouse.action.already_resolved")
    await refused("owner", {"owner": "x", "reason": "y"}, 409, "warehouse.action.already_resolved")
    await refused("reopening", REOPENING, 403, "warehouse.action.reopened_by_resolver")
    await refused("reopening", REOPENING, 403, "kit.role_not_allowed", "inspector.rey")
    problem = await province.ask("GET", f"/corrective-actions/{action_id}", "reviewer.qods", status=404)
    assert problem["code"] == "warehouse.action.not_found"


async def test_handing_over_to_the_owner_changes_nothing(province: Province) -> None:
    action_id = await open_action(province)
    body = {"owner": "member.rey", "reason": "مسئول تازه"}
    moved = await move(province, action_id, "owner", body)
    assert moved["owner"] == "member.rey"
    assert await move(province, action_id, "owner", body) == moved
    assert [line["entry"] for line in (await read(province, action_id))["history"]] == ["opened", "handed_over"]


async def test_resolving_extending_and_the_timer_at_once_leave_one_story(province: Province) -> None:
    """Whichever comes first: events, history, counters and the row tell the same, and nothing is announced twice."""
    action_id = await open_action(province)
    body = EXTENSION | {"due_on": later((await read(province, action_id))["due_at"], 10)}
    headers = province.headers("reviewer2.rey")
    await asyncio.gather(
        province.fire(action_id),
        province.client.post(f"/corrective-actions/{action_id}/extension", json=body, headers=headers),
        province.client.post(f"/corrective-actions/{action_id}/resolution", json=EVIDENCE, headers=headers),
        return_exceptions=True,
    )
    open_count, overdue_count = await counted(province)
    state = (await read(province, action_id))["state"]
    assert (open_count, overdue_count) == {"resolved": (0, 0), "open": (1, 0), "overdue": (1, 1)}[state]
    entries = [line["entry"] for line in (await read(province, action_id))["history"]]
    assert entries.count("overdue") == len(await province.events(CorrectiveActionOverdue))
    assert entries.count("resolved") == len(await province.events(CorrectiveActionResolved)) <= 1


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO corrective_action_history (action_id, county, entry, entered_by, entered_at, due_at, owner, reason,"
        " resolved_by) SELECT action_id, county, 'reopened', 'x', now(), due_at, owner, 'y', 'x' FROM corrective_action",
        "INSERT INTO corrective_action_history (action_id, county, entry, entered_by, entered_at, due_at, owner,"
        " due_at_before) SELECT action_id, county, 'extended', 'x', now(), due_at, owner, due_at FROM corrective_action",
        "UPDATE corrective_action SET owner = NULL",
        "UPDATE corrective_action_history SET reason = 'x'",
        "DELETE FROM corrective_action_history",
    ],
)
async def test_the_tables_keep_the_history_honest(province: Province, statement: str) -> None:
    await open_action(province)
    with pytest.raises((asyncpg.IntegrityConstraintViolationError, asyncpg.InsufficientPrivilegeError)):
        async with as_api(province, County.REY) as connection:
            await connection.execute(statement)

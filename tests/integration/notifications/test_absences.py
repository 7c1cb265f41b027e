"""Absences and deputies: who is on duty, loops that are refused, and whose absence may be set by whom."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

import asyncpg
import pytest

from services.notifications.domain.members import on_duty
from services.notifications.domain.offices import OFFICES
from services.notifications.store.groups import load_offices
from shared.contracts.counties import County
from tests.support.notifications import Desk, members, overdue
from tests.support.people import TODAY, away, ids, put_absences, put_group


async def test_the_deputy_is_on_duty_on_the_days_saved(desk: Desk) -> None:
    first, second, third = await ids(desk, "rey")
    (await put_absences(desk, first, away(third, 5, 6), away(second, 0, 2))).raise_for_status()
    async with desk.client("notifications_admin") as client:
        read = (await client.get(f"/members/{first}/absences")).json()
    assert read == {"member_id": first, "absences": [away(second, 0, 2), away(third, 5, 6)]}
    async with desk.pool.acquire() as connection:
        office = (await load_offices(connection, ["rey"]))["rey"]
    told = [on_duty(0, office, TODAY + timedelta(days=day)) for day in (0, 2, 3, 5, 7)]
    assert [str(duty.member.member_id) if duty else None for duty in told] == [second, second, first, third, first]
    (await put_absences(desk, first)).raise_for_status()
    assert await desk.pool.fetchval("SELECT count(*) FROM absence") == 0


async def test_an_alert_of_today_goes_to_the_deputy_and_the_history_says_in_whose_place(desk: Desk) -> None:
    first, second, _ = await ids(desk, "rey")
    today: date = await desk.pool.fetchval("SELECT (now() AT TIME ZONE 'Asia/Tehran')::date")
    (
        await put_absences(desk, first, away(second) | {"first_day": str(today), "last_day": str(today)})
    ).raise_for_status()
    await desk.take(overdue())
    [alert] = await desk.alerts()
    assert {each["recipient"] for each in alert["deliveries"]} == {"m1.rey@payesh.example"}
    [raised] = [entry for entry in await desk.history(alert["alert_id"]) if entry["entry"] == "raised"]
    assert raised["details"]["told"] == "m1.rey@payesh.example"
    assert raised["details"]["instead_of"] == "m0.rey@payesh.example"


async def test_all_offices_are_loaded_by_as_many_statements_as_one(desk: Desk) -> None:
    statements: list[str] = []

    def note(query: asyncpg.connection.LoggedQuery) -> None:
        statements.append(query.query)

    async def count(working_groups: Sequence[str]) -> int:
        statements.clear()
        async with desk.pool.acquire() as connection:
            with connection.query_logger(note):
                await load_offices(connection, working_groups)
                await asyncio.sleep(0)  # the logger is told after the answer
        return len(statements)

    assert await count(["rey"]) == await count([*County, *OFFICES]) == 3


async def test_a_loop_of_deputies_over_common_days_is_refused_naming_people_and_days(desk: Desk) -> None:
    first, second, third = await ids(desk, "rey")
    (await put_absences(desk, first, away(second, 0, 5))).raise_for_status()
    (await put_absences(desk, second, away(third, 3, 9))).raise_for_status()
    refused = await put_absences(desk, third, away(first, 20, 21), away(first, 4, 4))
    body, details = refused.json(), refused.json()["details"]
    assert (refused.status_code, body["code"]) == (422, "notifications.absence.deputy_loop")
    assert (details["place"], details["first_day"], details["last_day"]) == ("absences.1", "2026-11-26", "2026-11-26")
    assert details["people"] == "عضو 2 ← عضو 0 ← عضو 1 ← عضو 2"
    assert await desk.pool.fetchval("SELECT count(*) FROM absence") == 2
    (await put_absences(desk, third, away(first, 6, 9))).raise_for_status()


async def test_two_halves_of_a_loop_saved_side_by_side_are_never_both_saved(desk: Desk) -> None:
    first, second, _ = await ids(desk, "rey")
    for _ in range(5):
        answers = await asyncio.gather(put_absences(desk, first, away(second)), put_absences(desk, second, away(first)))
        assert sorted(answer.status_code for answer in answers) == [200, 422]
        await put_absences(desk, first)
        await put_absences(desk, second)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"last_day": "2026-11-21"}, "notifications.absence.days_reversed"),
        ({"deputy_id": str(UUID(int=1))}, "notifications.absence.deputy_not_in_group"),
        ({"deputy_id": "self"}, "notifications.absence.deputy_loop"),
        ({"first_day": "1405/09/01"}, "kit.request_invalid"),
    ],
)
async def test_an_absence_that_cannot_be_is_refused(desk: Desk, change: dict[str, str], code: str) -> None:
    first, second, _ = await ids(desk, "rey")
    absence = away(second) | {key: first if value == "self" else value for key, value in change.items()}
    refused = await put_absences(desk, first, absence)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert await desk.pool.fetchval("SELECT count(*) FROM absence") == 0


async def test_a_deputy_of_another_office_or_one_who_left_is_refused(desk: Desk) -> None:
    await desk.set_group("pardis")
    first, *_, last = await ids(desk, "rey")
    elsewhere = (await ids(desk, "pardis"))[0]
    refused = await put_absences(desk, first, away(elsewhere))
    assert refused.json()["code"] == "notifications.absence.deputy_not_in_group"
    (await put_absences(desk, first, away(last))).raise_for_status()
    await put_group(desk, "rey", members("rey")[:2])
    async with desk.pool.acquire() as connection:
        office = (await load_offices(connection, ["rey"]))["rey"]
    duty = on_duty(0, office, TODAY)
    assert duty is not None
    assert (duty.member.position, duty.instead_of) == (1, office.members[0])
    assert (await put_absences(desk, first, away(last))).status_code == 422
    assert (await put_absences(desk, last)).json()["code"] == "notifications.member.not_found"


async def test_people_set_their_own_absences_and_nobody_elses(desk: Desk) -> None:
    first, second, _ = await ids(desk, "rey")
    own = await put_absences(desk, first, away(second), roles=["member"], subject="m0.rey", counties=["rey"])
    other = await put_absences(desk, second, away(first, 3, 3), roles=["member"], subject="m0.rey", counties=["rey"])
    hidden = await put_absences(desk, first, roles=["member"], subject="m0.rey", counties=["pardis"])
    reader = await put_absences(desk, first, roles=["operator"], subject="m0.rey")
    assert [own.status_code, other.status_code, hidden.status_code, reader.status_code] == [200, 403, 404, 403]
    async with desk.client("member", subject="m1.rey", counties=["rey"]) as client:
        assert (await client.get(f"/members/{first}/absences")).status_code == 403

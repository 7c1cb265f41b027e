"""People on a real database: contacts, absences and deputies, calendars, imports; and what each caller may not do."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from services.notifications.domain.channels import Channel, Contact
from services.notifications.domain.members import on_duty
from services.notifications.domain.office_hours import DEFAULT
from services.notifications.domain.offices import OFFICES
from services.notifications.public_holidays import PUBLIC_HOLIDAYS
from services.notifications.store.groups import load_offices
from shared.contracts.counties import County
from tests.support.notifications import Desk, members, overdue
from tests.support.people_file import upload, workbook

MIGRATION = Path(__file__).parents[3] / "services/notifications/schema/01010_people.sql"
TODAY = date(2026, 11, 22)
SMS = {"channel": "sms", "address": "۰۹۱۲ ۱۲۳ ۴۵۶۷"}
CHAT = {"channel": "chat", "address": "telegram:@rey"}
HOURS = {"saturday": {"opens": "07:30", "closes": "14:00"}, "thursday": {"opens": "07:30", "closes": "00:00"}}


async def put_group(desk: Desk, group: str, people: list[dict[str, Any]], **client: Any) -> httpx.Response:
    async with desk.client("notifications_admin", **client) as caller:
        return await caller.put(f"/working-groups/{group}", json={"members": people})


async def ids(desk: Desk, group: str) -> list[str]:
    async with desk.client("notifications_admin") as client:
        read = (await client.get(f"/working-groups/{group}")).raise_for_status().json()
    return [member["member_id"] for member in read["members"]]


def away(deputy: str, first: int = 0, last: int = 0) -> dict[str, str]:
    return {
        "first_day": (TODAY + timedelta(days=first)).isoformat(),
        "last_day": (TODAY + timedelta(days=last)).isoformat(),
        "deputy_id": deputy,
    }


async def put_absences(
    desk: Desk,
    member_id: str,
    *absences: dict[str, str],
    roles: Sequence[str] = ("notifications_admin",),
    **client: Any,
) -> httpx.Response:
    async with desk.client(*roles, **client) as caller:
        return await caller.put(f"/members/{member_id}/absences", json={"absences": list(absences)})


async def test_contacts_are_kept_in_the_order_of_preference_and_replaced_whole(desk: Desk) -> None:
    first, *others = members("rey")
    saved = (await put_group(desk, "rey", [first | {"contacts": [SMS, CHAT]}, *others])).raise_for_status().json()
    assert [contact["address"] for contact in saved["members"][0]["contacts"]] == [
        "+989121234567",
        "telegram:@rey",
        "m0.rey@payesh.example",
    ]
    email = {"channel": "email", "address": first["email"].upper()}
    saved = (await put_group(desk, "rey", [first | {"contacts": [email, SMS]}, *others])).raise_for_status().json()
    async with desk.pool.acquire() as connection:
        office = (await load_offices(connection, ["rey"]))["rey"]
    assert office.members[0].contacts == (
        Contact(Channel.EMAIL, "m0.rey@payesh.example"),
        Contact(Channel.SMS, "+989121234567"),
    )
    assert str(office.members[0].member_id) == saved["members"][0]["member_id"]


async def test_every_address_that_is_not_one_is_told_by_its_place_and_nothing_is_saved(desk: Desk) -> None:
    first, second, third = members("rey")
    bad = [{"channel": "sms", "address": "021 33"}, CHAT, CHAT, {"channel": "inbox", "address": "x"}]
    refused = await put_group(desk, "rey", [first, second | {"contacts": bad}, third | {"email": "nobody"}])
    assert refused.status_code == 422
    told = refused.json()["details"]["addresses"]
    assert [(one["place"], one["code"]) for one in told] == [
        ("members.1.contacts.0", "phone_invalid"),
        ("members.1.contacts.2", "repeated"),
        ("members.1.contacts.3", "inbox_always"),
        ("members.2.email", "email_invalid"),
    ]
    assert await desk.pool.fetchval("SELECT count(*) FROM member_contact WHERE channel <> 'email'") == 0


async def test_only_administrators_see_addresses_other_than_email(desk: Desk) -> None:
    first, *others = members("rey")
    await put_group(desk, "rey", [first | {"contacts": [SMS]}, *others])
    async with desk.client("member", counties=["rey"]) as client:
        read = (await client.get("/working-groups/rey")).json()
    assert [member["contacts"] for member in read["members"]] == [None, None, None]
    assert read["members"][0]["email"] == first["email"]


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


async def test_an_offices_people_are_changed_only_with_all_counties(desk: Desk) -> None:
    await desk.set_group("legal_office")
    first, second, _ = await ids(desk, "legal_office")
    refused = await put_absences(
        desk, first, away(second), roles=["legal_officer"], subject="m0.legal_office", counties=["rey"]
    )
    async with desk.client("notifications_admin", counties=["rey"]) as client:
        calendar = await client.put("/working-groups/legal_office/calendar", json={"hours": HOURS})
    assert refused.json()["code"] == calendar.json()["code"] == "notifications.working_group.province_only"
    (
        await put_absences(desk, first, away(second), roles=["legal_officer"], subject="m0.legal_office")
    ).raise_for_status()


async def test_an_office_without_a_calendar_has_the_usual_hours_and_its_own_replace_them(desk: Desk) -> None:
    async with desk.client("notifications_admin") as client:
        usual = (await client.get("/working-groups/rey/calendar")).json()
        body = {"hours": HOURS, "keeps_public_holidays": False, "closed_days": ["2026-11-28"]}
        (await client.put("/working-groups/rey/calendar", json=body)).raise_for_status()
        saved = (await client.put("/working-groups/rey/calendar", json=body)).raise_for_status().json()
        read = (await client.get("/working-groups/rey/calendar")).json()
    assert (usual["saved"], usual["hours"]) == (False, DEFAULT.model_dump(mode="json"))
    assert saved == read
    assert read["hours"]["hours"] == {
        "saturday": {"opens": "07:30:00", "closes": "14:00:00"},
        "thursday": {"opens": "07:30:00", "closes": "00:00:00"},
    }
    async with desk.pool.acquire() as connection:
        offices = await load_offices(connection, ["rey", "pardis", "legal_office"])
    assert offices["rey"].calendar.closed_days == {date(2026, 11, 28)}
    assert offices["pardis"].calendar.closed_days == PUBLIC_HOLIDAYS
    assert offices["pardis"].members == ()
    assert offices["rey"].calendar.hours != offices["pardis"].calendar.hours


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"hours": {}}, "notifications.calendar.never_open"),
        ({"hours": {"friday": {"opens": "08:00", "closes": "08:30"}}}, "notifications.calendar.never_open"),
        ({"hours": {"friday": {"opens": "16:00", "closes": "08:00"}}}, "notifications.calendar.hours_reversed"),
        ({"hours": {"holiday": {"opens": "08:00", "closes": "16:00"}}}, "kit.request_invalid"),
        ({"hours": {"friday": {"opens": "08:00Z", "closes": "16:00"}}}, "kit.request_invalid"),
        ({"hours": {"friday": {"opens": "08:00:30", "closes": "16:00"}}}, "kit.request_invalid"),
    ],
)
async def test_hours_that_nothing_could_wait_by_are_refused(desk: Desk, body: dict[str, Any], code: str) -> None:
    async with desk.client("notifications_admin") as client:
        refused = await client.put("/working-groups/rey/calendar", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert await desk.pool.fetchval("SELECT count(*) FROM office_calendar") == 0


def row(group: str, name: str, email: str, phone: str | None = None, position: int | None = None) -> tuple[Any, ...]:
    return group, position, name, "کارشناس", None, email, phone, None


async def dry_run(client: httpx.AsyncClient, content: bytes) -> httpx.Response:
    return await client.post("/people-imports/dry-run", files=upload(content))


async def take(client: httpx.AsyncClient, content: bytes, plan: str) -> httpx.Response:
    return await client.post("/people-imports", params={"plan": plan}, files=upload(content))


async def test_a_dry_run_shows_what_the_import_then_does(desk: Desk) -> None:
    kept, changed, gone = await ids(desk, "rey")
    content = workbook(
        ("ری", 0, "عضو 0", "کارشناس", "فارسی", "m0.rey@payesh.example", None, None),
        row("ری", "نام تازه", "m1.rey@payesh.example", "09121234567", 1),
        row("پردیس", "فرد تازه", "new@pardis.example"),
    )
    async with desk.client("notifications_admin") as client:
        planned = (await dry_run(client, content)).raise_for_status().json()
        assert await ids(desk, "rey") == [kept, changed, gone]
        taken = (await take(client, content, planned["plan"])).raise_for_status().json()
        again = (await dry_run(client, content)).raise_for_status().json()
    assert [(one["working_group"], one["email"], one["change"], one["fields"]) for one in planned["people"]] == [
        ("pardis", "new@pardis.example", "joins", []),
        ("rey", "m0.rey@payesh.example", "changes", ["subject"]),
        ("rey", "m1.rey@payesh.example", "changes", ["name", "subject", "contacts"]),
        ("rey", "m2.rey@payesh.example", "leaves", []),
    ]
    assert (planned["applied"], taken["applied"]) == (False, True)
    assert taken["people"] == planned["people"]
    assert {one["change"] for one in again["people"]} == {"stays"}
    assert await ids(desk, "rey") == [kept, changed]
    async with desk.pool.acquire() as connection:
        office = (await load_offices(connection, ["rey"]))["rey"]
    assert Contact(Channel.SMS, "+989121234567") in office.members[1].contacts


async def test_a_file_or_office_that_changed_since_the_dry_run_is_not_taken(desk: Desk) -> None:
    content = workbook(row("پردیس", "فرد تازه", "new@pardis.example"), row("ری", "تنها", "only@rey.example"))
    other = workbook(row("پردیس", "فرد دیگر", "new@pardis.example"), row("ری", "تنها", "only@rey.example"))
    async with desk.client("notifications_admin") as client:
        plan = (await dry_run(client, content)).json()["plan"]
        another_file = await take(client, other, plan)
        await desk.set_group("rey", count=2)
        another_office = await take(client, content, plan)
        nothing = await client.post("/people-imports", files=upload(content))
    assert another_file.json()["code"] == another_office.json()["code"] == "notifications.people_file.plan_changed"
    assert (another_file.status_code, another_office.status_code, nothing.status_code) == (409, 409, 422)
    assert len(await ids(desk, "rey")) == 2
    assert await ids(desk, "pardis") == []


async def test_one_bad_row_keeps_everybody_out(desk: Desk) -> None:
    content = workbook(row("پردیس", "فرد تازه", "new@pardis.example"), row("ری", "تنها", "only at rey"))
    async with desk.client("notifications_admin") as client:
        dry = await dry_run(client, content)
        real = await take(client, content, "0" * 64)
    assert dry.json()["details"] == real.json()["details"]
    assert [(one["row"], one["column"], one["code"]) for one in real.json()["details"]["rows"]] == [
        (3, "رایانامه", "email_invalid")
    ]
    assert await ids(desk, "pardis") == []


async def test_who_has_one_county_imports_its_people_alone(desk: Desk) -> None:
    rows = [row("پردیس", "الف", "a@x.example"), row("دفتر حقوقی", "ب", "b@x.example"), row("ری", "پ", "c@x.example")]
    async with desk.client("notifications_admin", counties=["rey"]) as client:
        refused = await dry_run(client, workbook(*rows))
        own = workbook(rows[2])
        plan = (await dry_run(client, own)).json()["plan"]
        (await take(client, own, plan)).raise_for_status()
    assert [(one["row"], one["code"]) for one in refused.json()["details"]["rows"]] == [
        (2, "group_outside"),
        (3, "group_outside"),
    ]
    async with desk.client("member") as client:
        assert (await dry_run(client, own)).status_code == 403
        assert (await client.get("/people-imports/template")).status_code == 403


async def test_the_template_with_people_imports_as_no_change(desk: Desk) -> None:
    first, *others = members("rey")
    await put_group(desk, "rey", [first | {"contacts": [SMS, CHAT]}, *others])
    await desk.set_group("complaints_office")
    async with desk.client("notifications_admin") as client:
        for language in ("fa", "en"):
            query = {"language": language, "with_people": "true"}
            template = (await client.get("/people-imports/template", params=query)).raise_for_status()
            plan = (await dry_run(client, template.content)).raise_for_status().json()
            assert [one["change"] for one in plan["people"]] == ["stays"] * 6


async def run_as(desk: Desk, counties: str, statement: str, *values: object) -> str:
    async with desk.api_pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('payesh.counties', $1, true)", counties)
        status: str = await connection.execute(statement, *values)
        return status


async def test_row_level_security_holds_in_sql_as_the_services_own_role(desk: Desk) -> None:
    for group in ("pardis", "legal_office"):
        await desk.set_group(group)
    for group in ("rey", "pardis", "legal_office"):
        first, second, _ = await ids(desk, group)
        (await put_absences(desk, first, away(second))).raise_for_status()
        async with desk.client("notifications_admin") as client:
            (await client.put(f"/working-groups/{group}/calendar", json={"hours": HOURS})).raise_for_status()
    for table, of_each in (("member_contact", 3), ("absence", 1), ("office_calendar", 1)):
        assert await run_as(desk, "rey", f"SELECT FROM {table}") == f"SELECT {2 * of_each}"
        assert await run_as(desk, "", f"SELECT FROM {table}") == f"SELECT {of_each}"
        assert await run_as(desk, "rey", f"SELECT FROM {table} WHERE county = 'pardis'") == "SELECT 0"
    for table in ("member_contact", "absence"):
        assert await run_as(desk, "rey", f"DELETE FROM {table} WHERE county IS DISTINCT FROM 'rey'") == "DELETE 0"
    moved = "UPDATE office_calendar SET keeps_public_holidays = false WHERE county IS DISTINCT FROM 'rey'"
    assert await run_as(desk, "rey", moved) == "UPDATE 0"
    assert await run_as(desk, ",".join(County), moved) == "UPDATE 2"
    elsewhere = UUID((await ids(desk, "pardis"))[1])
    for county in ("pardis", None):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await run_as(
                desk,
                "rey",
                "INSERT INTO member_contact (member_id, preference, county, channel, address) VALUES ($1, 9, $2, 'sms', 'x')",
                elsewhere,
                county,
            )
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await run_as(
                desk,
                "rey",
                "INSERT INTO absence VALUES ($1, '2026-01-01', '2026-01-02', $3, $2, now(), 'x')",
                elsewhere,
                county,
                uuid4(),
            )
    for table in ("member_contact", "absence", "office_calendar"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await desk.pool.execute(f"DELETE FROM {table}")


async def test_the_migration_gives_every_member_of_before_the_email_address_as_contact(desk: Desk) -> None:
    await desk.set_group("legal_office")
    up, down = MIGRATION.read_text(encoding="utf-8").split("-- migrate:down")
    owner = await asyncpg.connect(desk.database.owner_url)
    try:
        async with owner.transaction():
            await owner.execute(down)
            await owner.execute(up)
    finally:
        await owner.close()
    async with desk.pool.acquire() as connection:
        offices = await load_offices(connection, ["rey", "legal_office"])
        kept = await connection.fetchval(
            "SELECT count(*) FROM member_contact WHERE preference = 0 AND channel = 'email'"
        )
    assert kept == 6
    for office in offices.values():
        assert [one.contacts for one in office.members] == [
            (Contact(Channel.EMAIL, one.email),) for one in office.members
        ]
    forced = "SELECT relforcerowsecurity FROM pg_class WHERE relname = 'working_group_member'"
    assert await desk.pool.fetchval(forced) is True

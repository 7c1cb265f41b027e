"""People on a real database: contacts, absences and deputies, calendars, imports; and what each caller may not do."""

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from services.notifications.domain.channels import Channel, Contact
from services.notifications.domain.office_hours import DEFAULT
from services.notifications.public_holidays import PUBLIC_HOLIDAYS
from services.notifications.store.groups import load_offices
from shared.contracts.counties import County
from tests.support.notifications import Desk, members
from tests.support.people import away, ids, put_absences, put_group
from tests.support.people_file import upload, workbook

MIGRATION = Path(__file__).parents[3] / "services/notifications/schema/01010_people.sql"
SMS = {"channel": "sms", "address": "۰۹۱۲ ۱۲۳ ۴۵۶۷"}
CHAT = {"channel": "chat", "address": "telegram:@rey"}
HOURS = {"saturday": {"opens": "07:30", "closes": "14:00"}, "thursday": {"opens": "07:30", "closes": "00:00"}}


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


@pytest.mark.parametrize(
    ("role", "counties", "status"),
    [
        ("member", ["rey"], 403),
        ("legal_officer", ["rey"], 403),
        ("province_officer", ["rey"], 403),
        ("protection_officer", ["rey"], 200),
        ("member", [*County], 200),
        ("notifications_admin", ["rey"], 200),
        ("operator", ["rey"], 200),
    ],
)
async def test_who_works_in_a_provincial_office_shows_to_the_office_and_to_the_province(
    desk: Desk, role: str, counties: list[str], status: int
) -> None:
    await desk.set_group("protection_office", 1)
    async with desk.client(role, counties=counties) as client:
        answer = await client.get("/working-groups/protection_office", headers={"accept-language": "fa"})
    assert answer.status_code == status
    assert ("m0.protection" in answer.text) is (status == 200)
    if status == 403:
        assert answer.json()["code"] == "notifications.working_group.of_an_office"
        assert answer.json()["detail"].startswith("اعضای دفتر حمایت را تنها")


async def test_who_gets_the_provinces_summaries_shows_as_its_office_does(desk: Desk) -> None:
    async with desk.client("member", counties=["rey"]) as member, desk.client("province_officer") as officer:
        refused = await member.get("/working-groups/province_office/digests")
        read = await officer.get("/working-groups/province_office/digests")
    assert (refused.status_code, read.status_code) == (403, 200)


async def test_a_refusal_in_persian_names_offices_and_columns_in_persian(desk: Desk) -> None:
    fa = {"accept-language": "fa"}
    first, second, _ = members("rey")
    async with desk.client("notifications_admin", counties=["rey"]) as client:
        office = await client.put("/working-groups/complaints_office", json={"members": []}, headers=fa)
        twice = await client.put("/working-groups/rey", json={"members": [first, second | {"position": 0}]}, headers=fa)
        wishes = {"wishes": [{"email": "x@y.example", "period": "daily"}]}
        nobody = await client.put("/working-groups/rey/digests", json=wishes, headers=fa)
    assert [answer.json()["detail"] for answer in (office, twice, nobody)] == [
        "اعضای دفتر شکایات را تنها کسی با دسترسی به همه شهرستان‌ها می‌تواند تغییر دهد.",
        "دو عضو نوبت یکسان دارند: 0.",
        "در ری کسی با نشانی x@y.example نیست.",
    ]


async def test_a_webhook_contact_names_an_endpoint_that_is_there_in_the_county_or_the_province(desk: Desk) -> None:
    async with desk.api_pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('payesh.counties', $1, true)", ",".join(County))
        await connection.executemany(
            "INSERT INTO webhook_endpoint (name, county, url, created_at, created_by) VALUES ($1, $2, 'u', now(), 'x')",
            [("of-rey", "rey"), ("of-pardis", "pardis"), ("of-all", None)],
        )
    first, *others = members("rey")
    hooks = [{"channel": "webhook", "address": name} for name in ("of-rey", "of-pardis", "of-all", "of-none")]
    refused = await put_group(desk, "rey", [first | {"contacts": hooks}, *others], counties=["rey"])
    assert refused.status_code == 422
    assert [(one["place"], one["code"]) for one in refused.json()["details"]["addresses"]] == [
        ("members.0.contacts.1", "endpoint_unknown"),
        ("members.0.contacts.3", "endpoint_unknown"),
    ]
    there = [hooks[0], hooks[2]]
    (await put_group(desk, "rey", [first | {"contacts": there}, *others], counties=["rey"])).raise_for_status()
    headings = ("شهرستان یا دفتر", "نام", "سمت", "رایانامه", "وب‌هوک")
    async with desk.client("notifications_admin", counties=["rey"]) as client:
        for name, status in (("of-all", 200), ("of-none", 422)):
            content = workbook(("ری", "عضو", "کارشناس", "m@rey.example", name), headings=headings)
            assert (await dry_run(client, content)).status_code == status
        shown = (await client.get("/webhook-endpoints")).json()
        keys = await client.get("/webhook-endpoints/of-all/keys")
    assert ([one["name"] for one in shown], keys.status_code) == (["of-rey"], 404)


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

"""Work permits over HTTP: numbers of offices alone, whole files or none, notices of their end; nothing of a holder."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from services.nationals.app import service
from services.nationals.free_services.handlers.work_permits import PERMIT_END, PERMIT_NOTICE, notice_permit
from services.nationals.free_services.notice_periods import NoticePolicy
from shared.kit.http import connect
from tests.integration.nationals.office import Office
from tests.integration.nationals.partner_office import PartnerOffice, codes, only_bodies, today, workbook
from tests.support.identity import bearer, client_of, create_test_verifier

HEADINGS = ("شماره پروانه", "شماره ثبت کارفرما", "گروه شغلی", "شهرستان", "اعتبار تا")
UNTIL = today() + timedelta(days=100)
LATER = today() + timedelta(days=300)
PERMIT = {
    "permit_number": "TH/1405-1",
    "employer_reference": "10101234567",
    "occupation_group": "construction",
    "county": "rey",
    "valid_until": UNTIL.isoformat(),
}
NATIONAL_ID = "0499370899"


@pytest.fixture
async def partners(office: Office) -> AsyncIterator[PartnerOffice]:
    connect(service.api, pool=office.api, verifier=create_test_verifier())
    async with client_of(service.api) as client:
        yield PartnerOffice(office, client)


def row(number: str, until: Any = UNTIL, county: str = "ری", employer: str = "10101234567") -> tuple[Any, ...]:
    return (number, employer, "ساختمانی", county, until)


async def recorded(partners: PartnerOffice, **changes: Any) -> str:
    return (await partners.ask("POST", "/work-permits", {**PERMIT, **changes}))["permit_id"]


async def test_permit_is_recorded_once_and_found_by_number_employer_or_window(partners: PartnerOffice) -> None:
    permit_id = await recorded(partners)
    refused = await partners.ask("POST", "/work-permits", {**PERMIT, "permit_number": "th/۱۴۰۵-۱"}, 409)
    assert refused["code"] == "nationals.permit.exists"
    window = f"expires_from={today()}&expires_until={today() + timedelta(days=90)}"
    near = await recorded(partners, permit_number="TH/1405-2", valid_until=(today() + timedelta(days=5)).isoformat())
    for query, ids in (
        ("permit_number=TH/1405-1", [permit_id]),
        ("employer_reference=۱۰۱۰۱۲۳۴۵۶۷", [permit_id, near]),
        (window, [near]),
        (f"{window}&limit=1", [near]),
    ):
        assert [one["permit_id"] for one in (await partners.ask("GET", f"/work-permits?{query}"))["items"]] == ids
    page = await partners.ask("GET", f"/work-permits?{window}&limit=1")
    assert (await partners.ask("GET", f"/work-permits?{window}&limit=1&after={page['next']}"))["items"] == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?permit_number=TH-111&employer_reference=TH-111",
        f"?expires_from={today()}",
        f"?expires_from={today()}&expires_until={today() + timedelta(days=93)}",
        f"?expires_from={today()}&expires_until={today() - timedelta(days=1)}",
        f"?expires_from={today()}&expires_until={today()}&after=018f0000-0000-7000-8000-000000000000",
    ],
)
async def test_permits_are_not_listed_otherwise(partners: PartnerOffice, query: str) -> None:
    refused = await partners.ask("GET", f"/work-permits{query}", status=422)
    assert refused["code"] == "nationals.permit.list_unbounded"


async def test_permits_are_not_listed_by_county_either(partners: PartnerOffice) -> None:
    refused = await partners.ask("GET", "/work-permits?county=rey", status=422)
    assert (refused["code"], refused["details"]["name"]) == ("kit.query_unknown", "county")


async def test_file_is_taken_once_and_renews_what_lasts_longer(partners: PartnerOffice) -> None:
    content = workbook(("پروانه‌های کار",), HEADINGS, row("TH-101"), row("TH-102", "1406/01/15"))
    assert await partners.send_permits(content) == {"recorded": 2, "renewed": 0, "unchanged": 0}
    assert await partners.send_permits(content) == {"recorded": 0, "renewed": 0, "unchanged": 2}
    longer = workbook(HEADINGS, row("TH-101", LATER), row("TH-103"))
    assert await partners.send_permits(longer) == {"recorded": 1, "renewed": 1, "unchanged": 0}
    [permit] = (await partners.ask("GET", "/work-permits?permit_number=TH-101"))["items"]
    assert permit["valid_until"] == LATER.isoformat()
    terms = await partners.ask("GET", f"/work-permits/{permit['permit_id']}/terms")
    assert [term["valid_until"] for term in terms["terms"]] == [UNTIL.isoformat(), LATER.isoformat()]
    assert only_bodies(await partners.events("WorkPermitRenewed"), "valid_until") == [(LATER.isoformat(),)]


async def test_file_with_a_wrong_row_is_refused_whole(partners: PartnerOffice) -> None:
    await recorded(partners)
    shorter = UNTIL - timedelta(days=1)
    wrong = workbook(
        HEADINGS, row("TH-200"), row("TH/1405-1", shorter), row("TH/1405-1"), row("TH-201", employer="=1+1")
    )
    refused = await partners.send_permits(wrong, 422)
    assert codes(refused) == {(4, "permit_repeated"), (5, "cell_formula")}
    wrong = workbook(HEADINGS, row("TH-200"), row("TH/1405-1", shorter), row("TH-202", county="پردیس"))
    refused = await partners.send_permits(wrong, 422, counties=["rey"])
    assert codes(refused) == {(3, "permit_shortened"), (4, "county_not_yours")}
    assert await partners.office.superuser.fetchval("SELECT count(*) FROM free_services.work_permit") == 1
    assert len(await partners.armed(PERMIT_NOTICE)) == 1


async def test_number_that_another_county_has_is_refused_and_says_no_more(partners: PartnerOffice) -> None:
    await recorded(partners, county="pardis")
    content = workbook(HEADINGS, row("TH-300"), row("TH/1405-1"))
    refused = await partners.send_permits(content, 422, counties=["rey"])
    assert codes(refused) == {(3, "permit_elsewhere")}
    assert (await partners.ask("GET", "/work-permits?permit_number=TH-300"))["items"] == []


async def test_files_of_the_same_permits_at_once_record_each_once(partners: PartnerOffice) -> None:
    rows = [row(f"TH-{number}") for number in range(400, 440)]
    files = [workbook(HEADINGS, *rows), workbook(HEADINGS, *reversed(rows))] * 2

    async def send(content: bytes) -> int:
        answer = await partners.client.post(
            "/work-permits/import",
            files={"file": ("permits.xlsx", content)},
            headers=bearer("services_manager", subject="manager.one"),
        )
        return answer.status_code

    statuses = await asyncio.gather(*(send(content) for content in files))
    assert set(statuses) <= {201, 422}
    assert 201 in statuses
    assert await partners.office.superuser.fetchval("SELECT count(*) FROM free_services.work_permit") == len(rows)
    assert len(await partners.armed(PERMIT_NOTICE)) == len(rows)


async def test_end_is_noticed_put_off_by_renewal_and_then_only_remembered(partners: PartnerOffice) -> None:
    permit_id = await recorded(partners)
    await partners.fire(PERMIT_NOTICE, permit_id)
    await partners.again(notice_permit, permit_id, NoticePolicy(notice_days=30))
    told = await partners.events("WorkPermitExpiring")
    assert only_bodies(told, "permit_id", "county", "valid_until") == [(permit_id, "rey", UNTIL.isoformat())]
    assert told[0].keys() == {"permit_id", "county", "valid_until", "type", "sequence"}
    path = f"/work-permits/{permit_id}/renewals"
    refused = await partners.ask("POST", path, {"valid_until": UNTIL.isoformat()}, 422)
    assert refused["code"] == "nationals.renewal.not_later"
    for far in ((today() + timedelta(days=2000)).isoformat(), "9999-12-31"):
        refused = await partners.ask("POST", path, {"valid_until": far}, 422)
        assert refused["code"] == "nationals.permit.date_too_far"
    assert (await partners.ask("POST", path, {"valid_until": LATER.isoformat()}))["state"] == "valid"
    assert await partners.armed(PERMIT_END) == []
    await partners.fire(PERMIT_NOTICE, permit_id)
    await partners.fire(PERMIT_END, permit_id)
    assert len(await partners.events("WorkPermitExpired")) == 1
    last = (LATER + timedelta(days=100)).isoformat()
    assert (await partners.ask("POST", path, {"valid_until": last}))["state"] == "valid"
    assert await partners.armed(PERMIT_NOTICE) == [permit_id]


async def test_permit_that_has_ended_is_recorded_without_a_notice(partners: PartnerOffice) -> None:
    yesterday = (today() - timedelta(days=1)).isoformat()
    answer = await partners.ask("POST", "/work-permits", {**PERMIT, "valid_until": yesterday})
    assert answer["state"] == "expired"
    assert await partners.armed(PERMIT_NOTICE) == []
    refused = await partners.ask("POST", "/work-permits", {**PERMIT, "valid_until": "0001-01-01"}, 422)
    assert refused["code"] == "nationals.permit.date_too_far"


async def test_other_counties_neither_see_nor_renew(partners: PartnerOffice) -> None:
    permit_id = await recorded(partners)
    for query in ("permit_number=TH/1405-1", "employer_reference=10101234567"):
        assert (await partners.ask("GET", f"/work-permits?{query}", counties=["pardis"]))["items"] == []
    path = f"/work-permits/{permit_id}"
    await partners.ask("POST", f"{path}/renewals", {"valid_until": LATER.isoformat()}, 404, counties=["pardis"])
    await partners.ask("GET", f"{path}/terms", status=404, counties=["pardis"])
    await partners.ask("POST", "/work-permits", {**PERMIT, "permit_number": "TH-9999"}, 403, counties=["pardis"])
    for role in ("caseworker", "partner_reporter", "province_officer"):
        await partners.ask("GET", "/work-permits?permit_number=TH-123", status=403, role=role)
    for table in ("work_permit", "work_permit_term"):
        assert await partners.rows_seen("pardis", f"free_services.{table}") == 0
        assert await partners.rows_seen("rey", f"free_services.{table}") == 1


async def test_nothing_of_a_holder_has_a_place(partners: PartnerOffice) -> None:
    columns = await partners.office.superuser.fetch(
        """
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'free_services' AND table_name LIKE 'work_permit%' ORDER BY table_name, ordinal_position
        """
    )
    of_table: dict[str, list[str]] = {}
    for column in columns:
        of_table.setdefault(column["table_name"], []).append(column["column_name"])
    assert of_table == {
        "work_permit": [
            "permit_id",
            "permit_number",
            "employer_reference",
            "occupation_group",
            "county",
            "valid_until",
            "state",
            "recorded_by",
            "recorded_at",
        ],
        "work_permit_term": ["permit_id", "county", "valid_until", "recorded_by", "recorded_at"],
    }
    for heading in ("نام دارنده", "ملیت", "کد ملی", "passport", "holder name", "تاریخ تولد"):
        persons = workbook((*HEADINGS, heading), (*row("TH-500"), "x"))
        assert (await partners.send_permits(persons, 422))["code"] == "nationals.file.person_data"
    for field in ("permit_number", "employer_reference"):
        refused = await partners.ask("POST", "/work-permits", {**PERMIT, field: NATIONAL_ID}, 422)
        assert refused["code"] == "nationals.permit.reference"
        assert NATIONAL_ID not in str(refused)
    refused = await partners.send_permits(workbook(HEADINGS, row(NATIONAL_ID)), 422)
    assert refused["code"] == "nationals.file.person_data"
    assert NATIONAL_ID not in str(refused)


@pytest.mark.parametrize(
    "reference", [NATIONAL_ID, "499370899", f"TH-{NATIONAL_ID}", "MARYAM-123", "مریم-123", "12", "09121234567"]
)
async def test_raw_sql_cannot_put_a_person_into_a_reference(partners: PartnerOffice, reference: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await partners.office.superuser.execute(
            """
            INSERT INTO free_services.work_permit
                (permit_id, permit_number, employer_reference, occupation_group, county, valid_until, recorded_by)
            VALUES (gen_random_uuid(), $1, '10101234567', 'other', 'rey', now(), 'somebody')
            """,
            reference,
        )

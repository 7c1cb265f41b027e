"""Reports of partners over HTTP: whole or not at all, once, corrected with history, late ones told and then settled."""

import io
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import openpyxl
import pytest

from services.nationals.app import service
from services.nationals.free_services.domain.report_period import Cadence, period_on
from services.nationals.free_services.handlers.agreement_timers import REPORT_DUE, notice_late_report
from shared.kit.database import enter_compartment
from shared.kit.http import connect
from tests.integration.nationals.office import Office
from tests.integration.nationals.partner_office import (
    HEADINGS,
    PartnerOffice,
    codes,
    last_period,
    only_bodies,
    report,
    today,
    workbook,
)
from tests.support.identity import bearer, client_of, create_test_verifier

PERIOD = last_period(back=2).key
SOUND = (("شهرستان ري", "آموزشي", "۱۲۰", 3), ("ورامین", "آموزش", 80, 0))


@pytest.fixture
async def partners(office: Office) -> AsyncIterator[PartnerOffice]:
    connect(service.api, pool=office.api, verifier=create_test_verifier())
    async with client_of(service.api) as client:
        yield PartnerOffice(office, client)


async def agreement_of(partners: PartnerOffice, **changes: Any) -> str:
    return (await partners.agreement(await partners.partner(), **changes))["agreement_id"]


async def report_of(partners: PartnerOffice, agreement_id: str, query: str = "", **more: Any) -> Any:
    return await partners.ask("GET", f"/partner-agreements/{agreement_id}/reports/{PERIOD}{query}", **more)


async def test_template_comes_filled_in_and_goes_back(partners: PartnerOffice) -> None:
    agreement_id = await agreement_of(partners, services=["education", "legal_aid"])
    path = f"/partner-agreements/{agreement_id}/reports/{PERIOD}/template"
    headers = bearer("partner_reporter", subject="nrc.reports")
    answer = await partners.client.get(path, headers=headers)
    assert answer.status_code == 200
    assert f'filename="report-{PERIOD}.xlsx"' in answer.headers["content-disposition"]
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    for row in range(6, 10):
        book.worksheets[0][f"C{row}"], book.worksheets[0][f"D{row}"] = row * 10, 0
    target = io.BytesIO()
    book.save(target)
    taken = await partners.send_report(agreement_id, PERIOD, target.getvalue())
    assert (taken["version"], taken["figure_count"], taken["changed"]) == (1, 4, True)
    shown = await report_of(partners, agreement_id)
    assert [figure["given"] for figure in shown["figures"]] == [60, 70, 80, 90]
    assert (await partners.client.get(path.replace(PERIOD, "1405-Q1"), headers=headers)).status_code == 422


async def test_same_file_again_changes_nothing_and_a_corrected_one_replaces_with_history(
    partners: PartnerOffice,
) -> None:
    agreement_id = await agreement_of(partners)
    first = await partners.send_report(agreement_id, PERIOD, report(PERIOD, *SOUND))
    again = await partners.send_report(agreement_id, PERIOD, report(PERIOD, *reversed(SOUND)))
    assert (first["version"], first["changed"], again["version"], again["changed"]) == (1, True, 1, False)
    corrected = report(PERIOD, SOUND[0], ("ورامین", "آموزش", 81, 0))
    assert (await partners.send_report(agreement_id, PERIOD, corrected, role="services_manager"))["version"] == 2
    shown = await report_of(partners, agreement_id)
    assert [figure["given"] for figure in shown["figures"]] == [120, 81]
    assert [(one["version"], one["received_by"]) for one in shown["versions"]] == [
        (1, "nrc.reports"),
        (2, "nrc.reports"),
    ]
    earlier = await report_of(partners, agreement_id, "?version=1")
    assert [figure["given"] for figure in earlier["figures"]] == [120, 80]
    await report_of(partners, agreement_id, "?version=3", status=404)
    told = only_bodies(await partners.events("PartnerReportReceived"), "period", "report_version", "county")
    assert told == [(PERIOD, 1, "rey"), (PERIOD, 2, "rey")]
    for event in await partners.events():
        assert not event.keys() & {"figures", "given", "unmet", "name_fa", "subject"}


async def test_same_key_gives_the_same_answer_and_another_file_under_it_is_refused(partners: PartnerOffice) -> None:
    agreement_id = await agreement_of(partners)
    content = report(PERIOD, *SOUND)
    first = await partners.send_report(agreement_id, PERIOD, content, key="report-1")
    assert await partners.send_report(agreement_id, PERIOD, content, key="report-1") == first
    other = report(PERIOD, SOUND[0], ("ورامین", "آموزش", 1, 1))
    refused = await partners.send_report(agreement_id, PERIOD, other, 422, key="report-1")
    assert refused["code"] == "kit.idempotency_key_reused"


async def test_refused_file_is_told_row_by_row_in_both_languages_and_nothing_is_applied(
    partners: PartnerOffice,
) -> None:
    agreement_id = await agreement_of(partners)
    wrong = report(
        PERIOD,
        ("ری", "آموزش", -1, 0),
        ("ورامین", "آموزش", "=1+1", 2.5),
        ("کرج", "درمان", 1, 1),
        ("پردیس", "اداری", 1, ""),
    )
    for role in ("partner_reporter", "services_manager"):
        refused = await partners.send_report(agreement_id, PERIOD, wrong, 422, role=role)
        assert refused["code"] == "nationals.file.refused"
        assert codes(refused) == {
            (4, "count_negative"),
            (5, "cell_formula"),
            (5, "count_fraction"),
            (6, "county_unknown"),
            (6, "service_unknown"),
            (7, "county_outside"),
            (7, "service_outside"),
            (7, "cell_blank"),
        }
    assert refused["details"]["rows"][0]["column"] == HEADINGS[2]
    fa = await partners.send_report(agreement_id, PERIOD, wrong, 422, language="fa")
    assert "پذیرفته نیست" in fa["detail"]
    for table in ("partner_report_version", "partner_report_figure"):
        assert await partners.office.superuser.fetchval(f"SELECT count(*) FROM free_services.{table}") == 0
    assert await partners.events("PartnerReportReceived") == []


async def test_file_of_persons_is_refused_and_kept_nowhere(partners: PartnerOffice) -> None:
    agreement_id = await agreement_of(partners)
    persons = workbook(("دوره", PERIOD), (*HEADINGS, "نام و نام خانوادگی"), (*SOUND[0], "مریم رضایی"), (*SOUND[1], "x"))
    refused = await partners.send_report(agreement_id, PERIOD, persons, 422)
    assert refused["code"] == "nationals.file.person_data"
    assert codes(refused) == {(2, "person_data_column")}
    listed = workbook(("نام", "کد ملی"), ("مریم", "0499370899"))
    assert (await partners.send_report(agreement_id, PERIOD, listed, 422))["code"] == "nationals.file.person_data"
    assert "مریم" not in str(refused)


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"not a workbook", 422, "nationals.file.unreadable"),
        (b"PK" + b"\0" * 5_000_000, 413, "nationals.file.too_large"),
        (report("1400-01", *SOUND), 422, "nationals.file.refused"),
        (workbook(HEADINGS, *SOUND), 422, "nationals.file.refused"),
    ],
    ids=["no workbook", "too large", "another period", "no period"],
)
async def test_wrong_file_is_refused(partners: PartnerOffice, content: bytes, status: int, code: str) -> None:
    agreement_id = await agreement_of(partners)
    assert (await partners.send_report(agreement_id, PERIOD, content, status))["code"] == code


async def test_report_of_another_partner_county_or_time_is_refused(partners: PartnerOffice) -> None:
    agreement_id = await agreement_of(partners)
    other = (await partners.agreement(await partners.partner("UNHCR", account="unhcr")))["agreement_id"]
    content = report(PERIOD, *SOUND)
    assert (await partners.send_report(other, PERIOD, content, 404))["code"] == "nationals.agreement.not_found"
    some = await partners.send_report(agreement_id, PERIOD, content, 403, counties=["rey"])
    assert some["code"] == "kit.county_not_granted"
    current = period_on(Cadence.MONTHLY, today()).key
    early = await partners.send_report(agreement_id, current, report(current, *SOUND), 409)
    assert early["code"] == "nationals.report.period_not_ended"
    unknown = await partners.send_report(agreement_id, "1405-Q1", report("1405-Q1", *SOUND), 422)
    assert unknown["code"] == "nationals.report.period_unknown"
    await partners.send_report(agreement_id, PERIOD, content, 403, role="caseworker")


async def test_late_report_is_told_once_and_settled_when_it_comes(partners: PartnerOffice) -> None:
    agreement_id = await agreement_of(partners)
    [subject] = await partners.armed(REPORT_DUE)
    first = subject.partition("/")[2]
    await partners.fire(REPORT_DUE, subject)
    await partners.again(notice_late_report, subject)
    late = only_bodies(await partners.events("PartnerReportLate"), "agreement_id", "period", "county")
    assert late == [(agreement_id, first, "rey")]
    [following] = await partners.armed(REPORT_DUE)
    assert following > subject
    listed = await partners.as_partner("GET", "/partner-reports?state=late")
    assert [(one["period"], one["version"]) for one in listed["items"]] == [(first, 0)]
    page = await partners.ask("GET", "/partner-reports?limit=1")
    rest = await partners.ask("GET", f"/partner-reports?limit=1&after={page['next']}")
    assert [page["items"][0]["period"], rest["items"][0]["period"]] == [first, following.partition("/")[2]]
    await partners.office.superuser.execute(
        "UPDATE free_services.partner_report SET period = $1 WHERE state = 'late'", PERIOD
    )
    await partners.send_report(agreement_id, PERIOD, report(PERIOD, *SOUND))
    assert (await partners.ask("GET", "/partner-reports?state=late"))["items"] == []
    assert len(await partners.events("PartnerReportReceived")) == 1


async def test_due_date_that_is_told_again_brings_no_older_report_back(partners: PartnerOffice) -> None:
    await agreement_of(partners)
    [first] = await partners.armed(REPORT_DUE)
    for _ in range(2):
        [subject] = await partners.armed(REPORT_DUE)
        await partners.fire(REPORT_DUE, subject)
    armed, late = await partners.armed(REPORT_DUE), await partners.events("PartnerReportLate")
    await partners.again(notice_late_report, first)
    assert (len(armed), len(late)) == (1, 2)
    assert (await partners.armed(REPORT_DUE), await partners.events("PartnerReportLate")) == (armed, late)


async def test_report_that_has_come_is_not_late(partners: PartnerOffice) -> None:
    agreement_id = await agreement_of(partners)
    await partners.office.superuser.execute("UPDATE free_services.partner_agreement SET chased_period = $1", PERIOD)
    await partners.send_report(agreement_id, PERIOD, report(PERIOD, *SOUND))
    await partners.again(notice_late_report, f"{agreement_id}/{PERIOD}")
    assert await partners.events("PartnerReportLate") == []
    assert len(await partners.armed(REPORT_DUE)) >= 1


async def test_figures_are_seen_by_county_and_history_cannot_be_rewritten(partners: PartnerOffice) -> None:
    agreement_id = await agreement_of(partners)
    await partners.send_report(agreement_id, PERIOD, report(PERIOD, *SOUND))
    shown = await report_of(partners, agreement_id, counties=["varamin"])
    assert [figure["county"] for figure in shown["figures"]] == ["varamin"]
    for counties, rows in (("rey", 1), ("", 0), ("pardis", 0), ("rey,varamin", 2)):
        assert await partners.rows_seen(counties, "free_services.partner_report_figure") == rows
    assert await partners.rows_seen("pardis", "free_services.partner_report_version") == 0
    for statement in (
        "UPDATE free_services.partner_report_figure SET given = 0",
        "DELETE FROM free_services.partner_report_figure",
        "UPDATE free_services.partner_report_version SET file_sha256 = ''",
        "DELETE FROM free_services.partner_report",
        "UPDATE free_services.agreement_renewal SET valid_until = now()",
    ):
        async with partners.office.api.acquire() as connection, connection.transaction():
            await enter_compartment(connection, "free_services")
            await connection.execute("SELECT set_config('payesh.counties', 'rey,varamin', true)")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)

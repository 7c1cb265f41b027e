"""Partner organisations: accounts, agreements, renewals, the notices of their end, and who sees them."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.nationals.app import service
from services.nationals.free_services.handlers.agreement_timers import (
    AGREEMENT_END,
    AGREEMENT_NOTICE,
    REPORT_DUE,
    end_agreement,
    notice_agreement,
)
from services.nationals.free_services.notice_periods import NoticePolicy
from shared.kit.http import connect
from tests.integration.nationals.office import Office
from tests.integration.nationals.partner_office import REPORTER, PartnerOffice, only_bodies, today
from tests.support.identity import client_of, create_test_verifier


@pytest.fixture
async def partners(office: Office) -> AsyncIterator[PartnerOffice]:
    connect(service.api, pool=office.api, verifier=create_test_verifier())
    async with client_of(service.api) as client:
        yield PartnerOffice(office, client)


async def test_partner_is_registered_once_and_changed_where_nothing_needs_what_goes(partners: PartnerOffice) -> None:
    partner_id = await partners.partner()
    body = {
        "name_fa": "سازمان NRC",
        "name_en": "other",
        "home_county": "rey",
        "counties": ["rey"],
        "services": ["education"],
    }
    assert (await partners.ask("POST", "/partners", body, 409))["code"] == "nationals.partner.exists"
    wrong = {**body, "name_fa": "دیگر", "home_county": "pardis"}
    assert (await partners.ask("POST", "/partners", wrong, 422))["code"] == "nationals.partner.home_county"
    await partners.agreement(partner_id)
    fewer = {**body, "name_en": "NRC", "state": "active"}
    refused = await partners.ask("PUT", f"/partners/{partner_id}", fewer, 409)
    assert refused["details"]["needed"] == "varamin"
    ended = {**fewer, "counties": ["rey", "varamin"], "state": "ended"}
    assert (await partners.ask("PUT", f"/partners/{partner_id}", ended, 409))["details"]["needed"] == "active"
    more = {**fewer, "counties": ["varamin", "rey", "pardis"]}
    assert (await partners.ask("PUT", f"/partners/{partner_id}", more))["changed"] is True
    assert (await partners.ask("PUT", f"/partners/{partner_id}", more))["changed"] is False
    shown = await partners.ask("GET", f"/partners/{partner_id}")
    assert (shown["counties"], shown["services"]) == (["pardis", "rey", "varamin"], ["education"])


async def test_text_that_looks_like_a_person_is_refused_and_not_repeated(partners: PartnerOffice) -> None:
    partner_id = await partners.partner()
    sound = {"home_county": "rey", "counties": ["rey"], "services": ["education"]}
    for path, body in (
        ("/partners", {**sound, "name_fa": "مریم ۰۹۱۲۱۲۳۴۵۶۷", "name_en": "x"}),
        ("/partners", {**sound, "name_fa": "یک", "name_en": "maryam@example.ir"}),
        (f"/partners/{partner_id}/accounts", {"subject": "0499370899"}),
    ):
        refused = await partners.ask("POST", path, body, 422)
        assert refused["code"] == "nationals.text.person_data"
        assert not {"09121234567", "maryam", "0499370899"} & set(str(refused).split())


async def test_asking_again_with_the_same_key_registers_one_partner(partners: PartnerOffice) -> None:
    body = {
        "name_fa": "یک",
        "name_en": "one",
        "home_county": "rey",
        "counties": ["rey"],
        "services": ["education"],
    }
    first = await partners.ask("POST", "/partners", body, key="same-key")
    assert await partners.ask("POST", "/partners", body, key="same-key") == first
    assert len((await partners.ask("GET", "/partners"))["items"]) == 1


async def test_account_reports_for_one_partner_and_sees_no_other(partners: PartnerOffice) -> None:
    mine, other = await partners.partner(), await partners.partner("UNHCR", account=None)
    made = await partners.agreement(other)
    await partners.agreement(mine)
    body = {"subject": REPORTER}
    taken = await partners.ask("POST", f"/partners/{other}/accounts", body, 409)
    assert taken["code"] == "nationals.partner.account_taken"
    assert (await partners.ask("POST", f"/partners/{mine}/accounts", body))["accounts"] == [REPORTER]
    seen = await partners.as_partner("GET", "/partners")
    assert [one["partner_id"] for one in seen["items"]] == [mine]
    assert [one["partner_id"] for one in (await partners.as_partner("GET", "/partner-agreements"))["items"]] == [mine]
    assert (await partners.as_partner("GET", f"/partner-agreements?partner_id={other}"))["items"] == []
    await partners.as_partner("GET", f"/partners/{other}", status=404)
    await partners.as_partner("GET", f"/partner-agreements/{made['agreement_id']}", status=404)
    await partners.as_partner("POST", f"/partners/{mine}/accounts", body, 403)
    assert (await partners.ask("POST", f"/partners/{mine}/accounts/dismissal", body, 200))["accounts"] == []
    refused = await partners.as_partner("GET", "/partners", status=403)
    assert refused["code"] == "nationals.partner.account_without_partner"


async def test_agreement_says_no_more_than_its_partner_and_lasts_a_sensible_time(partners: PartnerOffice) -> None:
    partner_id = await partners.partner()
    path = f"/partners/{partner_id}/agreements"
    body = {
        "subject": "x",
        "counties": ["rey", "pardis"],
        "services": ["livelihood"],
        "cadence": "monthly",
        "valid_from": today().isoformat(),
        "valid_until": (today() + timedelta(days=100)).isoformat(),
    }
    assert (await partners.ask("POST", path, body, 422))["details"]["beyond"] == "pardis, livelihood"
    body |= {"counties": ["rey"], "services": ["education"]}
    near, far = (today() - timedelta(days=1)).isoformat(), (today() + timedelta(days=20 * 366)).isoformat()
    for days in (
        {"valid_until": near},
        {"valid_until": far},
        {"valid_from": "9999-12-31"},
        {"valid_from": "0001-01-01"},
    ):
        wrong = {**body, **days}
        assert (await partners.ask("POST", path, wrong, 422))["code"] == "nationals.agreement.dates"
    await partners.ask("POST", path, body)


async def test_end_of_an_agreement_is_noticed_and_a_renewal_puts_it_off(partners: PartnerOffice) -> None:
    partner_id = await partners.partner()
    agreement_id = (await partners.agreement(partner_id))["agreement_id"]
    await partners.fire(AGREEMENT_NOTICE, agreement_id)
    await partners.again(notice_agreement, agreement_id, NoticePolicy(notice_days=60))
    until = today() + timedelta(days=300)
    told = only_bodies(await partners.events("PartnerAgreementExpiring"), "agreement_id", "county", "valid_until")
    assert told == [(agreement_id, "rey", until.isoformat())]
    assert await partners.armed(AGREEMENT_END) == [agreement_id]
    path = f"/partner-agreements/{agreement_id}/renewals"
    refused = await partners.ask("POST", path, {"valid_until": until.isoformat()}, 422)
    assert refused["code"] == "nationals.renewal.not_later"
    later = (until + timedelta(days=200)).isoformat()
    chased = await partners.armed(REPORT_DUE)
    await partners.ask("POST", path, {"valid_until": later})
    assert await partners.armed(AGREEMENT_END) == []
    assert await partners.armed(REPORT_DUE) == chased, "one report is chased at a time"
    assert only_bodies(await partners.events("PartnerAgreementRenewed"), "valid_until") == [(later,)]
    await partners.fire(AGREEMENT_NOTICE, agreement_id)
    await partners.fire(AGREEMENT_END, agreement_id)
    await partners.again(end_agreement, agreement_id)
    assert len(await partners.events("PartnerAgreementEnded")) == 1
    shown = await partners.ask("GET", f"/partner-agreements/{agreement_id}")
    assert (shown["state"], [one["valid_until"] for one in shown["renewals"]]) == ("ended", [later])
    far = (until + timedelta(days=400)).isoformat()
    assert (await partners.ask("POST", path, {"valid_until": far}, 409))["code"] == "nationals.agreement.ended"


async def test_renewal_of_an_agreement_whose_last_report_was_chased_chases_on(partners: PartnerOffice) -> None:
    partner_id = await partners.partner()
    near = (today() + timedelta(days=1)).isoformat()
    agreement_id = (await partners.agreement(partner_id, cadence="quarterly", valid_until=near))["agreement_id"]
    while armed := await partners.armed(REPORT_DUE):
        await partners.fire(REPORT_DUE, armed[0])
        assert len(await partners.events("PartnerReportLate")) < 5
    shown = await partners.ask("GET", f"/partner-agreements/{agreement_id}")
    assert (shown["state"], shown["next_report_period"]) == ("expiring", None), "a notice that is late comes at once"
    later = (today() + timedelta(days=400)).isoformat()
    await partners.ask("POST", f"/partner-agreements/{agreement_id}/renewals", {"valid_until": later})
    following = (await partners.ask("GET", f"/partner-agreements/{agreement_id}"))["next_report_period"]
    assert await partners.armed(REPORT_DUE) == [f"{agreement_id}/{following}"]
    late = only_bodies(await partners.events("PartnerReportLate"), "period")
    assert (following,) > max(late)


async def test_row_is_seen_with_one_of_its_counties_and_changed_with_all(partners: PartnerOffice) -> None:
    partner_id = await partners.partner()
    agreement_id = (await partners.agreement(partner_id))["agreement_id"]
    shown = await partners.ask("GET", "/partners", counties=["varamin"])
    assert [one["partner_id"] for one in shown["items"]] == [partner_id]
    assert (await partners.ask("GET", "/partners", counties=["pardis"]))["items"] == []
    later = {"valid_until": (today() + timedelta(days=400)).isoformat()}
    path = f"/partner-agreements/{agreement_id}"
    await partners.ask("POST", f"{path}/renewals", later, 404, counties=["pardis"])
    await partners.ask("GET", path, status=404, counties=["pardis"])
    refused = await partners.ask("POST", f"{path}/renewals", later, 403, counties=["varamin"])
    assert refused["code"] == "kit.county_not_granted"
    refused = await partners.ask(
        "POST", f"/partners/{partner_id}/accounts", {"subject": "a"}, 403, counties=["rey", "tehran"]
    )
    assert refused["code"] == "kit.county_not_granted"
    for table in ("partner_organisation", "partner_account", "partner_agreement", "partner_report"):
        for counties, rows in (("rey", 1), ("", 0), ("pardis,tehran", 0), ("varamin", 1)):
            assert await partners.rows_seen(counties, f"free_services.{table}") == rows, (table, counties)


async def test_every_table_of_partners_and_permits_has_row_level_security(office: Office) -> None:
    rows = await office.superuser.fetch(
        """
        SELECT relname FROM pg_class WHERE relnamespace = 'free_services'::regnamespace AND relkind = 'r'
            AND NOT (relrowsecurity AND relforcerowsecurity)
            AND (relname LIKE 'partner%' OR relname LIKE 'agreement%' OR relname LIKE 'support%' OR relname LIKE 'work%')
        """
    )
    assert [row["relname"] for row in rows] == []

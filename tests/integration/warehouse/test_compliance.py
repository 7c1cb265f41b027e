"""Passive defence, training, the certificate and its public page, over HTTP on a real database."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.warehouse.handlers.day_end import announce_expired_trainings
from shared.contracts.counties import County
from shared.contracts.warehouse import ComplianceCertificateIssued, ComplianceCertificateRevoked, TrainingExpired
from shared.kit.auth import SYSTEM
from shared.kit.transaction import begin
from shared.persian.calendar import office_date
from shared.persian.personal_id import is_personal_id
from tests.integration.warehouse.province import Province, as_api, as_csv, site_row, submission

TODAY = office_date(datetime.now(UTC))
CHAIR = "county_chair.rey"
NATIONAL_ID = "0012345679"
assert is_personal_id(NATIONAL_ID)


def day(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


def training(course: str, staff: str = "K-017", **changes: Any) -> dict[str, Any]:
    body = {
        "staff_reference": staff,
        "staff_role": "storekeeper",
        "course": course,
        "certificate_number": f"{course.upper().replace('_', '-')}-1",
        "trained_on": day(-30),
        "expires_on": day(300),
    }
    return body | changes


async def record(province: Province, site: UUID, who: str = CHAIR, **states: str) -> Any:
    elements = [{"element": key, "state": state} for key, state in states.items()]
    return await province.ask("PUT", f"/warehouses/{site}/passive-defence", who, {"elements": elements})


async def reasons(province: Province, site: UUID) -> set[tuple[str, str | None]]:
    status = await province.ask("GET", f"/warehouses/{site}/compliance", "reviewer.rey")
    assert status["compliant"] == (not status["shortcomings"])
    return {(item["reason"], item["subject"]) for item in status["shortcomings"]}


async def compliant_site(province: Province) -> UUID:
    """A general warehouse of class C that has everything that it needs."""
    [site] = await province.register(site_row(1))
    await province.inspect(site)
    needed = [reason for reason in await reasons(province, site) if reason[0] == "element_not_recorded"]
    await record(province, site, **{str(subject): "present" for _, subject in needed})
    for _, course in [reason for reason in await reasons(province, site) if reason[0] == "training_short"]:
        await province.ask("POST", f"/warehouses/{site}/training-records", CHAIR, training(str(course)))
    assert await reasons(province, site) == set()
    return site


async def issue(province: Province, site: UUID, days: int = 100, status: int | None = None) -> Any:
    body = {"valid_until": day(days)}
    return await province.ask("POST", f"/warehouses/{site}/certificates", CHAIR, body, status=status)


async def public(province: Province, code: str, language: str = "en") -> tuple[int, str]:
    """The verification page as anybody sees it: no token."""
    answer = await province.client.get(f"/certificates/{code}?language={language}")
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    return answer.status_code, answer.text


async def test_from_nothing_known_to_a_certificate(province: Province) -> None:
    [site] = await province.register(site_row(1))
    missing = await reasons(province, site)
    assert ("not_inspected_within_interval", None) in missing
    assert ("element_not_recorded", "access_control") in missing
    assert ("training_short", "fire_safety") in missing
    problem = await issue(province, site, status=409)
    assert problem["code"] == "warehouse.certificate.not_compliant"
    assert "access_control" in problem["detail"]
    [ready] = await province.register(site_row(2))
    assert ready != site
    done = await compliant_site(province)
    certificate = await issue(province, done)
    assert certificate["state"] == "valid"
    assert certificate["issued_by"] == CHAIR
    assert await issue(province, done) == certificate
    assert len(await province.events(ComplianceCertificateIssued)) == 1
    assert (await issue(province, done, 101))["code"] != certificate["code"]
    assert certificate["code"] not in str(await province.events())


async def test_only_the_chair_certifies_and_never_beyond_a_year(province: Province) -> None:
    site = await compliant_site(province)
    for who in ("reviewer.rey", "inspector.rey", "province_officer"):
        await province.ask("POST", f"/warehouses/{site}/certificates", who, {"valid_until": day(9)}, status=403)
    foreign = await province.ask(
        "POST", f"/warehouses/{site}/certificates", "county_chair.qods", {"valid_until": day(9)}, status=404
    )
    assert foreign["code"] == "warehouse.site.not_found"
    for days in (0, 367):
        assert (await issue(province, site, days, 422))["code"] == "warehouse.certificate.dates"


async def test_the_public_page_shows_three_facts_and_no_more(province: Province) -> None:
    site = await compliant_site(province)
    certificate = await issue(province, site)
    status, page = await public(province, certificate["code"])
    assert status == 200
    for shown in ("انبار 1", "Rey", "Valid"):
        assert shown in page
    for hidden in (CHAIR, str(site), certificate["valid_until"], certificate["certificate_id"], "1000"):
        assert hidden not in page
    status, page = await public(province, certificate["code"].replace("-", "").lower(), "fa")
    assert status == 200
    assert "معتبر" in page
    assert 'dir="rtl"' in page
    for wrong in (certificate["code"][:-1] + ("0" if certificate["code"][-1] != "0" else "1"), "x", "0" * 500):
        status, page = await public(province, wrong)
        assert status == 404
        assert "انبار 1" not in page


async def test_a_hold_suspends_and_its_lifting_restores(province: Province) -> None:
    site = await compliant_site(province)
    code = (await issue(province, site))["code"]
    hold_id = (await province.inspect(site, suspicion="biological_hazard"))["hold_id"]
    assert "Suspended" in (await public(province, code))[1]
    [listed] = await province.ask("GET", f"/warehouses/{site}/certificates", "province_officer")
    assert (listed["state"], listed["revoked_at"]) == ("suspended", None)
    assert (await issue(province, site, 50, 409))["code"] == "warehouse.certificate.not_compliant"
    lifting = {"reason": "رفع شد", "without_answer": True}
    await province.ask("POST", f"/holds/{hold_id}/lifting", CHAIR, lifting)
    assert "Valid" in (await public(province, code))[1]


async def test_expired_training_suspends_and_is_noticed_once(province: Province) -> None:
    site = await compliant_site(province)
    code = (await issue(province, site))["code"]
    expire = "UPDATE training_record SET expires_on = $1 WHERE staff_reference = 'K-017'"
    await province.superuser.execute(expire, TODAY)
    assert "Valid" in (await public(province, code))[1]
    assert await noticed(province) == 0
    await province.superuser.execute(expire, TODAY - timedelta(days=1))
    assert "Suspended" in (await public(province, code))[1]
    assert [await noticed(province), await noticed(province)] == [1, 0]
    [expired] = await province.events(TrainingExpired)
    assert isinstance(expired, TrainingExpired)
    assert (expired.county, expired.course) == (County.REY, "fire_safety")
    assert "K-017" not in expired.model_dump_json()
    again = training("fire_safety", certificate_number="NEW-2")
    await province.ask("POST", f"/warehouses/{site}/training-records", CHAIR, again)
    assert "Valid" in (await public(province, code))[1]


async def test_an_expired_training_that_was_renewed_is_no_news(province: Province) -> None:
    [site] = await province.register(site_row(1))
    for number, expires in (("OLD", day(-1)), ("NEW", day(90))):
        body = training("first_aid", certificate_number=number, expires_on=expires)
        await province.ask("POST", f"/warehouses/{site}/training-records", CHAIR, body)
    assert await noticed(province) == 1
    assert await province.events(TrainingExpired) == []


async def noticed(province: Province) -> int:
    async with begin(province.worker, SYSTEM, "test") as tx:
        return await announce_expired_trainings(tx)


async def test_a_person_revokes_with_a_reason_and_once(province: Province) -> None:
    site = await compliant_site(province)
    certificate = await issue(province, site)
    path = f"/warehouses/{site}/certificates/{certificate['certificate_id']}/revocation"
    await province.ask("POST", path, CHAIR, {"reason": "  "}, status=422)
    await province.ask("POST", path, "reviewer.rey", {"reason": "x"}, status=403)
    revoked = await province.ask("POST", path, CHAIR, {"reason": "گزارش نادرست"})
    assert (revoked["state"], revoked["revoked_by"]) == ("revoked", CHAIR)
    assert (await province.ask("POST", path, CHAIR, {"reason": "x"}, status=409))["code"].endswith("already_revoked")
    assert "Revoked" in (await public(province, certificate["code"]))[1]
    assert len(await province.events(ComplianceCertificateRevoked)) == 1
    again = await issue(province, site)
    assert again["code"] != certificate["code"]
    other = f"/warehouses/{site}/certificates/{uuid4()}/revocation"
    await province.ask("POST", other, CHAIR, {"reason": "x"}, status=404)


async def test_elements_are_recorded_in_no_other_and_no_completed_inspection(province: Province) -> None:
    site, other = await province.register(site_row(1), site_row(2))
    await province.inspect(site)
    completed = str(await province.superuser.fetchval("SELECT inspection_id FROM inspection"))
    seen = {"elements": [{"element": "access_control", "state": "present"}], "inspection_id": completed}
    for place, who in ((site, "inspector.rey"), (other, "inspector.rey"), (other, "reviewer.rey")):
        problem = await province.ask("PUT", f"/warehouses/{place}/passive-defence", who, seen, status=403)
        assert problem["code"] == "warehouse.passive_defence.inspection_missing"
    await province.ask("PUT", f"/warehouses/{site}/passive-defence", "reviewer.rey", seen, status=200)


async def test_elements_an_inspector_records_in_their_inspection_and_only_an_officer_waives(province: Province) -> None:
    [site] = await province.register(site_row(1))
    path = f"/warehouses/{site}/passive-defence"
    seen = {"elements": [{"element": "access_control", "state": "absent"}]}
    problem = await province.ask("PUT", path, "inspector.rey", seen, status=403)
    assert problem["code"] == "warehouse.passive_defence.inspection_missing"
    inspection_id = await province.assign(site)
    seen["inspection_id"] = inspection_id  # pyright: ignore[reportArgumentType]
    answer = await province.ask("PUT", path, "inspector.rey", seen)
    [recorded] = [item for item in answer["elements"] if item["state"]]
    assert (recorded["element"], recorded["required"], recorded["inspection_id"]) == (
        "access_control",
        True,
        inspection_id,
    )
    await province.ask("PUT", path, "inspector2.rey", seen, status=403)
    waiver = {"elements": [{"element": "access_control", "state": "not_required", "reason": "بدون تردد"}]}
    problem = await province.ask("PUT", path, "inspector.rey", {**waiver, "inspection_id": inspection_id}, status=403)
    assert problem["code"] == "warehouse.passive_defence.waiver_by_officer"
    for _ in range(2):
        await province.ask("PUT", path, "reviewer.rey", waiver)
    history = await province.superuser.fetch("SELECT state FROM passive_defence_record ORDER BY record_id")
    assert [row["state"] for row in history] == ["absent", "not_required"]
    for elements, code in (
        ([{"element": "moat", "state": "present"}], "element_unknown"),
        ([{"element": "cctv", "state": "present"}] * 2, "element_unknown"),
        ([{"element": "cctv", "state": "not_required"}], "reason"),
        ([{"element": "cctv", "state": "absent", "reason": "x"}], "reason"),
    ):
        problem = await province.ask("PUT", path, "reviewer.rey", {"elements": elements}, status=422)
        assert problem["code"] == f"warehouse.passive_defence.{code}"


async def test_training_keeps_no_person(province: Province) -> None:
    [site] = await province.register(site_row(1))
    path = f"/warehouses/{site}/training-records"
    for field, value in (
        ("staff_reference", NATIONAL_ID),
        ("staff_reference", "۰۰۱۲۳۴۵۶۷۹"),
        ("certificate_number", f"{NATIONAL_ID[:3]}-{NATIONAL_ID[3:9]}-{NATIONAL_ID[9]}"),
    ):
        problem = await province.ask("POST", path, CHAIR, training("first_aid", **{field: value}), status=422)
        assert problem["code"] == "warehouse.training.personal_id", value
        assert NATIONAL_ID not in str(problem)
    for change in ({"staff_reference": "علی رضایی"}, {"staff_reference": "ALI REZAEI"}, {"name": "x"}):
        await province.ask("POST", path, CHAIR, training("first_aid", **change), status=422)
    with pytest.raises(asyncpg.CheckViolationError, match="no_national_id"):
        await province.superuser.execute(
            """
            INSERT INTO training_record (record_id, warehouse_id, staff_reference, staff_role, course,
                                         certificate_number, trained_on, expires_on, recorded_by, recorded_at)
            VALUES ($1, $2, $3, 'guard', 'first_aid', 'A', '2025-01-01', '2026-01-01', 'x', now())
            """,
            uuid4(),
            site,
            NATIONAL_ID,
        )


async def test_a_training_sent_twice_is_one_and_a_different_one_is_a_conflict(province: Province) -> None:
    [site] = await province.register(site_row(1))
    path = f"/warehouses/{site}/training-records"
    first = await province.ask("POST", path, "registry_clerk", training("first_aid"))
    assert await province.ask("POST", path, "registry_clerk", training("first_aid", staff="k-۰۱۷")) == first
    problem = await province.ask("POST", path, CHAIR, training("first_aid", expires_on=day(10)), status=409)
    assert problem["code"] == "warehouse.training.conflict"
    for change, code in (
        ({"course": "dancing"}, "course_unknown"),
        ({"staff_role": "dancer"}, "staff_role_unknown"),
        ({"trained_on": day(1)}, "dates"),
        ({"expires_on": day(-30)}, "dates"),
        ({"expires_on": day(366 * 11)}, "dates"),
    ):
        problem = await province.ask("POST", path, CHAIR, training("first_aid") | change, status=422)
        assert problem["code"] == f"warehouse.training.{code}"
    withdrawal = f"/training-records/{first['record_id']}/withdrawal"
    assert (await province.ask("POST", withdrawal, "reviewer.qods", {"reason": "x"}, status=404))["code"].endswith(
        "not_found"
    )
    withdrawn = await province.ask("POST", withdrawal, "reviewer.rey", {"reason": "اشتباه"})
    assert withdrawn["withdrawn_by"] == "reviewer.rey"
    await province.ask("POST", withdrawal, "reviewer.rey", {"reason": "x"}, status=409)
    second = await province.ask("POST", path, CHAIR, training("first_aid", expires_on=day(10)))
    page = await province.ask("GET", f"{path}?limit=1", "reviewer.rey")
    rest = await province.ask("GET", f"{path}?limit=1&after={page['next']}", "reviewer.rey")
    assert [page["items"][0]["record_id"], rest["items"][0]["record_id"]] == [first["record_id"], second["record_id"]]


async def test_records_follow_a_site_to_its_new_county_and_are_hidden_from_the_old_one(province: Province) -> None:
    site = await compliant_site(province)
    code = (await issue(province, site))["code"]
    for path in ("compliance", "passive-defence", "training-records", "certificates"):
        await province.ask("GET", f"/warehouses/{site}/{path}", "reviewer.qods", status=404)
    await province.send_file(as_csv([site_row(1, County.QODS)]))
    for path in ("compliance", "passive-defence", "training-records", "certificates"):
        await province.ask("GET", f"/warehouses/{site}/{path}", "reviewer.rey", status=404)
        assert await province.ask("GET", f"/warehouses/{site}/{path}", "reviewer.qods")
    assert "Qods" in (await public(province, code))[1]
    for county, is_seen in ((County.REY, False), (County.QODS, True)):
        async with as_api(province, county) as connection:
            for table in ("passive_defence_record", "training_record", "compliance_certificate"):
                assert bool(await connection.fetchval(f"SELECT count(*) FROM {table}")) is is_seen, table


async def test_the_certificate_prints_in_both_languages_with_its_code(province: Province) -> None:
    site = await compliant_site(province)
    certificate = await issue(province, site)
    path = f"/warehouses/{site}/certificates/{certificate['certificate_id']}/page"
    pages = {
        language: await province.client.get(f"{path}?language={language}", headers=province.headers("reviewer.rey"))
        for language in ("fa", "en")
    }
    for language, answer in pages.items():
        assert answer.status_code == 200
        assert certificate["code"] in answer.text
        assert f"http://service.test/certificates/{certificate['code']}" in answer.text
        assert "<svg" in answer.text
        assert "src=" not in answer.text
        assert f'lang="{language}"' in answer.text
    assert f"{date.fromisoformat(certificate['valid_until']):%B}" in pages["en"].text
    assert any(digit in pages["fa"].text for digit in "۰۱۲۳۴۵۶۷۸۹")
    assert (await province.client.get(path)).status_code == 401
    await province.ask("GET", path, "reviewer.qods", status=404)


async def test_open_critical_work_keeps_a_certificate_from_being_issued(province: Province) -> None:
    site = await compliant_site(province)
    inspection_id = await province.assign(site)
    await province.ask(
        "POST",
        f"/inspections/{inspection_id}/submission",
        "inspector.rey",
        submission(failed={"structure": "critical"}),
    )
    await province.superuser.execute("DELETE FROM submission_photo")
    await province.ask("POST", f"/inspections/{inspection_id}/review", "reviewer2.rey", {"decision": "approve"})
    assert await reasons(province, site) == {("critical_action_open", None)}
    assert (await issue(province, site, status=409))["code"] == "warehouse.certificate.not_compliant"

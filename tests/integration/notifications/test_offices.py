"""The supervisors are told of a break-glass at once, the complaints office of its dates; a mail says neither who nor what."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.notifications.handlers import escalate_alert
from shared.contracts.base import Event
from shared.contracts.complaints import ComplaintAcknowledged, ComplaintAnswered, ComplaintDeadline, ComplaintOverdue
from shared.contracts.counties import County
from shared.contracts.nationals import BreakGlassOpened, BreakGlassReviewed, BreakGlassReviewOverdue
from tests.support.notifications import Desk, members
from tests.support.notifications import overdue as cap_overdue
from tests.support.notifications import overdue as site_overdue
from tests.support.operations import take_operations_events

NOW = datetime.now(UTC)


def opened(break_glass_id: UUID, case_id: UUID) -> Event:
    return BreakGlassOpened(
        case_id=case_id,
        county=County.REY,
        break_glass_id=break_glass_id,
        expires_at=NOW + timedelta(hours=1),
        review_by=NOW + timedelta(days=2),
    )


def overdue(complaint_id: UUID, deadline: ComplaintDeadline) -> Event:
    return ComplaintOverdue(
        complaint_id=complaint_id,
        county=County.REY,
        deadline=deadline,
        due_at=NOW,
        reminder=1,
        next_reminder_at=NOW + timedelta(days=3),
    )


async def seen_by(desk: Desk, role: str, subject: str) -> list[dict[str, Any]]:
    async with desk.client(role, subject=subject, counties=["rey"]) as client:
        return (await client.get("/alerts")).raise_for_status().json()["items"]


async def test_an_alert_about_a_case_shows_the_case_to_who_was_told_alone(desk: Desk) -> None:
    await desk.set_group("casework_supervision")
    case_id = uuid4()
    await desk.take(opened(uuid4(), case_id))
    [whole] = await seen_by(desk, "casework_supervisor", "m0.casework_supervision")
    assert whole["details"]["case_id"] == str(case_id) == whole["source_aggregate_id"]
    one = f"/alerts/{whole['alert_id']}"
    for role, subject in (
        ("member", "m0.rey"),
        ("county_chair", "m2.rey"),
        ("legal_officer", "m0.legal_office"),
        ("casework_supervisor", "m1.casework_supervision"),
    ):
        assert await seen_by(desk, role, subject) == []
        async with desk.client(role, subject=subject) as client:
            assert (await client.get(one)).status_code == 404
            assert (await client.get("/deliveries")).json()["items"] == []
            assert whole["subject_id"] not in (await client.get("/deliveries/export", params={"format": "csv"})).text
    async with desk.client("casework_supervisor", subject="m0.casework_supervision") as client:
        assert (await client.get(one)).json()["details"] == whole["details"]
        assert whole["subject_id"] in (await client.get("/deliveries/export", params={"format": "csv"})).text
    for role, subject_id in (("operator", ""), ("notifications_admin", whole["subject_id"])):
        async with desk.client(role) as client:
            [listed] = (await client.get("/alerts")).json()["items"]
            read = (await client.get(one)).json()
            lines = (await client.get("/deliveries")).json()["items"]
            file = (await client.get("/deliveries/export", params={"format": "csv"})).text
        for alert in (listed, read):
            assert (alert["subject_id"], alert["source_aggregate_id"], alert["details"]) == (subject_id, "", {})
            assert len(alert["deliveries"]) == 2
            assert str(case_id) not in str(alert)
        assert {line["subject_id"] for line in lines} == {subject_id}
        assert (whole["subject_id"] in file) is bool(subject_id)


async def test_another_alert_of_an_office_shows_to_who_was_told_and_to_operators(desk: Desk) -> None:
    await desk.take(cap_overdue())
    await desk.pool.execute("UPDATE alert SET audience = 'province_office'")
    [alert] = await desk.alerts()
    assert alert["details"]
    assert await seen_by(desk, "member", "m1.rey") == []
    assert [one["alert_id"] for one in await seen_by(desk, "province_officer", "m0.rey")] == [alert["alert_id"]]


async def test_the_supervisors_are_told_at_once_and_every_step_higher_until_the_review(desk: Desk) -> None:
    await desk.set_group("casework_supervision")
    use, case_id = uuid4(), uuid4()
    await desk.take(opened(use, case_id))
    [alert] = await seen_by(desk, "casework_supervisor", "m0.casework_supervision")
    assert (alert["kind"], alert["severity"], alert["state"]) == ("break_glass_opened", "critical", "open")
    assert alert["details"].keys() == {"case_id", "break_glass_id", "expires_at", "review_by"}
    told = {(each["recipient"], each["channel"]) for each in alert["deliveries"]}
    assert told == {("m0.casework-supervision@payesh.example", channel) for channel in ("email", "inbox")}
    async with desk.begin() as tx:
        await escalate_alert(UUID(alert["alert_id"]), 0, tx)
    [alert] = await desk.alerts()
    assert "m1.casework-supervision@payesh.example" in {each["recipient"] for each in alert["deliveries"]}
    await desk.take(BreakGlassReviewed(case_id=case_id, county=County.REY, break_glass_id=use), 2)
    [alert] = await desk.alerts()
    assert alert["state"] == "resolved"


async def test_a_case_leaves_by_mail_also_to_who_would_rather_have_an_sms(desk: Desk) -> None:
    sms = {"channel": "sms", "address": "09121234567"}
    people = [member | {"contacts": [sms]} for member in members("casework_supervision")]
    async with desk.client("notifications_admin") as client:
        (await client.put("/working-groups/casework_supervision", json={"members": people})).raise_for_status()
    await desk.take(opened(uuid4(), uuid4()))
    [alert] = await desk.alerts()
    async with desk.begin() as tx:
        await escalate_alert(UUID(alert["alert_id"]), 0, tx)
    [alert] = await desk.alerts()
    assert {each["channel"] for each in alert["deliveries"]} == {"email", "inbox"}
    assert len(alert["deliveries"]) == 4


async def test_before_there_are_supervisors_the_chair_alone_is_told(desk: Desk) -> None:
    await desk.take(opened(uuid4(), uuid4()))
    [alert] = await desk.alerts()
    assert {each["recipient"] for each in alert["deliveries"]} == {"m2.rey@payesh.example"}


async def test_the_province_office_is_told_and_acts_for_a_county_without_a_working_group(desk: Desk) -> None:
    await desk.set_group("province_office")
    await desk.take(site_overdue(county=County.PARDIS))
    [alert] = await desk.alerts()
    assert {d["recipient"] for d in alert["deliveries"]} == {"m0.province-office@payesh.example"}
    [raised] = await desk.history(alert["alert_id"])
    assert raised["details"] == {
        "told": "m0.province-office@payesh.example",
        "role": "expert",
        "instead_of_office": "pardis",
    }
    async with desk.client("member", subject="m0.province_office") as client:
        (await client.post(f"/alerts/{alert['alert_id']}/acknowledgement")).raise_for_status()


async def test_an_alert_that_nobody_is_there_for_is_a_trouble_of_the_operations_until_somebody_is(desk: Desk) -> None:
    await desk.set_group("ops_office")
    for county in (County.PARDIS, County.PARDIS, County.QODS):
        await desk.take(site_overdue(county=county))
    found = await desk.pool.fetch("SELECT name, county, severity FROM operations_trouble ORDER BY name")
    assert [tuple(row) for row in found] == [
        ("nobody/pardis", "pardis", "critical"),
        ("nobody/qods", "qods", "critical"),
    ]
    [alert, *_] = await desk.alerts()
    assert [line["details"] for line in await desk.history(alert["alert_id"])] == [{"told": None}]
    await take_operations_events(desk)
    said = {a["details"]["name"]: a["deliveries"] for a in await desk.alerts() if a["kind"] == "ops_alert"}
    assert {name: one[0]["recipient"] for name, one in said.items()} == dict.fromkeys(
        ("nobody/pardis", "nobody/qods"), "m0.ops-office@payesh.example"
    )
    await desk.set_group("pardis", 1)
    await take_operations_events(desk)
    states = {a["details"]["name"]: a["state"] for a in await desk.alerts() if a["kind"] == "ops_alert"}
    assert states == {"nobody/pardis": "resolved", "nobody/qods": "open"}


async def test_an_empty_operations_office_is_reported_once_and_goes_round_in_no_circle(desk: Desk) -> None:
    for _ in range(2):
        await desk.take(site_overdue(county=County.PARDIS))
        await take_operations_events(desk)
    await take_operations_events(desk)
    found = await desk.pool.fetch("SELECT name FROM operations_trouble ORDER BY name")
    assert [row["name"] for row in found] == ["nobody/ops_office", "nobody/pardis"]


async def test_an_overdue_review_goes_to_the_province(desk: Desk) -> None:
    await desk.set_group("province_office")
    use, case_id = uuid4(), uuid4()
    chased = BreakGlassReviewOverdue(
        case_id=case_id, county=County.REY, break_glass_id=use, review_by=NOW, reminder=1, next_review_by=None
    )
    await desk.take(chased)
    [alert] = await desk.alerts()
    assert {each["recipient"] for each in alert["deliveries"]} == {"m0.province-office@payesh.example"}


async def test_the_complaints_office_is_told_of_each_date_and_each_ends_with_its_step(desk: Desk) -> None:
    await desk.set_group("complaints_office")
    complaint_id = uuid4()
    await desk.take(overdue(complaint_id, ComplaintDeadline.ACKNOWLEDGEMENT), 1)
    await desk.take(overdue(complaint_id, ComplaintDeadline.ANSWER), 2)
    alerts = await seen_by(desk, "complaints_officer", "m0.complaints_office")
    assert [alert["details"]["deadline"] for alert in alerts] == ["acknowledgement", "answer"]
    for alert in alerts:
        assert {each["recipient"] for each in alert["deliveries"]} == {"m0.complaints-office@payesh.example"}
    await desk.take(ComplaintAcknowledged(complaint_id=complaint_id, county=County.REY), 3)
    assert [alert["state"] for alert in await desk.alerts()] == ["resolved", "open"]
    await desk.take(ComplaintAnswered(complaint_id=complaint_id, county=County.REY), 4)
    assert [alert["state"] for alert in await desk.alerts()] == ["resolved", "resolved"]

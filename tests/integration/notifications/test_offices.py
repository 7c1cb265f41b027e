"""The supervisors are told of a break-glass at once, the complaints office of its dates; a mail says neither who nor what."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from services.notifications.handlers import escalate_alert
from shared.contracts.base import Event
from shared.contracts.complaints import ComplaintAcknowledged, ComplaintAnswered, ComplaintDeadline, ComplaintOverdue
from shared.contracts.counties import County
from shared.contracts.nationals import BreakGlassOpened, BreakGlassReviewed, BreakGlassReviewOverdue
from tests.support.notifications import Desk, members

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


async def test_the_supervisors_are_told_at_once_and_every_step_higher_until_the_review(desk: Desk) -> None:
    await desk.set_group("casework_supervision")
    use, case_id = uuid4(), uuid4()
    await desk.take(opened(use, case_id))
    [alert] = await desk.alerts()
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
    alerts = await desk.alerts()
    assert [alert["details"]["deadline"] for alert in alerts] == ["acknowledgement", "answer"]
    for alert in alerts:
        assert {each["recipient"] for each in alert["deliveries"]} == {"m0.complaints-office@payesh.example"}
    await desk.take(ComplaintAcknowledged(complaint_id=complaint_id, county=County.REY), 3)
    assert [alert["state"] for alert in await desk.alerts()] == ["resolved", "open"]
    await desk.take(ComplaintAnswered(complaint_id=complaint_id, county=County.REY), 4)
    assert [alert["state"] for alert in await desk.alerts()] == ["resolved", "resolved"]

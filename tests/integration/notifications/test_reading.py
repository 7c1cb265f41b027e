"""Who was told what: search, pages, and the same as a file that no spreadsheet runs."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import openpyxl
import pytest

from services.notifications.delivery_export import SHEET_NAME
from shared.contracts.counties import County
from shared.contracts.warehouse import Severity
from tests.support.disturbed_day import turn_clock
from tests.support.notifications import Desk, overdue

EVIL_NAME = "=HYPERLINK(1)"
GROUP_WAITS = timedelta(minutes=16)
MAILED = ("email", "sent")


@pytest.fixture
async def told(desk: Desk) -> Desk:
    """Three alerts in rey and one in qods, each told by inbox and e-mail."""
    await desk.set_group("qods")
    for _ in range(3):
        await desk.take(overdue())
    await desk.take(overdue(county=County.QODS))
    return desk


async def search(desk: Desk, subject: str = "somebody", role: str = "operator", **query: Any) -> list[dict[str, Any]]:
    counties = query.pop("counties", None)
    client = desk.client(role, subject=subject, **({"counties": counties} if counties else {}))
    async with client:
        return (await client.get("/deliveries", params=query)).raise_for_status().json()["items"]


async def test_a_search_says_who_was_told_what_by_which_channel_with_which_result(told: Desk) -> None:
    lines = await search(told)
    assert len(lines) == 8
    assert [line["delivery_id"] for line in lines] == sorted((line["delivery_id"] for line in lines), reverse=True)
    assert {line["channel"] for line in lines} == {"email", "inbox"}
    assert {line["kind"] for line in lines} == {"corrective_action_overdue"}
    assert {line["state"] for line in lines if line["channel"] == "inbox"} == {"sent"}
    assert {line["alert_state"] for line in lines} == {"open"}


async def test_each_filter_narrows_the_search(told: Desk) -> None:
    alert = (await told.alerts())[0]["alert_id"]
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert len(await search(told, county="qods")) == 2
    assert len(await search(told, channel="email", state="pending")) == 4
    assert len(await search(told, alert=alert)) == 2
    assert len(await search(told, kind="discrepancy_found")) == 0
    assert len(await search(told, recipient="m0.qods")) == 2
    assert len(await search(told, recipient="عضو 0")) == 8
    assert len(await search(told, recipient="%")) == 0, "a sign of the search language is a sign like others"
    assert len(await search(told, recipient="_0.")) == 0
    assert len(await search(told, **{"from": later})) == 0
    assert len(await search(told, to=later)) == 8


@pytest.mark.parametrize("path", ["/deliveries?since=yesterday", "/deliveries/export?limit=1", "/alerts?kind=nix"])
async def test_a_filter_that_is_not_one_is_refused_and_does_not_answer_everything(desk: Desk, path: str) -> None:
    async with desk.client("operator") as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (422, "kit.query_unknown")


async def test_a_search_goes_on_from_page_to_page_and_shows_each_line_once(told: Desk) -> None:
    seen: list[str] = []
    async with told.client("operator") as client:
        query: dict[str, Any] = {"limit": 3}
        while True:
            page = (await client.get("/deliveries", params=query)).raise_for_status().json()
            seen += [line["delivery_id"] for line in page["items"]]
            if page["next"] is None:
                break
            query["after"] = page["next"]
    assert len(seen) == len(set(seen)) == 8


async def test_a_caller_sees_the_deliveries_of_their_counties_alone(told: Desk) -> None:
    assert {line["county"] for line in await search(told, role="member", counties=["qods"])} == {"qods"}


async def test_alerts_of_offices_are_found_by_who_was_told_and_not_by_whoever_shares_the_county(told: Desk) -> None:
    await told.pool.execute("UPDATE alert SET audience = 'legal_office' WHERE county = 'qods'")
    assert await search(told, role="member", county="qods") == []
    assert len(await search(told, role="legal_officer", subject="m0.qods", county="qods")) == 2
    assert len(await search(told, role="operator", county="qods")) == 2


@pytest.mark.parametrize("role", ["nobody", "inspector"])
async def test_other_roles_may_not_search(told: Desk, role: str) -> None:
    async with told.client(role) as client:
        assert (await client.get("/deliveries")).status_code == 403
        assert (await client.get("/deliveries/export")).status_code == 403


async def test_the_export_holds_what_the_search_finds_as_text_that_is_never_run(told: Desk) -> None:
    await told.pool.execute("UPDATE delivery SET recipient_name = $1 WHERE county = 'qods'", EVIL_NAME)
    async with told.client("operator") as client:
        query = {"county": "qods"}
        xlsx = (await client.get("/deliveries/export", params=query)).raise_for_status()
        text = (await client.get("/deliveries/export", params={**query, "format": "csv"})).raise_for_status()
    assert xlsx.headers["content-disposition"] == 'attachment; filename="deliveries.xlsx"'
    sheet = openpyxl.load_workbook(io.BytesIO(xlsx.content))[SHEET_NAME]
    assert sheet.sheet_view.rightToLeft
    rows = list(sheet.iter_rows(values_only=True))
    lines = list(csv.reader(io.StringIO(text.content.decode("utf-8-sig"))))
    assert len(rows) == len(lines) == 3
    assert list(rows[0]) == lines[0]
    place = lines[0].index("گیرنده")
    for row in rows[1:] + lines[1:]:
        assert str(row[place]).lstrip("\u200e") == EVIL_NAME
        assert not str(row[place]).startswith("=")
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    assert lines[1][lines[0].index("شهرستان")] == "قدس"
    assert lines[1][0].startswith("140")


async def tell_group(desk: Desk, **settings: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """One letter tells of an alert and of another that joined it; both, once it has left."""
    for _ in range(2):
        await desk.take(overdue(severity=Severity.MAJOR))
    desk.start_timers()
    desk.start_delivery(**settings)
    await turn_clock(desk, GROUP_WAITS)
    await desk.until(lambda alerts: [d for d in alerts[0]["deliveries"] if (d["channel"], d["state"]) == MAILED])
    lead, joined = await desk.alerts()
    assert (joined["lead_alert_id"], joined["deliveries"]) == (lead["alert_id"], [])
    return lead, joined


async def test_who_was_told_of_an_alert_by_the_letter_of_another_is_found_too(desk: Desk) -> None:
    lead, joined = await tell_group(desk)
    [letter] = await search(desk, alert=joined["alert_id"])
    assert (letter["alert_id"], letter["channel"], letter["state"]) == (lead["alert_id"], *MAILED)
    assert letter in await search(desk, alert=lead["alert_id"])
    told_with = [entry for entry in await desk.history(joined["alert_id"]) if entry["entry"] == "told_with"]
    assert [entry["details"] for entry in told_with] == [
        {"delivery_id": letter["delivery_id"], "recipient": letter["recipient"], "channel": "email"}
    ]
    async with desk.client("operator") as client:
        query = {"alert": joined["alert_id"], "format": "csv"}
        text = (await client.get("/deliveries/export", params=query)).raise_for_status().content.decode("utf-8-sig")
    heading, line = csv.reader(io.StringIO(text))
    assert line[heading.index("شناسه ارسال")] == letter["delivery_id"]
    async with desk.client("member", subject="m0.rey") as client:
        (await client.post(f"/alerts/{lead['alert_id']}/resolution", json={"reason": "done it"})).raise_for_status()
    assert await search(desk, alert=joined["alert_id"]) == [letter | {"alert_state": "resolved"}], "whoever leads now"


async def test_whoever_was_told_of_an_alert_by_the_letter_of_another_may_read_it(desk: Desk) -> None:
    _, joined = await tell_group(desk)
    await desk.pool.execute("UPDATE alert SET audience = 'province_office'")
    for subject, status in (("m0.rey", 200), ("m1.rey", 404)):
        async with desk.client("member", subject=subject) as client:
            assert (await client.get(f"/alerts/{joined['alert_id']}")).status_code == status


async def test_a_dry_letter_told_nobody_of_anything(desk: Desk) -> None:
    _, joined = await tell_group(desk, dry_channels={"email"})
    assert await search(desk, alert=joined["alert_id"]) == []
    assert [entry["entry"] for entry in await desk.history(joined["alert_id"])] == ["raised"]

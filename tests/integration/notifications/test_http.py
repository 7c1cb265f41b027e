"""The HTTP interface on real PostgreSQL: groups, policies, inbox, paging, signed links, and county row-level security."""

import asyncio
import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from deploy.embedded.smtp_sink import SmtpSink
from services.notifications.letters.links import AcknowledgementLink, read_link, sign_link
from services.notifications.routing_rules import RULES
from services.notifications.store.deliveries import database_now, list_link_keys
from shared.contracts.counties import County
from shared.contracts.nationals import PhaseTwoReviewRequested
from tests.support.http_server import address_of, serve
from tests.support.notifications import WAIT_S, Desk, members, overdue, resolved


def kept(member: dict[str, Any]) -> dict[str, Any]:
    """As the service keeps what was sent: the e-mail address is one of the person's contacts."""
    return member | {"contacts": [{"channel": "email", "address": member["email"]}]}


def without_id(member: dict[str, Any]) -> dict[str, Any]:
    UUID(member["member_id"])
    return {key: value for key, value in member.items() if key != "member_id"}


async def test_a_group_reads_back_in_its_order_and_keeps_who_it_knows(desk: Desk) -> None:
    body = {"members": list(reversed(members("rey")))}
    async with desk.client("notifications_admin") as client:
        saved = (await client.put("/working-groups/rey", json=body)).json()
        read = (await client.get("/working-groups/rey")).json()
    assert saved == read
    assert [without_id(member) for member in read["members"]] == [kept(member) for member in members("rey")]
    assert await desk.pool.fetchval("SELECT count(*) FROM working_group_member") == 3


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"email": "nobody"}, "notifications.working_group.contacts_refused"),
        ({"email": "a@b.ir\r\nBcc: c@d.ir"}, "notifications.working_group.contacts_refused"),
        ({"name": "two\nlines"}, "kit.request_invalid"),
        ({"language": "fr"}, "kit.request_invalid"),
        ({"position": 1}, "notifications.working_group.member_repeated"),
        ({"email": "M1.rey@payesh.example"}, "notifications.working_group.member_repeated"),
    ],
)
async def test_a_member_who_cannot_be_told_is_refused_and_nothing_changes(
    desk: Desk, change: dict[str, Any], code: str
) -> None:
    first, *others = members("rey")
    async with desk.client("notifications_admin") as client:
        refused = await client.put("/working-groups/rey", json={"members": [first | change, *others]})
        read = (await client.get("/working-groups/rey")).json()
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    assert [without_id(member) for member in read["members"]] == [kept(member) for member in members("rey")]


async def test_an_office_needs_the_whole_province_and_a_group_its_county(desk: Desk) -> None:
    async with desk.client("notifications_admin", counties=["rey"]) as client:
        office = await client.put("/working-groups/legal_office", json={"members": members("legal_office")})
        other = await client.put("/working-groups/pardis", json={"members": members("pardis")})
        unknown = await client.put("/working-groups/atlantis", json={"members": []})
    assert office.json()["code"] == "notifications.working_group.province_only"
    assert (office.status_code, other.status_code, unknown.status_code) == (403, 403, 422)


async def test_a_policy_is_for_every_county_and_needs_the_whole_province(desk: Desk) -> None:
    body = {"steps": [{"position": 0, "wait_s": 1}]}
    async with desk.client("notifications_admin", counties=["rey"]) as client:
        refused = await client.put("/escalation-policies/urgent", json=body)
        policies = {item["name"]: item["version"] for item in (await client.get("/escalation-policies")).json()}
    assert (refused.status_code, refused.json()["code"]) == (403, "notifications.escalation_policy.province_only")
    assert policies["urgent"] == 0


OFFICE = "kind: appeal_lodged\n    severity: warning\n    policy: office"
CHOSEN = OFFICE.replace("office", "standard")


async def test_what_nobody_may_forget_is_not_left_to_the_inbox_alone(desk: Desk) -> None:
    steps = [{"position": 0, "wait_s": 60}, {"position": 1, "channels": ["inbox"], "wait_s": 60}]
    async with desk.client("notifications_admin") as client:
        refused = await client.put("/escalation-policies/urgent", json={"steps": steps})
        lesser = await client.put("/escalation-policies/standard", json={"steps": steps})
        document = RULES.text.replace(OFFICE, CHOSEN)
        chosen = await client.post("/routing-rules/check", json={"document": document})
        policies = {item["name"]: item["version"] for item in (await client.get("/escalation-policies")).json()}
    assert (refused.status_code, refused.json()["code"]) == (422, "notifications.escalation_policy.inbox_alone")
    assert refused.json()["detail"].startswith("steps.1.channels: the rule break_glass_opened must reach somebody")
    assert (lesser.status_code, policies["urgent"], policies["standard"]) == (200, 0, 1)
    assert CHOSEN in document
    [fault] = chosen.json()["faults"]
    assert fault["text_en"].endswith("steps.1 of the policy 'standard' tells in the inbox alone")
    assert document.splitlines()[fault["line"] - 1].strip() == "policy: standard"


async def test_a_policy_without_an_end_of_acknowledgements_has_one_of_seven_days(desk: Desk) -> None:
    body = {"steps": [{"position": 0, "wait_s": 60}]}
    async with desk.client("notifications_admin") as client:
        saved = [
            (await client.put("/escalation-policies/urgent", json=body | more)).raise_for_status().json()
            for more in ({}, {"acknowledged_for_s": None}, {"acknowledged_for_s": 60})
        ]
    assert [one["policy"]["acknowledged_for_s"] for one in saved] == [7 * 24 * 3600, None, 60]


async def test_policies_are_versioned_and_only_those_that_rules_name_can_be_set(desk: Desk) -> None:
    await desk.set_policy(wait_s=60, name="standard")
    await desk.set_policy(wait_s=90, name="standard")
    async with desk.client("notifications_admin") as client:
        policies = {item["name"]: item for item in (await client.get("/escalation-policies")).json()}
        unknown = await client.put("/escalation-policies/swift", json=policies["standard"]["policy"])
        empty = await client.put("/escalation-policies/standard", json={"steps": []})
    assert policies.keys() == RULES.policies.keys()
    assert policies["standard"]["version"] == 2
    assert policies["standard"]["policy"]["steps"][0] == {
        "position": 0,
        "channels": None,
        "wait_s": 90,
        "time": "clock",
    }
    assert policies["urgent"]["version"] == 0
    assert unknown.json()["code"] == "notifications.escalation_policy.unknown"
    assert empty.status_code == 422


async def test_routing_rules_are_shown_with_their_version(desk: Desk) -> None:
    async with desk.client("operator") as client:
        shown = (await client.get("/routing-rules")).json()
    assert shown["version"] == RULES.version
    assert [rule["id"] for rule in shown["rules"]] == [rule.rule_id for rule in RULES.rules]


async def test_pages_follow_each_other_without_gaps_and_filters_narrow(desk: Desk) -> None:
    actions = [uuid4() for _ in range(5)]
    for action in actions:
        await desk.take(overdue(action), 1)
    await desk.take(resolved(actions[0]), 2)
    seen: list[str] = []
    after: dict[str, str] = {}
    async with desk.client("operator") as client:
        while True:
            page = (await client.get("/alerts", params={"limit": 2, **after})).json()
            seen += [alert["subject_id"] for alert in page["items"]]
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        open_ones = (await client.get("/alerts", params={"state": "open", "county": "rey"})).json()["items"]
        elsewhere = (await client.get("/alerts", params={"county": "pardis"})).json()["items"]
    assert seen == [str(action) for action in actions]
    assert (len(open_ones), len(elsewhere)) == (4, 0)


async def test_the_inbox_shows_the_caller_what_was_addressed_to_them(desk: Desk) -> None:
    await desk.take(overdue())
    await desk.take(overdue())
    async with desk.client("member", subject="m0.rey", counties=["rey"]) as client:
        mine = (await client.get("/inbox")).json()["items"]
        page = (await client.get("/inbox", params={"limit": 1})).json()
        rest = (await client.get("/inbox", params={"limit": 1, "after": page["next"]})).json()["items"]
    async with desk.client("member", subject="m1.rey", counties=["rey"]) as client:
        others = (await client.get("/inbox")).json()["items"]
    assert [alert["alert_id"] for alert in mine] == [page["items"][0]["alert_id"], rest[0]["alert_id"]]
    assert others == []


async def test_one_county_neither_sees_nor_acknowledges_anothers_alerts(desk: Desk) -> None:
    await desk.take(overdue())
    [alert] = await desk.alerts()
    async with desk.client("member", subject="m0.rey", counties=["pardis"]) as client:
        listed = (await client.get("/alerts")).json()["items"]
        inbox = (await client.get("/inbox")).json()["items"]
        read = await client.get(f"/alerts/{alert['alert_id']}")
        acknowledged = await client.post(f"/alerts/{alert['alert_id']}/acknowledgement")
        counters = (await client.get("/counters")).json()
    assert (listed, inbox, list(counters)) == ([], [], ["pardis"])
    assert (read.status_code, acknowledged.status_code) == (404, 404)
    assert (await desk.alerts())[0]["state"] == "open"


async def test_only_who_was_told_takes_charge_of_an_offices_alert(desk: Desk) -> None:
    await desk.set_group("legal_office")
    await desk.take(PhaseTwoReviewRequested(case_id=uuid4(), county=County.REY, voluntary_until=datetime.now(UTC)))
    [alert] = await desk.alerts()
    path = f"/alerts/{alert['alert_id']}/acknowledgement"
    async with desk.client("member", subject="m0.rey", counties=["rey"]) as client:
        refused = await client.post(path)
    assert (refused.status_code, refused.json()["code"]) == (403, "notifications.alert.of_an_office")
    assert (await desk.alerts())[0]["state"] == "open"
    async with desk.client("legal_officer", subject="m0.legal_office") as client:
        assert (await client.post(path)).status_code == 200


async def test_row_level_security_holds_in_sql_as_the_services_own_role(desk: Desk) -> None:
    await desk.take(overdue())
    connection = await asyncpg.connect(desk.database.api_url)
    tables = ("alert", "alert_history", "delivery", "working_group_member", "alert_counter")
    try:
        for counties, visible in (("pardis", False), ("", False), ("rey", True)):
            async with connection.transaction():
                await connection.execute("SELECT set_config('payesh.counties', $1, true)", counties)
                found = {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables}
                updated = await connection.execute("UPDATE alert SET step = step")
            assert all((found[table] > 0) is visible for table in tables[:-1]), (counties, found)
            assert updated == f"UPDATE {int(visible)}"
        await connection.execute("SELECT set_config('payesh.counties', 'rey', false)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("UPDATE alert SET county = 'pardis'")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("SELECT FROM alert_subject")
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("role", "method", "path"),
    [
        ("member", "PUT", "/working-groups/rey"),
        ("member", "PUT", "/escalation-policies/standard"),
        ("operator", "POST", "/alerts/00000000-0000-7000-8000-000000000000/acknowledgement"),
        ("inspector", "GET", "/alerts"),
        ("inspector", "GET", "/counters"),
    ],
)
async def test_roles_bound_what_can_be_done(desk: Desk, role: str, method: str, path: str) -> None:
    body: dict[str, Any] = {"members": []} if "groups" in path else {"steps": [{"position": 0, "wait_s": 9}]}
    async with desk.client(role) as client, desk.client() as nobody:
        refused = await client.request(method, path, json=body if method == "PUT" else None)
        unknown = await nobody.request(method, path, json=body if method == "PUT" else None)
    assert (refused.status_code, unknown.status_code) == (403, 401)


async def _link(desk: Desk, sink: SmtpSink) -> str:
    await desk.take(overdue())
    desk.start_delivery()
    assert await asyncio.to_thread(sink.wait_for, 1, WAIT_S)
    link = sink.letters[0].acknowledge_link
    assert link is not None
    return link


async def test_the_link_shows_on_get_and_acts_on_post(desk: Desk, sink: SmtpSink) -> None:
    link = await _link(desk, sink)
    async with desk.client() as client:
        await client.get(link)
        shown = await client.get(link)
        assert (await desk.alerts())[0]["state"] == "open", "opening a link changes nothing"
        pressed = await client.post(link, content=b"", headers={"content-type": "application/x-www-form-urlencoded"})
        after = await client.get(link)
    assert shown.status_code == 200
    assert 'dir="rtl"' in shown.text
    assert '<form method="post">' in shown.text
    assert "اقدام اصلاحی دیرکرده · ری" in shown.text
    assert pressed.status_code == 200
    assert "<form" not in after.text
    [alert] = await desk.alerts()
    assert (alert["state"], alert["acknowledged_by"]) == ("acknowledged", "m0.rey")
    assert "AlertAcknowledged" in await desk.published()


async def test_a_scanner_that_asks_for_the_head_gets_that_of_the_page_and_changes_nothing(
    desk: Desk, sink: SmtpSink
) -> None:
    path = httpx.URL(await _link(desk, sink)).path
    async with serve(desk.api()) as server, httpx.AsyncClient(base_url=address_of(server)) as client:
        for each, status in ((path, 200), ("/a/x", 403), ("/digests/stop/x", 403)):
            head, page = await client.head(each), await client.get(each)
            assert (head.status_code, page.status_code, head.content) == (status, status, b"")
            for name in ("content-type", "content-length", "content-security-policy", "referrer-policy"):
                assert head.headers[name] == page.headers[name]
            refused = await client.put(each)
            assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, POST")
    assert (await desk.alerts())[0]["state"] == "open"


async def test_a_link_pressed_twice_acknowledges_once(desk: Desk, sink: SmtpSink) -> None:
    link = await _link(desk, sink)
    async with desk.client() as client:
        answers = await asyncio.gather(*(client.post(link) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert (await desk.published()).count("AlertAcknowledged") == 1


async def test_a_link_ends_with_its_time_its_alert_and_its_member(desk: Desk, sink: SmtpSink) -> None:
    link = await _link(desk, sink)
    async with desk.client() as client:
        tampered = await client.post(re.sub(r"\.[^.]+$", ".AAAA", link))
        await desk.set_group("rey", count=0)
        left = await client.post(link)
        await desk.set_group("rey")
        [alert] = await desk.alerts()
        await desk.pool.execute("UPDATE alert SET state = 'resolved'")
        ended = await client.post(link)
        seen = await client.get(link)
    assert (tampered.status_code, left.status_code, ended.status_code, seen.status_code) == (403, 403, 409, 409)
    assert alert["state"] == "open"
    assert all(answer.headers["content-type"].startswith("text/html") for answer in (tampered, left, ended))


async def test_a_link_reaches_only_its_own_county(desk: Desk, sink: SmtpSink) -> None:
    link = await _link(desk, sink)
    async with desk.begin() as tx:
        [key] = await list_link_keys(tx.connection)
        read = read_link(link.rpartition("/")[2], [key], await database_now(tx.connection))
    elsewhere = AcknowledgementLink(read.alert_id, read.member_id, County.PARDIS, read.expires_at)
    async with desk.client() as client:
        answer = await client.post(f"/acknowledge/{sign_link(elsewhere, key)}")
    assert answer.status_code == 403
    assert (await desk.alerts())[0]["state"] == "open"

"""Routing rules as versions in PostgreSQL: checked whole, saved once, shown, taken back, and in force from the next event."""

import asyncio
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest

from services.notifications.routing_rules import RULES, rules_in_force
from services.notifications.store import rules as store
from shared.contracts.counties import County
from shared.contracts.warehouse import Severity
from shared.kit.auth import Principal
from shared.kit.database import read_transaction
from tests.support.notifications import Desk, overdue

MIGRATION = Path(__file__).parents[3] / "services" / "notifications" / "schema" / "01020_rules.sql"
SWIFT = {"steps": [{"position": 0, "wait_s": 9}]}
ADMINISTRATOR = "notifications_admin"
QUIETER = RULES.text.replace("group: {wait_s: 900}", "group: {wait_s: 1800}", 1)
BROKEN = RULES.text.replace("policy: urgent", "policy: swift", 2)


async def save(
    desk: Desk, document: str, expected_version: int, note: str = "asked for by the province"
) -> httpx.Response:
    async with desk.client(ADMINISTRATOR) as client:
        body = {"document": document, "expected_version": expected_version, "note": note}
        return await client.put("/routing-rules", json=body)


async def in_force(desk: Desk) -> tuple[int, int | None]:
    async with desk.pool.acquire() as connection:
        book = await rules_in_force(connection)
    return book.version, next(rule.group_wait_s for rule in book.rules if rule.rule_id == "corrective_action_overdue")


async def test_what_is_saved_is_in_force_and_an_older_text_saved_again_takes_it_back(desk: Desk) -> None:
    assert await in_force(desk) == (0, 900)
    saved = await save(desk, QUIETER, 0, "fewer letters")
    assert (saved.status_code, saved.json()["version"]) == (200, 1)
    assert await in_force(desk) == (1, 1800)
    async with desk.client("operator") as client:
        shown = (await client.get("/routing-rules")).json()
        shipped = await client.get("/routing-rules/versions/0")
        text = await client.get("/routing-rules/versions/1")
        missing = await client.get("/routing-rules/versions/2")
    assert (shown["version"], shown["newest_version"], len(shown["rules"])) == (1, 1, len(RULES.rules))
    assert shown["inhibitions"][0]["source"] == "warehouse_put_on_hold"
    assert (shipped.text, text.text) == (RULES.text, QUIETER)
    assert text.headers["content-type"].startswith("application/yaml")
    assert (missing.status_code, missing.json()["code"]) == (404, "notifications.routing_rules.version_unknown")
    assert (await save(desk, shipped.text, 1, "back to the first")).json()["version"] == 2
    assert await in_force(desk) == (2, 900)
    async with desk.client("operator") as client:
        first = (await client.get("/routing-rules/versions", params={"limit": 1})).json()
        rest = (await client.get("/routing-rules/versions", params={"limit": 1, "after": first["next"]})).json()
    assert [(one["version"], one["note"]) for one in first["items"] + rest["items"]] == [
        (2, "back to the first"),
        (1, "fewer letters"),
    ]
    assert first["items"][0]["saved_by"] == "somebody"


async def test_rules_with_faults_are_refused_with_every_line_and_nothing_is_saved(desk: Desk) -> None:
    refused = await save(desk, BROKEN, 0)
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (422, "notifications.routing_rules.refused")
    faults = problem["details"]["faults"]
    lines = [number for number, line in enumerate(BROKEN.splitlines(), 1) if line.strip() == "policy: swift"]
    assert [fault["line"] for fault in faults] == lines
    assert all("swift" in fault["text_en"] and "swift" in fault["text_fa"] for fault in faults)
    async with desk.client(ADMINISTRATOR) as client:
        checked = (await client.post("/routing-rules/check", json={"document": BROKEN})).json()
        sound = (await client.post("/routing-rules/check", json={"document": QUIETER})).json()
        wordless = RULES.text.replace("kind: discrepancy_found", "kind: discrepancy_seen")
        letters = (await client.post("/routing-rules/check", json={"document": wordless})).json()
    assert (checked["sound"], checked["faults"]) == (False, faults)
    assert sound == {"sound": True, "faults_count": 0, "faults": [], "rules": len(RULES.rules)}
    assert any("no letter for the kind 'discrepancy_seen'" in fault["text_en"] for fault in letters["faults"])
    assert await in_force(desk) == (0, 900)


async def test_a_rule_with_alerts_that_are_not_resolved_is_not_left_out(desk: Desk) -> None:
    renamed = RULES.text.replace("id: critical_corrective_action_overdue\n", "id: grave_corrective_action_overdue\n")
    action = uuid4()
    await desk.take(overdue(action))
    await desk.take(overdue())
    refused = await save(desk, renamed, 0)
    assert (refused.status_code, refused.json()["code"]) == (409, "notifications.routing_rules.leave_alerts")
    assert "critical_corrective_action_overdue (2)" in refused.text
    assert await in_force(desk) == (0, 900)
    assert (await save(desk, QUIETER, 0)).status_code == 200
    await desk.pool.execute("UPDATE alert SET state = 'resolved', resolved_at = now()")
    assert (await save(desk, renamed, 1)).status_code == 200


async def test_of_two_people_who_change_the_same_version_the_second_is_told(desk: Desk) -> None:
    answers = await asyncio.gather(*(save(desk, QUIETER, 0) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {
        "notifications.routing_rules.changed"
    }
    assert (await save(desk, RULES.text, 0)).status_code == 409


async def test_rules_are_set_by_an_administrator_of_the_whole_province(desk: Desk) -> None:
    body = {"document": QUIETER, "expected_version": 0, "note": "from one county"}
    async with desk.client(ADMINISTRATOR, counties=["rey"]) as client:
        one_county = await client.put("/routing-rules", json=body)
        seen = await client.get("/routing-rules")
    async with desk.client("operator") as client:
        reader = await client.put("/routing-rules", json=body)
        tries = await client.post("/routing-rules/check", json={"document": QUIETER})
    assert (one_county.status_code, one_county.json()["code"]) == (403, "notifications.routing_rules.province_only")
    assert (reader.status_code, tries.status_code, seen.status_code) == (403, 403, 200)


async def test_the_database_too_lets_only_the_whole_province_save_and_nobody_change(desk: Desk) -> None:
    assert (await save(desk, QUIETER, 0)).status_code == 200
    rey = Principal("somebody", frozenset({ADMINISTRATOR}), frozenset({County.REY}))
    async with read_transaction(desk.api_pool, rey) as connection:
        assert (await store.find_version(connection)) is not None
    for pool, counties in ((desk.api_pool, "rey"), (desk.pool, ",".join(County))):
        async with pool.acquire() as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with connection.transaction():
                    await connection.execute("SELECT set_config('payesh.counties', $1, true)", counties)
                    await store.insert_version(connection, 2, QUIETER, "by hand", "somebody")
    everything = ",".join(County)
    for statement in ("UPDATE routing_rules SET note = 'other'", "DELETE FROM routing_rules"):
        async with desk.api_pool.acquire() as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with connection.transaction():
                    await connection.execute("SELECT set_config('payesh.counties', $1, true)", everything)
                    await connection.execute(statement)


async def test_saved_rules_that_a_release_refuses_give_way_to_the_last_that_stand(desk: Desk) -> None:
    assert (await save(desk, QUIETER, 0)).status_code == 200
    async with desk.api_pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('payesh.counties', $1, true)", ",".join(County))
        assert await store.insert_version(connection, 2, BROKEN, "sound once", "somebody")
    assert await in_force(desk) == (1, 1800)
    async with desk.client("operator") as client:
        shown = (await client.get("/routing-rules")).json()
    assert (shown["version"], shown["newest_version"]) == (1, 2)
    assert (await save(desk, RULES.text, 2)).json()["version"] == 3
    assert await in_force(desk) == (3, 900)


async def test_the_same_request_again_saves_once(desk: Desk) -> None:
    body = {"document": QUIETER, "expected_version": 0, "note": "asked twice"}
    headers = {"Idempotency-Key": uuid4().hex}
    async with desk.client(ADMINISTRATOR) as client:
        answers = [await client.put("/routing-rules", json=body, headers=headers) for _ in range(2)]
    assert [answer.json()["version"] for answer in answers] == [1, 1]
    assert answers[1].headers["Idempotency-Replayed"] == "true"


async def test_alerts_of_before_keep_the_number_of_the_file_apart_from_saved_versions(desk: Desk) -> None:
    await desk.take(overdue())
    down, up = (_half(name) for name in ("down", "up"))
    owner = await asyncpg.connect(desk.database.owner_url)
    try:
        await owner.execute(down)
        await _set_version(desk, 3)
        await owner.execute(up)
    finally:
        await owner.close()
    assert await desk.pool.fetchval("SELECT rules_version FROM alert") == -3
    assert await in_force(desk) == (0, 900)


async def test_a_saved_policy_name_can_be_replaced_and_new_alerts_take_the_saved_rules(desk: Desk) -> None:
    document = RULES.text.replace("policies:\n", "policies:\n  swift: {steps: [{position: chair, wait_s: 5}]}\n", 1)
    head, tail = document.split("  - id: critical_corrective_action_overdue\n", 1)
    document = f"{head}  - id: critical_corrective_action_overdue\n{tail.replace('policy: urgent', 'policy: swift', 1)}"
    async with desk.client(ADMINISTRATOR) as client:
        assert (await client.put("/escalation-policies/swift", json=SWIFT)).status_code == 404
    assert (await save(desk, document, 0)).status_code == 200
    await desk.take(overdue(severity=Severity.CRITICAL))
    row = await desk.pool.fetchrow("SELECT rules_version, policy_name, policy::text AS policy FROM alert")
    assert row is not None
    assert (row["rules_version"], row["policy_name"], '"wait_s": 5' in row["policy"]) == (1, "swift", True)
    async with desk.client(ADMINISTRATOR) as client:
        assert (await client.put("/escalation-policies/swift", json=SWIFT)).status_code == 200
        policies = {item["name"]: item["version"] for item in (await client.get("/escalation-policies")).json()}
    assert (policies["swift"], policies["standard"]) == (1, 0)


def _half(name: str) -> str:
    up, down = MIGRATION.read_text("utf-8").split("-- migrate:down")
    return down if name == "down" else up


async def _set_version(desk: Desk, version: int) -> None:
    connection = await asyncpg.connect(desk.database.superuser_url)
    try:
        await connection.execute("UPDATE alert SET rules_version = $1", version)
    finally:
        await connection.close()

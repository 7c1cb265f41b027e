"""Alerts of the platform's monitoring: a real Prometheus Alertmanager posts them, the operations office gets them."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from deploy.embedded.directories import free_port
from services.notifications.api import routers
from services.notifications.api.monitoring import ALERTS_MAX
from shared.contracts.counties import County
from shared.kit.health import Readiness
from shared.kit.http import connect, create_api
from tests.support.identity import bearer, create_test_verifier
from tests.support.notifications import WAIT_S, Desk
from tests.support.operations import take_operations_events

ALERTMANAGER = shutil.which("prometheus-alertmanager")
STARTS_AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
POLL_S = 0.1
REPEATED_POSTS = 3


def posted(status: str, *names: str, severity: str = "warning", **labels: str) -> dict[str, Any]:
    """A message as Alertmanager writes it (its documentation's example, fields and all)."""
    alerts = [
        {
            "status": status,
            "labels": {"alertname": name, "severity": severity, "instance": "db-1:9100", **labels},
            "annotations": {"summary": f"{name}: صف پر شده است"},
            "startsAt": STARTS_AT.isoformat(),
            "endsAt": "0001-01-01T00:00:00Z" if status == "firing" else (STARTS_AT + timedelta(hours=1)).isoformat(),
            "generatorURL": "http://prometheus.test/graph?g0.expr=up",
            "fingerprint": f"{crc32(name.encode()):016x}",
        }
        for name in names
    ]
    return {
        "version": "4",
        "groupKey": '{}:{alertname="x"}',
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "payesh",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.test",
        "alerts": alerts,
    }


async def post(desk: Desk, message: dict[str, Any], *roles: str) -> httpx.Response:
    async with desk.client(*(roles or ("alertmanager",)), subject="alertmanager") as client:
        return await client.post("/alertmanager", json=message)


async def test_an_alert_from_its_first_report_to_its_end_is_one_alert(desk: Desk) -> None:
    await desk.set_group("ops_office", language="en")
    for _ in range(3):
        answer = await post(desk, posted("firing", "DiskFull", "OutboxDeep"))
        assert answer.status_code == 200, answer.text
        await take_operations_events(desk)
    first, second = await desk.alerts()
    assert {(a["kind"], a["severity"], a["state"], a["county"]) for a in (first, second)} == {
        ("ops_alert", "warning", "open", County.TEHRAN.value)
    }
    assert {a["details"]["name"] for a in (first, second)} == {"DiskFull", "OutboxDeep"}
    assert {d["recipient"] for a in (first, second) for d in a["deliveries"]} == {"m0.ops-office@payesh.example"}
    assert (await post(desk, posted("resolved", "DiskFull"))).json() == {"began": 0, "ended": 1}
    assert (await post(desk, posted("resolved", "DiskFull"))).json() == {"began": 0, "ended": 0}
    assert (await post(desk, posted("firing", "DiskFull"))).json() == {"began": 0, "ended": 0}, (
        "a report that comes late"
    )
    await take_operations_events(desk)
    assert {a["details"]["name"]: a["state"] for a in await desk.alerts()} == {
        "DiskFull": "resolved",
        "OutboxDeep": "open",
    }


async def test_labels_say_how_grave_it_is_and_where(desk: Desk) -> None:
    await desk.set_group("ops_office", language="en")
    await post(desk, posted("firing", "Probe", severity="page", county="rey"))
    await post(desk, posted("firing", "Note", severity="none", county="atlantis"))
    await take_operations_events(desk)
    found = {a["details"]["name"]: (a["severity"], a["county"]) for a in await desk.alerts()}
    assert found == {"Probe": ("critical", "rey"), "Note": ("warning", "tehran")}


async def test_an_end_that_comes_before_its_beginning_is_kept(desk: Desk) -> None:
    assert (await post(desk, posted("resolved", "Flap"))).json() == {"began": 0, "ended": 0}
    assert (await post(desk, posted("firing", "Flap"))).json() == {"began": 0, "ended": 0}
    assert await desk.published() == []


async def test_what_the_monitoring_said_can_be_read_and_no_event_carries_it(desk: Desk) -> None:
    message = posted("firing", "نام با فاصله", note="x" * 5_000)
    assert (await post(desk, message)).json()["began"] == 1
    body = json.loads(await desk.pool.fetchval("SELECT body FROM outbox WHERE type LIKE '%OperationsTrouble%'"))
    assert set(body) == {"trouble_id", "county", "trouble", "severity", "name"}
    assert body["name"].isascii()
    async with desk.client("operator") as client:
        [item] = (await client.get("/operations-troubles", params={"running_only": True})).json()["items"]
    assert item["trouble_id"] == body["trouble_id"]
    assert item["details"]["annotations"] == {"summary": "نام با فاصله: صف پر شده است"}
    assert item["details"]["labels"]["note"] == "x" * 1_000


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"version": "5"}, 422),
        ({"alerts": "none"}, 422),
        ({"alerts": [{"status": "firing"}]}, 422),
        ({"alerts": [posted("firing", "A")["alerts"][0] | {"startsAt": "2026-11-22T08:30:00"}]}, 422),
        ({"alerts": [posted("firing", "A")["alerts"][0] | {"fingerprint": "../.."}]}, 422),
        ({"groupKey": "x" * 2_000_000}, 413),
        ({"groupKey": "x" * 2_000, "unknown": {"a": 1}}, 200),
        ({"alerts": []}, 200),
    ],
)
async def test_other_messages_are_refused_and_change_nothing(desk: Desk, change: dict[str, Any], status: int) -> None:
    answer = await post(desk, posted("firing", "A") | change)
    assert answer.status_code == status, answer.text
    if status != 200:
        assert await desk.pool.fetchval("SELECT count(*) FROM operations_trouble") == 0


async def test_of_a_report_that_is_too_long_the_first_are_taken_and_the_rest_is_a_trouble_until_one_is_whole(
    desk: Desk,
) -> None:
    names = [f"Alert{number}" for number in range(ALERTS_MAX + 2)]
    answer = await post(desk, posted("firing", *names))
    assert (answer.status_code, answer.json()["began"]) == (200, ALERTS_MAX), answer.text
    truncated = "SELECT details::text, ended_at FROM operations_trouble WHERE name = 'alertmanager/truncated'"
    [row] = await desk.pool.fetch(truncated)
    assert (json.loads(row["details"])["left_out"], row["ended_at"]) == (2, None)
    await post(desk, posted("firing", "Alert1") | {"groupKey": "another"})
    await post(desk, posted("firing", "Alert1") | {"truncatedAlerts": 7})
    [row] = await desk.pool.fetch(truncated)
    assert row["ended_at"] is None
    await post(desk, posted("firing", "Alert1"))
    [row] = await desk.pool.fetch(truncated)
    assert row["ended_at"] is not None


async def test_only_the_monitoring_posts(desk: Desk) -> None:
    assert (await post(desk, posted("firing", "A"), "operator")).status_code == 403
    async with desk.client() as client:
        assert (await client.post("/alertmanager", json=posted("firing", "A"))).status_code == 401


@asynccontextmanager
async def serving(desk: Desk) -> AsyncGenerator[tuple[str, list[int]]]:
    """The service's HTTP on a real port; its address, and the status of every answer to a POST."""
    app: FastAPI = create_api(service="notifications", routers=routers, readiness=Readiness(), asyncapi=dict)
    connect(app, pool=desk.api_pool, verifier=create_test_verifier())
    statuses: list[int] = []

    @app.middleware("http")
    async def count(request: Any, call_next: Any) -> Any:
        answer = await call_next(request)
        statuses.append(answer.status_code)
        return answer

    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve())
    try:
        yield f"http://127.0.0.1:{port}", statuses
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, WAIT_S)


@asynccontextmanager
async def alertmanager(directory: Path, webhook_url: str, token: str) -> AsyncGenerator[httpx.AsyncClient]:
    """A real Alertmanager that posts to `webhook_url`, again every second; a client of its own API."""
    assert ALERTMANAGER is not None
    configuration = {
        "route": {
            "receiver": "payesh",
            "group_by": ["alertname"],
            "group_wait": "0s",
            "group_interval": "1s",
            "repeat_interval": "1s",
        },
        "receivers": [
            {
                "name": "payesh",
                "webhook_configs": [
                    {
                        "url": webhook_url,
                        "send_resolved": True,
                        "http_config": {"authorization": {"type": "Bearer", "credentials": token}},
                    }
                ],
            }
        ],
    }
    file = directory / "alertmanager.yml"  # JSON is YAML
    file.write_text(json.dumps(configuration), encoding="utf-8")
    port = free_port()
    command = [
        ALERTMANAGER,
        f"--config.file={file}",
        f"--storage.path={directory / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with (directory / "alertmanager.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=subprocess.STDOUT)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            await _until_ready(client)
            yield client
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), WAIT_S)


async def _until_ready(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                if (await client.get("/-/ready")).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(POLL_S)


async def until_states(desk: Desk, *states: str) -> list[dict[str, Any]]:
    """Apply what was published until the alerts have these states."""
    async with asyncio.timeout(WAIT_S):
        while True:
            await take_operations_events(desk)
            alerts = await desk.alerts()
            if sorted(alert["state"] for alert in alerts) == sorted(states):
                return alerts
            await asyncio.sleep(POLL_S)


@pytest.mark.skipif(
    ALERTMANAGER is None, reason="prometheus-alertmanager is not installed (Debian's package of that name)"
)
async def test_a_real_alertmanager_posts_repeats_and_resolves(desk: Desk, tmp_path: Path) -> None:
    await desk.set_group("ops_office", language="en")
    token = bearer("alertmanager", subject="alertmanager")["Authorization"].removeprefix("Bearer ")
    began = datetime.now(UTC)
    firing = [
        {
            "labels": {"alertname": name, "severity": severity, "instance": "127.0.0.1:9100"},
            "annotations": {"summary": "دیسک پر است"},
            "startsAt": began.isoformat(),
        }
        for name, severity in (("DiskFull", "critical"), ("ConsumerLag", "warning"))
    ]
    async with (
        serving(desk) as (address, statuses),
        alertmanager(tmp_path, f"{address}/alertmanager", token) as monitoring,
    ):
        (await monitoring.post("/api/v2/alerts", json=firing)).raise_for_status()
        alerts = await until_states(desk, "open", "open")
        assert {a["details"]["name"]: a["severity"] for a in alerts} == {
            "DiskFull": "critical",
            "ConsumerLag": "warning",
        }
        async with asyncio.timeout(WAIT_S):
            while len(statuses) < 2 * REPEATED_POSTS:
                await asyncio.sleep(POLL_S)
        assert len(await until_states(desk, "open", "open")) == 2, "posts that repeat change nothing"
        mended = firing[0] | {"endsAt": datetime.now(UTC).isoformat()}
        (await monitoring.post("/api/v2/alerts", json=[mended])).raise_for_status()
        alerts = await until_states(desk, "open", "resolved")
        assert {a["details"]["name"]: a["state"] for a in alerts} == {"DiskFull": "resolved", "ConsumerLag": "open"}
        assert set(statuses) == {200}

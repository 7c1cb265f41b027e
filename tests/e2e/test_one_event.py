"""One event followed from HTTP to mail on the running platform: the same correlation id and trace all the way."""

import json
import mailbox
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared.contracts.warehouse import ChecklistItem
from tests.support.platform_process import (
    DAY_DEADLINE_S,
    UP_DEADLINE_S,
    Installation,
    free_port_base,
    remove_installation,
    wait_until,
    wait_up,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(DAY_DEADLINE_S)]

CORRELATION_ID = "from-http-to-mail"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACED = {"X-Correlation-Id": CORRELATION_ID, "traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01"}
PASSWORD = "payesh-local"
REGISTRY = """شناسه یکتا,نام انبار,نوع انبار,شهرستان,استان,مساحت (متر مربع),ظرفیت (تن),وضعیت
300000000001,انبار آریا,عمومی,ری,تهران,1000,250,فعال
"""


@dataclass
class People:
    """Calls the running services as the account that is named."""

    installation: Installation

    def call(self, account: str, service_offset: int, method: str, path: str, traced: bool = False, **body: Any) -> Any:
        base = self.installation.port_base
        token = httpx.post(
            f"http://127.0.0.1:{base}/token", data={"username": account, "password": PASSWORD}, trust_env=False
        ).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"} | (TRACED if traced else {})
        url = f"http://127.0.0.1:{base + service_offset}{path}"
        answer = httpx.request(method, url, headers=headers, trust_env=False, timeout=30.0, **body)
        assert answer.is_success, answer.text
        return answer.json()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path / "state", free_port_base())
    try:
        wait_up(installation.start("up"))
        yield installation
    finally:
        for process in installation.started:
            process.end()
        remove_installation(installation.state)


def _letters(state: Path) -> list[Message]:
    return [message for path in state.glob("*/mail/mail.mbox") for message in mailbox.mbox(path, create=False)]


def _logged(state: Path, service: str) -> list[dict[str, Any]]:
    """Log lines of a service under the correlation id."""
    lines = [line for path in state.glob(f"*/logs/{service}.log") for line in path.read_text("utf-8").splitlines()]
    return [json.loads(line) for line in lines if CORRELATION_ID in line]


def test_one_review_is_followed_from_http_to_the_letter(running: Installation) -> None:
    people, warehouse, notifications = People(running), 1, 3
    member = {"name": "زهرا", "role": "chair", "language": "fa", "email": "chair@rey.example", "position": 0}
    people.call("notifications_admin", notifications, "PUT", "/working-groups/rey", json={"members": [member]})
    people.call(
        "registry_clerk",
        warehouse,
        "POST",
        "/registry-imports?mode=apply",
        files={"file": ("registry.csv", REGISTRY.encode())},
    )
    [site] = people.call("reviewer.rey", warehouse, "GET", "/warehouses")["items"]
    assignment = {"warehouse_id": site["warehouse_id"], "inspector": "inspector1.rey"}
    inspection_id = people.call("reviewer.rey", warehouse, "POST", "/inspections", json=assignment)["inspection_id"]
    found = {
        "capacity_tonnes": 250,
        "in_use_capacity_tonnes": 100,
        "floor_area_m2": 1000,
        "kind": site["kind"],
        "operating": True,
    }
    submission = {
        "instance_id": str(uuid4()),
        "inspected_at": datetime.now(UTC).isoformat(),
        "found": found,
        "items": [{"item": item.value, "result": "pass"} for item in ChecklistItem],
        "suspicion": "biological_hazard",
    }
    path = f"/inspections/{inspection_id}"
    people.call("inspector1.rey", warehouse, "POST", f"{path}/submission", json=submission)
    review = {"decision": "approve"}
    people.call("reviewer2.rey", warehouse, "POST", f"{path}/review", traced=True, json=review)

    wait_until(lambda: bool(_letters(running.state)), UP_DEADLINE_S, running.started[0])
    [letter] = _letters(running.state)
    assert letter["X-Correlation-Id"] == CORRELATION_ID
    assert TRACE_ID in letter["traceparent"]
    assert "chair@rey.example" in letter["To"]
    assert any(line["event"] == "http_request" for line in _logged(running.state, "warehouse"))
    assert any(line["event"] == "message_sent" for line in _logged(running.state, "notifications"))

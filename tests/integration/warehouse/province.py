"""A warehouse service on a real database, asked over HTTP by named people; the test's own eye reads beneath."""

import asyncio
import csv
import io
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx

from services.warehouse import timers
from services.warehouse.domain.counters import COUNTED_EVENTS, Counter
from services.warehouse.handlers import fold_county_counters
from shared.contracts import warehouse as contracts
from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.warehouse import ChecklistItem
from shared.kit.auth import SYSTEM
from shared.kit.connections import Connection, Pool
from shared.kit.routing import Received, collect_timers
from shared.kit.timer_worker import TimerWorker
from shared.kit.transaction import begin
from tests.support.environment import ServiceDatabase
from tests.support.identity import bearer
from tests.support.pictures import photo

DUE_TIMERS_WAIT_S = 10.0
HEADERS = ("registry_id", "name", "kind", "county", "area_m2", "capacity_tonnes")
ROLES = (
    "inspector",
    "reviewer",
    "county_chair",
    "registry_clerk",
    "province_officer",
    "health_officer",
    "commission_secretary",
    "caseworker",
)


def site_row(number: int, county: County = County.REY, capacity: str = "1000", **changes: str) -> dict[str, str]:
    """One sound row of a registry file."""
    values = (str(number), f"انبار {number}", "عمومی", county.label_fa, "500", capacity)
    return dict(zip(HEADERS, values, strict=True)) | changes


def as_csv(rows: Sequence[dict[str, str]]) -> bytes:
    """The rows as a CSV file in UTF-8."""
    target = io.StringIO()
    writer = csv.DictWriter(target, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return target.getvalue().encode()


def submission(**changes: Any) -> dict[str, Any]:
    """A submission that confirms `site_row`; `failed` names failed items with their severity, `found` changes figures."""
    failed: dict[str, str] = changes.pop("failed", {})
    found = {
        "capacity_tonnes": 1000,
        "in_use_capacity_tonnes": 400.5,
        "floor_area_m2": 500,
        "kind": "general",
        "operating": True,
    }
    items = [
        {"item": item, "result": "fail", "severity": failed[item], "photos": [f"{item}.jpg"]}
        if item in failed
        else {"item": item, "result": "pass"}
        for item in ChecklistItem
    ]
    body = {"instance_id": f"uuid:{uuid4()}", "inspected_at": "2025-11-22T10:00:00+03:30", "items": items}
    return body | {"found": found | changes.pop("found", {})} | changes


@dataclass(slots=True)
class Province:
    """`api` and `worker` are pools of the service's own two roles; `superuser` is the test's eye."""

    database: ServiceDatabase
    api: Pool
    worker: Pool
    superuser: Connection
    client: httpx.AsyncClient

    async def ask(
        self, method: str, path: str, who: str, body: Any = None, *, status: int | None = None, key: str | None = None
    ) -> Any:
        """`who` is ``role`` or ``role.county``; a digit after the role makes another person of the same role.

        The answer's JSON; fails the test on another status than `status` (any success if None).
        """
        answer = await self.client.request(method, path, json=body, headers=self.headers(who, key))
        return self._json(answer, status)

    async def send_file(
        self,
        content: bytes,
        mode: str = "apply",
        who: str = "registry_clerk",
        *,
        status: int | None = None,
        key: str | None = None,
    ) -> Any:
        """Import a registry file."""
        answer = await self.client.post(
            f"/registry-imports?mode={mode}", files={"file": ("registry", content)}, headers=self.headers(who, key)
        )
        return self._json(answer, status)

    def headers(self, who: str, key: str | None = None) -> dict[str, str]:
        name, _, county = who.partition(".")
        counties = [County(county)] if county else list(County)
        role = next(role for role in ROLES if name.rstrip("0123456789") == role)
        return bearer(role, subject=who, counties=counties) | ({"Idempotency-Key": key} if key else {})

    def _json(self, answer: httpx.Response, status: int | None) -> Any:
        expected = answer.is_success if status is None else answer.status_code == status
        assert expected, f"{answer.status_code}: {answer.text}"
        return answer.json()

    async def register(self, *rows: dict[str, str]) -> list[UUID]:
        """Import these rows; returns the sites' ids in the order of the rows."""
        await self.send_file(as_csv(rows))
        found = await self.superuser.fetch("SELECT registry_id, warehouse_id FROM warehouse")
        by_registry_id = {row["registry_id"]: row["warehouse_id"] for row in found}
        return [by_registry_id[row["registry_id"]] for row in rows]

    async def assign(self, warehouse_id: UUID, county: County = County.REY, inspector: str | None = None) -> str:
        body = {"warehouse_id": str(warehouse_id), "inspector": inspector or f"inspector.{county}"}
        return (await self.ask("POST", "/inspections", f"reviewer.{county}", body))["inspection_id"]

    async def inspect(
        self, warehouse_id: UUID, county: County = County.REY, inspector: str | None = None, **changes: Any
    ) -> Any:
        """One inspection from assignment to approval; the review's answer."""
        inspection_id = await self.assign(warehouse_id, county, inspector)
        who = inspector or f"inspector.{county}"
        body = submission(**changes)
        await self.ask("POST", f"/inspections/{inspection_id}/submission", who, body)
        await self.send_photos(inspection_id, who, body)
        return await self.ask(
            "POST", f"/inspections/{inspection_id}/review", f"reviewer2.{county}", {"decision": "approve"}
        )

    async def send_photos(self, inspection_id: str, who: str, body: dict[str, Any]) -> None:
        """Send every photo that a submission names."""
        names = [name for item in body["items"] for name in item.get("photos", [])] + body.get("photos", [])
        for number, name in enumerate(names):
            path = f"/inspections/{inspection_id}/submissions/{body['instance_id']}/photos/{name}"
            headers = self.headers(who) | {"Content-Type": "image/jpeg"}
            answer = await self.client.post(path, content=photo(number), headers=headers)
            assert answer.status_code == 201, answer.text

    async def events(self, event_type: type[Event] | None = None) -> list[Event]:
        """What was published, in order; of one type if it is given."""
        types = {
            value.type_name(): value
            for value in vars(contracts).values()
            if isinstance(value, type) and issubclass(value, Event) and value is not Event
        }
        rows = await self.superuser.fetch("SELECT type, body FROM outbox ORDER BY position")
        events = [types[row["type"]].model_validate_json(row["body"]) for row in rows]
        return [event for event in events if event_type is None or isinstance(event, event_type)]

    async def fold_events(self, batch: int = 1000) -> None:
        """Fold everything published so far, as the consumer does, as the worker's role."""
        events = [event for event in await self.events() if isinstance(event, COUNTED_EVENTS)]
        for start in range(0, len(events), batch):
            async with begin(self.worker, SYSTEM, "test") as tx:
                received = [Received(event, uuid4(), tx.now, 1, "test") for event in events[start : start + batch]]
                await fold_county_counters(received, tx)

    async def counters(self, who: str = "province_officer") -> dict[str, dict[str, float]]:
        """The counters over HTTP."""
        return await self.ask("GET", "/counters", who)

    async def fire(self, action_id: str) -> None:
        """Let the overdue timer of an action be due now, and the kit's own worker fire it."""
        await self.fire_timer("warehouse.action_overdue", action_id)

    async def fire_timer(self, kind: str, subject_id: str) -> None:
        """Let an armed timer be due now, and the kit's own worker fire it."""
        status = await self.superuser.execute(
            "UPDATE timer SET due_at = now(), next_try_at = now() WHERE kind = $1 AND subject_id = $2", kind, subject_id
        )
        assert status == "UPDATE 1"
        worker = TimerWorker(self.worker, collect_timers(timers))
        running = asyncio.create_task(worker.run())
        try:
            async with asyncio.timeout(DUE_TIMERS_WAIT_S):
                while await self.superuser.fetchval("SELECT EXISTS (SELECT FROM timer WHERE next_try_at <= now())"):
                    await asyncio.sleep(0.01)
        finally:
            worker.stop()
            await running

    async def counters_from_rows(self) -> dict[tuple[str, str], Decimal]:
        """The counters computed anew from the service's own rows, zeros left out: an independent second opinion."""
        rows = await self.superuser.fetch(_COUNTERS_FROM_ROWS)
        return {(row["county"], row["counter"]): row["value"] for row in rows if row["value"]}

    async def counters_from_folds(self) -> dict[tuple[str, str], Decimal]:
        """The folded counters, zeros left out."""
        rows = await self.superuser.fetch("SELECT county, counter, value FROM county_counter")
        return {(row["county"], row["counter"]): row["value"] for row in rows if row["value"]}


@asynccontextmanager
async def as_api(province: Province, *counties: County) -> AsyncGenerator[Connection]:
    """The API's role with these counties; rolled back at the end."""
    connection = await asyncpg.connect(province.database.api_url)
    try:
        async with connection.transaction():
            await connection.execute("SELECT set_config('payesh.counties', $1, true)", ",".join(counties))
            yield connection
            raise _RollBack
    except _RollBack:
        pass
    finally:
        await connection.close()


class _RollBack(Exception):
    pass


_COUNTERS_FROM_ROWS = f"""
    SELECT county, '{Counter.REGISTERED_SITES}' AS counter, count(*)::numeric AS value FROM warehouse GROUP BY county
    UNION ALL SELECT county, '{Counter.REGISTERED_CAPACITY_TONNES}', sum(capacity_tonnes) FROM warehouse GROUP BY county
    UNION ALL SELECT county, '{Counter.VERIFIED_CAPACITY_TONNES}', sum(verified_capacity_tonnes)
              FROM warehouse GROUP BY county
    UNION ALL SELECT county, '{Counter.IN_USE_CAPACITY_TONNES}', sum(in_use_capacity_tonnes)
              FROM warehouse GROUP BY county
    UNION ALL SELECT county, '{Counter.INSPECTED_SITES}', count(*)
              FROM warehouse WHERE last_inspected_at IS NOT NULL GROUP BY county
    UNION ALL SELECT county, '{Counter.INSPECTED_WITHIN_INTERVAL}', count(*)
              FROM warehouse WHERE within_interval GROUP BY county
    UNION ALL SELECT county, '{Counter.COMPLETED_INSPECTIONS}', count(*)
              FROM inspection WHERE state = 'completed' GROUP BY county
    UNION ALL SELECT county, '{Counter.OPEN_DISCREPANCIES}', count(*)
              FROM discrepancy WHERE resolved_at IS NULL GROUP BY county
    UNION ALL SELECT county, '{Counter.OPEN_ACTIONS}', count(*)
              FROM corrective_action WHERE state <> 'resolved' GROUP BY county
    UNION ALL SELECT county, '{Counter.OVERDUE_ACTIONS}', count(*)
              FROM corrective_action WHERE state = 'overdue' GROUP BY county
    UNION ALL SELECT county, '{Counter.HOLDS}', count(*) FROM hold WHERE lifted_at IS NULL GROUP BY county
"""

"""A complaints office on a real database, spoken to over HTTP, and its own timers."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import orjson

from services.nationals.complaints import timers
from shared.kit.routing import collect_timers
from shared.kit.timer_worker import TimerWorker
from tests.integration.nationals.office import DUE_TIMERS_WAIT_S, Office
from tests.support.identity import bearer

SECRET = "the caseworker shouted at Maryam until she signed"
STATED = "our paper says REY-0042"
COMPLAINT = {
    "county": "rey",
    "channel": "in_person",
    "category": "pressure",
    "language": "fa",
    "text": SECRET,
    "stated_reference": STATED,
}
OFFICER, COLLEAGUE = "complaints.one", "complaints.two"


@dataclass(slots=True)
class ComplaintsOffice:
    """`office` lends its database; `client` speaks to the whole service."""

    office: Office
    client: httpx.AsyncClient

    async def ask(
        self,
        method: str,
        path: str,
        subject: str = OFFICER,
        body: Any = None,
        status: int = 200,
        roles: tuple[str, ...] = ("complaints_officer",),
        **headers: str,
    ) -> Any:
        answer = await self.client.request(
            method, path, json=body, headers={**bearer(*roles, subject=subject), **headers}
        )
        assert answer.status_code == status, answer.text
        return answer.json()

    async def hand_in(self, role: str = "caseworker", subject: str = "caseworker.one", **changes: Any) -> Any:
        """A receipt, as the one who hands a complaint in gets it."""
        return await self.ask("POST", "/complaints", subject, {**COMPLAINT, **changes}, 201, (role,))

    async def received(self, role: str = "caseworker", subject: str = "caseworker.one") -> UUID:
        await self.hand_in(role, subject)
        return await self.office.superuser.fetchval(
            "SELECT complaint_id FROM complaints.complaint ORDER BY complaint_id DESC LIMIT 1"
        )

    async def examined(self) -> UUID:
        complaint_id = await self.received()
        await self.step(complaint_id, "acknowledgement")
        await self.step(complaint_id, "examination", body={"no_other_officer": False})
        return complaint_id

    async def answered(self) -> UUID:
        complaint_id = await self.examined()
        await self.step(complaint_id, "answer", body={"text": "we are sorry, and this is what changes"})
        return complaint_id

    async def step(
        self, complaint_id: UUID, step: str, subject: str = OFFICER, body: Any = None, status: int = 200
    ) -> Any:
        return await self.ask("POST", f"/complaints/{complaint_id}/{step}", subject, body, status)

    async def texts(self, complaint_id: UUID) -> tuple[str | None, ...]:
        row = await self.office.superuser.fetchrow(
            "SELECT body, stated_reference, answer FROM complaints.complaint WHERE complaint_id = $1", complaint_id
        )
        assert row is not None
        return tuple(row)

    async def events(self, name: str) -> list[dict[str, Any]]:
        rows = await self.office.superuser.fetch(
            "SELECT body FROM outbox WHERE type = $1 ORDER BY position", f"nationals.{name}.v1"
        )
        return [orjson.loads(row["body"]) for row in rows]

    async def fire(self, kind: str, complaint_id: UUID) -> None:
        """Turn the database's clock for one timer, and let the kit's own timer worker fire it."""
        superuser = self.office.superuser
        async with superuser.transaction():
            await superuser.execute("SET LOCAL session_replication_role = replica")
            status = await superuser.execute(
                "UPDATE timer SET due_at = now(), next_try_at = now() WHERE kind = $1 AND subject_id = $2",
                kind,
                str(complaint_id),
            )
            assert status == "UPDATE 1"
            if kind == "nationals.complaint_retention":
                await superuser.execute(
                    "UPDATE complaints.complaint SET erase_after = now() WHERE complaint_id = $1", complaint_id
                )
        worker = TimerWorker(self.office.worker, collect_timers(timers, "complaints"))
        running = asyncio.create_task(worker.run())
        try:
            async with asyncio.timeout(DUE_TIMERS_WAIT_S):
                while await superuser.fetchval("SELECT count(*) FROM timer WHERE next_try_at <= now()"):
                    await asyncio.sleep(0.01)
        finally:
            worker.stop()
            await running

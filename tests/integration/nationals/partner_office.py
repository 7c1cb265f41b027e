"""The services manager and a partner's own account over HTTP, workbooks as they send them, and timers made due."""

import asyncio
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import openpyxl

from services.nationals.free_services import timers
from services.nationals.free_services.domain.report_period import Cadence, ReportPeriod, period_on
from shared.contracts.counties import County
from shared.kit.auth import SYSTEM
from shared.kit.database import enter_compartment
from shared.kit.routing import collect_timers
from shared.kit.timer_worker import TimerWorker
from shared.kit.transaction import begin
from tests.integration.nationals.office import DUE_TIMERS_WAIT_S, Office
from tests.support.identity import bearer

REPORTER = "nrc.reports"
HEADINGS = ("شهرستان", "خدمت", "تعداد خدمت داده‌شده", "تعداد درخواست بی‌پاسخ")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def workbook(*rows: Sequence[Any]) -> bytes:
    """An XLSX of these rows."""
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(list(row))
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def report(period: str, *rows: Sequence[Any]) -> bytes:
    """A partner's report as the template lays it out."""
    return workbook(("دوره", period), (), HEADINGS, *rows)


def last_period(cadence: Cadence = Cadence.MONTHLY, back: int = 1) -> ReportPeriod:
    """The period that ended `back` periods ago."""
    period = period_on(cadence, today())
    for _ in range(back):
        period = period_on(cadence, period.first_on - timedelta(days=1))
    return period


def today() -> date:
    return (datetime.now(UTC) + timedelta(hours=3, minutes=30)).date()


@dataclass(slots=True)
class PartnerOffice:
    office: Office
    client: httpx.AsyncClient

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        status: int | None = None,
        *,
        role: str = "services_manager",
        subject: str = "manager.one",
        counties: Sequence[str] = tuple(County),
        files: Any = None,
        key: str | None = None,
        language: str = "en",
    ) -> Any:
        expected = status or (201 if method == "POST" else 200)
        headers = {**bearer(role, subject=subject, counties=counties), "Accept-Language": language}
        if key:
            headers["Idempotency-Key"] = key
        answer = await self.client.request(method, path, json=body, files=files, headers=headers)
        assert answer.status_code == expected, answer.text
        return answer.json()

    async def as_partner(self, method: str, path: str, body: Any = None, status: int | None = None, **more: Any) -> Any:
        return await self.ask(method, path, body, status, **{"role": "partner_reporter", "subject": REPORTER, **more})

    async def partner(self, name: str = "NRC", account: str | None = REPORTER, **changes: Any) -> str:
        body = {
            "name_fa": f"سازمان {name}",
            "name_en": name,
            "home_county": "rey",
            "counties": ["rey", "varamin"],
            "services": ["education", "legal_aid"],
            **changes,
        }
        partner_id = (await self.ask("POST", "/partners", body))["partner_id"]
        if account:
            await self.ask("POST", f"/partners/{partner_id}/accounts", {"subject": account})
        return partner_id

    async def agreement(self, partner_id: str, **changes: Any) -> dict[str, Any]:
        body = {
            "subject": "آموزش کودکان",
            "counties": ["rey", "varamin"],
            "services": ["education"],
            "cadence": "monthly",
            "valid_from": (today() - timedelta(days=400)).isoformat(),
            "valid_until": (today() + timedelta(days=300)).isoformat(),
            **changes,
        }
        return await self.ask("POST", f"/partners/{partner_id}/agreements", body)

    async def send_report(
        self, agreement_id: str, period: str, content: bytes, status: int = 201, **more: Any
    ) -> dict[str, Any]:
        files = {"file": ("report.xlsx", content, XLSX)}
        path = f"/partner-agreements/{agreement_id}/reports/{period}"
        return await self.as_partner("POST", path, status=status, files=files, **more)

    async def send_permits(self, content: bytes, status: int = 201, **more: Any) -> dict[str, Any]:
        files = {"file": ("permits.xlsx", content, XLSX)}
        return await self.ask("POST", "/work-permits/import", status=status, files=files, **more)

    async def armed(self, kind: str) -> list[str]:
        return list(await self.office.armed(kind))

    async def fire(self, kind: str, subject_id: str) -> None:
        """Make one timer due and let the kit's own timer worker fire it."""
        status = await self.office.superuser.execute(
            "UPDATE timer SET due_at = now(), next_try_at = now() WHERE kind = $1 AND subject_id = $2", kind, subject_id
        )
        assert status == "UPDATE 1", await self.armed(kind)
        await self.fire_due()

    async def fire_due(self) -> None:
        worker = TimerWorker(self.office.worker, collect_timers(timers, "free_services"))
        running = asyncio.create_task(worker.run())
        try:
            async with asyncio.timeout(DUE_TIMERS_WAIT_S):
                while await self.office.superuser.fetchval("SELECT count(*) FROM timer WHERE next_try_at <= now()"):
                    await asyncio.sleep(0.01)
        finally:
            worker.stop()
            await running

    async def again(self, handler: Any, *arguments: Any) -> None:
        """A timer's handler once more, as the worker."""
        async with begin(self.office.worker, SYSTEM, "test", compartment="free_services") as tx:
            await handler(*arguments, tx)

    async def events(self, name: str = "") -> list[dict[str, Any]]:
        return await self.office.events(name)

    async def rows_seen(self, counties: str, query: str) -> int:
        """How many rows the API's role sees with these counties (comma-separated)."""
        async with self.office.api.acquire() as connection, connection.transaction():
            await enter_compartment(connection, "free_services")
            await connection.execute("SELECT set_config('payesh.counties', $1, true)", counties)
            return await connection.fetchval(f"SELECT count(*) FROM {query}")


def codes(problem: dict[str, Any]) -> set[tuple[int | None, str]]:
    """(row, code) of everything that a file was refused for."""
    assert all(row["text_en"] and row["text_fa"] for row in problem["details"]["rows"])
    return {(row["row"], row["code"]) for row in problem["details"]["rows"]}


def only_bodies(events: Sequence[dict[str, Any]], *fields: str) -> list[tuple[Any, ...]]:
    return [tuple(event[field] for field in fields) for event in events]

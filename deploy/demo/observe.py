"""What the platform says about itself: operations status, metrics, broker offsets, counters, alerts. Never the tables."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from deploy.demo.actors import NOTIFICATIONS_ADMIN, OPERATOR, PROVINCE_OFFICER
from deploy.demo.client import DemoClient
from deploy.embedded.errors import LauncherError
from deploy.topics import declared_topics

SERVICES = ("warehouse", "nationals", "notifications")
ALERTS_PAGE = 500
TIMERS_OF_THE_DAY_S = 20.0
"""Periods of years (retention, agreements) outlast the played day also on its quick clock: nobody waits for them."""
OFFSETS_ATTEMPTS_MAX = 10
OFFSETS_RETRY_DELAY_S = 1.0
REQUEST_TIMEOUT_MS = 10_000
_SAMPLE = re.compile(r"^(payesh_\w+)(?:\{[^}]*\})? ([0-9.e+-]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Progress:
    """Sums over the three services at one moment; `answered` says how many of them spoke."""

    answered: int = 0
    outbox: int = 0
    lag: int = 0
    parked: int = 0
    timers_armed: int = 0
    timers_late: int = 0
    published: int = 0
    applied: int = 0
    halted: tuple[str, ...] = ()
    next_timer_in_s: float | None = None

    @property
    def is_quiet(self) -> bool:
        """Nothing is on its way, and no timer falls due today."""
        timers_today = self.next_timer_in_s is not None and self.next_timer_in_s < TIMERS_OF_THE_DAY_S
        return self.answered == len(SERVICES) and not (self.outbox or self.lag or timers_today)


@dataclass(slots=True)
class Figures:
    """Counters as the services show them, by county and counter; `places` and `projected` by (centre id, place kind)."""

    warehouse: dict[str, dict[str, Decimal]] = field(default_factory=dict[str, dict[str, Decimal]])
    cases: dict[str, dict[str, Decimal]] = field(default_factory=dict[str, dict[str, Decimal]])
    alerts: dict[str, dict[str, Decimal]] = field(default_factory=dict[str, dict[str, Decimal]])
    places: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict[tuple[str, str], dict[str, int]])
    projected: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict[tuple[str, str], dict[str, int]])


async def read_progress(client: DemoClient) -> Progress:
    """One look at all services; one that does not answer just now is left out."""
    answers = await asyncio.gather(*(client.read_once(OPERATOR, service, "/operations/status") for service in SERVICES))
    known: list[tuple[str, dict[str, Any]]] = [
        (service, answer) for service, answer in zip(SERVICES, answers, strict=True) if isinstance(answer, dict)
    ]
    waits = [float(answer["next_timer_in_s"]) for _, answer in known if answer["next_timer_in_s"] is not None]
    return Progress(
        answered=len(known),
        outbox=sum(int(answer["outbox_depth"]) for _, answer in known),
        lag=sum(sum(answer["lag"].values()) for _, answer in known),
        parked=sum(int(answer["parked"]) for _, answer in known),
        timers_armed=sum(int(answer["timers_armed"]) for _, answer in known),
        timers_late=sum(int(answer["timers_late"]) for _, answer in known),
        published=sum(int(answer["published_events"]) for _, answer in known),
        applied=sum(int(answer["applied_events"]) for _, answer in known),
        halted=tuple(
            f"{service}: {answer['consumer_halted']}" for service, answer in known if answer["consumer_halted"]
        ),
        next_timer_in_s=min(waits, default=None),
    )


async def read_figures(client: DemoClient, *, patient: bool) -> Figures:
    """All counters. `patient` asks until answered; otherwise a service that is away leaves its part empty."""
    ask = client.read if patient else client.read_once
    warehouse, nationals, alerts = await asyncio.gather(
        ask(PROVINCE_OFFICER, "warehouse", "/counters"),
        ask(PROVINCE_OFFICER, "nationals", "/counters"),
        ask(NOTIFICATIONS_ADMIN, "notifications", "/counters"),
    )
    figures = Figures()
    if warehouse is not None:
        figures.warehouse = _decimals(warehouse)
    if nationals is not None:
        figures.cases = _decimals(nationals["cases"])
        figures.places, figures.projected = _places(nationals["centres"]), _places(nationals["projected_centres"])
    if alerts is not None:
        figures.alerts = _decimals(alerts)
    return figures


def _decimals(counters: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Decimal]]:
    return {
        county: {name: Decimal(str(value)) for name, value in values.items()} for county, values in counters.items()
    }


def _places(centres: Mapping[str, Mapping[str, Mapping[str, int]]]) -> dict[tuple[str, str], dict[str, int]]:
    return {(centre, kind): dict(places) for centre, kinds in centres.items() for kind, places in kinds.items()}


async def read_alerts(client: DemoClient) -> list[dict[str, Any]]:
    """Every alert with its deliveries, in the order they were opened."""
    alerts: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        params = {"limit": str(ALERTS_PAGE)} | ({"after": after} if after else {})
        page = await client.read(NOTIFICATIONS_ADMIN, "notifications", "/alerts", params)
        alerts += page["items"]
        after = page["next"]
        if not after:
            return alerts


async def metric_sums(client: DemoClient, addresses: Mapping[str, str]) -> dict[str, float]:
    """Every `payesh_` sample of /metrics, summed over its labels and over the services. Counts since each process began."""
    sums: dict[str, float] = {}
    for address in addresses.values():
        for name, value in _SAMPLE.findall(await client.text_once(f"{address}/metrics") or ""):
            sums[name] = sums.get(name, 0.0) + float(value)
    return sums


async def published_events(bootstrap_servers: str) -> int:
    """Records on all event topics, from the broker's own end offsets. Raises LauncherError when it does not answer."""
    last: Exception | None = None
    for _ in range(OFFSETS_ATTEMPTS_MAX):
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, request_timeout_ms=REQUEST_TIMEOUT_MS)
        try:
            await consumer.start()
            partitions = [
                TopicPartition(topic.name, number) for topic in declared_topics() for number in range(topic.partitions)
            ]
            return sum(cast("dict[TopicPartition, int]", await consumer.end_offsets(partitions)).values())
        except (KafkaError, OSError) as error:
            last = error
            await asyncio.sleep(OFFSETS_RETRY_DELAY_S)
        finally:
            with suppress(KafkaError, OSError):
                await consumer.stop()
    raise LauncherError(f"The broker at {bootstrap_servers} does not tell its offsets: {last}")


def memory_mb(pids: Mapping[str, int]) -> float:
    """Proportional set size of the given processes together, in MB; one that has just ended counts nothing."""
    total_kb = 0
    for pid in pids.values():
        with suppress(OSError):
            text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
            found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
            total_kb += int(found[1]) if found else 0
    return round(total_kb / 1024, 1)

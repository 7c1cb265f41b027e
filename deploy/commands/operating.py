"""What operators ask a running platform: status, parked events, projections, the event streams.

Everything goes through the services' own HTTP with the role `operator`, or reads the topics; nothing opens a database.
"""

import json
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.table import Table

from deploy.demo.actors import OPERATOR
from deploy.demo.client import Addresses, Command, DemoClient
from deploy.demo.ledger import Entry, Ledger
from deploy.demo.observe import SERVICES
from deploy.embedded.errors import LauncherError
from deploy.launch import Options, bootstrap_servers, service_addresses
from deploy.topics import declared_topics


class CommandRefused(Exception):
    """A service said no; the message is its own words."""


@asynccontextmanager
async def connected(options: Options) -> AsyncGenerator[DemoClient]:
    """A client for the running platform. Raises LauncherError when nothing answers there."""
    found = service_addresses(options.ports)
    addresses = Addresses(found.warehouse, found.nationals, found.notifications, found.issuer)
    client = DemoClient(addresses, Ledger(), f"cli-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        if await client.text_once(f"{found.issuer}/jwks") is None:
            raise LauncherError(
                f"Nothing answers on port {options.ports.issuer}. Start the platform with `payesh up`, "
                "or name its ports: PAYESH_PORT_BASE=8100 payesh …"
            )
        yield client
    finally:
        await client.close()


async def show_status(options: Options, console: Console) -> bool:
    """One row for each service; False when something waits for a person."""
    table = Table("service", "outbox", "lag", "parked", "timers", "late", "published", "applied", "halted")
    healthy = True
    async with connected(options) as client:
        for service in SERVICES:
            status: dict[str, Any] | None = await client.read_once(OPERATOR, service, "/operations/status")
            if status is None:
                table.add_row(service, "does not answer")
                healthy = False
                continue
            cells = [sum(status["lag"].values()) if name == "lag" else status[name] for name in _STATUS_FIELDS]
            table.add_row(service, *map(str, cells), status["consumer_halted"] or "")
            healthy &= not (status["parked"] or status["timers_late"] or status["consumer_halted"])
            if status["timers_late"]:
                late = await client.read(OPERATOR, service, "/operations/late-timers")
                for timer in late:
                    console.print(f"late: {service} {timer['kind']} {timer['subject_id']} due {timer['due_at']}")
    console.print(table)
    return healthy


_STATUS_FIELDS = ("outbox_depth", "lag", "parked", "timers_armed", "timers_late", "published_events", "applied_events")


async def list_parked(options: Options, services: Sequence[str], console: Console) -> bool:
    """Every open parked event of these services."""
    table = Table("service", "id", "topic", "aggregate", "sequence", "type", "reason", "error")
    async with connected(options) as client:
        for service in services:
            for row in await client.read(OPERATOR, service, "/operations/parked"):
                names = ("parked_id", "topic", "aggregate_id", "sequence", "type", "reason", "error")
                table.add_row(service, *(str(row[name]) for name in names))
    console.print(table if table.row_count else "nothing is parked", markup=False)
    return True


async def show_parked(options: Options, service: str, parked_id: int, console: Console) -> bool:
    """One parked event with its headers and body."""
    async with connected(options) as client:
        detail = await client.read(OPERATOR, service, f"/operations/parked/{parked_id}")
    console.print_json(json.dumps(detail, ensure_ascii=False))
    return True


async def settle_parked(
    options: Options, service: str, parked_id: int, action: str, body: dict[str, Any], console: Console
) -> bool:
    """`retry` or `discard` one parked event. Raises CommandRefused."""
    path = f"/operations/parked/{parked_id}/{action}"
    async with connected(options) as client:
        entry = await client.run(Command(f"parked.{action}", OPERATOR, service, "POST", path, body))
    settled = _accepted(entry)["parked_ids"]
    console.print(f"{action}: {', '.join(map(str, settled)) or 'nothing'}")
    return True


async def fold_projections(options: Options, services: Sequence[str], action: str, console: Console) -> bool:
    """`check` compares each projection with a fold of the topics; `rebuild` also keeps the fold. False when one differs."""
    table = Table("service", "table", "events folded", "agrees", "missing", "unexpected")
    agree = True
    async with connected(options) as client:
        for service in services:
            path = f"/operations/projections/{action}"
            entry = await client.run(Command(f"projections.{action}", OPERATOR, service, "POST", path, {}))
            for result in _accepted(entry)["items"]:
                agree &= bool(result["agrees"]) or action == "rebuild"
                counts = [str(len(result[name])) for name in ("missing", "unexpected")]
                folded, agrees = str(result["events_folded"]), "yes" if result["agrees"] else "no"
                table.add_row(service, result["table"], folded, agrees, *counts)
    console.print(table)
    return agree


async def tail_events(options: Options, topics: Sequence[str], *, from_beginning: bool, console: Console) -> bool:
    """Print each event as it is published, until Ctrl-C. Raises LauncherError when the broker does not answer."""
    servers = bootstrap_servers(options)
    consumer = AIOKafkaConsumer(
        *(topics or [topic.name for topic in declared_topics()]),
        bootstrap_servers=servers,
        auto_offset_reset="earliest" if from_beginning else "latest",
        enable_auto_commit=False,
    )
    try:
        await consumer.start()
        while True:
            record = cast("ConsumerRecord[bytes, bytes]", await consumer.getone())
            console.print(_event_line(record), markup=False, highlight=False, soft_wrap=True)
    except (KafkaError, OSError) as error:
        raise LauncherError(f"The broker at {servers} does not answer: {error}") from error
    finally:
        await consumer.stop()


def _event_line(record: "ConsumerRecord[bytes, bytes]") -> str:
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    body = (record.value or b"").decode(errors="replace")
    return (
        f"{headers.get('ce_time', '?')} {record.topic}/{record.partition}@{record.offset} "
        f"{headers.get('ce_type', '?')} {headers.get('ce_subject', '?')} #{headers.get('ce_sequence', '?')} {body}"
    )


def _accepted(entry: Entry) -> dict[str, Any]:
    if not entry.accepted:
        raise CommandRefused(f"{entry.refusal_code}: {entry.answer.get('detail') or entry.answer.get('title', '')}")
    return entry.answer

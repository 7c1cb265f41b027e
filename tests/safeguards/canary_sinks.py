"""Everything that the platform wrote, by where it was written."""

import asyncio
import mailbox
import os
import sys
from collections.abc import AsyncGenerator
from email.header import decode_header, make_header
from email.message import Message
from pathlib import Path
from typing import Any, cast

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from deploy.embedded.migrations import SERVICES
from deploy.issuer import ROLES
from tests.safeguards.canary_allowed import ACCOUNTS_IN_ANSWERS
from tests.safeguards.canary_identities import Identity
from tests.safeguards.canary_platform import Town
from tests.safeguards.canary_scanner import Scanner
from tests.safeguards.canary_story import month_before

READ_TIMEOUT_MS = 500
EMPTY_READS_MAX = 4
TAIL_S = 6.0
UNREAD = frozenset({"cluster", "vault", ".index", ".timeindex"})
"""PostgreSQL's own files, the vault's keys, and Apache Kafka's tables of offsets, which are made large and stay empty."""
CLI_TIMEOUT_S = 60.0
Sinks = dict[str, bytes]


async def collect(town: Town) -> Sinks:
    """Every sink but the databases' tables; a name may stand for many pieces, joined."""
    sinks: Sinks = {}
    sinks |= {f"kafka {topic}": records async for topic, records in _records(town)}
    sinks |= _files(town.state, "state")
    sinks |= _files(town.platform.server.log_file.parent, "postgresql", "*.log")
    sinks["letters"] = b"\n".join(map(read_letter, _mailbox(town.state)))
    sinks["traces"] = b"\n".join(town.traces)
    for service, address in town.platform.addresses.services().items():
        sinks[f"metrics {service}"] = (await town.client.get(f"{address}/metrics")).content
    sinks |= await _exports(town)
    sinks |= await _command_lines(town)
    return sinks


async def _records(town: Town) -> AsyncGenerator[tuple[str, bytes]]:
    partitions = await _partitions(town)
    consumer = AIOKafkaConsumer(bootstrap_servers=town.platform.bootstrap_servers, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        read: dict[str, list[bytes]] = {partition.topic: [] for partition in partitions}
        empty = 0
        while empty < EMPTY_READS_MAX:
            fetched = cast(
                "dict[Any, list[ConsumerRecord[bytes, bytes]]]", await consumer.getmany(timeout_ms=READ_TIMEOUT_MS)
            )
            empty = 0 if fetched else empty + 1
            for records in fetched.values():
                for record in records:
                    headers = [part for name, value in record.headers for part in (name.encode(), value or b"")]
                    read[record.topic].append(b"\n".join((record.key or b"", record.value or b"", *headers)))
    finally:
        await consumer.stop()
    for topic, records in read.items():
        yield topic, b"\n".join(records)


async def _partitions(town: Town) -> list[TopicPartition]:
    """All partitions of every topic that there is, declared or not; of the broker's own topics none."""
    admin = AIOKafkaAdminClient(bootstrap_servers=town.platform.bootstrap_servers)
    await admin.start()
    try:
        topics = cast("list[dict[str, Any]]", await admin.describe_topics(await admin.list_topics()))
    finally:
        await admin.close()
    return [
        TopicPartition(topic["topic"], partition["partition"])
        for topic in topics
        if not topic["topic"].startswith("__")
        for partition in topic["partitions"]
    ]


def _files(directory: Path, name: str, pattern: str = "*") -> Sinks:
    """Every file under `directory`: logs, the broker's segments, the mailbox; not PostgreSQL's data, which is read as tables."""
    found: Sinks = {}
    for path in sorted(directory.rglob(pattern)):
        relative = path.relative_to(directory)
        if path.is_file() and not UNREAD & {*relative.parts, path.suffix}:
            found[f"{name} {relative}"] = path.read_bytes()
    return found


def _mailbox(state: Path) -> list[Message]:
    return [letter for path in state.glob("mail/*.mbox") for letter in mailbox.mbox(path, create=False)]


def read_letter(letter: Message) -> bytes:
    """A letter as its reader sees it: headers and every part, decoded."""
    headers = [str(make_header(decode_header(value))) for value in letter.values()]
    parts = [part.get_payload(decode=True) for part in letter.walk() if not part.is_multipart()]
    return b"\n".join([*(text.encode() for text in headers), *(part for part in parts if isinstance(part, bytes))])


async def _exports(town: Town) -> Sinks:
    """Figures, workbooks and templates that leave the service."""
    year, month = month_before()
    paths = [
        f"{path}?jalali_year={year}&jalali_month={month}"
        for path in ("/needs", "/service-overview", "/service-overview.xlsx")
    ]
    rows = await town.superuser.fetch(
        "SELECT agreement_id, period FROM free_services.partner_report ORDER BY 1, 2 LIMIT 5"
    )
    paths += [f"/partner-agreements/{row['agreement_id']}/reports/{row['period']}/template" for row in rows]
    paths += [
        "/openapi.json",
        "/asyncapi.json",
        "/counters",
        "/service-waiting-times",
        "/docs/events",
        "/health",
        "/ready",
    ]
    found: Sinks = {}
    for path in paths:
        answer = await town.client.get(
            town.platform.addresses.nationals + path, headers=town.authorization("everything", *ROLES)
        )
        assert answer.status_code == 200, (path, answer.text)
        found[f"export {path.split('?')[0]}"] = answer.content
    return found


async def _command_lines(town: Town) -> Sinks:
    """What operators see on their terminals."""
    found: Sinks = {}
    for words in (
        ["status"],
        ["parked", "list"],
        ["counters", "check"],
        ["events", "tail", "--from-beginning"],
        ["contracts", "check"],
    ):
        environment = {
            **os.environ,
            "PAYESH_STATE": str(town.state.parent),
            "PAYESH_PORT_BASE": str(town.platform.options.ports.base),
            "BROKER": town.platform.options.broker,
            "COLUMNS": "400",
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "deploy.cli",
            *words,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        if words[0] == "events":
            await asyncio.sleep(TAIL_S)
            process.terminate()
        output, _ = await asyncio.wait_for(process.communicate(), CLI_TIMEOUT_S)
        found[f"payesh {' '.join(words[:2])}"] = output
    return found


async def columns_with(town: Town, scanner: Scanner) -> dict[str, set[Identity]]:
    """Which columns of which tables of all three services hold canaries in readable form: `service schema.table.column`."""
    found: dict[str, set[Identity]] = {}
    for service in SERVICES:
        connection = await asyncpg.connect(town.platform.server.superuser_url(service))
        try:
            columns = await connection.fetch(
                """
                SELECT attrelid::regclass::text AS name, attname AS column_name, atttypid = 'bytea'::regtype AS is_bytes
                FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
                WHERE relkind IN ('r', 'p', 'm') AND attnum > 0 AND NOT attisdropped
                  AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
                """
            )
            for column in columns:
                if people := await _in_column(connection, scanner, column):
                    found[f"{service} {_qualified(column['name'])}.{column['column_name']}"] = people
        finally:
            await connection.close()
    return found


def _qualified(table: str) -> str:
    return table if "." in table else f"public.{table}"


async def _in_column(connection: asyncpg.Connection, scanner: Scanner, column: asyncpg.Record) -> set[Identity]:
    cast = "" if column["is_bytes"] else "::text"
    rows = await connection.fetch(f'SELECT DISTINCT "{column["column_name"]}"{cast} AS value FROM {column["name"]}')
    people: set[Identity] = set()
    for row in rows:
        if isinstance(value := row["value"], bytes):
            people |= scanner.find(ACCOUNTS_IN_ANSWERS.sub(b"", value))
        elif value is not None:
            people |= scanner.find(value)
    return people

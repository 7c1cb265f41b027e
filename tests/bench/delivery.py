"""From events to delivered: alerts are decided, their groups told, and every letter leaves, on real PostgreSQL. The real
delivery worker stands beside a bare client, both to the launcher's own SMTP sink, which has a process of its own.

The client sends copies of what the worker sent in the warm-up, made beforehand: what it reaches is the most that the sink
takes over one connection. The groups' wait is made to end when the last alert is decided.
"""

import asyncio
import re
import sys
import time
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.utils import parseaddr
from mailbox import mbox
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final
from uuid import UUID, uuid4

import aiosmtplib

from deploy.embedded.smtp_sink import MAILBOX_FILE
from services.notifications import timers
from services.notifications.handlers.telling import GROUP_LETTER_TIMER
from services.notifications.settings import Settings
from services.notifications.store.deliveries import wake_workers
from services.notifications.workers.delivery import DeliveryWorker
from shared.kit.connections import Pool
from shared.kit.routing import collect_timers
from shared.kit.service import WorkerContext
from shared.kit.timer_worker import TimerWorker
from tests.bench.decision import DecisionRate, open_notifications, time_decision
from tests.bench.scenarios import Rates, Report
from tests.support.environment import ServiceDatabase

WORKER: Final = "delivery worker"
BARE_CLIENT: Final = "bare client (the SMTP sink's ceiling)"
MAIL_DOMAIN: Final = "payesh.example"
SENDER: Final = f"payesh@{MAIL_DOMAIN}"
POOL_CONNECTIONS: Final = 8
POLL_INTERVAL_S: Final = 0.05
ROUND_DEADLINE_S: Final = 120.0
SINK_DEADLINE_S: Final = 15.0

_MESSAGE_ID = re.compile(rb"^Message-ID: <([^>]+)>", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class LetterRates:
    """Letters per second of both; `letters`: how many the worker delivered in `seconds`, the warm-up's included."""

    rates: Rates
    letters: int
    seconds: float
    letter_p50_bytes: int


@dataclass(frozen=True, slots=True)
class AlertRates:
    """`groups_s`: what telling the groups took, after the decision and before the letters left."""

    decision: DecisionRate
    groups_s: float
    letters: LetterRates

    @property
    def seconds(self) -> float:
        return self.decision.seconds + self.groups_s + self.letters.seconds


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A whole letter as a client hands it over; `content` has the place of its Message-ID, which no two may share."""

    recipient: str
    content: bytes

    def with_id(self, message_id: str) -> bytes:
        return _MESSAGE_ID.sub(b"Message-ID: <" + message_id.encode() + b">", self.content, count=1)


async def measure_alerts(rounds: int, report: Report) -> AlertRates:
    """Take the events of all alerts, tell the groups, deliver every letter in rounds, and count what arrived at the sink."""
    with TemporaryDirectory(prefix="payesh-bench-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        async with (
            open_notifications(directory, POOL_CONNECTIONS) as (database, pool),
            _open_sink(directory) as smtp_port,
            aiosmtplib.SMTP(hostname="127.0.0.1", port=smtp_port, start_tls=False) as client,
        ):
            decision = await time_decision(pool)
            report(f"{decision.alerts:,} alerts decided: {decision.alerts_per_s:,.0f} alerts/s")
            groups_s = await _tell_groups(pool)
            owed = await _hold_letters(pool)
            async with _run_worker(database, pool, smtp_port):
                letters = await _run_rounds(pool, client, owed, rounds, directory / MAILBOX_FILE, report)
            letters.rates.wrong += [decision.wrong] if decision.wrong else []
            letters.rates.wrong += await _untold(pool)
            return AlertRates(decision, groups_s, letters)


async def _tell_groups(pool: Pool) -> float:
    """End every group's wait, and let the timer worker write their letters; the seconds that took."""
    await pool.execute("UPDATE timer SET due_at = now(), next_try_at = now() WHERE kind = $1", GROUP_LETTER_TIMER)
    worker = TimerWorker(pool, collect_timers(timers))
    began_s = time.perf_counter()
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(ROUND_DEADLINE_S):
        while await pool.fetchval("SELECT EXISTS (SELECT FROM timer WHERE kind = $1)", GROUP_LETTER_TIMER):
            await asyncio.sleep(POLL_INTERVAL_S)
    seconds = time.perf_counter() - began_s
    worker.stop()
    await running
    return seconds


async def _untold(pool: Pool) -> list[str]:
    """What is wrong: open alerts of which nobody was told, alone or by the letter of their group's lead."""
    number = await pool.fetchval(
        """
        SELECT count(*) FROM alert WHERE state = 'open' AND NOT EXISTS (
            SELECT FROM delivery
            WHERE delivery.alert_id = coalesce(alert.lead_alert_id, alert.alert_id)
              AND channel = 'email' AND delivery.state = 'sent')
        """
    )
    return [f"delivery: nobody was told of {number} open alerts"] if number else []


async def _run_rounds(
    pool: Pool, client: aiosmtplib.SMTP, owed: Sequence[UUID], rounds: int, mailbox_file: Path, report: Report
) -> LetterRates:
    """Round 0 warms up; what does not divide by the rounds leaves in it."""
    rates, bare_ids, seconds_in_all = Rates(), list[str](), 0.0
    letters_each = len(owed) // (rounds + 1)
    warm_up = len(owed) - rounds * letters_each
    seconds_in_all += await _deliver(pool, owed[:warm_up])
    prepared = _read_letters(mailbox_file)[:letters_each]
    bare_ids += (await _send_bare(client, prepared))[0]
    for number in range(1, rounds + 1):
        begin = warm_up + (number - 1) * letters_each
        round_letters = owed[begin : begin + letters_each]
        for contender in (WORKER, BARE_CLIENT) if number % 2 else (BARE_CLIENT, WORKER):
            if contender == WORKER:
                seconds = await _deliver(pool, round_letters)
                seconds_in_all += seconds
            else:
                message_ids, seconds = await _send_bare(client, prepared)
                bare_ids += message_ids
            rates.add(number, contender, letters_each / seconds)
            report(f"delivery round {number}: {contender} {letters_each / seconds:,.0f} letters/s")
    rates.wrong += await _differences(pool, owed, bare_ids, mailbox_file)
    letter_bytes = round(median(len(letter.content) for letter in prepared))
    return LetterRates(rates, len(owed), seconds_in_all, letter_bytes)


async def _hold_letters(pool: Pool) -> list[UUID]:
    """Keep every letter that is owed from leaving until its round; their ids."""
    rows = await pool.fetch(
        """
        UPDATE delivery SET next_attempt_at = 'infinity' WHERE state = 'pending' AND channel = 'email'
        RETURNING delivery_id
        """
    )
    await pool.execute("ANALYZE delivery")
    return sorted(row["delivery_id"] for row in rows)


async def _deliver(pool: Pool, letters: Sequence[UUID]) -> float:
    """Let `letters` leave; the seconds until the last is marked as sent, on the database's clock.

    Raises TimeoutError.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "UPDATE delivery SET next_attempt_at = clock_timestamp() WHERE delivery_id = ANY ($1)", letters
        )
        await wake_workers(connection)
        released_at = await connection.fetchval("SELECT clock_timestamp()")
    async with asyncio.timeout(ROUND_DEADLINE_S):
        while await pool.fetchval(
            """
            SELECT EXISTS (
                SELECT FROM delivery WHERE state = 'pending' AND channel = 'email' AND next_attempt_at < 'infinity'
            )
            """
        ):
            await asyncio.sleep(POLL_INTERVAL_S)
    seconds: float = await pool.fetchval(
        "SELECT extract(epoch FROM max(settled_at) - $2)::float8 FROM delivery WHERE delivery_id = ANY ($1)",
        letters,
        released_at,
    )
    return seconds


async def _send_bare(client: aiosmtplib.SMTP, prepared: Sequence[_Prepared]) -> tuple[list[str], float]:
    """Send a copy of each under a Message-ID of its own; the ids, and the seconds that sending took."""
    message_ids = [f"{uuid4()}@{MAIL_DOMAIN}" for _ in prepared]
    copies = [
        (letter.recipient, letter.with_id(message_id)) for letter, message_id in zip(prepared, message_ids, strict=True)
    ]
    began_s = time.perf_counter()
    for recipient, content in copies:
        await client.sendmail(SENDER, recipient, content)
    return message_ids, time.perf_counter() - began_s


async def _differences(pool: Pool, owed: Sequence[UUID], bare_ids: Sequence[str], mailbox_file: Path) -> list[str]:
    """What is wrong: letters at the sink less or more often than once, or not marked as sent."""
    arrived = Counter(_read_ids(mailbox_file))
    wanted = Counter([*(f"{delivery_id}@{MAIL_DOMAIN}" for delivery_id in owed), *bare_ids])
    wrong: list[str] = []
    if missing := (wanted - arrived).total():
        wrong.append(f"delivery: {missing} letters did not arrive")
    if extra := (arrived - wanted).total():
        wrong.append(f"delivery: {extra} letters arrived that nobody sent, or a second time")
    unmarked = await pool.fetchval(
        "SELECT count(*) FROM delivery WHERE delivery_id = ANY ($1) AND state <> 'sent'", owed
    )
    if unmarked:
        wrong.append(f"delivery: {unmarked} letters are not marked as sent")
    return wrong


def _read_ids(mailbox_file: Path) -> list[str]:
    with mailbox_file.open("rb") as lines:
        return [found.group(1).decode() for line in lines if (found := _MESSAGE_ID.match(line))]


def _read_letters(mailbox_file: Path) -> list[_Prepared]:
    mailbox = mbox(mailbox_file, create=False)
    try:
        raw = [mailbox.get_bytes(key) for key in mailbox.iterkeys()]
    finally:
        mailbox.close()
    return [
        _Prepared(parseaddr(str(message_from_bytes(letter)["To"]))[1], letter.replace(b"\n", b"\r\n")) for letter in raw
    ]


@asynccontextmanager
async def _run_worker(database: ServiceDatabase, pool: Pool, smtp_port: int) -> AsyncGenerator[None]:
    """The delivery worker as a service runs it, with the mail that leaves by `smtp_port`."""
    settings = Settings(
        api_database_url=database.api_url,
        worker_database_url=database.worker_url,
        jwks_url="http://issuer.test/keys",
        jwt_issuer="http://issuer.test",
        smtp_port=smtp_port,
        smtp_from=SENDER,
        public_url="http://service.test",
    )
    stopping = asyncio.Event()
    running = asyncio.create_task(DeliveryWorker(WorkerContext(pool, settings, stopping)).run())
    try:
        yield
    finally:
        stopping.set()
        await running


@asynccontextmanager
async def _open_sink(mailbox_directory: Path) -> AsyncGenerator[int]:
    """The port of a sink that runs beside this process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.sink_process", str(mailbox_directory), stdin=PIPE, stdout=PIPE
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("a process started with pipes has none")
    try:
        yield int(await asyncio.wait_for(process.stdout.readline(), SINK_DEADLINE_S))
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), SINK_DEADLINE_S)
        except TimeoutError:
            process.kill()
            await process.wait()

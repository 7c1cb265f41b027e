"""Interleaved rounds of all contenders, and the check of what each left behind."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import TypeVar
from uuid import uuid4

from shared.kit.database import open_pool
from tests.bench.consumers import ConsumerContender, HandWrittenLoop, PlainHandler, Source, SpineConsumer
from tests.bench.environment import Environment, difference, empty_tables, read_counters
from tests.bench.latency import measure_bare_producer, measure_latency
from tests.bench.relays import BareProducer, RelayContender, SpineRelay, fill_outbox, read_back
from tests.bench.workload import fill_topic, make_workload
from tests.support.environment import ServiceDatabase

POOL_CONNECTIONS = 4
WRITER_CONNECTIONS = 8
CONSUMER_TABLES = "inbox, stream_position, county_counter, county_counter_day"
LATENCY_EVENTS_PER_S = 500

ContenderT = TypeVar("ContenderT")
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: events a round (the plain handler gets fewer), rounds, and the seconds of the timed parts."""

    consumer_events: int
    plain_events: int
    relay_events: int
    rounds: int
    latency_s: int
    idle_s: float


SHORT = Size(
    consumer_events=60_000,
    plain_events=600,
    relay_events=30_000,
    rounds=5,
    latency_s=8,
    idle_s=12.0,
)
FULL = Size(
    consumer_events=120_000,
    plain_events=2_000,
    relay_events=100_000,
    rounds=9,
    latency_s=30,
    idle_s=60.0,
)


@dataclass(slots=True)
class Rates:
    """Events per second of each contender, one for each round, and what was wrong with anybody's result."""

    by_contender: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[str] = field(default_factory=list[str])

    def add(self, round_number: int, contender: str, events_per_s: float) -> None:
        """Round 0 warms up caches, connections and the brokers' compilers, and is left out."""
        if round_number > 0:
            self.by_contender[contender].append(events_per_s)

    def median(self, contender: str) -> float:
        return median(self.by_contender[contender])

    def ratio(self, contender: str, peer: str) -> float:
        """Median of the rounds' own ratios: what disturbs one round disturbs both of its contenders."""
        pairs = zip(self.by_contender[contender], self.by_contender[peer], strict=True)
        return median(mine / theirs for mine, theirs in pairs)


async def compare_consumers(environment: Environment, size: Size, report: Report) -> Rates:
    """All consumers on topics filled beforehand; a new group and empty tables for each run."""
    many, few = make_workload(size.consumer_events), make_workload(size.plain_events)
    topics = {many.events[0].topic: many, "bench-plain": few}
    await environment.create_topics(*topics)
    for topic, workload in topics.items():
        await fill_topic(environment.bootstrap_servers, topic, workload.with_duplicates())
    rates = Rates()
    contenders: list[tuple[ConsumerContender, str]] = [
        (SpineConsumer(), many.events[0].topic),
        (HandWrittenLoop(), many.events[0].topic),
        (PlainHandler(), "bench-plain"),
    ]
    databases = {contender.name: environment.database() for contender, _ in contenders}
    for number in range(size.rounds + 1):
        for contender, topic in _rotated(contenders, number):
            database, workload = databases[contender.name], topics[topic]
            records = len(workload.with_duplicates())
            pool = await open_pool(database.worker_url, size=POOL_CONNECTIONS, name="payesh-bench")
            try:
                source = Source(environment.bootstrap_servers, topic, records, database, pool)
                await empty_tables(database, CONSUMER_TABLES)
                seconds = await contender.run(source, f"bench-{uuid4()}")
            finally:
                await pool.close()
            rates.add(number, contender.name, records / seconds)
            report(f"consumer round {number}: {contender.name} {records / seconds:,.0f} events/s")
            problem = difference(workload.expected, await read_counters(database))
            if problem:
                rates.wrong.append(f"consumer {contender.name}, round {number}: {problem}")
    return rates


async def compare_relays(environment: Environment, size: Size, report: Report) -> Rates:
    """Both relays on the same rows, each to a topic of its own, which is read back at the end."""
    workload = make_workload(size.relay_events)
    contenders: list[RelayContender] = [SpineRelay(), BareProducer()]
    topics = {contender.name: f"bench-relay-{place}" for place, contender in enumerate(contenders)}
    await environment.create_topics(*topics.values())
    databases = {contender.name: environment.database() for contender in contenders}
    rates = Rates()
    for number in range(size.rounds + 1):
        for contender in _rotated(contenders, number):
            database = databases[contender.name]
            await empty_tables(database, "outbox")
            await fill_outbox(database, workload.on_topic(topics[contender.name]))
            seconds = await contender.drain(database, environment.bootstrap_servers, size.relay_events)
            rates.add(number, contender.name, size.relay_events / seconds)
            report(f"relay round {number}: {contender.name} {size.relay_events / seconds:,.0f} events/s")
    times_each = size.rounds + 1
    expected = {key: value * times_each for key, value in workload.expected.items()}
    for name, topic in topics.items():
        counters, times = await read_back(environment.bootstrap_servers, topic, size.relay_events * times_each)
        problem = difference(expected, counters)
        if problem or times != {times_each}:
            rates.wrong.append(f"relay {name}: {problem or f'events are there {times} times, not {times_each}'}")
    return rates


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from commit to acknowledged, and from send to acknowledged of a bare producer."""

    p50_ms: float
    p99_ms: float
    bare_p50_ms: float
    bare_p99_ms: float
    wrong: str | None


async def time_publishing(environment: Environment, size: Size) -> Latency:
    """A steady run of a bare producer, then one of writers and relay, on an outbox that is otherwise empty."""
    database: ServiceDatabase = environment.database()
    workload = make_workload(size.latency_s * LATENCY_EVENTS_PER_S)
    topic = workload.events[0].topic
    await environment.create_topics(topic, "bench-latency")
    servers = environment.bootstrap_servers
    bare = quantiles(await measure_bare_producer(servers, "bench-latency", workload, LATENCY_EVENTS_PER_S), n=100)
    pool = await open_pool(database.api_url, size=WRITER_CONNECTIONS, name="payesh-bench-writer")
    try:
        seconds = await measure_latency(database, pool, servers, workload, LATENCY_EVENTS_PER_S)
    finally:
        await pool.close()
    if not seconds:
        return Latency(0.0, 0.0, 0.0, 0.0, "latency: not every committed event was published exactly once")
    own = quantiles(seconds, n=100)
    return Latency(own[49] * 1000, own[98] * 1000, bare[49] * 1000, bare[98] * 1000, None)


def _rotated(contenders: list[ContenderT], number: int) -> list[ContenderT]:
    """Another contender goes first in each round."""
    shift = number % len(contenders)
    return contenders[shift:] + contenders[:shift]

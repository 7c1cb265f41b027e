"""`python -m tests.bench [--short] [--broker apache|embedded] [--only PARTS]`, parts separated by commas

Prints what it measures as it goes, a table, and as its last line one JSON object. No time is judged here: the exit code is
1 only when a contender's final counters are wrong.
"""

import argparse
import json
import sys
from dataclasses import dataclass, field
from typing import get_args

import uvloop
from rich.console import Console
from rich.table import Table

from shared.kit.logging import configure_logging
from tests.bench.consumers import HandWrittenLoop, PlainHandler, SpineConsumer
from tests.bench.environment import BrokerKind, default_broker, open_environment
from tests.bench.relays import BareProducer, SpineRelay
from tests.bench.scenarios import FULL, SHORT, Size, compare_consumers, compare_relays, time_publishing

PARTS = ("consumer", "relay", "latency", "escalation", "alerts", "idle")
IDLE_PERCENT_MAX = {"apache": 1.0, "embedded": 5.0}


@dataclass(slots=True)
class Findings:
    """Rows of the table (what, measured, target) and fields of the JSON line."""

    rows: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    fields: dict[str, object] = field(default_factory=dict[str, object])
    wrong: list[str] = field(default_factory=list[str])


async def _measure_speed(broker: BrokerKind, size: Size, parts: set[str], console: Console, found: Findings) -> None:
    async with open_environment(broker) as environment:
        if "consumer" in parts:
            rates = await compare_consumers(environment, size, console.print)
            found.wrong += rates.wrong
            for name in (SpineConsumer.name, HandWrittenLoop.name, PlainHandler.name):
                found.rows.append((f"consumer: {name}", f"{rates.median(name):,.0f} events/s", ""))
            loop_ratio = rates.ratio(SpineConsumer.name, HandWrittenLoop.name)
            plain_ratio = rates.ratio(SpineConsumer.name, PlainHandler.name)
            found.rows.append(("consumer: spine / loop", f"{loop_ratio:.2f}", "≥ 0.7"))
            found.rows.append(("consumer: spine / plain handler", f"{plain_ratio:.0f}", "≥ 30"))
            found.fields |= {
                "consumer_events_per_s": round(rates.median(SpineConsumer.name)),
                "consumer_to_loop": round(loop_ratio, 3),
                "consumer_to_plain_handler": round(plain_ratio, 1),
            }
        if "relay" in parts:
            rates = await compare_relays(environment, size, console.print)
            found.wrong += rates.wrong
            for name in (SpineRelay.name, BareProducer.name):
                found.rows.append((f"relay: {name}", f"{rates.median(name):,.0f} events/s", ""))
            relay_ratio = rates.ratio(SpineRelay.name, BareProducer.name)
            found.rows.append(("relay: spine / bare producer", f"{relay_ratio:.2f}", "≥ 0.7"))
            found.fields |= {
                "relay_events_per_s": round(rates.median(SpineRelay.name)),
                "relay_to_bare_producer": round(relay_ratio, 3),
            }
        if "latency" in parts:
            latency = await time_publishing(environment, size)
            found.wrong += [latency.wrong] if latency.wrong else []
            found.rows.append(("commit → acknowledged, 500 events/s, p50", f"{latency.p50_ms:.1f} ms", "< 5 ms"))
            found.rows.append(("commit → acknowledged, 500 events/s, p99", f"{latency.p99_ms:.1f} ms", "< 15 ms"))
            found.rows.append(("bare producer: send → acknowledged, p50", f"{latency.bare_p50_ms:.1f} ms", ""))
            found.rows.append(("bare producer: send → acknowledged, p99", f"{latency.bare_p99_ms:.1f} ms", ""))
            found.fields |= {
                "publish_p50_ms": round(latency.p50_ms, 2),
                "publish_p99_ms": round(latency.p99_ms, 2),
                "bare_producer_p50_ms": round(latency.bare_p50_ms, 2),
                "bare_producer_p99_ms": round(latency.bare_p99_ms, 2),
            }


async def _measure_escalation(found: Findings) -> None:
    from tests.bench.escalation import PENDING, time_escalation

    lateness = await time_escalation()
    found.wrong += [lateness.wrong] if lateness.wrong else []
    found.rows.append((f"escalation step late, {PENDING:,} timers pending, p50", f"{lateness.p50_s:.3f} s", ""))
    found.rows.append(
        (f"escalation step late, {PENDING:,} timers pending, worst", f"{lateness.worst_s:.3f} s", "≤ 2 s")
    )
    found.fields |= {
        "escalation_pending_timers": PENDING,
        "escalation_late_p50_s": round(lateness.p50_s, 3),
        "escalation_late_worst_s": round(lateness.worst_s, 3),
    }


async def _measure_alerts(size: Size, console: Console, found: Findings) -> None:
    from tests.bench.delivery import BARE_CLIENT, WORKER, measure_alerts

    measured = await measure_alerts(size.rounds, console.print)
    decision, letters, rates = measured.decision, measured.letters, measured.letters.rates
    found.wrong += rates.wrong
    ratio = rates.ratio(WORKER, BARE_CLIENT)
    found.rows += [
        (
            f"{decision.alerts:,} alerts decided: grouped or told alone",
            f"{decision.alerts_per_s:,.0f} alerts/s",
            "≥ 5,000",
        ),
        (f"the same from event to delivered, {letters.letters:,} letters", f"{measured.seconds:.0f} s", ""),
        *((f"letters: {name}", f"{rates.median(name):,.0f} letters/s", "") for name in (WORKER, BARE_CLIENT)),
        ("letters: worker / bare client", f"{ratio:.2f}", ""),
    ]
    found.fields |= {
        "alerts": decision.alerts,
        "alerts_decided_per_s": round(decision.alerts_per_s),
        "alerts_batch_p50_ms": round(decision.batch_p50_ms, 1),
        "alerts_delivered_s": round(measured.seconds, 1),
        "letters": letters.letters,
        "letter_p50_bytes": letters.letter_p50_bytes,
        "letters_per_s": round(rates.median(WORKER)),
        "smtp_sink_letters_per_s": round(rates.median(BARE_CLIENT)),
        "delivery_to_smtp_sink": round(ratio, 3),
    }


async def _measure(broker: BrokerKind, size: Size, parts: set[str], console: Console) -> Findings:
    found = Findings()
    if parts & {"consumer", "relay", "latency"}:
        await _measure_speed(broker, size, parts, console, found)
    if "escalation" in parts:
        await _measure_escalation(found)
    if "alerts" in parts:
        await _measure_alerts(size, console, found)
    if "idle" in parts:
        from tests.bench.idle import measure_idle

        percents = await measure_idle(broker, size.idle_s)
        for service, percent in percents.items():
            found.rows.append((f"idle: {service}", f"{percent:.2f} % of a core", f"≤ {IDLE_PERCENT_MAX[broker]:.0f} %"))
        found.fields["idle_percent"] = {service: round(percent, 2) for service, percent in percents.items()}
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="The spine beside hand-written peers.")
    parser.add_argument("--short", action="store_true", help="two to three minutes in all")
    parser.add_argument("--broker", choices=get_args(BrokerKind), default=default_broker())
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {','.join(PARTS)}")
    arguments = parser.parse_args()
    parts = set(arguments.only.split(","))
    if not parts <= set(PARTS):
        parser.error(f"--only takes {','.join(PARTS)}")
    configure_logging(service="bench", instance="1", level="warning")
    console = Console()
    found = uvloop.run(_measure(arguments.broker, SHORT if arguments.short else FULL, parts, console))
    table = Table("what", "measured", "target", title=f"Payesh on {arguments.broker}: medians, ratios within one run")
    for row in found.rows:
        table.add_row(*row)
    console.print(table)
    for problem in found.wrong:
        console.print(f"WRONG: {problem}", style="bold red")
    print(json.dumps({"ok": not found.wrong, "broker": arguments.broker, "short": arguments.short} | found.fields))
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())

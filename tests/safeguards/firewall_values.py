"""Every value that a compartment keeps or tells, so that the join of two compartments can be tried by every pair of columns."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any, cast
from uuid import UUID

from shared.contracts import complaints, free_services, nationals
from shared.contracts.base import declared_events
from shared.kit.connections import Connection
from tests.safeguards.firewall_catalogue import COMPARTMENTS

Values = dict[str, dict[str, set[str]]]
"""By compartment and column."""

CONTRACTS = {"casework": nationals, "complaints": complaints, "free_services": free_services}
NUMBER_MIN = 100_000
"""Smaller numbers are counts, capacities, versions and places in a row: they tell two things apart in no table but their own."""
PLACES = frozenset({"county", "counties", "home_county", "centre_county", "area"})
"""Where, in one of sixteen counties: both halves work there, and tens of thousands share each."""
DAYS = frozenset({"date", "time without time zone"})
"""A day is shared by all who came, and by whatever ended then."""
ENUMERATIONS = frozenset(
    {"state", "category", "reason", "language", "cause", "erased_value", "table_name", "column_name"}
)
"""Words out of short lists that the software ships with."""
ACCOUNTS = re.compile(r"(_by|^examiner|_reviewer|^assignee|^in_place_of)$")
"""Sign-in names of officials: every record says who made it, and nobody who is served has one. An official with duties in two
compartments is named in both; no role reads both."""
HARNESS = "test"
"""The correlation id that the tests' own helpers give to commands which they run without HTTP."""
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TOKEN = re.compile(r"[0-9A-Za-z_/.:-]{6,}")


def is_left_out(column: str, data_type: str) -> bool:
    return column in PLACES or column in ENUMERATIONS or data_type in DAYS or bool(ACCOUNTS.search(column))


async def stored_values(superuser: Connection) -> Values:
    """Values of the compartments' own tables and of the kit's rows that belong to each: timers, heads, events not yet sent."""
    values: Values = {compartment: {} for compartment in COMPARTMENTS}
    columns = await superuser.fetch(
        """
        SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns
        WHERE table_schema = ANY ($1) ORDER BY 1, 2, 3
        """,
        list(COMPARTMENTS),
    )
    for column in columns:
        if is_left_out(column["column_name"], column["data_type"]):
            continue
        rows = await superuser.fetch(
            f'SELECT DISTINCT "{column["column_name"]}" AS value FROM {column["table_schema"]}.{column["table_name"]}'
        )
        kept = {text for row in rows for text in texts_of(row["value"])}
        values[column["table_schema"]][f"{column['table_name']}.{column['column_name']}"] = kept
    for compartment, place, value in await _kit_values(superuser):
        values[compartment].setdefault(place, set()).update(texts_of(value))
    return values


def texts_of(value: Any) -> Iterable[str]:
    """A value as text that compares across types; numbers too small to name anything are left out."""
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from texts_of(item)
    elif isinstance(value, bytes):
        yield value.hex()
    elif isinstance(value, int | float):
        if abs(value) >= NUMBER_MIN:
            yield str(int(value))
    elif isinstance(value, UUID):
        yield str(value)
    elif (text := str(value)) and text != HARNESS and not (text.isdecimal() and int(text) < NUMBER_MIN):
        yield text
        yield from (name for name in _UUID.findall(text) if name != text)


def empty_tables(values: Values) -> set[str]:
    """Tables of which no value was tried."""
    filled = {
        f"{compartment}.{column.partition('.')[0]}"
        for compartment, columns in values.items()
        for column, kept in columns.items()
        if kept
    }
    return {f"{name}.{column.partition('.')[0]}" for name, columns in values.items() for column in columns} - filled


def topics() -> Mapping[str, frozenset[str]]:
    """The topics of each compartment."""
    return {
        compartment: frozenset(event.stream.topic for event in declared_events(contracts))
        for compartment, contracts in CONTRACTS.items()
    }


async def _kit_values(superuser: Connection) -> list[tuple[str, str, Any]]:
    owner = {topic: compartment for compartment, names in topics().items() for topic in names}
    kinds = _timer_owners()
    found: list[tuple[str, str, Any]] = []
    for row in await superuser.fetch("SELECT kind, subject_id, correlation_id, policy::text AS policy FROM timer"):
        compartment = kinds[row["kind"]]
        found += [
            (compartment, "timer.subject_id", row["subject_id"]),
            (compartment, "timer.correlation_id", row["correlation_id"]),
        ]
        found += [
            (compartment, "timer.policy", token) for token in _TOKEN.findall(row["policy"] or "") if _UUID.search(token)
        ]
    for row in await superuser.fetch("SELECT stream, aggregate_id FROM stream_head"):
        found.append((owner[row["stream"]], "stream_head.aggregate_id", _unless_county(row["aggregate_id"])))
    for row in await superuser.fetch("SELECT * FROM outbox"):
        compartment = owner[row["topic"]]
        for name in ("event_id", "correlation_id", "causation_id"):
            found.append((compartment, f"outbox.{name}", row[name]))
        found.append((compartment, "outbox.traceparent", row["traceparent"] and row["traceparent"].split("-")[1]))
        found.append((compartment, "outbox.aggregate_id", _unless_county(row["aggregate_id"])))
        found += [(compartment, "outbox.body", name) for name in _UUID.findall(row["body"].decode())]
    return found


def _unless_county(aggregate_id: str) -> str | None:
    return aggregate_id if _UUID.search(aggregate_id) else None


def _timer_owners() -> Mapping[str, str]:
    from services.nationals.casework import timers as casework
    from services.nationals.complaints import timers as complaints_timers
    from services.nationals.free_services import timers as free_services_timers
    from shared.kit.routing import collect_timers

    modules = {"casework": casework, "complaints": complaints_timers, "free_services": free_services_timers}
    return {kind: name for name, module in modules.items() for kind in collect_timers(module, name)}


def shared(values: Values) -> dict[tuple[str, str], set[str]]:
    """Joins that found something: pairs of columns of different compartments, and the values that they have in common."""
    holders: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for compartment, columns in values.items():
        for column, kept in columns.items():
            for value in kept:
                holders[value].add((compartment, f"{compartment}.{column}"))
    joined: dict[tuple[str, str], set[str]] = defaultdict(set)
    for value, places in holders.items():
        for (one, left), (other, right) in combinations(sorted(places), 2):
            if one != other:
                joined[left, right].add(value)
    return dict(joined)


def pairs_tried(values: Values) -> int:
    """How many pairs of columns with values, of different compartments, were compared."""
    sizes = [sum(bool(kept) for kept in columns.values()) for columns in values.values()]
    return sum(one * other for one, other in combinations(sizes, 2))


def ids_in(text: str) -> set[str]:
    return {match.group() for match in _UUID.finditer(text)}


def ids_of(columns: Mapping[str, set[str]]) -> set[str]:
    """Every id among the values of these columns."""
    return ids_in(" ".join(text for kept in columns.values() for text in kept))

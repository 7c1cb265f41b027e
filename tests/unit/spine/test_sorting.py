"""What the consumer does with a batch before it touches the database, and which errors pass by themselves."""

from uuid import UUID

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kit.batches import Decoder, Readable, sort_out
from shared.kit.consumer import is_transient
from shared.kit.inbox import Admission
from shared.kit.routing import Reaction
from tests.support.spine import counted_on, note_seen
from tests.support.spine_records import Log

TOPIC = "test-sorting"
Counted = counted_on(TOPIC)


def readable(items: list[tuple[int, int, int]]) -> list[Readable]:
    """Readable events from (event id, thing, sequence)."""
    log = Log(TOPIC)
    for event_id, thing, sequence in items:
        log.append(Counted(thing_id=UUID(int=thing)), sequence, UUID(int=event_id))
    return Decoder([Reaction((Counted,), note_seen)]).decode(log.records).readable


ITEMS = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 3), st.integers(1, 6)), max_size=30)


@given(ITEMS, st.sets(st.integers(1, 12)), st.sets(st.integers(1, 3)), st.integers(0, 4))
def test_every_event_has_exactly_one_fate(
    items: list[tuple[int, int, int]], known: set[int], blocked: set[int], position: int
) -> None:
    batch = readable(items)
    fresh = frozenset(item.received.id for item in batch) - {UUID(int=number) for number in known}
    positions = {(TOPIC, str(UUID(int=thing))): position for thing in (1, 2, 3) if position}
    blocked_keys = {(TOPIC, str(UUID(int=thing))) for thing in blocked}
    outcome = sort_out(batch, Admission(fresh, positions), blocked_keys)
    assert len(outcome.applied) + len(outcome.duplicates) + len(outcome.parked) == len(batch)
    applied = [item.received.id for item in outcome.applied]
    assert len(set(applied)) == len(applied)
    assert set(applied) <= fresh
    last: dict[tuple[str, str], int] = dict(positions)
    for item in outcome.applied:
        assert item.key not in blocked_keys
        assert item.received.sequence > last.get(item.key, 0)
        last[item.key] = item.received.sequence


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.SerializationError("x"),
        asyncpg.DeadlockDetectedError("x"),
        asyncpg.LockNotAvailableError("x"),
        asyncpg.AdminShutdownError("x"),
        asyncpg.CannotConnectNowError("x"),
        asyncpg.TooManyConnectionsError("x"),
        asyncpg.ConnectionDoesNotExistError("x"),
        asyncpg.ReadOnlySQLTransactionError("x"),
        asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress"),
        asyncpg.InterfaceError("connection is closed"),
        ConnectionRefusedError(),
        TimeoutError(),
    ],
)
def test_errors_that_pass_by_themselves(error: Exception) -> None:
    assert is_transient(error)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.QueryCanceledError("statement timeout"),
        asyncpg.UniqueViolationError("x"),
        asyncpg.DataError("x"),
        asyncpg.UndefinedTableError("x"),
        asyncpg.InsufficientPrivilegeError("x"),
        asyncpg.InterfaceError("cannot perform operation: another operation is in progress"),
        ValueError(),
        KeyError(),
        RecursionError(),
    ],
)
def test_errors_that_somebody_must_mend(error: Exception) -> None:
    assert not is_transient(error)

"""CloudEvents headers, there and back."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kit.envelope import HEADER_BYTES_MAX, SEQUENCE_MAX, UnreadableRecordError, event_type_of, read_event
from shared.kit.outbox import shard_of
from tests.support.spine import counted_on
from tests.support.spine_records import changed, headers_of

Counted = counted_on("test-envelope")
THING = UUID(int=7)
EVENT = Counted(thing_id=THING, amount=3)
BODY = EVENT.model_dump_json().encode()


def test_what_is_written_is_read() -> None:
    event_id = uuid4()
    received = read_event(dict(headers_of(EVENT, 5, event_id)), BODY, Counted)
    assert (received.event, received.id, received.sequence) == (EVENT, event_id, 5)
    assert received.correlation_id == "test"
    assert received.traceparent is None
    assert abs(datetime.now(UTC) - received.time) < timedelta(minutes=1)


@pytest.mark.parametrize("sequence", [1, 2**31, SEQUENCE_MAX])
def test_sequences_within_range(sequence: int) -> None:
    assert read_event(dict(headers_of(EVENT, sequence)), BODY, Counted).sequence == sequence


@pytest.mark.parametrize("sequence", [b"0", b"-1", b"%d" % 2**63, b"1.5", b"", b"1_0", b" 1", "١".encode()])
def test_sequences_beyond_it(sequence: bytes) -> None:
    with pytest.raises(UnreadableRecordError):
        read_event(dict(changed(headers_of(EVENT), sequence=sequence)), BODY, Counted)


@pytest.mark.parametrize("value", [None, b"x" * (HEADER_BYTES_MAX + 1)])
def test_an_absurd_type_is_none(value: bytes | None) -> None:
    assert event_type_of({"ce_type": value} if value else {}) is None


@given(
    headers=st.dictionaries(
        st.sampled_from(["ce_id", "ce_time", "ce_subject", "ce_sequence", "ce_correlationid", "ce_traceparent"]),
        st.none() | st.binary(max_size=64) | st.datetimes().map(lambda time: time.isoformat().encode()),
    ),
    body=st.none() | st.binary(max_size=200) | st.just(BODY),
)
def test_whatever_comes_is_an_event_or_unreadable(headers: dict[str, bytes | None], body: bytes | None) -> None:
    """No other exception: it would escape the consumer."""
    for complete in (headers, dict(headers_of(EVENT)) | headers):
        try:
            received = read_event(complete, body, Counted)
        except UnreadableRecordError:
            continue
        assert received.event.aggregate_id == str(THING)


@given(st.text(max_size=50), st.integers(1, 64))
def test_an_aggregate_has_one_shard(aggregate_id: str, shards: int) -> None:
    assert shard_of(aggregate_id, shards) == shard_of(aggregate_id, shards)
    assert 0 <= shard_of(aggregate_id, shards) < shards

"""Settling parked events: replay an aggregate's in order, or discard one with a reason (rule 5)."""

from collections.abc import Sequence

import orjson
from pydantic import BaseModel, JsonValue

from shared.contracts.refusals import Refusal, RefusalType
from shared.kit import parking
from shared.kit.auth import SYSTEM
from shared.kit.batches import Readable, Record, run_reactions
from shared.kit.connections import Pool
from shared.kit.consumer import BatchConsumer
from shared.kit.idempotency import AnsweredBefore, RequestKey, claim, remember
from shared.kit.inbox import admit
from shared.kit.transaction import begin

PARKED_NOT_FOUND = RefusalType(
    "kit.parked.not_found",
    404,
    "There is no open parked event {parked_id}.",
    "رویداد کنارگذاشته‌شدهٔ بازِ {parked_id} وجود ندارد.",
)
PARKED_NOT_FIRST = RefusalType(
    "kit.parked.not_first",
    409,
    "Event {parked_id} waits behind {first_id} of the same aggregate; settle that one first.",
    "رویداد {parked_id} پشت رویداد {first_id} از همان موجودیت مانده است؛ نخست آن را تعیین تکلیف کنید.",
)
REPLAY_FAILED = RefusalType(
    "kit.parked.replay_failed",
    409,
    "Event {parked_id} failed again: {error}. It stays parked, and so do those behind it.",
    "رویداد {parked_id} دوباره ناموفق بود: {error}. این رویداد و رویدادهای پشت آن کنار می‌مانند.",
)

UNKNOWN_ACTION = RefusalType(
    "kit.projections.unknown_action",
    404,
    "There is no action {action}: use check or rebuild.",
    "عملی به نام {action} وجود ندارد: check یا rebuild را به کار ببرید.",
)


class Settled(BaseModel):
    """What a person's word settled, in order."""

    parked_ids: list[int]


async def replay(
    pool: Pool, consumer: BatchConsumer, parked_id: int, by: str, body: JsonValue = None, key: RequestKey | None = None
) -> Settled:
    """Replay `parked_id` (with `body` in place of its own, if given), then what waits behind it.

    Each event commits alone, and with it the answer so far under `key`; the first that fails ends the run. Raises
    Refusal, AnsweredBefore.
    """
    settled = Settled(parked_ids=[])
    next_id: int | None = parked_id
    while next_id is not None:
        corrected = orjson.dumps(body) if body is not None and not settled.parked_ids else None
        try:
            next_id = await _replay_one(pool, consumer, next_id, by, corrected, settled, key)
        except Refusal:
            if settled.parked_ids:
                return settled
            raise
    return settled


async def _replay_one(
    pool: Pool,
    consumer: BatchConsumer,
    parked_id: int,
    by: str,
    body: bytes | None,
    settled: Settled,
    key: RequestKey | None,
) -> int | None:
    """Replay one and add it to `settled`; returns the id of the aggregate's next parked event."""
    together = Settled(parked_ids=[*settled.parked_ids, parked_id])
    failure: Exception | None = None
    try:
        async with begin(pool, SYSTEM, f"replay-{parked_id}") as tx:
            if not settled.parked_ids:
                await claim(tx.connection, key)
            found = await parking.find_parked(tx.connection, consumer.consumer_id, parked_id)
            if found is None or found.state != "parked":
                raise Refusal(PARKED_NOT_FOUND, parked_id=parked_id)
            queue = await parking.lock_aggregate(tx.connection, consumer.consumer_id, found.topic, found.aggregate_id)
            _require_still_parked(parked_id, queue)
            waiting = [item for item in queue if item.reason != "unreadable" or item.parked_id == parked_id]
            if not waiting or (found.reason != "unreadable" and waiting[0].parked_id != parked_id):
                first_id = waiting[0].parked_id if waiting else parked_id
                raise Refusal(PARKED_NOT_FIRST, parked_id=parked_id, first_id=first_id)
            readable = _decode(consumer, found, body)
            admission = await admit(tx.connection, consumer.consumer_id, [readable])
            is_duplicate = found.reason == "unreadable" and not admission.fresh
            if not is_duplicate:
                await run_reactions([readable], tx)
            reason = "it had been applied already" if is_duplicate else "replayed"
            await parking.settle(tx.connection, parked_id, "replayed", by, reason, body)
            await remember(tx.connection, key, together)
            behind = (
                None
                if found.reason == "unreadable"
                else await parking.next_behind(tx.connection, consumer.consumer_id, found)
            )
        settled.parked_ids = together.parked_ids
        return behind
    except (Refusal, AnsweredBefore):
        raise
    except Exception as error:
        failure = error
    async with begin(pool, SYSTEM, f"replay-{parked_id}") as tx:
        await parking.note_error(tx.connection, parked_id, repr(failure))
    raise Refusal(REPLAY_FAILED, parked_id=parked_id, error=str(failure)) from failure


def _require_still_parked(parked_id: int, queue: Sequence[parking.ParkedEvent]) -> None:
    """Somebody else may have settled it while this transaction waited for the lock. Raises Refusal."""
    if parked_id not in {item.parked_id for item in queue}:
        raise Refusal(PARKED_NOT_FOUND, parked_id=parked_id)


def _decode(consumer: BatchConsumer, parked: parking.ParkedEvent, body: bytes | None) -> Readable:
    """The parked record as an event. Raises ValueError when it is still unreadable."""
    value = parked.body if body is None else body
    headers = list(parking.headers_from_json(parked.headers).items())
    record = Record(
        topic=parked.topic,
        partition=parked.partition,
        offset=parked.record_offset,
        timestamp=0,
        timestamp_type=0,
        key=parked.aggregate_id.encode(),
        value=value,
        checksum=None,
        serialized_key_size=len(parked.aggregate_id),
        serialized_value_size=len(value),
        headers=headers,
    )
    batch = consumer.decoder.decode([record])
    if not batch.readable:
        error = batch.unreadable[0].error if batch.unreadable else "no reaction takes this type any more"
        raise ValueError(error)
    return batch.readable[0]


async def discard(
    pool: Pool, consumer: BatchConsumer, parked_id: int, by: str, reason: str, key: RequestKey | None = None
) -> Settled:
    """Give an event up, for good and by name; those behind it may then be replayed. Raises Refusal, AnsweredBefore."""
    settled = Settled(parked_ids=[parked_id])
    async with begin(pool, SYSTEM, f"discard-{parked_id}") as tx:
        await claim(tx.connection, key)
        found = await parking.find_parked(tx.connection, consumer.consumer_id, parked_id)
        if found is None or found.state != "parked":
            raise Refusal(PARKED_NOT_FOUND, parked_id=parked_id)
        queue = await parking.lock_aggregate(tx.connection, consumer.consumer_id, found.topic, found.aggregate_id)
        _require_still_parked(parked_id, queue)
        await parking.settle(tx.connection, parked_id, "discarded", by, reason)
        await remember(tx.connection, key, settled)
    return settled

"""The caller's inbox as it grows: server-sent events (WHATWG HTML, section 9.2).

An event's id is the delivery's; a client that comes back with Last-Event-ID goes on after it. Rows are read from the
database and only from there: NOTIFY shortens the wait and carries nothing.
"""

import asyncio
import json
import signal
import time
from base64 import urlsafe_b64decode
from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import StreamingResponse

from services.notifications.api.reading import AlertItem
from services.notifications.api.roles import ACTING
from services.notifications.domain.text_refusals import INBOX_STREAMS_BUSY
from services.notifications.inbox_bell import INBOX_BELL
from services.notifications.store import inbox
from shared.contracts.refusals import Refusal
from shared.kit.http import Queries, allow_read

STREAMS_MAX: Final = 200
STREAMS_MAX_PER_PERSON: Final = 5
LOOK_INTERVAL_S: Final = 5.0
LOOK_INTERVAL_S_MIN: Final = 0.5
"""However often it is woken, a stream asks the database no more often than this."""
LEAVE_CHECK_INTERVAL_S: Final = 1.0
HEARTBEAT_INTERVAL_S: Final = 15.0
RECONNECT_DELAY_MS: Final = 3_000
LOOK_BACK: Final = 60_000 << 80
"""A minute in the time part of a UUIDv7: no transaction of a service lasts longer."""
EVENTS_MAX: Final = 100
"""Events read at once; a long absence is made up for in several readings."""

router = APIRouter()
_open: dict[str, int] = {}


@router.get(
    "/inbox/stream",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "An event `alert` for each new row of the inbox"}
    },
)
async def stream_inbox(
    request: Request,
    queries: Annotated[Queries, Depends(allow_read(*ACTING))],
    last_event_id: Annotated[UUID | None, Header(description="the last event that arrived")] = None,
) -> StreamingResponse:
    """Alerts addressed to the caller from now on, or after `Last-Event-ID`, until the token expires.

    503 when too many streams are open, in all or by one person.
    """
    person = queries.principal.subject
    if sum(_open.values()) >= STREAMS_MAX or _open.get(person, 0) >= STREAMS_MAX_PER_PERSON:
        raise Refusal(INBOX_STREAMS_BUSY)
    if last_event_id is None:
        async with queries.read() as connection:
            last_event_id = await inbox.last_delivery(connection, person)
    events = _events(queries, last_event_id, _token_expires_at(request))
    return StreamingResponse(_counted(person, events), media_type="text/event-stream")


async def _counted(person: str, events: AsyncGenerator[str]) -> AsyncGenerator[str]:
    if sum(_open.values()) >= STREAMS_MAX or _open.get(person, 0) >= STREAMS_MAX_PER_PERSON:
        return
    _open[person] = _open.get(person, 0) + 1
    try:
        async for event in events:
            yield event
    finally:
        _open[person] -= 1
        if not _open[person]:
            del _open[person]
        await events.aclose()


class _Cursor:
    """How far a stream has come. Rows may commit after newer ones, so it looks back for as long as that can take."""

    def __init__(self, after: UUID | None) -> None:
        self._start = self._newest = after or UUID(int=0)
        self._sent: set[UUID] = set()

    async def read(self, queries: Queries) -> Sequence[inbox.InboxRow]:
        """Rows that this stream has not sent, the oldest first."""
        floor = max(self._start, UUID(int=max(0, self._newest.int - LOOK_BACK)))
        self._sent = {delivery_id for delivery_id in self._sent if delivery_id > floor}
        async with queries.read() as connection:
            rows = await inbox.list_after(connection, queries.principal.subject, floor, self._sent, EVENTS_MAX)
        self._sent.update(row.delivery_id for row in rows)
        self._newest = max([self._newest, *(row.delivery_id for row in rows)])
        return rows


async def _events(queries: Queries, after: UUID | None, expires_at_s: float) -> AsyncGenerator[str]:
    yield f"retry: {RECONNECT_DELAY_MS}\n\n"
    cursor, due = _Cursor(after), True
    beat_s = looked_s = time.monotonic()
    while time.time() < expires_at_s and not _server_leaves():
        if due:
            looked_s = time.monotonic()
            rows = await cursor.read(queries)
            if rows:
                yield "".join(_event(row) for row in rows)
                beat_s = time.monotonic()
            due = len(rows) == EVENTS_MAX
            continue
        if time.monotonic() - beat_s >= HEARTBEAT_INTERVAL_S:
            beat_s = time.monotonic()
            yield ": still here\n\n"
        due = await _is_woken(looked_s)


async def _is_woken(looked_s: float) -> bool:
    """Wait for the bell, but never so long that a stop or a heartbeat is missed; True when it is time to look."""
    began_s = time.monotonic()
    await INBOX_BELL.wait(LEAVE_CHECK_INTERVAL_S)
    rung = time.monotonic() - began_s < LEAVE_CHECK_INTERVAL_S * 0.99
    if rung and (early_s := looked_s + LOOK_INTERVAL_S_MIN - time.monotonic()) > 0:
        await asyncio.sleep(early_s)
    return rung or time.monotonic() - looked_s >= LOOK_INTERVAL_S


def _event(row: inbox.InboxRow) -> str:
    body = AlertItem.model_validate(row.alert).model_dump_json()
    return f"id: {row.delivery_id}\nevent: alert\ndata: {body}\n\n"


def _token_expires_at(request: Request) -> float:
    """Seconds since 1970 at which the caller's token, which has been verified, expires."""
    payload = request.headers["authorization"].split(".")[1]
    return float(json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"])


def _server_leaves() -> bool:
    """Whether the HTTP server was asked to stop: it waits for open answers, so an endless one has to end by itself."""
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return bool(getattr(server, "should_exit", False))

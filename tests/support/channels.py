"""What the tests of the channels share: a member who prefers a contact, and the row that is owed by it."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from tests.support.notifications import POLL_S, WAIT_S, Desk, members, overdue

MOBILE = "+989121234567"


async def prefer(desk: Desk, *contacts: tuple[str, str], language: str = "fa") -> None:
    """The group of rey is one person with these contacts, then e-mail; its one step waits for an hour."""
    [member] = members("rey", 1, language)
    body = {"members": [member | {"contacts": [{"channel": c, "address": a} for c, a in contacts]}]}
    async with desk.client("notifications_admin") as client:
        (await client.put("/working-groups/rey", json=body)).raise_for_status()
    await desk.set_policy(wait_s=3600)


async def owe(desk: Desk, count: int = 1) -> None:
    for _ in range(count):
        await desk.take(overdue())


async def rows(desk: Desk) -> list[dict[str, Any]]:
    """All deliveries that have to be sent, in the order they were made."""
    found = await desk.pool.fetch("SELECT * FROM delivery WHERE channel <> 'inbox' ORDER BY delivery_id")
    return [dict(row) for row in found]


async def until(desk: Desk, holds: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """Wait until `holds(rows)`; returns them."""
    ends_s = time.monotonic() + WAIT_S
    while not holds(found := await rows(desk)):
        if time.monotonic() > ends_s:
            shown = [(r["channel"], r["state"], r["attempts"], r["provider_status"], r["last_error"]) for r in found]
            raise AssertionError(f"not within {WAIT_S} s: {shown}")
        await asyncio.sleep(POLL_S)
    return found


async def all_are(desk: Desk, state: str) -> list[dict[str, Any]]:
    return await until(desk, lambda found: all(row["state"] == state for row in found))


async def history(desk: Desk) -> list[tuple[str, dict[str, Any]]]:
    """(entry, details) of all alerts, in order."""
    import orjson

    found = await desk.pool.fetch("SELECT entry, details::text AS details FROM alert_history ORDER BY entry_id")
    return [(row["entry"], orjson.loads(row["details"])) for row in found]

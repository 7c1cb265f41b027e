"""Offices' people and their absences, put and read by HTTP as an administrator or a person does."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import httpx

from tests.support.notifications import Desk

TODAY = date(2026, 11, 22)
"""The first day of absences that are the same at whatever time the tests run."""


async def put_group(desk: Desk, group: str, people: list[dict[str, Any]], **client: Any) -> httpx.Response:
    async with desk.client("notifications_admin", **client) as caller:
        return await caller.put(f"/working-groups/{group}", json={"members": people})


async def ids(desk: Desk, group: str) -> list[str]:
    async with desk.client("notifications_admin") as client:
        read = (await client.get(f"/working-groups/{group}")).raise_for_status().json()
    return [member["member_id"] for member in read["members"]]


def away(deputy: str, first: int = 0, last: int = 0) -> dict[str, str]:
    return {
        "first_day": (TODAY + timedelta(days=first)).isoformat(),
        "last_day": (TODAY + timedelta(days=last)).isoformat(),
        "deputy_id": deputy,
    }


async def put_absences(
    desk: Desk,
    member_id: str,
    *absences: dict[str, str],
    roles: Sequence[str] = ("notifications_admin",),
    **client: Any,
) -> httpx.Response:
    async with desk.client(*roles, **client) as caller:
        return await caller.put(f"/members/{member_id}/absences", json={"absences": list(absences)})

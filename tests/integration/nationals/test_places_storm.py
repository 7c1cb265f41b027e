"""Safeguard 11 in every snapshot: fifty households at once book, wait, accept, arrive, leave, withdraw, let lapse, while people
set the capacity. A watcher reads committed snapshots all the time, and every event tells one more.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.nationals.casework import handlers
from services.nationals.casework.domain.case_facts import InterpreterRelation
from services.nationals.casework.handlers.departures import RecordDeparture, record_departure
from services.nationals.casework.handlers.hearings import ReconfirmConsent, reconfirm_consent
from services.nationals.casework.handlers.places import BOOKING_EXPIRY
from services.nationals.casework.handlers.waiting import (
    AnswerOffer,
    LeaveWaitingList,
    accept_offer,
    decline_offer,
    leave_waiting_list,
)
from shared.contracts.nationals import PlaceKind
from shared.contracts.refusals import Refusal
from tests.integration.nationals.office import Office

HOUSEHOLDS = int(os.environ.get("PAYESH_TEST_STORM_HOUSEHOLDS", "50"))
TURNS = int(os.environ.get("PAYESH_TEST_STORM_TURNS", "5"))
"""Steps that each household takes, all households at once."""
SEED = int(os.environ.get("PAYESH_TEST_STORM_SEED", "11"))
FAMILY_PLACES, SINGLE_PLACES = 24, 8
CAPACITIES = (4, 12, 20, 24, 30)
STEPS = ("book", "join", "admit", "expire", "release", "withdraw", "depart", "round", "capacity")
WAVES_MAX = 4
"""Chance decides which steps a wave of households takes: another one comes until each was taken."""
LARGEST_HOUSEHOLD = 9

SNAPSHOT = """
    SELECT place.place_kind, capacity, capacity_target, held, used,
           coalesce(sum(places) FILTER (WHERE state = 'held'), 0)::int AS held_in_bookings,
           coalesce(sum(places) FILTER (WHERE state = 'admitted'), 0)::int AS used_in_bookings
    FROM casework.centre_place AS place
    LEFT JOIN (
        SELECT centre_id, state, kind, places FROM casework.booking
        CROSS JOIN LATERAL (VALUES ('family', family_places), ('single', single_places)) AS taken (kind, places)
    ) AS booking ON booking.centre_id = place.centre_id AND kind = place_kind
    GROUP BY place.centre_id, place.place_kind
"""


async def check_snapshot(eyes: "asyncpg.Pool[asyncpg.Record]") -> None:
    for row in await eyes.fetch(SNAPSHOT):
        said = dict(row)
        assert row["held"] == row["held_in_bookings"], said
        assert row["used"] == row["used_in_bookings"], said
        assert 0 <= row["held"] + row["used"] <= row["capacity"], said
        assert row["capacity"] == max(row["capacity_target"], row["held"] + row["used"]), said


@dataclass(slots=True)
class Storm:
    office: Office
    eyes: "asyncpg.Pool[asyncpg.Record]"
    """Superuser's connections: what the test looks at and turns clocks with."""
    centre_id: UUID
    random: random.Random
    done: "Counter[str]" = field(default_factory=Counter)
    refused: "Counter[str]" = field(default_factory=Counter)
    snapshots: int = 0
    over: bool = False

    async def watch(self) -> None:
        while not self.over:
            await check_snapshot(self.eyes)
            self.snapshots += 1

    async def household(self, case_id: UUID, size: int) -> None:
        """Whatever the household tries, it is done whole or refused with a reason; anything else is a failure of the test."""
        kind = self.random.choice((PlaceKind.FAMILY, PlaceKind.FAMILY, PlaceKind.SINGLE))
        await self.attempt("book", self.office.book(case_id, self.centre_id, size, kind))
        for _ in range(TURNS):
            await self.turn(case_id, size, kind)

    async def turn(self, case_id: UUID, size: int, kind: PlaceKind) -> None:
        booking = await self.eyes.fetchrow(
            """
            SELECT booking_id, state, waiting_entry_id IS NOT NULL AND accepted_at IS NULL AS is_offer
            FROM casework.booking WHERE case_id = $1 AND state IN ('held', 'admitted')
            """,
            case_id,
        )
        office = self.office
        if booking is None:
            steps: dict[str, Callable[[], Awaitable[Any]]] = {
                "book": lambda: office.book(case_id, self.centre_id, size, kind),
                "join": lambda: office.join(case_id, self.centre_id, size, kind),
                "join the list": lambda: office.join(case_id, self.centre_id, size, kind),
                "wait": lambda: asyncio.sleep(0),
                "leave": lambda: office.run(leave_waiting_list, LeaveWaitingList(case_id=case_id)),
            }
        else:
            booking_id: UUID = booking["booking_id"]
            steps = {
                "release": lambda: office.release(booking_id),
                "expire": lambda: self.expire(booking_id),
                "withdraw": lambda: self.withdraw_and_consent(case_id),
                "admit": lambda: office.admit(booking_id),
                "depart": lambda: self.depart(case_id),
            }
            if booking["is_offer"]:
                answer = AnswerOffer(booking_id=booking_id)
                steps |= {
                    "accept": lambda: office.run(accept_offer, answer),
                    "accept at once": lambda: office.run(accept_offer, answer),
                    "decline": lambda: office.run(decline_offer, answer),
                }
        name = self.random.choice(sorted(steps))
        await self.attempt(name, steps[name]())

    async def keep_offering(self) -> None:
        """As the reaction does, told again and again that places were given back."""
        while not self.over:
            await self.attempt("round", self.office.offer_round(self.centre_id))

    async def expire(self, booking_id: UUID) -> None:
        """As the timer does, when the booking's time is over on the database's clock."""
        fence = await self.eyes.fetchval("SELECT expiry_fence FROM casework.booking WHERE booking_id = $1", booking_id)
        async with self.eyes.acquire() as connection, connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(
                "UPDATE casework.booking SET expiry_due_at = now() WHERE booking_id = $1 AND state = 'held'", booking_id
            )
        await self.office.as_worker(handlers.expire_booking, booking_id, fence)

    async def withdraw_and_consent(self, case_id: UUID) -> None:
        await self.office.withdraw(case_id)
        self.done["withdraw"] += 1
        await self.office.consent(case_id)

    async def depart(self, case_id: UUID) -> None:
        command = ReconfirmConsent(case_id=case_id, language="fa", interpreter=InterpreterRelation.PROFESSIONAL)
        await self.office.run(reconfirm_consent, command)
        await self.office.run(record_departure, RecordDeparture(case_id=case_id))

    async def offer_and_accept(self) -> None:
        """What chance may leave out: somebody waits for a full centre, everybody goes, and an offer is accepted."""
        office = self.office
        await self.book_all_that_is_free()
        await office.join(await office.consented(), self.centre_id)
        for row in await self.eyes.fetch("SELECT booking_id FROM casework.booking WHERE state IN ('held', 'admitted')"):
            await office.release(row["booking_id"])
        await office.offer_round(self.centre_id)
        offered = await self.eyes.fetchval(
            """
            SELECT booking_id FROM casework.booking
            WHERE state = 'held' AND waiting_entry_id IS NOT NULL AND accepted_at IS NULL LIMIT 1
            """
        )
        await self.attempt("accept", office.run(accept_offer, AnswerOffer(booking_id=offered)))

    async def book_all_that_is_free(self) -> None:
        """Until there is nothing free, or the waiting list comes first."""
        free = "SELECT capacity - held - used FROM casework.centre_place WHERE centre_id = $1 AND place_kind = 'family'"
        before = -1
        while self.done["book"] != before and (places := await self.eyes.fetchval(free, self.centre_id)):
            before, size = self.done["book"], min(places, LARGEST_HOUSEHOLD)
            case_id = await self.office.consented(adults=size)
            await self.attempt("book", self.office.book(case_id, self.centre_id, size))

    async def people_set_capacity(self) -> None:
        for _ in range(TURNS * 3):
            await asyncio.sleep(0)
            capacity = self.random.choice(CAPACITIES)
            await self.attempt("capacity", self.office.set_capacity(self.centre_id, capacity, "as the day goes"))

    async def attempt(self, name: str, step: Awaitable[Any]) -> None:
        try:
            await step
        except Refusal as refusal:
            self.refused[refusal.reason.code] += 1
        else:
            self.done[name] += 1


def check_events(events: list[dict[str, Any]]) -> None:
    """Each event is a committed state of one kind; closing and opening alternate; the sums agree with the states."""
    signs = {"held": 1, "released": -1, "expired": -1, "capacity_set": 0}
    taken: Counter[str] = Counter()
    closed: set[str] = set()
    for event in sorted(events, key=lambda event: event["sequence"]):
        kind = event.get("place_kind", "")
        if event["type"] == "CentreCapacityChanged":
            taken[kind] += signs[event["change"]] * event["places"]
            assert taken[kind] == event["held"] + event["used"], event
            assert 0 <= taken[kind] <= event["capacity"], event
        elif event["type"] == "CentreClosedForBookings":
            assert kind not in closed
            closed.add(kind)
        elif event["type"] == "CentreReopened":
            closed.remove(kind)


@pytest.fixture
async def eyes(office: Office) -> AsyncIterator["asyncpg.Pool[asyncpg.Record]"]:
    async with asyncpg.create_pool(office.database.superuser_url, min_size=1, max_size=4) as pool:
        yield pool


async def wave(office: Office, storm: Storm) -> None:
    """HOUSEHOLDS more households act at once while people change the capacity."""
    sizes = [1 + number % 3 for number in range(HOUSEHOLDS)]
    cases = [await office.consented(adults=size) for size in sizes]
    async with asyncio.TaskGroup() as group:
        group.create_task(storm.people_set_capacity())
        for case_id, size in zip(cases, sizes, strict=True):
            group.create_task(storm.household(case_id, size))


async def test_places_are_exact_in_every_snapshot_of_a_storm(
    office: Office, eyes: "asyncpg.Pool[asyncpg.Record]"
) -> None:
    centre_id = await office.centre(capacity=FAMILY_PLACES)
    await office.set_capacity(centre_id, SINGLE_PLACES, kind=PlaceKind.SINGLE)
    storm = Storm(office, eyes, centre_id, random.Random(SEED))
    watchers = [asyncio.create_task(storm.watch()), asyncio.create_task(storm.keep_offering())]
    try:
        for _ in range(WAVES_MAX):
            await wave(office, storm)
            if all(storm.done[step] for step in STEPS):
                break
    finally:
        storm.over = True
        await asyncio.gather(*watchers)
    await storm.offer_and_accept()
    await check_snapshot(eyes)
    check_events([event for event in await office.events() if event["type"].startswith("Centre")])
    assert storm.snapshots > HOUSEHOLDS, "the watcher saw the storm"
    for step in (*STEPS, "accept"):
        assert storm.done[step] > 0, (step, storm.done, storm.refused)

    await office.set_capacity(centre_id, FAMILY_PLACES, "the end of the day")
    for _ in range(2):
        await office.offer_round(centre_id)
    await check_snapshot(eyes)
    twice = await office.superuser.fetchval(
        """
        SELECT count(*) FROM (
            SELECT FROM casework.booking WHERE state IN ('held', 'admitted') GROUP BY case_id HAVING count(*) > 1)
        """
    )
    assert twice == 0
    offered = await office.superuser.fetchval(
        "SELECT count(*) FROM casework.booking WHERE waiting_entry_id IS NOT NULL"
    )
    assert len(await office.events("PlacesOffered")) == offered, "each offer is told once"
    armed = set(await office.armed(BOOKING_EXPIRY))
    held = await office.superuser.fetch("SELECT booking_id::text FROM casework.booking WHERE state = 'held'")
    assert {row["booking_id"] for row in held} <= armed, "whatever is held expires by itself"

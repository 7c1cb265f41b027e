"""A desk of the free services on a real database: centres whose slots a test may move in time."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import orjson

from services.nationals.free_services.domain.centre import OpeningHours, Weekday
from services.nationals.free_services.handlers import bookings, service_centres, service_figures
from services.nationals.free_services.store.figures import TallyMeasure
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService
from shared.kit.auth import SYSTEM, Principal
from shared.kit.connections import Connection, Pool
from shared.kit.transaction import begin
from shared.persian.calendar import office_moment
from tests.integration.nationals.office import Office

WEEK = [OpeningHours(day, time(8), time(12)) for day in Weekday]


def manager(*counties: County) -> Principal:
    return Principal("services.one", frozenset({"services_manager"}), frozenset(counties or County))


@dataclass(slots=True)
class Desk:
    """`office` gives the pools; everything acts inside the compartment of the free services."""

    office: Office
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def api(self) -> Pool:
        return self.office.api

    @property
    def superuser(self) -> Connection:
        return self.office.superuser

    async def run(self, handler: Callable[..., Any], command: Any, principal: Principal | None = None) -> Any:
        async with begin(self.office.api, principal or manager(), "test", compartment="free_services") as tx:
            return await handler(command, tx)

    async def as_worker(self, handler: Callable[..., Any], *arguments: Any) -> Any:
        async with begin(self.office.worker, SYSTEM, "test", compartment="free_services") as tx:
            return await handler(*arguments, tx)

    async def centre(
        self,
        county: County = County.REY,
        capacity: int = 4,
        services: tuple[FreeService, ...] = (FreeService.EDUCATION,),
    ) -> UUID:
        """A centre that is open every morning but Friday, slots of an hour."""
        name = f"centre {next(self.numbers)}"
        command = service_centres.OpenServiceCentre(county=county, name_fa=name, name_en=name)
        centre_id = (await self.run(service_centres.open_service_centre, command)).service_centre_id
        await self.hours(centre_id, WEEK)
        for service in services:
            await self.offer(centre_id, service, capacity)
        return centre_id

    async def hours(self, centre_id: UUID, hours: list[OpeningHours]) -> Any:
        command = service_centres.SetOpeningHours(service_centre_id=centre_id, hours=hours)
        return await self.run(service_centres.set_opening_hours, command)

    async def offer(self, centre_id: UUID, service: FreeService, capacity: int, active: bool = True) -> Any:
        command = service_centres.SetOffer(
            service_centre_id=centre_id, service=service, active=active, capacity_per_slot=capacity, slot_minutes=60
        )
        return await self.run(service_centres.set_offer, command)

    async def slot(self, centre_id: UUID) -> UUID:
        """The last slot of a centre: far enough ahead that it does not begin while a test runs."""
        return await self.superuser.fetchval(
            "SELECT slot_id FROM free_services.slot WHERE service_centre_id = $1 ORDER BY starts_at DESC LIMIT 1",
            centre_id,
        )

    async def book(self, slot_id: UUID, principal: Principal | None = None) -> str:
        return (await self.run(bookings.book_slot, bookings.BookSlot(slot_id=slot_id), principal)).claim_code

    async def use(self, handler: Callable[..., Any], claim_code: str, principal: Principal | None = None) -> Any:
        return await self.run(handler, bookings.UseClaim(claim_code=claim_code), principal)

    async def move(self, slot_id: UUID, starts_at: datetime) -> None:
        """Put a slot at another time, as if it had been planned for then."""
        await self.superuser.execute(
            "UPDATE free_services.slot SET starts_at = $2 WHERE slot_id = $1", slot_id, starts_at
        )

    async def now(self) -> datetime:
        return await self.superuser.fetchval("SELECT now()")

    async def free(self, slot_id: UUID) -> tuple[int, int]:
        """(capacity, booked)."""
        row = await self.superuser.fetchrow(
            "SELECT capacity, booked FROM free_services.slot WHERE slot_id = $1", slot_id
        )
        assert row is not None
        return row["capacity"], row["booked"]

    async def tally(
        self,
        centre_id: UUID,
        counted_on: date,
        count: int,
        service: FreeService = FreeService.EDUCATION,
        measure: TallyMeasure = TallyMeasure.VISITS,
        **more: Any,
    ) -> Any:
        command = service_figures.RecordTally(
            service_centre_id=centre_id, service=service, counted_on=counted_on, measure=measure, count=count, **more
        )
        return await self.run(service_figures.record_tally, command)

    async def past_slot(self, centre_id: UUID, day: date, capacity: int, used: int = 0) -> None:
        """A slot of a past day at nine, with visitors who were received a quarter of an hour late; written past the guards."""
        starts_at = office_moment(day, time(9))
        async with self.superuser.transaction():
            await self.superuser.execute("SET LOCAL session_replication_role = replica")
            slot_id = await self.superuser.fetchval(
                """
                INSERT INTO free_services.slot
                    (slot_id, service_centre_id, service, county, starts_at, minutes, capacity, booked)
                SELECT gen_random_uuid(), service_centre_id, 'education', county, $2, 60, $3, $4
                FROM free_services.service_centre WHERE service_centre_id = $1 RETURNING slot_id
                """,
                centre_id,
                starts_at,
                capacity,
                used,
            )
            await self.superuser.execute(
                """
                INSERT INTO free_services.slot_booking (booking_id, slot_id, county, claim_hash, state, ended_at)
                SELECT gen_random_uuid(), $1, county, sha256(gen_random_uuid()::text::bytea), 'checked_in', $3
                FROM free_services.slot, generate_series(1, $2) WHERE slot_id = $1
                """,
                slot_id,
                used,
                starts_at + timedelta(minutes=15),
            )

    async def events(self, name: str = "") -> list[dict[str, Any]]:
        """Published bodies in order, each with its type's name; of one type if `name` is given."""
        rows = await self.superuser.fetch("SELECT type, body FROM outbox ORDER BY position")
        events = [{**orjson.loads(row["body"]), "type": row["type"].split(".")[1]} for row in rows]
        return [event for event in events if not name or event["type"] == name]

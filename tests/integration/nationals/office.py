"""A casework office on a real database: takes cases along their way, and makes timers due."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import orjson

from services.nationals.casework import handlers, timers
from services.nationals.casework.domain.case_facts import InterpreterRelation, ScreeningOutcome
from services.nationals.casework.domain.household import HouseholdNeed
from services.nationals.casework.handlers.admissions import AdmitHousehold, admit_household
from services.nationals.casework.handlers.centres import RecordCentre, record_centre
from services.nationals.casework.handlers.hearings import HearPrivately, hear_privately
from services.nationals.casework.handlers.offering import offer_freed_places
from services.nationals.casework.handlers.waiting import JoinWaitingList, join_waiting_list
from shared.contracts.counties import County
from shared.contracts.nationals import BookingChange, CentreCapacityChanged, PlaceKind
from shared.kit.auth import SYSTEM, Principal
from shared.kit.connections import Connection, Pool
from shared.kit.routing import Received, collect_timers
from shared.kit.timer_worker import TimerWorker
from shared.kit.transaction import begin
from tests.support.environment import ServiceDatabase

DUE_TIMERS_WAIT_S = 10.0


def staff(*counties: County, subject: str = "caseworker.one", role: str = "caseworker") -> Principal:
    return Principal(subject, frozenset({role}), frozenset(counties or County))


@dataclass(slots=True)
class Office:
    """`api` and `worker` are pools of the service's own two roles; `superuser` is the test's eye and hand."""

    database: ServiceDatabase
    api: Pool
    worker: Pool
    superuser: Connection
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def run(self, handler: Any, command: Any, principal: Principal | None = None) -> Any:
        """One command in its own transaction, as the API's role."""
        async with begin(self.api, principal or staff(), "test", compartment="casework") as tx:
            return await handler(command, tx)

    async def as_worker(self, handler: Any, *arguments: Any) -> Any:
        """One reaction or timer in its own transaction, as the worker's role."""
        async with begin(self.worker, SYSTEM, "test", compartment="casework") as tx:
            return await handler(*arguments, tx)

    async def centre(self, capacity: int, kind: PlaceKind = PlaceKind.FAMILY, county: County = County.REY) -> UUID:
        name = f"centre {next(self.numbers)}"
        opened = await self.run(handlers.open_centre, handlers.OpenCentre(name=name, county=county))
        await self.measure(opened.centre_id)
        await self.set_capacity(opened.centre_id, capacity, kind=kind)
        return opened.centre_id

    async def measure(
        self, centre_id: UUID, floor_area_m2: str = "3500", toilets: int = 50, staff_per_shift: int = 40
    ) -> Any:
        """Record what the centre has; what is said here by default allows a thousand places."""
        command = RecordCentre(
            centre_id=centre_id,
            floor_area_m2=Decimal(floor_area_m2),
            toilets=toilets,
            staff_per_shift=staff_per_shift,
        )
        return await self.run(record_centre, command)

    async def admit(self, booking_id: UUID, principal: Principal | None = None) -> Any:
        manager = principal or staff(subject="manager.one", role="centre_manager")
        return await self.run(admit_household, AdmitHousehold(booking_id=booking_id), manager)

    async def join(self, case_id: UUID, centre_id: UUID, places: int = 1, kind: PlaceKind = PlaceKind.FAMILY) -> Any:
        command = JoinWaitingList(case_id=case_id, centre_id=centre_id, places={kind: places})
        return await self.run(join_waiting_list, command)

    async def offer_round(self, centre_id: UUID, county: County = County.REY) -> None:
        """What the reaction does when it is told that places of the centre were given back."""
        event = CentreCapacityChanged(
            centre_id=centre_id,
            county=county,
            place_kind=PlaceKind.FAMILY,
            change=BookingChange.RELEASED,
            places=1,
            capacity=1,
            held=0,
            used=0,
        )
        await self.as_worker(offer_freed_places, Received(event, uuid4(), datetime.now(UTC), 1, "test"))

    async def set_capacity(
        self, centre_id: UUID, capacity: int, reason: str | None = None, kind: PlaceKind = PlaceKind.FAMILY
    ) -> Any:
        command = handlers.SetCapacity(centre_id=centre_id, place_kind=kind, capacity=capacity, reason=reason)
        return await self.run(handlers.set_capacity, command)

    async def open(
        self, adults: int = 1, children: int = 0, county: County = County.REY, unaccompanied_child: bool = False
    ) -> UUID:
        command = handlers.OpenCase(
            reference=f"T-{next(self.numbers)}",
            county=county,
            adults=adults,
            children_under_5=children,
            children_5_to_17=0,
            unaccompanied_child=unaccompanied_child,
            needs=[HouseholdNeed.ACCESSIBLE_PLACE],
        )
        return (await self.run(handlers.open_case, command)).case_id

    async def inform(self, case_id: UUID, version: int = 1) -> Any:
        command = handlers.GiveInformation(
            case_id=case_id, language="fa", information_version=version, interpreter=InterpreterRelation.NONE
        )
        return await self.run(handlers.give_information, command)

    async def screen(self, case_id: UUID, persons: int = 1, outcome: ScreeningOutcome = ScreeningOutcome.CLEAR) -> None:
        for person in range(1, persons + 1):
            command = handlers.ScreenPerson(case_id=case_id, person_number=person, outcome=outcome, valid_days=None)
            await self.run(handlers.screen_person, command, staff(subject="protection.one", role="protection_officer"))

    async def consent(
        self,
        case_id: UUID,
        version: int = 1,
        given_freely: bool = True,
        sign_of_pressure: bool = False,
        interpreter: InterpreterRelation = InterpreterRelation.PROFESSIONAL,
    ) -> Any:
        command = handlers.RecordConsent(
            case_id=case_id,
            language="fa",
            interpreter=interpreter,
            information_version=version,
            given_freely=given_freely,
            sign_of_pressure=sign_of_pressure,
        )
        return await self.run(handlers.record_consent, command)

    async def hear(self, case_id: UUID, adults: int = 1) -> None:
        for person in range(1, adults + 1):
            command = HearPrivately(
                case_id=case_id, person_number=person, language="fa", interpreter=InterpreterRelation.PROFESSIONAL
            )
            await self.run(hear_privately, command)

    async def consented(self, adults: int = 1, children: int = 0, county: County = County.REY) -> UUID:
        """A case that lacks nothing for a booking."""
        case_id = await self.open(adults, children, county)
        await self.inform(case_id)
        await self.screen(case_id, adults + children)
        await self.hear(case_id, adults)
        await self.consent(case_id)
        return case_id

    async def book(self, case_id: UUID, centre_id: UUID, places: int = 1, kind: PlaceKind = PlaceKind.FAMILY) -> Any:
        command = handlers.BookPlaces(case_id=case_id, centre_id=centre_id, places={kind: places})
        return await self.run(handlers.book_places, command)

    async def release(self, booking_id: UUID) -> Any:
        return await self.run(handlers.release_booking, handlers.ReleaseBooking(booking_id=booking_id))

    async def withdraw(self, case_id: UUID, principal: Principal | None = None) -> Any:
        return await self.run(handlers.withdraw_consent, handlers.WithdrawConsent(case_id=case_id), principal)

    async def state(self, case_id: UUID) -> str:
        return await self.superuser.fetchval("SELECT state FROM casework.return_case WHERE case_id = $1", case_id)

    async def places(self, centre_id: UUID) -> tuple[int, int, int]:
        """(capacity, held, used) over all kinds."""
        row = await self.superuser.fetchrow(
            """
            SELECT sum(capacity)::int AS capacity, sum(held)::int AS held, sum(used)::int AS used
            FROM casework.centre_place WHERE centre_id = $1
            """,
            centre_id,
        )
        assert row is not None
        return row["capacity"], row["held"], row["used"]

    async def events(self, name: str = "") -> list[dict[str, Any]]:
        """Published bodies in order, each with its type's name and sequence; of one type if `name` is given."""
        rows = await self.superuser.fetch("SELECT type, sequence, body FROM outbox ORDER BY position")
        events = [
            {**orjson.loads(row["body"]), "type": row["type"].split(".")[1], "sequence": row["sequence"]}
            for row in rows
        ]
        return [event for event in events if not name or event["type"] == name]

    async def make_due(self, kind: str, subject_id: UUID) -> None:
        """Turn the database's clock for one timer and for the row that remembers its due time."""
        async with self.superuser.transaction():
            await self.superuser.execute("SET LOCAL session_replication_role = replica")
            status = await self.superuser.execute(
                "UPDATE timer SET due_at = now(), next_try_at = now() WHERE kind = $1 AND subject_id = $2",
                kind,
                str(subject_id),
            )
            assert status == "UPDATE 1"
            await self.superuser.execute(
                "UPDATE casework.return_case SET voluntary_due_at = now() WHERE case_id = $1", subject_id
            )
            await self.superuser.execute(
                "UPDATE casework.booking SET expiry_due_at = now() WHERE booking_id = $1", subject_id
            )
            await self.superuser.execute(
                "UPDATE casework.legal_decision SET window_due_at = now() WHERE decision_id = $1", subject_id
            )

    async def fire(self, kind: str, *subject_ids: UUID) -> None:
        """Make these timers due and let the kit's own timer worker fire them."""
        for subject_id in subject_ids:
            await self.make_due(kind, subject_id)
        await self.fire_due()

    async def fire_due(self) -> None:
        worker = TimerWorker(self.worker, collect_timers(timers, "casework"))
        running = asyncio.create_task(worker.run())
        try:
            async with asyncio.timeout(DUE_TIMERS_WAIT_S):
                while await self.superuser.fetchval("SELECT count(*) FROM timer WHERE next_try_at <= now()"):
                    await asyncio.sleep(0.01)
        finally:
            worker.stop()
            await running

    async def armed(self, kind: str) -> Sequence[str]:
        rows = await self.superuser.fetch("SELECT subject_id FROM timer WHERE kind = $1 ORDER BY subject_id", kind)
        return [row["subject_id"] for row in rows]

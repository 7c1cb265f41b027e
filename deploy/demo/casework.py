"""The nationals' part of the day: centres, households' cases, bookings, withdrawals, and the centre that fills up.

Every household is invented. Nobody is moved anywhere: bookings expire or are given back, and what lapses becomes a
question to people.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from deploy.demo.actors import CENTRE_MANAGER, PROVINCE_CASEWORKER
from deploy.demo.client import Command, DemoClient
from deploy.demo.ledger import Entry
from deploy.demo.plan import CaseCourse, CasePlan
from shared.contracts.counties import County
from shared.contracts.nationals import PlaceKind

SERVICE = "nationals"
INFORMATION_VERSION = 1
SCREENING_VALID_DAYS = 90
CONCURRENT_CASES = 4
LARGE_CENTRE_PLACES = 400
SMALL_CENTRE_PLACES = 20
SMALL_CENTRE_COUNTY = County.VARAMIN
SMALL_CENTRE_HOUSEHOLDS = (4, 4, 4, 4, 3, 1)
"""Their sums cross 80, 95 and 100 percent of the small centre one after the other."""
AWAITING_REVIEW = "nationals.case.awaiting_legal_review"


@dataclass(frozen=True, slots=True)
class Centres:
    large: str
    small: str


class Casework:
    """Opens the centres, then plays every case of the plan."""

    def __init__(self, client: DemoClient, cases: tuple[CasePlan, ...]) -> None:
        self._client = client
        self._cases = cases
        self._slots = asyncio.Semaphore(CONCURRENT_CASES)

    async def run(self, pause_s: float) -> None:
        centres = await self._open_centres()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._fill_small_centre(centres))
            for case in self._cases:
                await self._slots.acquire()
                group.create_task(self._play_and_free_slot(case, centres))
                await asyncio.sleep(pause_s)

    async def _play_and_free_slot(self, case: CasePlan, centres: Centres) -> None:
        try:
            await self._play(case, centres)
        finally:
            self._slots.release()

    async def _open_centres(self) -> Centres:
        large = await self._open_centre("مرکز شماره یک", County.TEHRAN, dict.fromkeys(PlaceKind, LARGE_CENTRE_PLACES))
        small = await self._open_centre("مرکز شماره دو", SMALL_CENTRE_COUNTY, {PlaceKind.FAMILY: SMALL_CENTRE_PLACES})
        return Centres(large, small)

    async def _open_centre(self, name: str, county: County, places: dict[PlaceKind, int]) -> str:
        opened = await self._client.run(
            Command(
                "centre.open",
                CENTRE_MANAGER,
                SERVICE,
                "POST",
                "/centres",
                {"name": name, "county": county.value},
                intent={"county": county},
            )
        )
        centre_id = str(opened.answer["centre_id"])
        for kind, capacity in places.items():
            await self._client.run(
                Command(
                    "centre.capacity",
                    CENTRE_MANAGER,
                    SERVICE,
                    "PUT",
                    f"/centres/{centre_id}/capacity",
                    {"place_kind": kind.value, "capacity": capacity},
                    intent={"centre_id": centre_id, "county": county, "place_kind": kind, "capacity": capacity},
                )
            )
        return centre_id

    async def _fill_small_centre(self, centres: Centres) -> None:
        """Prepare all households first, then book them one after the other; one more finds no place."""
        plans = [
            CasePlan(f"VA-{9000 + number}", SMALL_CENTRE_COUNTY, size, 0, 0, PlaceKind.FAMILY, CaseCourse.LET_LAPSE)
            for number, size in enumerate((*SMALL_CENTRE_HOUSEHOLDS, 2))
        ]
        case_ids = [await self._open_with_consent(plan) for plan in plans]
        for plan, case_id in zip(plans[:-1], case_ids, strict=False):
            await self._book(plan, case_id, centres.small)
        await self._book(plans[-1], case_ids[-1], centres.small, refusal="nationals.centre.not_enough_places")

    async def _play(self, plan: CasePlan, centres: Centres) -> None:
        match plan.course:
            case CaseCourse.LET_LAPSE:
                await self._give_information(plan, await self._open(plan))
            case CaseCourse.SIGN_OF_PRESSURE:
                await self._meet_pressure(plan, centres)
            case CaseCourse.PROTECTION_NEED:
                await self._meet_protection_need(plan, centres)
            case CaseCourse.REGULARISED:
                case_id = await self._open(plan)
                await self._give_information(plan, case_id)
                await self._step(plan, case_id, "case.close", "closure", {"outcome": "regularised"})
            case CaseCourse.CONSENT_AND_WITHDRAW_AND_CLOSE:
                case_id = await self._open_with_consent(plan)
                await self._step(plan, case_id, "case.withdraw", "withdrawal", {})
                await self._step(plan, case_id, "case.close", "closure", {"outcome": "withdrawn"})
            case _:
                await self._book_and_go_on(plan, centres)

    async def _book_and_go_on(self, plan: CasePlan, centres: Centres) -> None:
        case_id = await self._open_with_consent(plan)
        await self._book(plan, case_id, centres.large, places=plan.size + 1, refusal=_safeguard("household_not_whole"))
        booked = await self._book(plan, case_id, centres.large)
        if plan.course is CaseCourse.BOOK_AND_WITHDRAW:
            await self._step(plan, case_id, "case.withdraw", "withdrawal", {})
        elif plan.course is CaseCourse.BOOK_AND_RELEASE and booked.accepted:
            booking_id = booked.answer["booking_id"]
            await self._client.run(
                Command(
                    "booking.release",
                    f"caseworker.{plan.county}",
                    SERVICE,
                    "POST",
                    f"/bookings/{booking_id}/release",
                    {},
                    intent={"booking_id": booking_id},
                )
            )

    async def _meet_pressure(self, plan: CasePlan, centres: Centres) -> None:
        """A sign of pressure pauses the case: from then on neither consent nor booking is taken."""
        case_id = await self._open(plan)
        await self._give_information(plan, case_id)
        await self._consent(plan, case_id, given_freely=False)
        await self._consent(plan, case_id, refusal=_safeguard("pressure_recorded"))
        await self._book(plan, case_id, centres.large, refusal=_safeguard("pressure_recorded"))

    async def _meet_protection_need(self, plan: CasePlan, centres: Centres) -> None:
        """A protection need suspends the case; a relative may not interpret; without screening nothing is booked."""
        case_id = await self._open(plan)
        await self._give_information(plan, case_id)
        await self._consent(plan, case_id, interpreter="relative", refusal=_safeguard("interpreter_not_independent"))
        await self._consent(plan, case_id)
        await self._book(plan, case_id, centres.large, refusal=_safeguard("screening_missing"))
        await self._screen(plan, case_id, 1, "protection_need")
        await self._book(plan, case_id, centres.large, refusal=_safeguard("protection_claim_open"))

    async def _open_with_consent(self, plan: CasePlan) -> str:
        case_id = await self._open(plan)
        await self._give_information(plan, case_id)
        for person in range(1, plan.size + 1):
            await self._screen(plan, case_id, person, "clear")
        await self._consent(plan, case_id)
        return case_id

    async def _open(self, plan: CasePlan) -> str:
        body = {
            "reference": plan.reference,
            "county": plan.county.value,
            "adults": plan.adults,
            "children_under_5": plan.children_under_5,
            "children_5_to_17": plan.children_5_to_17,
        }
        opened = await self._client.run(
            Command("case.open", f"caseworker.{plan.county}", SERVICE, "POST", "/cases", body, intent=_of(plan))
        )
        return str(opened.answer["case_id"])

    async def _give_information(self, plan: CasePlan, case_id: str) -> None:
        body = {
            "language": "fa",
            "information_version": INFORMATION_VERSION,
            "interpreter": {"relation": "professional"},
        }
        await self._step(plan, case_id, "case.information", "information-sessions", body)

    async def _screen(self, plan: CasePlan, case_id: str, person: int, outcome: str) -> None:
        body = {"person_number": person, "outcome": outcome, "valid_days": SCREENING_VALID_DAYS}
        actor = f"protection_officer.{plan.county}"
        await self._step(plan, case_id, "case.screening", "screenings", body, actor=actor)

    async def _consent(
        self,
        plan: CasePlan,
        case_id: str,
        *,
        given_freely: bool = True,
        interpreter: str = "professional",
        refusal: str | None = None,
    ) -> None:
        body = {
            "language": "fa",
            "information_version": INFORMATION_VERSION,
            "interpreter": {"relation": interpreter},
            "given_freely": given_freely,
            "sign_of_pressure": not given_freely,
        }
        await self._step(plan, case_id, "case.consent", "consent", body, refusal=refusal)

    async def _book(
        self, plan: CasePlan, case_id: str, centre_id: str, *, places: int | None = None, refusal: str | None = None
    ) -> Entry:
        wanted = plan.size if places is None else places
        kind = PlaceKind.FAMILY
        body = {"centre_id": centre_id, "places": [{"place_kind": kind.value, "places": wanted}]}
        intent = {"centre_id": centre_id, "place_kind": kind.value, "places": wanted}
        # Centre and household are often of two counties: only a province-wide account sees both.
        return await self._step(
            plan, case_id, "case.book", "bookings", body, actor=PROVINCE_CASEWORKER, refusal=refusal, intent=intent
        )

    async def _step(
        self,
        plan: CasePlan,
        case_id: str,
        kind: str,
        path: str,
        body: dict[str, Any],
        *,
        actor: str | None = None,
        refusal: str | None = None,
        intent: dict[str, Any] | None = None,
    ) -> Entry:
        return await self._client.run(
            Command(
                kind,
                actor or f"caseworker.{plan.county}",
                SERVICE,
                "POST",
                f"/cases/{case_id}/{path}",
                body,
                intent=_of(plan) | {"case_id": case_id} | (intent or {}),
                refusal=refusal,
                # On a slow machine the voluntary period may end first: then the step is rightly refused.
                tolerated=frozenset({AWAITING_REVIEW}),
            )
        )


def _of(plan: CasePlan) -> dict[str, Any]:
    return {"county": plan.county.value, "reference": plan.reference, "course": plan.course.value}


def _safeguard(name: str) -> str:
    return f"nationals.safeguard.{name}"

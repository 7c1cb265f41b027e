"""The nationals' part of the day: centres, households' cases, bookings, withdrawals, and the centre that fills up.

Nobody is sent anywhere: one household leaves of its own will, bookings expire or are given back, and what lapses becomes a
question to people.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from deploy.demo.actors import CENTRE_MANAGER
from deploy.demo.client import Command, DemoClient
from deploy.demo.household import INTERPRETER, LANGUAGE, SERVICE, Household, safeguard
from deploy.demo.plan import CaseCourse, CasePlan
from shared.contracts.counties import County
from shared.contracts.nationals import PlaceKind

CONCURRENT_CASES = 4
LARGE_CENTRE_PLACES = 400
SMALL_CENTRE_PLACES = 20
SMALL_CENTRE_COUNTY = County.VARAMIN
SMALL_CENTRE_HOUSEHOLDS = (4, 4, 4, 4, 3, 1)
"""Their sums cross 80, 95 and 100 percent of the small centre one after the other."""
FLOOR_AREA_M2_PER_PLACE = 4
PLACES_PER_TOILET = 20
PLACES_PER_STAFF_MEMBER = 25


@dataclass(frozen=True, slots=True)
class Centres:
    large: str
    small: str


class Casework:
    """Opens the centres, then plays every case of the plan."""

    def __init__(self, client: DemoClient, cases: tuple[CasePlan, ...], booking_hold_s: float) -> None:
        self._booking_hold_s = booking_hold_s
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
            await self._play(Household(self._client, case), centres)
        finally:
            self._slots.release()

    async def _open_centres(self) -> Centres:
        large = await self._open_centre("مرکز شماره یک", County.TEHRAN, dict.fromkeys(PlaceKind, LARGE_CENTRE_PLACES))
        small = await self._open_centre("مرکز شماره دو", SMALL_CENTRE_COUNTY, {PlaceKind.FAMILY: SMALL_CENTRE_PLACES})
        return Centres(large, small)

    async def _open_centre(self, name: str, county: County, places: dict[PlaceKind, int]) -> str:
        """Places are opened only once it is on record that the centre meets the written standards for so many."""
        body = {"name": name, "county": county.value}
        opened = await self._manage("centre.open", "POST", "/centres", body, {"county": county})
        centre_id = str(opened["centre_id"])
        intent: dict[str, Any] = {"centre_id": centre_id, "county": county}
        total = sum(places.values())
        record = {
            "floor_area_m2": total * FLOOR_AREA_M2_PER_PLACE,
            "toilets": -(-total // PLACES_PER_TOILET),
            "staff_per_shift": -(-total // PLACES_PER_STAFF_MEMBER),
        }
        await self._manage("centre.record", "PUT", f"/centres/{centre_id}/record", record, intent)
        for kind, capacity in places.items():
            limit = {"place_kind": kind.value, "capacity": capacity}
            await self._manage("centre.capacity", "PUT", f"/centres/{centre_id}/capacity", limit, intent | limit)
        return centre_id

    async def _manage(
        self, kind: str, method: str, path: str, body: dict[str, Any], intent: dict[str, Any]
    ) -> dict[str, Any]:
        entry = await self._client.run(Command(kind, CENTRE_MANAGER, SERVICE, method, path, body, intent=intent))
        return entry.answer

    async def _fill_small_centre(self, centres: Centres) -> None:
        """Prepare all households first, then book them one after the other; one more finds no place, until one expires."""
        households = [
            Household(
                self._client,
                CasePlan(
                    f"VA-{9000 + number}", SMALL_CENTRE_COUNTY, size, 0, 0, PlaceKind.FAMILY, CaseCourse.LET_LAPSE
                ),
            )
            for number, size in enumerate((*SMALL_CENTRE_HOUSEHOLDS, 2))
        ]
        for household in households:
            await household.open_with_consent()
        # Taken before the first booking: an answer may come long after what it answers.
        refused_until_s = self._client.day_s() + self._booking_hold_s
        booked = [await household.book(centres.small) for household in households[:-1]]
        is_full = all(entry.accepted for entry in booked)  # none came too late, its voluntary period having lapsed
        await households[-1].book(
            centres.small,
            refusal="nationals.centre.not_enough_places",
            refused_until_s=refused_until_s if is_full else 0.0,
        )

    async def _play(self, household: Household, centres: Centres) -> None:
        match household.plan.course:
            case CaseCourse.LET_LAPSE:
                await household.open()
                await household.inform()
            case CaseCourse.SIGN_OF_PRESSURE:
                await _meet_pressure(household, centres)
            case CaseCourse.PROTECTION_NEED:
                await _meet_protection_need(household, centres)
            case CaseCourse.REGULARISED:
                await household.open()
                await household.inform()
                await household.close("regularised")
            case CaseCourse.CONSENT_AND_WITHDRAW_AND_CLOSE:
                await household.open_with_consent()
                await household.withdraw()
                await household.close("withdrawn")
            case CaseCourse.DEPART:
                await _depart(household, centres)
            case _:
                await _book_and_go_on(household, centres)


async def _book_and_go_on(household: Household, centres: Centres) -> None:
    await household.open_with_consent()
    await household.book(centres.large, places=household.plan.size + 1, refusal=safeguard("household_not_whole"))
    booked = await household.book(centres.large)
    if household.plan.course is CaseCourse.BOOK_AND_WITHDRAW:
        await household.withdraw()
    elif household.plan.course is CaseCourse.BOOK_AND_RELEASE and booked.accepted:
        await _at_booking(household, str(booked.answer["booking_id"]), "booking.release", "release", "caseworker")


async def _depart(household: Household, centres: Centres) -> None:
    """The dignified path: of its own will, informed, heard, screened, asked once more, and all together."""
    await household.open_with_consent()
    booked = await household.book(centres.large)
    if not booked.accepted:
        return
    booking_id = str(booked.answer["booking_id"])
    await _at_booking(household, booking_id, "booking.admit", "admission", CENTRE_MANAGER)
    await household.step("case.depart", "departure", {}, refusal=safeguard("reconfirmation_missing"))
    await household.step("case.reconfirm", "reconfirmations", {"language": LANGUAGE, "interpreter": INTERPRETER})
    await household.step("case.depart", "departure", {}, intent={"booking_id": booking_id})


async def _at_booking(household: Household, booking_id: str, kind: str, path: str, role: str) -> None:
    actor = CENTRE_MANAGER if role == CENTRE_MANAGER else f"{role}.{household.plan.county}"
    await household.client.run(
        Command(kind, actor, SERVICE, "POST", f"/bookings/{booking_id}/{path}", {}, intent={"booking_id": booking_id})
    )


async def _meet_pressure(household: Household, centres: Centres) -> None:
    """A sign of pressure pauses the case: from then on neither consent nor booking is taken."""
    await household.open()
    await household.inform()
    await household.consent(given_freely=False)
    await household.consent(refusal=safeguard("pressure_recorded"))
    await household.book(centres.large, refusal=safeguard("pressure_recorded"))


async def _meet_protection_need(household: Household, centres: Centres) -> None:
    """A protection need suspends the case; a relative may not interpret; without screening nothing is booked."""
    await household.open()
    await household.inform()
    await household.consent(interpreter="relative", refusal=safeguard("interpreter_not_independent"))
    await household.consent()
    await household.book(centres.large, refusal=safeguard("screening_missing"))
    await household.screen(1, "protection_need")
    await household.book(centres.large, refusal=safeguard("protection_claim_open"))

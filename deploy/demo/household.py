"""One household's case as its people play it. Every household is invented, and nobody is named."""

from dataclasses import dataclass, field
from typing import Any

from deploy.demo.client import Command, DemoClient
from deploy.demo.ledger import Entry
from deploy.demo.plan import CasePlan
from shared.contracts.nationals import PlaceKind

SERVICE = "nationals"
LANGUAGE = "fa"
INFORMATION_VERSION = 1
SCREENING_VALID_DAYS = 90
INTERPRETER = {"relation": "professional"}
AWAITING_REVIEW = "nationals.case.awaiting_legal_review"


@dataclass(slots=True)
class Household:
    """The case of one plan; `case_id` is known once it is open."""

    client: DemoClient
    plan: CasePlan
    case_id: str = field(default="")

    async def open(self) -> None:
        plan = self.plan
        body = {
            "reference": plan.reference,
            "county": plan.county.value,
            "adults": plan.adults,
            "children_under_5": plan.children_under_5,
            "children_5_to_17": plan.children_5_to_17,
        }
        opened = await self.client.run(
            Command("case.open", self._staff("caseworker"), SERVICE, "POST", "/cases", body, intent=self._intent())
        )
        self.case_id = str(opened.answer["case_id"])

    async def open_with_consent(self) -> None:
        """Informed, every adult heard privately, everybody screened, free consent recorded."""
        await self.open()
        await self.inform()
        for person in range(1, self.plan.adults + 1):
            await self.step(
                "case.hearing",
                "private-hearings",
                {"person_number": person, "language": LANGUAGE, "interpreter": INTERPRETER},
            )
        for person in range(1, self.plan.size + 1):
            await self.screen(person, "clear")
        await self.consent()

    async def inform(self) -> None:
        body = {"language": LANGUAGE, "information_version": INFORMATION_VERSION, "interpreter": INTERPRETER}
        await self.step("case.information", "information-sessions", body)

    async def screen(self, person: int, outcome: str) -> None:
        body = {"person_number": person, "outcome": outcome, "valid_days": SCREENING_VALID_DAYS}
        await self.step("case.screening", "screenings", body, role="protection_officer")

    async def consent(
        self, *, given_freely: bool = True, interpreter: str = "professional", refusal: str | None = None
    ) -> None:
        body = {
            "language": LANGUAGE,
            "information_version": INFORMATION_VERSION,
            "interpreter": {"relation": interpreter},
            "given_freely": given_freely,
            "sign_of_pressure": not given_freely,
        }
        await self.step("case.consent", "consent", body, refusal=refusal)

    async def book(
        self,
        centre_id: str,
        *,
        places: int | None = None,
        refusal: str | None = None,
        refused_until_s: float | None = None,
    ) -> Entry:
        wanted = self.plan.size if places is None else places
        kind = PlaceKind.FAMILY.value
        body = {"centre_id": centre_id, "places": [{"place_kind": kind, "places": wanted}]}
        intent = {"centre_id": centre_id, "place_kind": kind, "places": wanted}
        return await self.step(
            "case.book", "bookings", body, refusal=refusal, refused_until_s=refused_until_s, intent=intent
        )

    async def withdraw(self) -> None:
        await self.step("case.withdraw", "withdrawal", {})

    async def close(self, outcome: str) -> None:
        await self.step("case.close", "closure", {"outcome": outcome})

    async def step(
        self,
        kind: str,
        path: str,
        body: dict[str, Any],
        *,
        role: str = "caseworker",
        refusal: str | None = None,
        refused_until_s: float | None = None,
        intent: dict[str, Any] | None = None,
    ) -> Entry:
        """One step by the county's `role`; a number behind it names one of its colleagues."""
        return await self.client.run(
            Command(
                kind,
                self._staff(role),
                SERVICE,
                "POST",
                f"/cases/{self.case_id}/{path}",
                body,
                intent=self._intent() | {"case_id": self.case_id} | (intent or {}),
                refusal=refusal,
                refused_until_s=refused_until_s,
                # On a slow machine the voluntary period may end first: then the step is rightly refused.
                tolerated=frozenset({AWAITING_REVIEW}),
            )
        )

    def _staff(self, role: str) -> str:
        return f"{role}.{self.plan.county}"

    def _intent(self) -> dict[str, Any]:
        return {"county": self.plan.county.value, "reference": self.plan.reference, "course": self.plan.course.value}


def safeguard(name: str) -> str:
    """The code of a refusal that serves a safeguard."""
    return f"nationals.safeguard.{name}"

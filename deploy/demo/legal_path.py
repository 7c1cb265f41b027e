"""A case whose voluntary period lapses: people review it, an appeal suspends everything, and it ends well.

The legal basis in it is invented for this day: none ships with the software, and without one the outcome is refused.
"""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from deploy.demo.client import Command, DemoClient
from deploy.demo.household import INTERPRETER, LANGUAGE, SERVICE, Household, safeguard
from deploy.demo.ledger import Entry
from deploy.demo.plan import CaseCourse, CasePlan
from shared.contracts.counties import County
from shared.contracts.nationals import PlaceKind

COUNTY: Final = County.REY
PLAN: Final = CasePlan("RE-9001", COUNTY, 2, 1, 1, PlaceKind.FAMILY, CaseCourse.LET_LAPSE)
LEGAL_OFFICER: Final = f"legal_officer.{COUNTY}"
REGISTRAR: Final = "legal_basis_registrar"
REVIEW_DEADLINE_S: Final = 150.0
REVIEWS_PAGE: Final = "500"
LOOK_INTERVAL_S: Final = 0.25
CONSIDERED: Final = (
    "protection",
    "children",
    "health",
    "family_unity",
    "household_heard",
    "voluntary_return_offered_anew",
)


async def play(client: DemoClient) -> str:
    """Lapse, refusal without a legal basis, written decision by two people, service, appeal, annulment, a good end."""
    household = Household(client, PLAN)
    await household.open()
    await household.inform()
    for person in range(1, PLAN.size + 1):
        await household.screen(person, "clear")
    await _wait_for_review(client, household.case_id)
    adverse = {
        "outcome": "refer_to_competent_authority",
        "reasons": "متن نمونه: دلیل‌های فردی این خانوار.",
        "appeal_instructions": "متن نمونه: تا سی روز می‌توانید اعتراض کنید.",
    }
    await _take_and_assess(household, 1)
    await _propose(household, 1, adverse, refusal=safeguard("no_legal_basis"))
    proposed = await _propose(household, 1, adverse | {"legal_basis_id": await _enter_legal_basis(client)})
    await _confirm(household, 1, proposed, refusal=safeguard("second_person_required"))
    await _confirm(household, 2, proposed)
    served = {"language": LANGUAGE, "interpreter": INTERPRETER, "understood": True}
    await household.step("decision.serve", "legal-decision/service", served)
    # With a reason, in case that a slow machine lets the window end before: a late appeal suspends as well.
    await household.step("appeal.lodge", "appeals", {"late_reason": "متن نمونه: خانوار دیر به دفتر رسید."})
    await _try_to_refer(household, refusal=safeguard("appeal_open"))
    annulled = {"outcome": "annulled", "reasons": "متن نمونه: شرایط کودکان بررسی نشده بود."}
    await household.step("appeal.decide", "appeals/outcome", annulled, role="appeal_officer")
    await _wait_for_review(client, household.case_id)
    await _take_and_assess(household, 3)
    await _confirm(household, 4, await _propose(household, 3, {"outcome": "regularised"}))
    return "an appeal suspended the decision of a legal review and was heard; the household stays"


async def _wait_for_review(client: DemoClient, case_id: str) -> None:
    """Wait until the case stands in the legal office's queue; what comes next is refused, and told, if it never does."""
    deadline = time.monotonic() + REVIEW_DEADLINE_S
    while time.monotonic() < deadline:
        after: str | None = None
        while True:
            params = {"limit": REVIEWS_PAGE} | ({"after": after} if after else {})
            page = await client.read(LEGAL_OFFICER, SERVICE, "/legal-reviews", params)
            if any(review["case_id"] == case_id for review in page["items"]):
                return
            after = page["next"]
            if not after:
                break
        await asyncio.sleep(LOOK_INTERVAL_S)


async def _take_and_assess(household: Household, officer: int) -> None:
    """A legal officer takes the review and looks at this one household."""
    await _by_officer(household, officer, "review.take", "first-reviewer", {})
    await _by_officer(household, officer, "review.assess", "assessments", {"considered": list(CONSIDERED)})


async def _propose(
    household: Household, officer: int, proposal: Mapping[str, Any], refusal: str | None = None
) -> Entry:
    return await _by_officer(household, officer, "review.propose", "proposals", dict(proposal), refusal)


async def _confirm(household: Household, officer: int, proposed: Entry, refusal: str | None = None) -> None:
    body = {"decision_id": proposed.answer.get("decision_id")}
    await _by_officer(household, officer, "review.confirm", "confirmation", body, refusal)


async def _by_officer(
    household: Household, officer: int, kind: str, path: str, body: dict[str, Any], refusal: str | None = None
) -> Entry:
    return await household.step(kind, f"legal-review/{path}", body, role=f"legal_officer{officer}", refusal=refusal)


async def _try_to_refer(household: Household, refusal: str) -> None:
    await household.step("case.refer", "referral", {}, role="legal_officer3", refusal=refusal)


async def _enter_legal_basis(client: DemoClient) -> str:
    """One registrar enters the record, another confirms it."""
    today = datetime.now(UTC).date()
    body = {
        "title": "مبنای نمونه برای نمایش",
        "instrument_number": "DEMO-1",
        "in_force_from": (today - timedelta(days=1)).isoformat(),
        "in_force_until": (today + timedelta(days=365)).isoformat(),
    }
    entered = await client.run(Command("legal_basis.enter", f"{REGISTRAR}1", SERVICE, "POST", "/legal-bases", body))
    basis_id = str(entered.answer["basis_id"])
    path = f"/legal-bases/{basis_id}/confirmation"
    await client.run(Command("legal_basis.confirm", f"{REGISTRAR}2", SERVICE, "POST", path, {}))
    return basis_id

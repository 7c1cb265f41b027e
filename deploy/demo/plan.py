"""What the day intends to do, drawn once from the seed: the same seed plans the same day.

The plan holds intentions only (a figure twice the registered one, an item that fails); which ids they get is the
services' business.
"""

from dataclasses import dataclass
from enum import StrEnum
from random import Random

from shared.contracts.counties import County
from shared.contracts.nationals import PlaceKind
from shared.contracts.warehouse import ChecklistItem, Severity, Verdict

INSPECTIONS = 400
CASES = 64
CAPACITY_SHARE_OK = (0.97, 1.03)
"""Well inside the reconciliation's tolerance of a tenth."""
CAPACITY_SHARE_DIFFERS = (1.4, 1.9)
"""Well outside the tolerance, well below the factor that calls for a recount."""
IN_USE_SHARE = (0.2, 0.9)
SUSPICION_SHARE = 0.08
DIFFERS_SHARE = 0.2
FAILED_ITEM_SHARE = 0.3
RETURNED_SHARE = 0.1
SECOND_VISIT_SHARE = 0.1


class ActionFollowUp(StrEnum):
    """What becomes of the corrective actions of one inspection."""

    RESOLVE_EARLY = "resolve_early"
    RESOLVE_LATE = "resolve_late"
    LEAVE = "leave"


class CaseCourse(StrEnum):
    """How one household's case goes."""

    BOOK_AND_LET_EXPIRE = "book_and_let_expire"
    BOOK_AND_WITHDRAW = "book_and_withdraw"
    BOOK_AND_RELEASE = "book_and_release"
    CONSENT_AND_WITHDRAW_AND_CLOSE = "consent_and_withdraw_and_close"
    LET_LAPSE = "let_lapse"
    SIGN_OF_PRESSURE = "sign_of_pressure"
    PROTECTION_NEED = "protection_need"
    REGULARISED = "regularised"
    DEPART = "depart"


@dataclass(frozen=True, slots=True)
class Visit:
    """One inspection of one site. `site` and `visit` count from 0 within the county and the site."""

    site: int
    visit: int
    capacity_share: float
    in_use_share: float
    verdict: Verdict
    failed_items: tuple[ChecklistItem, ...]
    severity: Severity
    suspicion: str | None
    returned_first: bool
    actions: ActionFollowUp
    resolve_discrepancy: bool
    lift_hold: bool


@dataclass(frozen=True, slots=True)
class CountyPlan:
    county: County
    sites: tuple[tuple[Visit, ...], ...]
    """The visits of each site, in order."""


@dataclass(frozen=True, slots=True)
class CasePlan:
    reference: str
    county: County
    adults: int
    children_under_5: int
    children_5_to_17: int
    place_kind: PlaceKind
    course: CaseCourse

    @property
    def size(self) -> int:
        return self.adults + self.children_under_5 + self.children_5_to_17


@dataclass(frozen=True, slots=True)
class DayPlan:
    counties: tuple[CountyPlan, ...]
    cases: tuple[CasePlan, ...]


def plan_day(random: Random, scale: float = 1.0) -> DayPlan:
    """The whole day; `scale` shrinks the numbers but leaves every kind of happening in it."""
    visits = max(3, round(INSPECTIONS * scale / len(County)))
    cases = max(len(CaseCourse), round(CASES * scale))
    return DayPlan(
        counties=tuple(_plan_county(random, county, visits) for county in County),
        cases=tuple(_plan_case(random, number) for number in range(cases)),
    )


def _plan_county(random: Random, county: County, visits: int) -> CountyPlan:
    sites: list[tuple[Visit, ...]] = []
    planned = 0
    while planned < visits:
        times = 2 if random.random() < SECOND_VISIT_SHARE and planned + 2 <= visits else 1
        sites.append(tuple(_plan_visit(random, len(sites), number) for number in range(times)))
        planned += times
    return CountyPlan(county, tuple(sites))


def _plan_visit(random: Random, site: int, visit: int) -> Visit:
    differs = random.random() < DIFFERS_SHARE
    fails = random.random() < FAILED_ITEM_SHARE
    suspicion = random.choice(("biological_hazard", "smuggling_suspicion"))
    return Visit(
        site=site,
        visit=visit,
        capacity_share=random.uniform(*(CAPACITY_SHARE_DIFFERS if differs else CAPACITY_SHARE_OK)),
        in_use_share=random.uniform(*IN_USE_SHARE),
        verdict=Verdict.DIFFERS if differs else Verdict.CONFIRMED,
        failed_items=tuple(random.sample(list(ChecklistItem), k=random.choice((1, 1, 2)))) if fails else (),
        severity=random.choice(list(Severity)),
        # A site has one open hold per ground: only the first visit puts it on hold.
        suspicion=suspicion if random.random() < SUSPICION_SHARE and visit == 0 else None,
        returned_first=random.random() < RETURNED_SHARE,
        actions=random.choice(list(ActionFollowUp)),
        resolve_discrepancy=random.random() < 0.5,
        lift_hold=random.random() < 0.5,
    )


def _plan_case(random: Random, number: int) -> CasePlan:
    counties = list(County)
    county = counties[number % len(counties)]
    courses = list(CaseCourse)
    # Shifted once a round, so that every county sees other courses.
    course = courses[(number + number // len(counties)) % len(courses)]
    adults = random.randint(1, 2)
    return CasePlan(
        reference=f"{county.value[:2].upper()}-{number + 1:04d}",
        county=county,
        adults=adults,
        children_under_5=random.randint(0, 1),
        children_5_to_17=random.randint(0, 2),
        place_kind=PlaceKind.FAMILY if adults == 2 else PlaceKind.SINGLE,
        course=course,
    )

"""What officers ask the service for over HTTP: legal and illegal steps, by the right and the wrong people."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import UUID, uuid4

from services.nationals.casework.domain.steps import Step

Pointers = Mapping[str, Any]
"""What a case offers to the next step: the columns of `POINTERS`, and the ids of centres and legal bases."""

POINTERS = """
    SELECT c.state, c.household_size AS size, c.adults, b.booking_id, p.pause_id, p.safeguard, k.clearance_id, s.split_id,
           d.decision_id, d.state AS decision_state, coalesce(i.information_version, 1) AS version
    FROM casework.return_case AS c
    LEFT JOIN LATERAL (SELECT booking_id FROM casework.booking WHERE case_id = c.case_id
                       ORDER BY booked_at DESC LIMIT 1) AS b ON true
    LEFT JOIN LATERAL (SELECT pause_id, safeguard FROM casework.case_pause WHERE case_id = c.case_id AND ended_at IS NULL
                       ORDER BY opened_at DESC LIMIT 1) AS p ON true
    LEFT JOIN LATERAL (SELECT clearance_id FROM casework.pause_clearance WHERE case_id = c.case_id AND decision IS NULL
                       ORDER BY position DESC LIMIT 1) AS k ON true
    LEFT JOIN LATERAL (SELECT split_id FROM casework.household_split WHERE case_id = c.case_id
                       ORDER BY requested_at DESC LIMIT 1) AS s ON true
    LEFT JOIN LATERAL (SELECT decision_id, state FROM casework.legal_decision WHERE case_id = c.case_id
                       ORDER BY position DESC LIMIT 1) AS d ON true
    LEFT JOIN LATERAL (SELECT information_version FROM casework.information_session WHERE case_id = c.case_id
                       ORDER BY position DESC LIMIT 1) AS i ON true
    WHERE c.case_id = $1
"""
OFFICES = ("protection_officer", "medical_officer", "child_protection_officer")
REASON_OF_PAUSE = {2: "no_pressure_found", 5: "claim_decided", 8: "child_procedure_complete", 9: "fit_to_travel"}
CONSIDERATIONS = [
    "protection",
    "children",
    "health",
    "family_unity",
    "household_heard",
    "voluntary_return_offered_anew",
]


@dataclass(frozen=True, slots=True)
class Person:
    subject: str
    roles: tuple[str, ...]
    county: str = "rey"


@dataclass(frozen=True, slots=True)
class Call:
    """`path` names its ids by the columns of `POINTERS`; one that a case does not have is asked for by an unknown id."""

    method: str
    path: str
    person: Person
    body: Callable[[Pointers], Any] | None = None

    @property
    def steps(self) -> frozenset[Step]:
        """The steps of the domain's tables that the request may take."""
        return STEPS_OF_PATH[self.path.removeprefix(CASE).removeprefix("/bookings/{booking_id}")]

    def request(self, case_id: UUID, pointers: Pointers) -> tuple[str, str, Any]:
        """(method, path, body)."""
        ids = {name: value if isinstance(value, UUID) else uuid4() for name, value in pointers.items()}
        return self.method, self.path.format(**{**ids, "case": case_id}), self.body(pointers) if self.body else None


def _is(value: Any) -> Callable[[Pointers], Any]:
    return lambda _: value


def _interpreted(relation: str, **more: Any) -> dict[str, Any]:
    return {"language": "fa", "interpreter": {"relation": relation}, **more}


def _consent(relation: str = "professional", free: bool = True, off_by: int = 0) -> Callable[[Pointers], Any]:
    def body(pointers: Pointers) -> Any:
        given = {
            "information_version": pointers["version"] + off_by,
            "given_freely": free,
            "sign_of_pressure": not free,
        }
        return _interpreted(relation, **given)

    return body


def _places(centre: str, missing: int = 0) -> Callable[[Pointers], Any]:
    def body(pointers: Pointers) -> Any:
        places = max(pointers["size"] - missing, 1) if missing >= 0 else pointers["size"] - missing
        return {"centre_id": str(pointers[centre]), "places": [{"place_kind": "family", "places": places}]}

    return body


def _proposal(outcome: str, basis: str | None = "basis", reasons: str | None = "why") -> Callable[[Pointers], Any]:
    def body(pointers: Pointers) -> Any:
        return {
            "outcome": outcome,
            "reasons": reasons,
            "appeal_instructions": "how",
            "legal_basis_id": str(pointers[basis]) if basis else None,
        }

    return body


def _split_references(decision: str) -> Callable[[Pointers], Any]:
    def body(_: Pointers) -> Any:
        number = uuid4().int
        return {
            "decision": decision,
            "leaving_reference": f"L-{number % 999983}-{number // 999983 % 999}",
            "staying_reference": f"S-{number % 999983}-{number // 999983 % 999}",
        }

    return body


def _children(kind: str) -> Callable[[Pointers], Any]:
    def body(pointers: Pointers) -> Any:
        return {
            "person_number": pointers["adults"] + 1,
            "kind": kind,
            "appointment_reference": "GA-1" if kind == "guardian_appointed" else None,
            "determination_version": 1 if kind == "best_interests_determined" else None,
            "dated_on": "2026-01-01",
        }

    return body


def _reason(pointers: Pointers) -> Any:
    return {"reason": REASON_OF_PAUSE.get(pointers["safeguard"] or 9, "need_met")}


def _decision_id(pointers: Pointers) -> Any:
    return {"decision_id": str(pointers["decision_id"] or uuid4()), "reason": "a reason"}


WORKER = Person("caseworker.one", ("caseworker",))
UNASSIGNED = Person("caseworker.two", ("caseworker",))
ELSEWHERE = Person("caseworker.far", ("caseworker", "legal_officer"), "varamin")
PROTECTION = tuple(Person(f"protection.{name}", OFFICES) for name in ("one", "two", "three"))
CHILD = tuple(Person(f"child.{name}", ("child_protection_officer",)) for name in ("one", "two"))
LEGAL = tuple(Person(f"legal.{name}", ("legal_officer",)) for name in ("one", "two", "three", "four"))
APPEALS = tuple(Person(f"appeals.{name}", ("appeal_officer",)) for name in ("one", "two"))
JUDGING_REVIEWER = Person("legal.two", ("legal_officer", "appeal_officer"))
JUDGING_OPENER = Person("caseworker.one", ("caseworker", "legal_officer", "appeal_officer"))
MANAGER = Person("manager.one", ("centre_manager",))
REGISTRARS = tuple(Person(f"registrar.{name}", ("legal_basis_registrar",)) for name in ("one", "two"))
CASE = "/cases/{case}"
_S = Step
STEPS_OF_PATH: Mapping[str, frozenset[Step]] = {
    "/information-sessions": frozenset({_S.GIVE_INFORMATION}),
    "/screenings": frozenset({_S.SCREEN_PERSON}),
    "/private-hearings": frozenset({_S.HEAR_PRIVATELY}),
    "/consent": frozenset({_S.RECORD_CONSENT, _S.RECORD_PRESSURE}),
    "/reconfirmations": frozenset({_S.RECONFIRM}),
    "/departure": frozenset({_S.DEPART}),
    "/withdrawal": frozenset({_S.WITHDRAW}),
    "/closure": frozenset({_S.CLOSE}),
    "/bookings": frozenset({_S.BOOK_PLACES}),
    "/waiting-list": frozenset({_S.JOIN_WAITING_LIST}),
    "/waiting-list/leave": frozenset(),
    "/release": frozenset({_S.END_BOOKING}),
    "/acceptance": frozenset({_S.ACCEPT_OFFER}),
    "/decline": frozenset({_S.END_BOOKING}),
    "/admission": frozenset({_S.ADMIT_HOUSEHOLD}),
    "/split-requests": frozenset({_S.REQUEST_SPLIT}),
    "/split-requests/{split_id}/decision": frozenset({_S.SPLIT_HOUSEHOLD}),
    "/child-protection-records": frozenset({_S.RECORD_CHILD_PROTECTION}),
    "/pauses/{pause_id}/clearances": frozenset(),
    "/clearances/{clearance_id}/decision": frozenset(),
    "/legal-review/first-reviewer": frozenset({_S.TAKE_REVIEW}),
    "/legal-review/assessments": frozenset({_S.RECORD_ASSESSMENT}),
    "/legal-review/proposals": frozenset({_S.PROPOSE_OUTCOME}),
    "/legal-review/confirmation": frozenset({_S.CONFIRM_OUTCOME}),
    "/legal-review/return": frozenset({_S.RETURN_PROPOSAL}),
    "/legal-decision/service": frozenset({_S.SERVE_DECISION}),
    "/appeals": frozenset({_S.LODGE_APPEAL}),
    "/appeals/outcome": frozenset({_S.ANNUL_DECISION, _S.UPHOLD_DECISION}),
    "/referral": frozenset({_S.REFER_TO_COMPETENT_AUTHORITY}),
    "/voluntary-stage": frozenset({_S.RETURN_TO_VOLUNTARY_STAGE}),
}
"""By the path below the case's, or the booking's."""


def _voluntary() -> Mapping[str, Call]:
    calls: dict[str, Call] = {}
    for relation, version in (("professional", 1), ("none", 2), ("relative", 1)):
        body = _interpreted(relation, information_version=version)
        calls[f"inform {relation} {version}"] = Call("POST", f"{CASE}/information-sessions", WORKER, _is(body))
    for outcome, number, by in product(
        ("clear", "medical_flag", "vulnerability_flag", "protection_need"), (1, 2, 3), PROTECTION[:1]
    ):
        if outcome == "clear" or number == 1:
            body = {"person_number": number, "outcome": outcome, "valid_days": 90}
            calls[f"screen {number} {outcome}"] = Call("POST", f"{CASE}/screenings", by, _is(body))
    for number, relation in ((1, "professional"), (2, "professional"), (1, "relative"), (9, "none")):
        body = _interpreted(relation, person_number=number)
        calls[f"hear {number} {relation}"] = Call("POST", f"{CASE}/private-hearings", WORKER, _is(body))
    consent = f"{CASE}/consent"
    calls["consent"] = Call("POST", consent, WORKER, _consent())
    calls["consent through a relative"] = Call("POST", consent, WORKER, _consent("relative"))
    calls["consent on another version"] = Call("POST", consent, WORKER, _consent(off_by=1))
    calls["pressure"] = Call("POST", consent, WORKER, _consent("decider", free=False))
    calls["consent by a stranger"] = Call("POST", consent, UNASSIGNED, _consent())
    calls["reconfirm"] = Call("POST", f"{CASE}/reconfirmations", WORKER, _is(_interpreted("professional")))
    calls["reconfirm through a relative"] = Call(
        "POST", f"{CASE}/reconfirmations", WORKER, _is(_interpreted("relative"))
    )
    calls["reconfirm in another language"] = Call(
        "POST", f"{CASE}/reconfirmations", WORKER, _is({**_interpreted("none"), "language": "en"})
    )
    calls["depart"] = Call("POST", f"{CASE}/departure", WORKER)
    for name, person in (("", WORKER), (" heard by another", PROTECTION[1]), (" elsewhere", ELSEWHERE)):
        calls[f"withdraw{name}"] = Call("POST", f"{CASE}/withdrawal", person)
    for outcome in ("not_viable", "regularised", "protection_referral", "withdrawn"):
        calls[f"close {outcome}"] = Call("POST", f"{CASE}/closure", LEGAL[0], _is({"outcome": outcome}))
    calls["close elsewhere"] = Call("POST", f"{CASE}/closure", ELSEWHERE, _is({"outcome": "not_viable"}))
    return calls


def _places_and_protection() -> Mapping[str, Call]:
    calls: dict[str, Call] = {}
    for name, centre, missing in (
        ("", "centre", 0),
        (" short", "centre", 1),
        (" more", "centre", -1),
        (" in full", "full", 0),
    ):
        calls[f"book{name}"] = Call("POST", f"{CASE}/bookings", WORKER, _places(centre, missing))
    for name, centre, missing in (("", "full", 0), (" where it is free", "centre", 0), (" for more", "full", -1)):
        calls[f"wait{name}"] = Call("POST", f"{CASE}/waiting-list", WORKER, _places(centre, missing))
    calls["leave the list"] = Call("POST", f"{CASE}/waiting-list/leave", WORKER)
    for step, person in (("release", WORKER), ("acceptance", WORKER), ("decline", WORKER), ("admission", MANAGER)):
        calls[step] = Call("POST", f"/bookings/{{booking_id}}/{step}", person)
    calls["request a split"] = Call("POST", f"{CASE}/split-requests", PROTECTION[0], _is({"leaving": [1]}))
    calls["request a split of all"] = Call("POST", f"{CASE}/split-requests", PROTECTION[0], _is({"leaving": [1, 2, 3]}))
    for decision, person in (("approved", PROTECTION[1]), ("approved", PROTECTION[0]), ("rejected", PROTECTION[1])):
        path = f"{CASE}/split-requests/{{split_id}}/decision"
        calls[f"split {decision} by {person.subject}"] = Call("POST", path, person, _split_references(decision))
    for kind, person in (
        ("guardian_appointed", CHILD[0]),
        ("best_interests_determined", CHILD[0]),
        ("reception_verified", CHILD[0]),
        ("reception_verified", PROTECTION[1]),
    ):
        path = f"{CASE}/child-protection-records"
        calls[f"{kind} by {person.subject}"] = Call("POST", path, person, _children(kind))
    for person in (WORKER, *PROTECTION, *CHILD):
        as_officer = Person(person.subject, person.roles if person is not WORKER else ("caseworker", *OFFICES))
        path = f"{CASE}/pauses/{{pause_id}}/clearances"
        calls[f"propose to clear by {person.subject}"] = Call("POST", path, as_officer, _reason)
        for decision in ("confirmed", "rejected"):
            path = f"{CASE}/clearances/{{clearance_id}}/decision"
            calls[f"clearance {decision} by {person.subject}"] = Call(
                "POST", path, as_officer, _is({"decision": decision})
            )
    return calls


def _phase_two() -> Mapping[str, Call]:
    calls: dict[str, Call] = {}
    review = f"{CASE}/legal-review"
    for person in LEGAL[:3]:
        calls[f"take by {person.subject}"] = Call("POST", f"{review}/first-reviewer", person)
    for person in LEGAL[:2]:
        for name, considered in (("whole", CONSIDERATIONS), ("part", CONSIDERATIONS[:2])):
            call = Call("POST", f"{review}/assessments", person, _is({"considered": considered}))
            calls[f"assess in {name} by {person.subject}"] = call
    adverse = "refer_to_competent_authority"
    for person in (LEGAL[0], LEGAL[2]):
        calls[f"propose adverse by {person.subject}"] = Call("POST", f"{review}/proposals", person, _proposal(adverse))
    calls["propose adverse without a basis"] = Call("POST", f"{review}/proposals", LEGAL[0], _proposal(adverse, None))
    calls["propose adverse on a draft"] = Call("POST", f"{review}/proposals", LEGAL[0], _proposal(adverse, "draft"))
    calls["propose adverse unwritten"] = Call("POST", f"{review}/proposals", LEGAL[0], _proposal(adverse, reasons=None))
    for outcome in ("regularised", "renewed_voluntary_period"):
        calls[f"propose {outcome}"] = Call("POST", f"{review}/proposals", LEGAL[0], _proposal(outcome, None, None))
    opener = Person("caseworker.one", ("legal_officer",))
    for person in (*LEGAL, opener):
        calls[f"confirm by {person.subject}"] = Call("POST", f"{review}/confirmation", person, _decision_id)
        calls[f"return by {person.subject}"] = Call("POST", f"{review}/return", person, _decision_id)
    unknown = _is({"decision_id": str(UUID(int=0)), "reason": " "})
    calls["confirm an unknown proposal"] = Call("POST", f"{review}/confirmation", LEGAL[1], unknown)
    calls["return without a reason"] = Call(
        "POST", f"{review}/return", LEGAL[1], lambda pointers: {**_decision_id(pointers), "reason": " "}
    )
    for relation, understood in (("professional", True), ("professional", False), ("relative", True)):
        body = _is(_interpreted(relation, understood=understood))
        calls[f"serve {relation} {understood}"] = Call("POST", f"{CASE}/legal-decision/service", LEGAL[2], body)
    calls["appeal"] = Call("POST", f"{CASE}/appeals", WORKER, _is({}))
    calls["appeal late"] = Call("POST", f"{CASE}/appeals", WORKER, _is({"late_reason": "ill"}))
    for outcome, person in product(("upheld", "annulled"), (APPEALS[0], JUDGING_REVIEWER, JUDGING_OPENER)):
        body = _is({"outcome": outcome, "reasons": "why"})
        calls[f"appeal {outcome} by {person.subject}"] = Call("POST", f"{CASE}/appeals/outcome", person, body)
    calls["refer"] = Call("POST", f"{CASE}/referral", LEGAL[2])
    calls["back to the voluntary stage"] = Call("POST", f"{CASE}/voluntary-stage", LEGAL[2])
    return calls


CALLS: Mapping[str, Call] = {**_voluntary(), **_places_and_protection(), **_phase_two()}
FIRST_OF_STEP = frozenset({call.path: name for name, call in reversed(CALLS.items())}.values()) | {"pressure"}
"""One call of each path, and the one that is another step: for who may take the step at all."""

NEXT: Mapping[str, tuple[str, ...]] = {
    "opened": ("inform professional 1", "screen 1 clear", "hear 1 professional"),
    "informed": (
        "screen 2 clear",
        "screen 3 clear",
        "hear 1 professional",
        "hear 2 professional",
        "consent",
        "screen 1 clear",
    ),
    "consented": ("book", "book", "wait", "reconfirm", "hear 1 professional", "acceptance", "request a split"),
    "booked": ("reconfirm", "depart", "depart", "admission", "release", "withdraw"),
    "withdrawn": ("inform professional 1", "consent", "close withdrawn"),
    "awaiting_legal_review": (
        "take by legal.one",
        "assess in whole by legal.one",
        "propose adverse by legal.one",
        "confirm by legal.two",
        "serve professional True",
        "back to the voluntary stage",
        "propose regularised",
    ),
    "decision_served": ("appeal", "appeal late", "refer", "refer"),
    "appealed": ("appeal annulled by appeals.one", "appeal upheld by appeals.one"),
}
"""What usually comes next in a state, so that cases get far."""
PAUSED = (
    "propose to clear by protection.two",
    "clearance confirmed by protection.three",
    "propose to clear by child.one",
    "clearance confirmed by child.two",
    "split approved by protection.two",
    "split rejected by protection.two",
    "guardian_appointed by child.one",
    "best_interests_determined by child.one",
    "reception_verified by protection.two",
)

"""Households in every situation that a rule is about, each made by the service's own roles through all guards."""

from pathlib import Path
from uuid import UUID

from shared.kit.connections import Connection

HERE = Path(__file__).parent
_READY = ("open('{c}')", "inform('{c}')", "screen('{c}')", "hear('{c}')", "consent('{c}')")
_FAMILY = ("open('{c}', 2, 1)", *_READY[1:])
_LAPSED = ("open('{c}')", "inform('{c}')", "screen('{c}')", "lapse('{c}')")
_ASSESSED = (*_LAPSED, "take_review('{c}')", "assess('{c}')")
_DECIDED = (*_ASSESSED, "propose('{c}', '{basis}')", "confirm('{c}')")
_SERVED = (*_DECIDED, "serve('{c}')")
_ENDED_WINDOW = (*_SERVED, "turn_clock('{c}', '31 days')")
_BOOKED = (*_READY, "book('{c}', '{centre}')")
_CHILD = ("open('{c}', 0, 1, true)",)

SITUATIONS: dict[str, tuple[str, ...]] = {
    "opened": ("open('{c}')",),
    "informed": ("open('{c}', 2, 1)", "inform('{c}')"),
    "unscreened": ("open('{c}', 2, 1)", "inform('{c}')", "hear('{c}')", "consent('{c}')"),
    "unheard": ("open('{c}')", "inform('{c}')", "screen('{c}')", "consent('{c}')"),
    "ready": _READY,
    "family": _FAMILY,
    "screening_expired": (*_READY, "turn_clock('{c}', '91 days')"),
    "outdated": (*_READY, "inform_anew('{c}')"),
    "booked": _BOOKED,
    "family_booked": (*_FAMILY, "book('{c}', '{centre}')"),
    "booking_over": (*_BOOKED, "turn_clock('{c}', '4 days')"),
    "booked_unscreened": (*_BOOKED, "turn_clock('{c}', '91 days')"),
    "admitted": (*_BOOKED, "admit('{c}')"),
    "admitted_and_over": (*_BOOKED, "admit('{c}')", "turn_clock('{c}', '4 days')"),
    "reconfirmed": (*_BOOKED, "reconfirm('{c}')"),
    "reconfirmed_admitted": (*_BOOKED, "admit('{c}')", "reconfirm('{c}')"),
    "reconfirmed_unscreened": (*_BOOKED, "turn_clock('{c}', '91 days')", "reconfirm('{c}')"),
    "reconfirmed_unbooked": (*_READY, "reconfirm('{c}')"),
    "reconfirmed_outdated": (*_BOOKED, "reconfirm('{c}')", "inform_anew('{c}')"),
    "reconfirmed_flagged": (*_BOOKED, "reconfirm('{c}')", "screen('{c}', 'medical_flag')"),
    "reconfirmation_over": (*_BOOKED, "reconfirm('{c}')", "turn_clock('{c}', '4 days')"),
    "on_its_way_at_the_end": (*_READY, "turn_clock('{c}', '31 days')", "reconfirm('{c}')"),
    "withdrawn": (*_READY, "withdraw('{c}')"),
    "pressed": (*_READY, "press('{c}')"),
    "booked_pressed": (*_BOOKED, "press('{c}')"),
    "claimed": (*_READY, "screen('{c}', 'protection_need')"),
    "flagged": (*_READY, "screen('{c}', 'medical_flag')"),
    "booked_flagged": (*_BOOKED, "screen('{c}', 'vulnerability_flag')"),
    "flagged_at_the_end": ("open('{c}')", "screen('{c}', 'medical_flag')", "turn_clock('{c}', '31 days')"),
    "clearance_proposed": (
        *_READY,
        "screen('{c}', 'vulnerability_flag')",
        "propose_clearance('{c}', 9, 'need_met', 'protection.two')",
    ),
    "flagged_since": (
        *_READY,
        "screen('{c}', 'vulnerability_flag')",
        "propose_clearance('{c}', 9, 'need_met', 'protection.two')",
        "screen_only('{c}', 'vulnerability_flag')",
    ),
    "pressure_clearance_proposed": (
        *_READY,
        "press('{c}')",
        "propose_clearance('{c}', 2, 'no_pressure_found', 'protection.two')",
    ),
    "claim_clearance_proposed": (
        *_READY,
        "screen('{c}', 'protection_need')",
        "propose_clearance('{c}', 5, 'claim_decided', 'protection.two')",
    ),
    "child": _CHILD,
    "child_recorded": (*_CHILD, "record_children('{c}')"),
    "child_clearance_proposed": (
        *_CHILD,
        "record_children('{c}')",
        "propose_clearance('{c}', 8, 'child_procedure_complete', 'child.one')",
    ),
    "child_ready": (
        *_CHILD,
        "record_children('{c}')",
        "propose_clearance('{c}', 8, 'child_procedure_complete', 'child.one')",
        "clear('{c}', 'child.two')",
        "inform('{c}')",
        "screen('{c}')",
        "consent('{c}')",
    ),
    "child_unprotected": (*_CHILD, "inform('{c}')", "screen('{c}')"),
    "split_requested": (*_FAMILY, "request_split('{c}')"),
    "family_split_booked": (*_FAMILY, "book('{c}', '{centre}')", "request_split('{c}')"),
    "waiting": (*_READY, "join_list('{c}', '{full}')"),
    "offered": (*_READY, "join_list('{c}', '{listed}')", "offer('{c}')"),
    "at_the_end": ("open('{c}')", "turn_clock('{c}', '31 days')"),
    "booked_at_the_end": (*_READY, "turn_clock('{c}', '31 days')", "book('{c}', '{centre}')"),
    "departed": (*_BOOKED, "reconfirm('{c}')", "depart('{c}')"),
    "closed": (*_READY, "close('{c}')"),
    "split": (*_FAMILY, "request_split('{c}')", "split_up('{c}')"),
    "lapsed": _LAPSED,
    "review_taken": (*_LAPSED, "take_review('{c}')"),
    "assessed": _ASSESSED,
    "assessed_flagged": (*_ASSESSED, "screen('{c}', 'medical_flag')"),
    "proposed": (*_ASSESSED, "propose('{c}', '{basis}')"),
    "proposed_flagged": (*_ASSESSED, "propose('{c}', '{basis}')", "screen('{c}', 'medical_flag')"),
    "proposed_on_ended_basis": (*_ASSESSED, "propose('{c}', '{ended_basis}')"),
    "favourably_proposed": (*_ASSESSED, "propose('{c}', NULL, 'regularised')"),
    "renewal_proposed": (*_ASSESSED, "propose('{c}', NULL, 'renewed_voluntary_period')"),
    "decided": _DECIDED,
    "decided_flagged": (*_DECIDED, "screen('{c}', 'protection_need')"),
    "decided_on_ended_basis": (*_ASSESSED, "propose('{c}', '{ended_basis}')", "confirm('{c}')"),
    "served": _SERVED,
    "window_ended": _ENDED_WINDOW,
    "window_ended_flagged": (*_ENDED_WINDOW, "screen('{c}', 'vulnerability_flag')"),
    "window_ended_unscreened": (*_SERVED, "turn_clock('{c}', '91 days')"),
    "window_ended_on_ended_basis": (
        *_ASSESSED,
        "propose('{c}', '{ended_basis}')",
        "confirm('{c}')",
        "serve('{c}')",
        "turn_clock('{c}', '31 days')",
    ),
    "appealed": (*_SERVED, "appeal('{c}')"),
    "appealed_late": (*_ENDED_WINDOW, "appeal_late('{c}')"),
    "appealed_flagged": (*_SERVED, "appeal('{c}')", "screen('{c}', 'medical_flag')"),
    "annulled": (*_SERVED, "appeal('{c}')", "annul('{c}')"),
    "annulled_and_taken": (*_SERVED, "appeal('{c}')", "annul('{c}')", "take_review_anew('{c}')"),
    "annulled_and_proposed": (
        *_SERVED,
        "appeal('{c}')",
        "annul('{c}')",
        "take_review_anew('{c}')",
        "propose_anew('{c}', '{basis}')",
    ),
    "upheld": (*_SERVED, "appeal('{c}')", "uphold('{c}')"),
    "referred": (*_ENDED_WINDOW, "refer('{c}')"),
    "renewed": (*_LAPSED, "go_back('{c}')"),
    "everything_of_a_case": (
        *_FAMILY,
        "reconfirm('{c}')",
        "keep_everything('{c}')",
    ),
}
"""Name of the situation: the steps of ``households.sql`` that lead there, in order."""


async def install(connection: Connection) -> None:
    """Put the audit, the 14 rules and the households' steps into a test database, as its superuser."""
    for name in ("evidence.sql", "rules.sql", "watch.sql", "households.sql", "households_in_review.sql"):
        await connection.execute((HERE / name).read_text())


def script(situation: str, case_id: UUID, **places: UUID) -> str:
    """Statements that bring a new case into `situation`, each step its own transaction and all of them one round trip.

    `places`: centre, full, listed, basis, ended_basis.
    """
    steps = (step.format(c=case_id, **places) for step in SITUATIONS[situation])
    return "; ".join(f"BEGIN; SELECT proof.{step}; COMMIT" for step in steps)

"""Places of a centre around the booking itself: admission, the waiting list and its offers. None of them is ever a duty."""

from services.nationals.casework.domain.case_facts import CaseState as S
from services.nationals.casework.domain.guards import HUMAN, NOT_BOOKED, WHOLE
from services.nationals.casework.domain.steps import Guard, Step, Transition
from services.nationals.casework.domain.voluntary_stage import VOLUNTARY_TRANSITIONS

_BOOKING = next(line.guards for line in VOLUNTARY_TRANSITIONS if line.step is Step.BOOK_PLACES)


def _booking_guards_but(*left_out: Guard) -> tuple[Guard, ...]:
    return tuple(guard for guard in _BOOKING if guard not in left_out)


PLACES_TRANSITIONS: tuple[Transition, ...] = (
    Transition(Step.ADMIT_HOUSEHOLD, frozenset({S.BOOKED}), None, _booking_guards_but(WHOLE, NOT_BOOKED)),
    Transition(Step.JOIN_WAITING_LIST, frozenset({S.CONSENTED}), None, _BOOKING),
    Transition(Step.OFFER_PLACES, frozenset({S.CONSENTED}), None, _booking_guards_but(HUMAN)),
    Transition(Step.ACCEPT_OFFER, frozenset({S.CONSENTED}), S.BOOKED, _booking_guards_but(WHOLE, NOT_BOOKED)),
    Transition(Step.END_BOOKING, frozenset({S.CONSENTED}), None),
)
"""Each asks what a booking asks. An offer holds places and moves no case: only the household's acceptance, recorded by a person,
makes it a booking. Letting an offer go has no guard and no effect on the case.
"""

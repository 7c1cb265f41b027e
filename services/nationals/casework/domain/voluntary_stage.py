"""The voluntary stage: everything before the voluntary period lapses. No step here decides against anybody."""

from services.nationals.casework.domain.case_facts import CaseState as S
from services.nationals.casework.domain.guards import (
    CONSENTED,
    FREE,
    HEARD_PRIVATELY,
    HUMAN,
    INDEPENDENT,
    INFORMED,
    NO_PAUSE,
    NO_PROTECTED_REQUEST,
    NOT_BOOKED,
    NOT_ON_ITS_WAY,
    RECONFIRMED,
    SAME_LANGUAGE,
    SCREENED,
    TIMER,
    WHOLE,
    WITHDRAWN_FIRST,
)
from services.nationals.casework.domain.steps import Step, Transition

VOLUNTARY_STAGE = frozenset({S.OPENED, S.INFORMED, S.CONSENTED, S.BOOKED, S.WITHDRAWN})

VOLUNTARY_TRANSITIONS: tuple[Transition, ...] = (
    Transition(Step.GIVE_INFORMATION, frozenset({S.OPENED, S.INFORMED, S.WITHDRAWN}), S.INFORMED, (HUMAN, INDEPENDENT)),
    Transition(Step.GIVE_INFORMATION, frozenset({S.CONSENTED, S.BOOKED}), None, (HUMAN, INDEPENDENT)),
    Transition(Step.SCREEN_PERSON, VOLUNTARY_STAGE, None, (HUMAN,)),
    Transition(Step.HEAR_PRIVATELY, VOLUNTARY_STAGE, None, (HUMAN, INDEPENDENT)),
    Transition(Step.RECORD_CHILD_PROTECTION, VOLUNTARY_STAGE, None, (HUMAN,)),
    Transition(
        Step.RECORD_CONSENT,
        frozenset({S.INFORMED, S.CONSENTED, S.WITHDRAWN}),
        S.CONSENTED,
        (HUMAN, INDEPENDENT, INFORMED, FREE, *NO_PAUSE),
    ),
    Transition(Step.RECORD_CONSENT, frozenset({S.BOOKED}), None, (HUMAN, INDEPENDENT, INFORMED, FREE, *NO_PAUSE)),
    Transition(Step.RECORD_PRESSURE, frozenset({S.CONSENTED, S.BOOKED}), S.INFORMED, (HUMAN,)),
    Transition(Step.RECORD_PRESSURE, frozenset({S.OPENED, S.INFORMED, S.WITHDRAWN}), None, (HUMAN,)),
    Transition(
        Step.BOOK_PLACES,
        frozenset({S.CONSENTED}),
        S.BOOKED,
        (HUMAN, *NO_PAUSE, SCREENED, CONSENTED, HEARD_PRIVATELY, WHOLE, NOT_BOOKED),
    ),
    Transition(
        Step.RECONFIRM,
        frozenset({S.CONSENTED, S.BOOKED}),
        None,
        (HUMAN, INDEPENDENT, *NO_PAUSE, CONSENTED, SAME_LANGUAGE),
    ),
    Transition(
        Step.DEPART,
        frozenset({S.BOOKED}),
        S.DEPARTED,
        (HUMAN, *NO_PAUSE, SCREENED, CONSENTED, HEARD_PRIVATELY, RECONFIRMED, WHOLE),
    ),
    Transition(Step.REQUEST_SPLIT, VOLUNTARY_STAGE, None, (HUMAN, NO_PROTECTED_REQUEST)),
    Transition(Step.SPLIT_HOUSEHOLD, VOLUNTARY_STAGE, S.SPLIT, (HUMAN,)),
    Transition(Step.END_BOOKING, frozenset({S.BOOKED}), S.CONSENTED),
    Transition(Step.WITHDRAW, VOLUNTARY_STAGE, S.WITHDRAWN),
    Transition(Step.WITHDRAW, frozenset({S.CLOSED, S.SPLIT}), None),
    Transition(
        Step.LAPSE_VOLUNTARY_PERIOD, VOLUNTARY_STAGE, S.AWAITING_LEGAL_REVIEW, (TIMER, *NO_PAUSE, NOT_ON_ITS_WAY)
    ),
    Transition(Step.CLOSE, VOLUNTARY_STAGE, S.CLOSED, (HUMAN, WITHDRAWN_FIRST)),
)
"""Withdrawal has no guard at all: it succeeds from every state before departure (safeguard 3), and in a closed case or one that
was split it changes nothing. After departure it is too late, and the refusal says so kindly. A withdrawn household may be
informed and consent anew, or have its case closed.

The voluntary period does not lapse while a pause is open (safeguards 5, 9), nor while the household holds a booking, is in turn
on a waiting list, or its reconfirmation is in force: a household on its way does of its own will what the period is there for,
and asking for a legal review meanwhile would turn the wait for a place or a day of departure against it. It is looked at again
when the booking ends.

A protected request is decided by a second officer, whatever else is open: being safe comes before any wait (safeguard 7). The
approval of the request is no guard here but in ``household_split``, because it is the request that is approved, not the step.
"""

"""Phase two, the human legal review: what may happen to a case whose voluntary period has lapsed.

Every step is a named person's; software decides none. The favourable ways out (closure, return to the voluntary stage) are
open from every state of this stage and need one person; the one adverse way needs everything that its guards say.
"""

from services.nationals.casework.domain.case_facts import CaseState as S
from services.nationals.casework.domain.guards import HUMAN, INDEPENDENT, NO_PAUSE, SCREENED, WITHDRAWN_FIRST
from services.nationals.casework.domain.legal_guards import (
    ASSESSED,
    CONFIRMED,
    DIFFERENT_APPEAL_OFFICER,
    FIRST_REVIEWER,
    LATE_WITH_REASON,
    LEGAL_BASIS,
    NO_APPEAL,
    NO_OTHER_PROPOSAL,
    NOT_DECIDED_BEFORE,
    NOT_TAKEN,
    PROPOSED,
    REASON,
    REVIEW_OPEN,
    SECOND_PERSON,
    SERVED,
    TWO_PEOPLE,
    UNDERSTOOD,
    WINDOW_ENDED,
    WRITTEN,
    if_adverse,
)
from services.nationals.casework.domain.steps import Step, Transition

LEGAL_REVIEW_STAGE = frozenset({S.AWAITING_LEGAL_REVIEW, S.DECISION_SERVED, S.APPEALED})

_WAITING = frozenset({S.AWAITING_LEGAL_REVIEW})
_SERVED = frozenset({S.DECISION_SERVED})
_APPEALED = frozenset({S.APPEALED})
_ADVERSE_NOT_PAUSED = tuple(if_adverse(guard) for guard in NO_PAUSE)

LEGAL_REVIEW_TRANSITIONS: tuple[Transition, ...] = (
    Transition(Step.GIVE_INFORMATION, LEGAL_REVIEW_STAGE, None, (HUMAN, INDEPENDENT)),
    Transition(Step.SCREEN_PERSON, LEGAL_REVIEW_STAGE, None, (HUMAN,)),
    Transition(Step.HEAR_PRIVATELY, LEGAL_REVIEW_STAGE, None, (HUMAN, INDEPENDENT)),
    Transition(Step.RECORD_CHILD_PROTECTION, LEGAL_REVIEW_STAGE, None, (HUMAN,)),
    Transition(Step.RECORD_PRESSURE, LEGAL_REVIEW_STAGE, None, (HUMAN,)),
    Transition(Step.END_BOOKING, LEGAL_REVIEW_STAGE, None),
    Transition(Step.WITHDRAW, LEGAL_REVIEW_STAGE | {S.REFERRED}, None),
    Transition(Step.CLOSE, LEGAL_REVIEW_STAGE, S.CLOSED, (HUMAN, WITHDRAWN_FIRST)),
    Transition(Step.RETURN_TO_VOLUNTARY_STAGE, LEGAL_REVIEW_STAGE, S.OPENED, (HUMAN,)),
    Transition(
        Step.TAKE_REVIEW, _WAITING, None, (HUMAN, REVIEW_OPEN, NO_OTHER_PROPOSAL, NOT_TAKEN, NOT_DECIDED_BEFORE)
    ),
    Transition(Step.RECORD_ASSESSMENT, _WAITING, None, (HUMAN, REVIEW_OPEN, FIRST_REVIEWER)),
    Transition(
        Step.PROPOSE_OUTCOME,
        _WAITING,
        None,
        (
            HUMAN,
            REVIEW_OPEN,
            FIRST_REVIEWER,
            NO_OTHER_PROPOSAL,
            if_adverse(LEGAL_BASIS),
            if_adverse(WRITTEN),
            if_adverse(ASSESSED),
            *_ADVERSE_NOT_PAUSED,
        ),
    ),
    Transition(
        Step.CONFIRM_OUTCOME,
        _WAITING,
        None,
        (
            HUMAN,
            REVIEW_OPEN,
            PROPOSED,
            SECOND_PERSON,
            NOT_DECIDED_BEFORE,
            if_adverse(LEGAL_BASIS),
            *_ADVERSE_NOT_PAUSED,
        ),
    ),
    Transition(Step.RETURN_PROPOSAL, _WAITING, None, (HUMAN, REVIEW_OPEN, PROPOSED, SECOND_PERSON, REASON)),
    Transition(
        Step.SERVE_DECISION,
        _WAITING,
        S.DECISION_SERVED,
        (HUMAN, REVIEW_OPEN, CONFIRMED, TWO_PEOPLE, INDEPENDENT, UNDERSTOOD, LEGAL_BASIS, *NO_PAUSE),
    ),
    Transition(Step.LODGE_APPEAL, _SERVED, S.APPEALED, (HUMAN, LATE_WITH_REASON)),
    Transition(Step.LODGE_APPEAL, _APPEALED, None, (HUMAN,)),
    Transition(Step.ANNUL_DECISION, _APPEALED, S.AWAITING_LEGAL_REVIEW, (HUMAN, DIFFERENT_APPEAL_OFFICER)),
    Transition(Step.UPHOLD_DECISION, _APPEALED, S.DECISION_SERVED, (HUMAN, DIFFERENT_APPEAL_OFFICER, *NO_PAUSE)),
    Transition(
        Step.REFER_TO_COMPETENT_AUTHORITY,
        _SERVED,
        S.REFERRED,
        (HUMAN, SERVED, TWO_PEOPLE, LEGAL_BASIS, WINDOW_ENDED, NO_APPEAL, *NO_PAUSE, SCREENED),
    ),
)
"""A withdrawal in phase two gives the booking back and leaves the review to people; in a referred case it changes nothing. A
second wish to appeal while an appeal is open changes nothing. The end of the appeal window is no step: it changes no state.
"""

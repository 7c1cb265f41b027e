"""What the tables of transitions are made of: steps, guards and the line that joins them."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from pydantic import JsonValue

from services.nationals.casework.domain.case_facts import Attempt, CaseFacts, CaseState
from shared.contracts.refusals import RefusalType


class Step(StrEnum):
    GIVE_INFORMATION = "give_information"
    SCREEN_PERSON = "screen_person"
    HEAR_PRIVATELY = "hear_privately"
    RECORD_CHILD_PROTECTION = "record_child_protection"
    RECORD_CONSENT = "record_consent"
    RECORD_PRESSURE = "record_pressure"
    RECONFIRM = "reconfirm"
    BOOK_PLACES = "book_places"
    END_BOOKING = "end_booking"
    ADMIT_HOUSEHOLD = "admit_household"
    JOIN_WAITING_LIST = "join_waiting_list"
    OFFER_PLACES = "offer_places"
    ACCEPT_OFFER = "accept_offer"
    DEPART = "depart"
    REQUEST_SPLIT = "request_split"
    SPLIT_HOUSEHOLD = "split_household"
    WITHDRAW = "withdraw"
    LAPSE_VOLUNTARY_PERIOD = "lapse_voluntary_period"
    TAKE_REVIEW = "take_review"
    RECORD_ASSESSMENT = "record_assessment"
    PROPOSE_OUTCOME = "propose_outcome"
    CONFIRM_OUTCOME = "confirm_outcome"
    RETURN_PROPOSAL = "return_proposal"
    SERVE_DECISION = "serve_decision"
    LODGE_APPEAL = "lodge_appeal"
    ANNUL_DECISION = "annul_decision"
    UPHOLD_DECISION = "uphold_decision"
    REFER_TO_COMPETENT_AUTHORITY = "refer_to_competent_authority"
    RETURN_TO_VOLUNTARY_STAGE = "return_to_voluntary_stage"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition of a step. `fails` returns None when it holds, else the details that say what is missing."""

    name: str
    requires: str
    refusal: RefusalType
    fails: Callable[[CaseFacts, Attempt], dict[str, JsonValue] | None]

    @property
    def safeguard(self) -> int:
        return self.refusal.safeguard or 0


@dataclass(frozen=True, slots=True)
class Transition:
    """`step` leads from each state in `sources` to `target` (None: the state stays) if every guard holds."""

    step: Step
    sources: frozenset[CaseState]
    target: CaseState | None
    guards: tuple[Guard, ...] = ()

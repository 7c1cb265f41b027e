"""The life of a complaint: received, acknowledged, under examination, answered, closed. There is no way around the answer."""

from enum import StrEnum

from services.nationals.complaints.domain import refusals
from shared.contracts.refusals import Refusal

RECEIPT_BYTES = 15
RECEIPT_CHARACTERS = 24
RECEIPT_GROUP = 4
OFFICE_ROLE = "complaints_officer"
CASEWORK_ROLES = frozenset(
    {
        "caseworker",
        "casework_supervisor",
        "protection_officer",
        "child_protection_officer",
        "medical_officer",
        "legal_officer",
        "appeal_officer",
        "legal_basis_registrar",
        "centre_manager",
    }
)
"""Who works on cases. A complaints officer holds none of these roles beside their own (safeguard 14)."""
STAFF_ROLES = (
    OFFICE_ROLE,
    *sorted(CASEWORK_ROLES),
    "services_manager",
    "province_officer",
    "county_chair",
    "member",
)
"""Who may hand a complaint in for somebody. Of these only the complaints office can read one, also of what they handed in."""


class ComplaintChannel(StrEnum):
    IN_PERSON = "in_person"
    TELEPHONE = "telephone"
    LETTER = "letter"
    COMPLAINTS_BOX = "complaints_box"
    MESSAGE = "message"
    THIRD_PARTY = "third_party"


class ComplaintCategory(StrEnum):
    TREATMENT = "treatment"
    INFORMATION = "information"
    PRESSURE = "pressure"
    SERVICES = "services"
    DECISION = "decision"
    DELAY = "delay"
    PRIVACY = "privacy"
    OTHER = "other"


class ComplaintState(StrEnum):
    RECEIVED = "received"
    ACKNOWLEDGED = "acknowledged"
    UNDER_EXAMINATION = "under_examination"
    ANSWERED = "answered"
    CLOSED = "closed"


class HoldReason(StrEnum):
    """Why a person keeps the texts beyond their retention date."""

    LEGAL_PROCEEDINGS = "legal_proceedings"
    OVERSIGHT_INQUIRY = "oversight_inquiry"
    HOUSEHOLD_REQUEST = "household_request"


class ComplaintStep(StrEnum):
    ACKNOWLEDGE = "acknowledge"
    EXAMINE = "examine"
    ANSWER = "answer"
    CLOSE = "close"


S = ComplaintState
STEPS: dict[ComplaintStep, tuple[frozenset[ComplaintState], ComplaintState]] = {
    ComplaintStep.ACKNOWLEDGE: (frozenset({S.RECEIVED}), S.ACKNOWLEDGED),
    ComplaintStep.EXAMINE: (frozenset({S.ACKNOWLEDGED, S.UNDER_EXAMINATION}), S.UNDER_EXAMINATION),
    ComplaintStep.ANSWER: (frozenset({S.UNDER_EXAMINATION}), S.ANSWERED),
    ComplaintStep.CLOSE: (frozenset({S.ANSWERED}), S.CLOSED),
}
"""From which states each step leads to which state. Examining again hands the examination to another officer."""


def advance(step: ComplaintStep, state: ComplaintState) -> ComplaintState:
    """The state after `step`. Raises Refusal (409)."""
    sources, target = STEPS[step]
    if state not in sources:
        raise Refusal(
            refusals.STEP_NOT_ALLOWED,
            step=step.value,
            state=state.value,
            possible_from=[source.value for source in sorted(sources)],
        )
    return target


def check_examiner(examiner: str, received_by: str, says_alone: bool, knows_colleague: bool) -> bool:
    """Whether `examiner` examines alone what they received themselves.

    That is allowed only where no second officer is known and they say so. Raises Refusal (409, safeguard 6).
    """
    if examiner != received_by:
        return False
    if knows_colleague or not says_alone:
        raise Refusal(refusals.EXAMINER_RECEIVED_IT, satisfied_by="another_officer")
    return True


def check_erasable(state: ComplaintState, is_held: bool, is_erased: bool) -> None:
    """Raises Refusal (409) for a complaint that is unanswered, held or erased already."""
    if is_erased:
        raise Refusal(refusals.TEXTS_ERASED)
    if state not in (S.ANSWERED, S.CLOSED):
        raise Refusal(refusals.ERASURE_NEEDS_ANSWER, satisfied_by="the_answer")
    if is_held:
        raise Refusal(refusals.TEXTS_HELD, satisfied_by="the_end_of_the_hold")


def show_receipt(receipt: str) -> str:
    """The receipt in groups, as it is read out and written down: ``ABCD-EFGH-...``."""
    return "-".join(receipt[start : start + RECEIPT_GROUP] for start in range(0, len(receipt), RECEIPT_GROUP))


def read_receipt(text: str) -> str:
    """The receipt as it is stored, from however it was written down: case, spaces and dashes do not matter."""
    return "".join(text.upper().replace("-", "").split())

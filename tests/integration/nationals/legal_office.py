"""Phase two on a real database: who takes which step, by name."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.nationals.casework.domain.case_facts import InterpreterRelation
from services.nationals.casework.domain.legal_facts import Consideration, ReviewOutcome
from services.nationals.casework.handlers import appeals, legal_bases, legal_decisions, legal_reviews, reviews
from services.nationals.casework.handlers.legal_stage import APPEAL_WINDOW
from services.nationals.casework.handlers.pauses import VOLUNTARY_PERIOD
from shared.contracts.counties import County
from shared.contracts.nationals import AppealDecision, PhaseTwoReviewRequested
from shared.kit.auth import Principal
from shared.kit.routing import Received
from tests.integration.nationals.office import Office, staff

REFER = ReviewOutcome.REFER_TO_COMPETENT_AUTHORITY
FIRST, SECOND, THIRD, FOURTH = (
    staff(subject=f"legal.{name}", role="legal_officer") for name in ("one", "two", "three", "four")
)
APPEALS = staff(subject="appeals.one", role="appeal_officer")
REGISTRARS = tuple(staff(subject=f"registrar.{name}", role="legal_basis_registrar") for name in ("one", "two"))


def review_requested(case_id: UUID) -> Received[PhaseTwoReviewRequested]:
    now = datetime.now(UTC)
    event = PhaseTwoReviewRequested(case_id=case_id, county=County.REY, voluntary_until=now)
    return Received(event, uuid4(), now, 1, "test")


async def basis(office: Office, days: int = 365, confirmed: bool = True) -> UUID:
    """A legal basis from yesterday until `days` from now."""
    today = datetime.now(UTC).date()
    command = legal_bases.EnterLegalBasis(
        title="a basis of the test",
        instrument_number="T/1",
        in_force_from=today - timedelta(days=2),
        in_force_until=today + timedelta(days=days),
    )
    entered = await office.run(legal_bases.enter_legal_basis, command, REGISTRARS[0])
    if confirmed:
        settle = legal_bases.SettleLegalBasis(basis_id=entered.basis_id)
        await office.run(legal_bases.confirm_legal_basis, settle, REGISTRARS[1])
    return entered.basis_id


async def lapse(office: Office, case_id: UUID) -> None:
    await office.fire(VOLUNTARY_PERIOD, case_id)
    await office.as_worker(reviews.open_legal_review, review_requested(case_id))


async def lapsed(office: Office) -> UUID:
    """A case with an open legal review that nobody has taken."""
    case_id = await office.open()
    await office.inform(case_id)
    await office.screen(case_id)
    await lapse(office, case_id)
    return case_id


async def take(office: Office, case_id: UUID, by: Principal = FIRST, in_place_of: str | None = None) -> Any:
    command = legal_reviews.TakeReview(case_id=case_id, in_place_of=in_place_of)
    return await office.run(legal_reviews.take_review, command, by)


async def assess(
    office: Office, case_id: UUID, by: Principal = FIRST, considered: tuple[Consideration, ...] = tuple(Consideration)
) -> Any:
    command = legal_reviews.AssessHousehold(case_id=case_id, considered=list(considered))
    return await office.run(legal_reviews.assess_household, command, by)


async def propose(
    office: Office,
    case_id: UUID,
    outcome: ReviewOutcome = REFER,
    basis_id: UUID | None = None,
    by: Principal = FIRST,
    reasons: str | None = "the reasons",
) -> UUID:
    command = legal_reviews.ProposeOutcome(
        case_id=case_id,
        outcome=outcome,
        reasons=reasons,
        appeal_instructions="how to appeal",
        legal_basis_id=basis_id,
    )
    return (await office.run(legal_reviews.propose_outcome, command, by)).decision_id


async def confirm(office: Office, case_id: UUID, decision_id: UUID, by: Principal = SECOND) -> Any:
    command = legal_reviews.ConfirmOutcome(case_id=case_id, decision_id=decision_id)
    return await office.run(legal_reviews.confirm_outcome, command, by)


async def give_back(office: Office, case_id: UUID, decision_id: UUID, by: Principal = SECOND, reason: str = "r") -> Any:
    command = legal_reviews.ReturnProposal(case_id=case_id, decision_id=decision_id, reason=reason)
    return await office.run(legal_reviews.return_proposal, command, by)


async def serve(
    office: Office,
    case_id: UUID,
    by: Principal | None = None,
    interpreter: InterpreterRelation = InterpreterRelation.PROFESSIONAL,
    understood: bool = True,
) -> Any:
    command = legal_decisions.ServeDecision(
        case_id=case_id, language="fa", interpreter=interpreter, understood=understood
    )
    return await office.run(legal_decisions.serve_decision, command, by)


async def appeal(office: Office, case_id: UUID, late_reason: str | None = None, by: Principal | None = None) -> Any:
    return await office.run(appeals.lodge_appeal, appeals.LodgeAppeal(case_id=case_id, late_reason=late_reason), by)


async def decide(office: Office, case_id: UUID, outcome: AppealDecision, by: Principal = APPEALS) -> Any:
    command = appeals.DecideAppeal(case_id=case_id, outcome=outcome, reasons="why")
    return await office.run(appeals.decide_appeal, command, by)


async def refer(office: Office, case_id: UUID, by: Principal = THIRD) -> Any:
    return await office.run(legal_decisions.refer_case, legal_decisions.ReferCase(case_id=case_id), by)


async def go_back(office: Office, case_id: UUID, by: Principal = THIRD) -> Any:
    command = legal_decisions.ReturnToVoluntaryStage(case_id=case_id)
    return await office.run(legal_decisions.return_to_voluntary_stage, command, by)


async def decided(office: Office, basis_id: UUID | None = None) -> tuple[UUID, UUID]:
    """A case and its adverse decision, confirmed by two and not served yet."""
    basis_id = basis_id or await basis(office)
    case_id = await lapsed(office)
    await take(office, case_id)
    await assess(office, case_id)
    decision_id = await propose(office, case_id, basis_id=basis_id)
    await confirm(office, case_id, decision_id)
    return case_id, decision_id


async def served(office: Office, basis_id: UUID | None = None, window_ended: bool = False) -> tuple[UUID, UUID]:
    """A case and its served decision."""
    case_id, decision_id = await decided(office, basis_id)
    await serve(office, case_id)
    if window_ended:
        await office.fire(APPEAL_WINDOW, decision_id)
    return case_id, decision_id

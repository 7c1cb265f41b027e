"""HTTP of phase two. Every request is about one case and one person's act; there is no way to decide about several."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header
from pydantic import BaseModel, Field

from services.nationals.casework.api.cases import CaseStaff, InterpreterBody, Language, Limit
from services.nationals.casework.domain import refusals
from services.nationals.casework.domain.legal_facts import Consideration, ReviewOutcome
from services.nationals.casework.handlers import appeals, legal_bases, legal_decisions, legal_reviews
from services.nationals.casework.handlers.case_reading import ReadPurpose
from services.nationals.casework.store import appeals as appeal_store
from services.nationals.casework.store import legal_bases as basis_store
from shared.contracts.counties import County
from shared.contracts.nationals import AppealDecision
from shared.contracts.refusals import Refusal
from shared.kit.http import Commands, Queries, allow, allow_read
from shared.kit.paging import Page, page_of

SUBJECT_CHARACTERS_MAX = 128
REASONS_CHARACTERS_MAX = 20_000
INSTRUCTIONS_CHARACTERS_MAX = 5_000
REASON_CHARACTERS_MAX = 2_000
TITLE_CHARACTERS_MAX = 300
INSTRUMENT_CHARACTERS_MAX = 100

router = APIRouter()

LegalOfficer = Annotated[Commands, Depends(allow("legal_officer"))]
DecisionServer = Annotated[Commands, Depends(allow("legal_officer", "caseworker"))]
AppealOfficer = Annotated[Commands, Depends(allow("appeal_officer"))]
Registrar = Annotated[Commands, Depends(allow("legal_basis_registrar"))]
DecisionReader = Annotated[Commands, Depends(allow("caseworker", "legal_officer", "appeal_officer"))]
Reason = Annotated[str, Field(min_length=1, max_length=REASON_CHARACTERS_MAX)]


class TakingBody(BaseModel):
    in_place_of: str | None = Field(
        default=None, max_length=SUBJECT_CHARACTERS_MAX, description="The colleague who is relieved of the review."
    )


class AssessmentBody(BaseModel):
    considered: list[Consideration] = Field(min_length=1, max_length=len(Consideration))


class ProposalBody(BaseModel):
    """The last three are the individual written decision, which the adverse outcome alone needs."""

    outcome: ReviewOutcome
    reasons: str | None = Field(default=None, min_length=1, max_length=REASONS_CHARACTERS_MAX)
    appeal_instructions: str | None = Field(default=None, min_length=1, max_length=INSTRUCTIONS_CHARACTERS_MAX)
    legal_basis_id: UUID | None = None


class ConfirmationBody(BaseModel):
    decision_id: UUID


class ReturnBody(BaseModel):
    decision_id: UUID
    reason: Reason


class ServiceBody(BaseModel):
    language: Language
    interpreter: InterpreterBody
    understood: bool = Field(description="The household confirmed that it understood the decision.")


class AppealBody(BaseModel):
    late_reason: Reason | None = Field(default=None, description="Needed only once the appeal window has ended.")


class AppealOutcomeBody(BaseModel):
    outcome: AppealDecision
    reasons: str = Field(min_length=1, max_length=REASONS_CHARACTERS_MAX)


class LegalBasisBody(BaseModel):
    title: str = Field(min_length=1, max_length=TITLE_CHARACTERS_MAX)
    instrument_number: str = Field(min_length=1, max_length=INSTRUMENT_CHARACTERS_MAX)
    in_force_from: date
    in_force_until: date


class LegalBasisView(BaseModel):
    basis_id: UUID
    title: str
    instrument_number: str
    in_force_from: date
    in_force_until: date
    entered_by: str
    confirmed_by: str | None
    ended_by: str | None


class AppealView(BaseModel):
    appeal_id: UUID
    case_id: UUID
    county: County
    lodged_at: datetime
    review_by: datetime
    reminders: int


@router.post("/cases/{case_id}/legal-review/first-reviewer")
async def take_review(case_id: UUID, body: TakingBody, commands: LegalOfficer) -> legal_reviews.ReviewTaken:
    command = legal_reviews.TakeReview(case_id=case_id, in_place_of=body.in_place_of)
    return await commands.execute(legal_reviews.take_review, command)


@router.post("/cases/{case_id}/legal-review/assessments", status_code=201)
async def assess_household(
    case_id: UUID, body: AssessmentBody, commands: LegalOfficer
) -> legal_reviews.HouseholdAssessed:
    command = legal_reviews.AssessHousehold(case_id=case_id, considered=body.considered)
    return await commands.execute(legal_reviews.assess_household, command)


@router.post("/cases/{case_id}/legal-review/proposals", status_code=201)
async def propose_outcome(case_id: UUID, body: ProposalBody, commands: LegalOfficer) -> legal_reviews.OutcomeProposed:
    """The favourable outcomes are always open. ``refer_to_competent_authority`` needs a legal basis in force; none ships."""
    command = legal_reviews.ProposeOutcome(
        case_id=case_id,
        outcome=body.outcome,
        reasons=body.reasons,
        appeal_instructions=body.appeal_instructions,
        legal_basis_id=body.legal_basis_id,
    )
    return await commands.execute(legal_reviews.propose_outcome, command)


@router.post("/cases/{case_id}/legal-review/confirmation")
async def confirm_outcome(
    case_id: UUID, body: ConfirmationBody, commands: LegalOfficer
) -> legal_reviews.OutcomeConfirmed:
    command = legal_reviews.ConfirmOutcome(case_id=case_id, decision_id=body.decision_id)
    return await commands.execute(legal_reviews.confirm_outcome, command)


@router.post("/cases/{case_id}/legal-review/return")
async def return_proposal(case_id: UUID, body: ReturnBody, commands: LegalOfficer) -> legal_reviews.ProposalReturned:
    command = legal_reviews.ReturnProposal(case_id=case_id, decision_id=body.decision_id, reason=body.reason)
    return await commands.execute(legal_reviews.return_proposal, command)


@router.get("/cases/{case_id}/legal-decision")
async def read_decision(
    case_id: UUID,
    purpose: ReadPurpose,
    commands: DecisionReader,
    idempotency_key: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> legal_decisions.DecisionView:
    """Every read is logged with its reader and purpose, so none may be answered from a stored answer."""
    if idempotency_key is not None:
        raise Refusal(refusals.READ_NOT_REPEATABLE)
    command = legal_decisions.ReadDecision(case_id=case_id, purpose=purpose)
    return await commands.execute(legal_decisions.read_decision, command)


@router.post("/cases/{case_id}/legal-decision/service")
async def serve_decision(case_id: UUID, body: ServiceBody, commands: DecisionServer) -> legal_decisions.DecisionServed:
    command = legal_decisions.ServeDecision(
        case_id=case_id,
        language=body.language,
        interpreter=body.interpreter.relation,
        understood=body.understood,
    )
    return await commands.execute(legal_decisions.serve_decision, command)


@router.post("/cases/{case_id}/appeals", status_code=201)
async def lodge_appeal(case_id: UUID, body: AppealBody, commands: CaseStaff) -> appeals.AppealIsOpen:
    """For the household, by whoever of the staff hears it. Suspends everything until a different person has decided it."""
    command = appeals.LodgeAppeal(case_id=case_id, late_reason=body.late_reason)
    return await commands.execute(appeals.lodge_appeal, command)


@router.post("/cases/{case_id}/appeals/outcome")
async def decide_appeal(case_id: UUID, body: AppealOutcomeBody, commands: AppealOfficer) -> appeals.AppealEnded:
    command = appeals.DecideAppeal(case_id=case_id, outcome=body.outcome, reasons=body.reasons)
    return await commands.execute(appeals.decide_appeal, command)


@router.get("/appeals")
async def list_appeals(
    queries: Annotated[Queries, Depends(allow_read("appeal_officer", "legal_officer"))],
    limit: Limit = 100,
    after: UUID | None = None,
) -> Page[AppealView]:
    """Open appeals: where one waits and since when, nothing about the household."""
    async with queries.read() as connection:
        rows = await appeal_store.list_open_appeals(connection, after, limit)
    items = [
        AppealView(
            appeal_id=row.appeal_id,
            case_id=row.case_id,
            county=row.county,
            lodged_at=row.lodged_at,
            review_by=row.review_by,
            reminders=row.reminders,
        )
        for row in rows
    ]
    return page_of(items, limit, lambda line: line.appeal_id)


@router.post("/cases/{case_id}/referral")
async def refer_case(case_id: UUID, commands: LegalOfficer) -> legal_decisions.CaseReferred:
    """Record the referral to the competent authority. The system ends here: no order, no list, no address leaves it."""
    return await commands.execute(legal_decisions.refer_case, legal_decisions.ReferCase(case_id=case_id))


@router.post("/cases/{case_id}/voluntary-stage")
async def return_to_voluntary_stage(case_id: UUID, commands: LegalOfficer) -> legal_decisions.VoluntaryStageEntered:
    """At the household's wish, at any time before a referral: a new full voluntary period begins."""
    command = legal_decisions.ReturnToVoluntaryStage(case_id=case_id)
    return await commands.execute(legal_decisions.return_to_voluntary_stage, command)


@router.post("/legal-bases", status_code=201)
async def enter_legal_basis(body: LegalBasisBody, commands: Registrar) -> legal_bases.LegalBasisSettled:
    command = legal_bases.EnterLegalBasis(
        title=body.title,
        instrument_number=body.instrument_number,
        in_force_from=body.in_force_from,
        in_force_until=body.in_force_until,
    )
    return await commands.execute(legal_bases.enter_legal_basis, command)


@router.post("/legal-bases/{basis_id}/confirmation")
async def confirm_legal_basis(basis_id: UUID, commands: Registrar) -> legal_bases.LegalBasisSettled:
    command = legal_bases.SettleLegalBasis(basis_id=basis_id)
    return await commands.execute(legal_bases.confirm_legal_basis, command)


@router.post("/legal-bases/{basis_id}/end")
async def end_legal_basis(basis_id: UUID, commands: Registrar) -> legal_bases.LegalBasisSettled:
    command = legal_bases.SettleLegalBasis(basis_id=basis_id)
    return await commands.execute(legal_bases.end_legal_basis, command)


@router.get("/legal-bases")
async def list_legal_bases(
    queries: Annotated[Queries, Depends(allow_read("legal_basis_registrar", "legal_officer", "appeal_officer"))],
    limit: Limit = 100,
    after: UUID | None = None,
) -> Page[LegalBasisView]:
    """Every record ever entered, confirmed or not, ended or not. None ships with the software."""
    async with queries.read() as connection:
        rows = await basis_store.list_bases(connection, after, limit)
    items = [
        LegalBasisView(
            basis_id=row.basis_id,
            title=row.title,
            instrument_number=row.instrument_number,
            in_force_from=row.basis.in_force_from,
            in_force_until=row.basis.in_force_until,
            entered_by=row.basis.entered_by,
            confirmed_by=row.basis.confirmed_by,
            ended_by=row.basis.ended_by,
        )
        for row in rows
    ]
    return page_of(items, limit, lambda line: line.basis_id)

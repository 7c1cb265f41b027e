"""Phase two: who reviews, what was assessed, what is proposed, confirmed and served. Texts live here and nowhere else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.nationals.casework.domain.case_facts import InterpreterRelation
from services.nationals.casework.domain.legal_basis import LegalBasis
from services.nationals.casework.domain.legal_facts import (
    Consideration,
    Decision,
    DecisionState,
    LegalFacts,
    ReviewOutcome,
)
from services.nationals.casework.store.cases import CaseRow
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class LiveDecision:
    """The decision of a case that is proposed, confirmed or served."""

    decision_id: UUID
    review_id: UUID
    outcome: ReviewOutcome
    state: DecisionState
    window_ends_at: datetime | None
    window_fence: int | None


@dataclass(frozen=True, slots=True)
class WrittenDecision:
    """The texts of an individual decision: kept in its row, erasable, never in an event or a log."""

    reasons: str
    appeal_instructions: str
    basis_id: UUID
    appeal_window_days: int


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """The latest decision of a case as people read it; the texts are None where there are none or they were erased."""

    decision_id: UUID
    outcome: ReviewOutcome
    state: DecisionState
    reasons: str | None
    appeal_instructions: str | None
    basis_title: str | None
    basis_instrument_number: str | None
    appeal_window_days: int | None
    return_reason: str | None
    served_at: datetime | None
    window_ends_at: datetime | None


async def read_legal_facts(connection: Connection, case_id: UUID, now: datetime) -> LegalFacts:
    """What the guards of phase two look at, read under the case's lock. `now` tells which legal basis is in force."""
    row = await connection.fetchrow(
        """
        SELECT opened_by, review.review_id, first_reviewer, assessment.considered, appeal.lodged_by
        FROM casework.return_case
        LEFT JOIN casework.legal_review AS review ON review.case_id = return_case.case_id AND review.state = 'open'
        LEFT JOIN LATERAL (
            SELECT considered FROM casework.legal_assessment
            WHERE legal_assessment.review_id = review.review_id AND assessed_by = first_reviewer
            ORDER BY position DESC LIMIT 1
        ) AS assessment ON true
        LEFT JOIN casework.appeal ON appeal.case_id = return_case.case_id AND appeal.outcome IS NULL
        WHERE return_case.case_id = $1
        """,
        case_id,
    )
    if row is None:
        return LegalFacts()
    annulled = await connection.fetch(
        """
        SELECT unnest(ARRAY[proposed_by, confirmed_by]) AS person FROM casework.legal_decision
        WHERE case_id = $1 AND state = 'annulled'
        """,
        case_id,
    )
    return LegalFacts(
        opened_by=row["opened_by"],
        review_open=row["review_id"] is not None,
        first_reviewer=row["first_reviewer"],
        considered=frozenset(Consideration(each) for each in row["considered"] or ()),
        annulled_deciders=frozenset(each["person"] for each in annulled),
        decision=await _live_decision_facts(connection, case_id, now),
        appeal_lodged_by=row["lodged_by"],
    )


async def _live_decision_facts(connection: Connection, case_id: UUID, now: datetime) -> Decision | None:
    row = await connection.fetchrow(
        """
        SELECT decision.*, in_force_from, in_force_until, entered_by, basis.confirmed_by AS basis_confirmed_by,
               basis.ended_by AS basis_ended_by
        FROM casework.legal_decision AS decision LEFT JOIN casework.legal_basis AS basis USING (basis_id)
        WHERE case_id = $1 AND state IN ('proposed', 'confirmed', 'served')
        """,
        case_id,
    )
    if row is None:
        return None
    basis = None
    if row["basis_id"] is not None:
        basis = LegalBasis(
            in_force_from=row["in_force_from"],
            in_force_until=row["in_force_until"],
            entered_by=row["entered_by"],
            confirmed_by=row["basis_confirmed_by"],
            ended_by=row["basis_ended_by"],
        )
    return Decision(
        outcome=ReviewOutcome(row["outcome"]),
        state=DecisionState(row["state"]),
        proposed_by=row["proposed_by"],
        confirmed_by=row["confirmed_by"],
        served_by=row["served_by"],
        understood=bool(row["understood"]),
        basis_in_force=basis is not None and basis.is_in_force(now),
        window_ends_at=row["window_due_at"],
    )


async def set_first_reviewer(connection: Connection, review_id: UUID, reviewer: str) -> None:
    await connection.execute(
        "UPDATE casework.legal_review SET first_reviewer = $2 WHERE review_id = $1", review_id, reviewer
    )


async def insert_assessment(
    connection: Connection,
    assessment_id: UUID,
    review_id: UUID,
    case: CaseRow,
    considered: Sequence[Consideration],
    assessed_by: str,
) -> None:
    await connection.execute(
        """
        INSERT INTO casework.legal_assessment (assessment_id, review_id, case_id, county, considered, assessed_by)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        assessment_id,
        review_id,
        case.case_id,
        case.county.value,
        [each.value for each in considered],
        assessed_by,
    )


async def insert_proposal(
    connection: Connection,
    decision_id: UUID,
    review_id: UUID,
    case: CaseRow,
    outcome: ReviewOutcome,
    proposed_by: str,
    written: WrittenDecision | None,
) -> None:
    await connection.execute(
        """
        INSERT INTO casework.legal_decision (decision_id, review_id, case_id, county, outcome, proposed_by, basis_id, reasons,
                                             appeal_instructions, appeal_window_days)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        """,
        decision_id,
        review_id,
        case.case_id,
        case.county.value,
        outcome.value,
        proposed_by,
        written.basis_id if written else None,
        written.reasons if written else None,
        written.appeal_instructions if written else None,
        written.appeal_window_days if written else None,
    )


async def find_live_decision(connection: Connection, case_id: UUID) -> LiveDecision | None:
    """The decision that is proposed, confirmed or served, read under the case's lock. Reads no text and no name."""
    row = await connection.fetchrow(
        """
        SELECT decision_id, review_id, outcome, state, window_due_at, window_fence FROM casework.legal_decision
        WHERE case_id = $1 AND state IN ('proposed', 'confirmed', 'served')
        """,
        case_id,
    )
    if row is None:
        return None
    return LiveDecision(
        decision_id=row["decision_id"],
        review_id=row["review_id"],
        outcome=ReviewOutcome(row["outcome"]),
        state=DecisionState(row["state"]),
        window_ends_at=row["window_due_at"],
        window_fence=row["window_fence"],
    )


async def find_case_id(connection: Connection, decision_id: UUID) -> UUID | None:
    """The decision's case, without locking: the case is locked first, then the decision is read."""
    return await connection.fetchval("SELECT case_id FROM casework.legal_decision WHERE decision_id = $1", decision_id)


async def read_window_days(connection: Connection, decision_id: UUID) -> int:
    """How many days the decision gives for an appeal, as it was written."""
    days: int = await connection.fetchval(
        "SELECT appeal_window_days FROM casework.legal_decision WHERE decision_id = $1", decision_id
    )
    return days


async def set_confirmed(
    connection: Connection, decision_id: UUID, review_id: UUID, state: DecisionState, confirmed_by: str
) -> None:
    await connection.execute(
        "UPDATE casework.legal_decision SET state = $2, confirmed_by = $3 WHERE decision_id = $1",
        decision_id,
        state.value,
        confirmed_by,
    )
    await connection.execute(
        "UPDATE casework.legal_review SET second_reviewer = $2 WHERE review_id = $1", review_id, confirmed_by
    )


async def set_returned(connection: Connection, decision_id: UUID, returned_by: str, reason: str) -> None:
    await connection.execute(
        """
        UPDATE casework.legal_decision SET state = 'returned', returned_by = $2, return_reason = $3 WHERE decision_id = $1
        """,
        decision_id,
        returned_by,
        reason,
    )


async def set_served(
    connection: Connection, decision_id: UUID, served_by: str, language: str, interpreter: InterpreterRelation
) -> datetime:
    """Record the service of a decision that the household understood; its window's timer must be armed already.

    Returns the end of the appeal window on the database's clock.
    """
    ends_at: datetime = await connection.fetchval(
        """
        UPDATE casework.legal_decision
        SET state = 'served', served_by = $2, service_language = $3, service_interpreter = $4, understood = true
        WHERE decision_id = $1 RETURNING window_due_at
        """,
        decision_id,
        served_by,
        language,
        interpreter.value,
    )
    return ends_at


async def start_fresh_notice(connection: Connection, decision_id: UUID) -> datetime:
    """Start the notice period that follows an upheld decision; its timer must be armed. Returns its end."""
    ends_at: datetime = await connection.fetchval(
        "UPDATE casework.legal_decision SET notices = notices + 1 WHERE decision_id = $1 RETURNING window_due_at",
        decision_id,
    )
    return ends_at


async def set_annulled(connection: Connection, decision_id: UUID) -> None:
    await connection.execute(
        "UPDATE casework.legal_decision SET state = 'annulled' WHERE decision_id = $1", decision_id
    )


async def set_referred(connection: Connection, decision_id: UUID, referred_by: str) -> None:
    await connection.execute(
        "UPDATE casework.legal_decision SET state = 'referred', referred_by = $2 WHERE decision_id = $1",
        decision_id,
        referred_by,
    )


async def read_latest_decision(connection: Connection, case_id: UUID) -> DecisionRow | None:
    """The case's latest decision with its texts, for a logged read."""
    row = await connection.fetchrow(
        """
        SELECT decision_id, outcome, state, reasons, appeal_instructions, title, instrument_number, appeal_window_days,
               return_reason, served_at, window_due_at
        FROM casework.legal_decision LEFT JOIN casework.legal_basis USING (basis_id)
        WHERE case_id = $1 ORDER BY position DESC LIMIT 1
        """,
        case_id,
    )
    if row is None:
        return None
    return DecisionRow(
        decision_id=row["decision_id"],
        outcome=ReviewOutcome(row["outcome"]),
        state=DecisionState(row["state"]),
        reasons=row["reasons"],
        appeal_instructions=row["appeal_instructions"],
        basis_title=row["title"],
        basis_instrument_number=row["instrument_number"],
        appeal_window_days=row["appeal_window_days"],
        return_reason=row["return_reason"],
        served_at=row["served_at"],
        window_ends_at=row["window_due_at"],
    )


async def renew_voluntary_period(connection: Connection, case_id: UUID, voluntary_until: datetime) -> None:
    """Back to the start of the voluntary stage; the period's timer must be armed already, and no booking be left."""
    await connection.execute(
        """
        UPDATE casework.return_case SET state = 'opened', voluntary_until = $2, state_changed_at = now() WHERE case_id = $1
        """,
        case_id,
        voluntary_until,
    )

"""Cases and what people recorded about them: information, screenings, consents, and who read what."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.nationals.casework.domain.case_facts import (
    CaseState,
    Consent,
    Information,
    InterpreterRelation,
    Screening,
    ScreeningOutcome,
)
from services.nationals.casework.domain.household import Household, HouseholdNeed
from shared.contracts.counties import County
from shared.contracts.nationals import CaseOutcome
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class CaseRow:
    case_id: UUID
    county: County
    reference: str
    household: Household
    unaccompanied_child: bool
    needs: tuple[HouseholdNeed, ...]
    state: CaseState
    outcome: CaseOutcome | None
    voluntary_until: datetime
    voluntary_fence: int
    opened_at: datetime
    voluntary_due_at: datetime
    """When the voluntary period is over on the database's clock."""
    voluntary_stopped_at: datetime | None
    """Since when a pause keeps it from running."""


async def insert_case(
    connection: Connection,
    case_id: UUID,
    county: County,
    reference: str,
    household: Household,
    unaccompanied_child: bool,
    needs: list[HouseholdNeed],
    voluntary_until: datetime,
    opened_by: str,
    split_from: UUID | None = None,
) -> bool:
    """False if the county has a case with this reference. The voluntary period's timer must be armed already."""
    status = await connection.execute(
        """
        INSERT INTO casework.return_case (case_id, county, reference, adults, children_under_5, children_5_to_17,
                                          unaccompanied_child, needs, voluntary_until, opened_by, split_from)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (county, reference) DO NOTHING
        """,
        case_id,
        county.value,
        reference,
        household.adults,
        household.children_under_5,
        household.children_5_to_17,
        unaccompanied_child,
        [need.value for need in needs],
        voluntary_until,
        opened_by,
        split_from,
    )
    return status == "INSERT 0 1"


async def lock_case(connection: Connection, case_id: UUID) -> CaseRow | None:
    """The case under its row lock; None if it does not exist for the caller."""
    row = await connection.fetchrow(
        """
        SELECT case_id, county, reference, adults, children_under_5, children_5_to_17, unaccompanied_child, needs,
               state, outcome, voluntary_until, voluntary_fence, opened_at, voluntary_due_at, voluntary_stopped_at
        FROM casework.return_case WHERE case_id = $1 FOR UPDATE
        """,
        case_id,
    )
    if row is None:
        return None
    return CaseRow(
        case_id=row["case_id"],
        county=County(row["county"]),
        reference=row["reference"],
        household=Household(row["adults"], row["children_under_5"], row["children_5_to_17"]),
        unaccompanied_child=row["unaccompanied_child"],
        needs=tuple(HouseholdNeed(need) for need in row["needs"]),
        state=CaseState(row["state"]),
        outcome=CaseOutcome(row["outcome"]) if row["outcome"] else None,
        voluntary_until=row["voluntary_until"],
        voluntary_fence=row["voluntary_fence"],
        opened_at=row["opened_at"],
        voluntary_due_at=row["voluntary_due_at"],
        voluntary_stopped_at=row["voluntary_stopped_at"],
    )


async def set_state(connection: Connection, case_id: UUID, state: CaseState) -> None:
    await connection.execute(
        "UPDATE casework.return_case SET state = $2, state_changed_at = now() WHERE case_id = $1", case_id, state.value
    )


async def set_closed(connection: Connection, case_id: UUID, outcome: CaseOutcome) -> None:
    await connection.execute(
        """
        UPDATE casework.return_case SET state = 'closed', outcome = $2, state_changed_at = now() WHERE case_id = $1
        """,
        case_id,
        outcome.value,
    )


async def insert_information_session(
    connection: Connection,
    session_id: UUID,
    case: CaseRow,
    information: Information,
    interpreter: InterpreterRelation,
    held_by: str,
) -> None:
    await connection.execute(
        """
        INSERT INTO casework.information_session
            (session_id, case_id, county, language, information_version, interpreter, held_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        session_id,
        case.case_id,
        case.county.value,
        information.language,
        information.version,
        interpreter.value,
        held_by,
    )


async def latest_information(connection: Connection, case_id: UUID) -> Information | None:
    row = await connection.fetchrow(
        """
        SELECT language, information_version FROM casework.information_session
        WHERE case_id = $1 ORDER BY position DESC LIMIT 1
        """,
        case_id,
    )
    return Information(row["language"], row["information_version"]) if row else None


async def insert_screening(
    connection: Connection,
    screening_id: UUID,
    case: CaseRow,
    person_number: int,
    screening: Screening,
    screened_by: str,
) -> None:
    await connection.execute(
        """
        INSERT INTO casework.screening (screening_id, case_id, county, person_number, outcome, valid_until, screened_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        screening_id,
        case.case_id,
        case.county.value,
        person_number,
        screening.outcome.value,
        screening.valid_until,
        screened_by,
    )


async def latest_screenings(connection: Connection, case_id: UUID) -> dict[int, Screening]:
    """The latest screening of each person, by person number."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (person_number) person_number, outcome, valid_until FROM casework.screening
        WHERE case_id = $1 ORDER BY person_number, position DESC
        """,
        case_id,
    )
    return {row["person_number"]: Screening(ScreeningOutcome(row["outcome"]), row["valid_until"]) for row in rows}


async def insert_consent(
    connection: Connection, consent_id: UUID, case: CaseRow, consent: Consent, recorded_by: str
) -> None:
    await connection.execute(
        """
        INSERT INTO casework.consent (consent_id, case_id, county, language, information_version, interpreter,
                                      given_freely, sign_of_pressure, recorded_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        consent_id,
        case.case_id,
        case.county.value,
        consent.language,
        consent.information_version,
        consent.interpreter.value,
        consent.given_freely,
        consent.sign_of_pressure,
        recorded_by,
    )


async def latest_consent(connection: Connection, case_id: UUID) -> Consent | None:
    """The latest consent that is not withdrawn."""
    row = await connection.fetchrow(
        """
        SELECT language, information_version, interpreter, given_freely, sign_of_pressure FROM casework.consent
        WHERE case_id = $1 AND withdrawn_at IS NULL ORDER BY position DESC LIMIT 1
        """,
        case_id,
    )
    if row is None:
        return None
    return Consent(
        language=row["language"],
        information_version=row["information_version"],
        interpreter=InterpreterRelation(row["interpreter"]),
        given_freely=row["given_freely"],
        sign_of_pressure=row["sign_of_pressure"],
    )


async def withdraw_consents(connection: Connection, case_id: UUID) -> int:
    """Mark every consent that is in force as withdrawn; returns how many were."""
    status = await connection.execute(
        "UPDATE casework.consent SET withdrawn_at = now() WHERE case_id = $1 AND withdrawn_at IS NULL", case_id
    )
    return int(status.removeprefix("UPDATE "))


async def insert_read(connection: Connection, case: CaseRow, read_by: str, purpose: str) -> None:
    """Log that somebody reads the case; in the same transaction as the read, so that no read goes unlogged."""
    await connection.execute(
        "INSERT INTO casework.case_read_log (case_id, county, read_by, purpose) VALUES ($1, $2, $3, $4)",
        case.case_id,
        case.county.value,
        read_by,
        purpose,
    )

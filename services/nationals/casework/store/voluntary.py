"""Private hearings, reconfirmations and the voluntary period of a case."""

from datetime import datetime
from uuid import UUID

from services.nationals.casework.domain.case_facts import InterpreterRelation
from services.nationals.casework.store.cases import CaseRow
from shared.kit.transaction import Connection


async def insert_hearing(
    connection: Connection,
    hearing_id: UUID,
    case: CaseRow,
    person_number: int,
    language: str,
    interpreter: InterpreterRelation,
    heard_by: str,
) -> None:
    await connection.execute(
        """
        INSERT INTO casework.private_hearing (hearing_id, case_id, county, person_number, language, interpreter, heard_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        hearing_id,
        case.case_id,
        case.county.value,
        person_number,
        language,
        interpreter.value,
        heard_by,
    )


async def heard_persons(connection: Connection, case_id: UUID) -> frozenset[int]:
    """Numbers of the persons who were heard privately."""
    rows = await connection.fetch(
        "SELECT DISTINCT person_number FROM casework.private_hearing WHERE case_id = $1", case_id
    )
    return frozenset(row["person_number"] for row in rows)


async def insert_reconfirmation(
    connection: Connection,
    reconfirmation_id: UUID,
    case: CaseRow,
    language: str,
    interpreter: InterpreterRelation,
    recorded_by: str,
    valid_until: datetime,
) -> None:
    """Reconfirm the latest consent that is not withdrawn; there must be one."""
    await connection.execute(
        """
        INSERT INTO casework.reconfirmation
            (reconfirmation_id, case_id, county, consent_id, language, interpreter, recorded_by, valid_until)
        SELECT $1, $2, $3, consent_id, $4, $5, $6, $7 FROM casework.consent
        WHERE case_id = $2 AND withdrawn_at IS NULL ORDER BY position DESC LIMIT 1
        """,
        reconfirmation_id,
        case.case_id,
        case.county.value,
        language,
        interpreter.value,
        recorded_by,
        valid_until,
    )


async def reconfirmed_until(connection: Connection, case_id: UUID) -> datetime | None:
    """Until when the latest reconfirmation counts that is of the latest consent in force and was not cancelled."""
    return await connection.fetchval(
        """
        SELECT valid_until FROM casework.reconfirmation
        WHERE case_id = $1 AND cancelled_at IS NULL AND consent_id = (
            SELECT consent_id FROM casework.consent
            WHERE case_id = $1 AND withdrawn_at IS NULL ORDER BY position DESC LIMIT 1)
        ORDER BY position DESC LIMIT 1
        """,
        case_id,
    )


async def cancel_reconfirmations(connection: Connection, case_id: UUID) -> None:
    await connection.execute(
        "UPDATE casework.reconfirmation SET cancelled_at = now() WHERE case_id = $1 AND cancelled_at IS NULL", case_id
    )


async def stop_voluntary_period(connection: Connection, case_id: UUID) -> None:
    """Remember since when the period does not run; nothing changes if it is stopped already."""
    await connection.execute(
        "UPDATE casework.return_case SET voluntary_stopped_at = now() WHERE case_id = $1 AND voluntary_stopped_at IS NULL",
        case_id,
    )


async def run_voluntary_period(connection: Connection, case_id: UUID, voluntary_until: datetime) -> None:
    """The period runs again. Its timer must be armed already; a trigger copies when it is due, and refuses to shorten it."""
    await connection.execute(
        "UPDATE casework.return_case SET voluntary_until = greatest($2, voluntary_until), voluntary_stopped_at = NULL"
        " WHERE case_id = $1",
        case_id,
        voluntary_until,
    )


async def extend_voluntary_period(connection: Connection, case_id: UUID, voluntary_until: datetime) -> None:
    """As `run_voluntary_period`, of a period that was not stopped: all that the worker may write."""
    await connection.execute(
        "UPDATE casework.return_case SET voluntary_until = greatest($2, voluntary_until) WHERE case_id = $1",
        case_id,
        voluntary_until,
    )


async def on_its_way_until(connection: Connection, case_id: UUID) -> datetime | None:
    """When the household's booking runs out on the database's clock, or its reconfirmation, whichever is later."""
    return await connection.fetchval(
        """
        SELECT max(until) FROM (
            SELECT expiry_due_at AS until FROM casework.booking WHERE case_id = $1 AND state IN ('held', 'admitted')
            UNION ALL
            SELECT valid_until FROM casework.reconfirmation WHERE case_id = $1 AND cancelled_at IS NULL
        ) AS reason
        """,
        case_id,
    )

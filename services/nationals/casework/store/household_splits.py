"""Protected requests to split a household, and the screenings that its people bring along."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from services.nationals.casework.domain.case_facts import ScreeningOutcome
from services.nationals.casework.store.cases import CaseRow
from shared.kit.transaction import Connection


class SplitDecision(StrEnum):
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class SplitRow:
    """A protected request that waits for its second officer; `leaving`: numbers of the persons who go their own way."""

    split_id: UUID
    pause_id: UUID
    leaving: tuple[int, ...]
    requested_by: str


@dataclass(frozen=True, slots=True)
class ScreeningRow:
    screening_id: UUID
    position: int
    person_number: int
    outcome: ScreeningOutcome
    valid_until: datetime
    screened_by: str


async def insert_split(
    connection: Connection, split_id: UUID, case: CaseRow, pause_id: UUID, leaving: Sequence[int], requested_by: str
) -> None:
    await connection.execute(
        """
        INSERT INTO casework.household_split (split_id, case_id, county, pause_id, leaving, requested_by)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        split_id,
        case.case_id,
        case.county.value,
        pause_id,
        sorted(leaving),
        requested_by,
    )


async def open_split(connection: Connection, case_id: UUID) -> SplitRow | None:
    """The case's request that waits for a decision, read under the case's lock."""
    row = await connection.fetchrow(
        """
        SELECT split_id, pause_id, leaving, requested_by FROM casework.household_split
        JOIN casework.case_pause USING (pause_id)
        WHERE household_split.case_id = $1 AND decision IS NULL AND ended_at IS NULL
        """,
        case_id,
    )
    return SplitRow(row["split_id"], row["pause_id"], tuple(row["leaving"]), row["requested_by"]) if row else None


async def decide_split(connection: Connection, split_id: UUID, decision: SplitDecision, decided_by: str) -> None:
    await connection.execute(
        "UPDATE casework.household_split SET decision = $2, decided_by = $3, decided_at = now() WHERE split_id = $1",
        split_id,
        decision.value,
        decided_by,
    )


async def list_screenings(connection: Connection, case_id: UUID) -> list[ScreeningRow]:
    """Every screening of the case in the order they were recorded."""
    rows = await connection.fetch(
        """
        SELECT screening_id, position, person_number, outcome, valid_until, screened_by FROM casework.screening
        WHERE case_id = $1 ORDER BY position
        """,
        case_id,
    )
    return [
        ScreeningRow(
            screening_id=row["screening_id"],
            position=row["position"],
            person_number=row["person_number"],
            outcome=ScreeningOutcome(row["outcome"]),
            valid_until=row["valid_until"],
            screened_by=row["screened_by"],
        )
        for row in rows
    ]


async def carry_screening(
    connection: Connection, screening_id: UUID, case_id: UUID, county: str, person_number: int, origin: ScreeningRow
) -> None:
    """Let a person keep his screening in the new case: the same finding, end and officer."""
    await connection.execute(
        """
        INSERT INTO casework.screening
            (screening_id, case_id, county, person_number, outcome, valid_until, screened_by, carried_from)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        screening_id,
        case_id,
        county,
        person_number,
        origin.outcome.value,
        origin.valid_until,
        origin.screened_by,
        origin.screening_id,
    )

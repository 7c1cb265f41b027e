"""Ending a pause: what it is about, who proposed its end, who decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.nationals.casework.domain.case_facts import ScreeningOutcome
from services.nationals.casework.domain.clearance import ClearanceDecision, ClearanceReason, Concern
from services.nationals.casework.store.cases import CaseRow
from shared.contracts.counties import County
from shared.contracts.nationals import ReviewOffice
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class ClearanceRow:
    """A proposal that waits for its second person."""

    clearance_id: UUID
    pause_id: UUID
    safeguard: int
    pause_opened_by: str
    reason: ClearanceReason
    note: str | None
    covers_to: int
    proposed_by: str
    proposed_as: tuple[str, ...]


async def find_open_pause(connection: Connection, case_id: UUID, pause_id: UUID) -> tuple[int, str] | None:
    """(safeguard, opened_by) of an open pause of the case, read under the case's lock."""
    row = await connection.fetchrow(
        """
        SELECT safeguard, opened_by FROM casework.case_pause WHERE pause_id = $1 AND case_id = $2 AND ended_at IS NULL
        """,
        pause_id,
        case_id,
    )
    return (row["safeguard"], row["opened_by"]) if row else None


async def end_pause(connection: Connection, pause_id: UUID) -> None:
    await connection.execute("UPDATE casework.case_pause SET ended_at = now() WHERE pause_id = $1", pause_id)


async def list_concerns(connection: Connection, case_id: UUID) -> list[Concern]:
    """Every sign of pressure, flag and child's record of the case, cleared or not."""
    rows = await connection.fetch(
        """
        SELECT 2 AS safeguard, position, recorded_by, NULL AS flag FROM casework.consent
        WHERE case_id = $1 AND (sign_of_pressure OR NOT given_freely)
        UNION ALL
        SELECT CASE outcome WHEN 'protection_need' THEN 5 ELSE 9 END, position, screened_by, outcome FROM casework.screening
        WHERE case_id = $1 AND outcome <> 'clear'
        UNION ALL
        SELECT 8, position, recorded_by, NULL FROM casework.child_protection_record WHERE case_id = $1
        ORDER BY 1, 2
        """,
        case_id,
    )
    return [
        Concern(
            safeguard=row["safeguard"],
            position=row["position"],
            recorded_by=row["recorded_by"],
            flag=ScreeningOutcome(row["flag"]) if row["flag"] else None,
        )
        for row in rows
    ]


async def cleared_to(connection: Connection, case_id: UUID) -> dict[int, int]:
    """Up to which position two people cleared the records of each safeguard; a safeguard without a clearance is left out."""
    rows = await connection.fetch(
        """
        SELECT safeguard, max(covers_to) AS covers_to FROM casework.pause_clearance
        JOIN casework.case_pause USING (pause_id)
        WHERE pause_clearance.case_id = $1 AND decision = 'confirmed' GROUP BY safeguard
        """,
        case_id,
    )
    return {row["safeguard"]: row["covers_to"] for row in rows}


async def insert_clearance(
    connection: Connection,
    clearance_id: UUID,
    case: CaseRow,
    pause_id: UUID,
    reason: ClearanceReason,
    note: str | None,
    proposed_by: str,
    proposed_as: Sequence[str],
) -> None:
    """What the proposal covers is set by trigger, under the case's lock."""
    await connection.execute(
        """
        INSERT INTO casework.pause_clearance
            (clearance_id, case_id, county, pause_id, reason, note, proposed_by, proposed_as)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        clearance_id,
        case.case_id,
        case.county.value,
        pause_id,
        reason.value,
        note,
        proposed_by,
        list(proposed_as),
    )


async def open_clearances(connection: Connection, case_id: UUID) -> list[ClearanceRow]:
    """Proposals of the case that wait for a second person, read under the case's lock."""
    rows = await connection.fetch(
        """
        SELECT clearance_id, pause_id, safeguard, opened_by, reason, note, covers_to, proposed_by, proposed_as
        FROM casework.pause_clearance JOIN casework.case_pause USING (pause_id)
        WHERE pause_clearance.case_id = $1 AND decision IS NULL AND ended_at IS NULL ORDER BY clearance_id
        """,
        case_id,
    )
    return [
        ClearanceRow(
            clearance_id=row["clearance_id"],
            pause_id=row["pause_id"],
            safeguard=row["safeguard"],
            pause_opened_by=row["opened_by"],
            reason=ClearanceReason(row["reason"]),
            note=row["note"],
            covers_to=row["covers_to"],
            proposed_by=row["proposed_by"],
            proposed_as=tuple(row["proposed_as"]),
        )
        for row in rows
    ]


async def decide_clearance(
    connection: Connection, clearance_id: UUID, decision: ClearanceDecision, decided_by: str
) -> None:
    await connection.execute(
        """
        UPDATE casework.pause_clearance SET decision = $2, decided_by = $3, decided_at = now() WHERE clearance_id = $1
        """,
        clearance_id,
        decision.value,
        decided_by,
    )


@dataclass(frozen=True, slots=True)
class WaitingPauseRow:
    pause_id: UUID
    case_id: UUID
    county: County
    owner_office: ReviewOffice
    opened_at: datetime
    review_by: datetime
    reminders: int
    clearance_proposed: bool


async def list_open_pauses(connection: Connection, after: UUID | None, limit: int) -> list[WaitingPauseRow]:
    """Open pauses in the order they were opened, after `after`."""
    rows = await connection.fetch(
        """
        SELECT pause_id, case_id, county, owner_office, opened_at, review_by, reminders,
               EXISTS (SELECT FROM casework.pause_clearance
                       WHERE pause_clearance.pause_id = case_pause.pause_id AND decision IS NULL) AS clearance_proposed
        FROM casework.case_pause
        WHERE ended_at IS NULL AND ($1::uuid IS NULL OR pause_id > $1) ORDER BY pause_id LIMIT $2
        """,
        after,
        limit,
    )
    return [
        WaitingPauseRow(
            pause_id=row["pause_id"],
            case_id=row["case_id"],
            county=County(row["county"]),
            owner_office=ReviewOffice(row["owner_office"]),
            opened_at=row["opened_at"],
            review_by=row["review_by"],
            reminders=row["reminders"],
            clearance_proposed=row["clearance_proposed"],
        )
        for row in rows
    ]

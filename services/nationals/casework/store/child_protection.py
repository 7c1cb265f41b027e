"""Records about unaccompanied children: guardian, best interests, verified reception."""

from datetime import date
from uuid import UUID

from services.nationals.casework.domain.child_protection import ChildRecord, ChildRecordKind
from services.nationals.casework.store.cases import CaseRow
from shared.kit.transaction import Connection


async def insert_child_record(
    connection: Connection,
    record_id: UUID,
    case: CaseRow,
    record: ChildRecord,
    appointment_reference: str | None,
    determination_version: int | None,
    dated_on: date,
) -> None:
    """`record.position` is given by the database."""
    await connection.execute(
        """
        INSERT INTO casework.child_protection_record
            (record_id, case_id, county, person_number, kind, appointment_reference, determination_version, dated_on,
             recorded_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        record_id,
        case.case_id,
        case.county.value,
        record.person_number,
        record.kind.value,
        appointment_reference,
        determination_version,
        dated_on,
        record.recorded_by,
    )


async def list_child_records(connection: Connection, case_id: UUID) -> list[ChildRecord]:
    """All records of the case in the order they were made, read under the case's lock."""
    rows = await connection.fetch(
        """
        SELECT position, person_number, kind, recorded_by FROM casework.child_protection_record
        WHERE case_id = $1 ORDER BY position
        """,
        case_id,
    )
    return [
        ChildRecord(row["position"], row["person_number"], ChildRecordKind(row["kind"]), row["recorded_by"])
        for row in rows
    ]

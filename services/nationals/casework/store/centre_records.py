"""What centres have, as measured, each record with the standards that it was measured against."""

from uuid import UUID

from services.nationals.casework.domain.standards import CentreRecord, CentreStandards
from shared.contracts.counties import County
from shared.kit.transaction import Connection


async def insert_record(
    connection: Connection, record_id: UUID, centre_id: UUID, county: County, record: CentreRecord, recorded_by: str
) -> None:
    """The centre's places must be locked already."""
    await connection.execute(
        """
        INSERT INTO casework.centre_record
            (record_id, centre_id, county, floor_area_m2, toilets, staff_per_shift, standards_version,
             floor_area_m2_per_person, persons_per_toilet, persons_per_staff_member, recorded_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        record_id,
        centre_id,
        county.value,
        record.floor_area_m2,
        record.toilets,
        record.staff_per_shift,
        record.standards.version,
        record.standards.floor_area_m2_per_person,
        record.standards.persons_per_toilet,
        record.standards.persons_per_staff_member,
        recorded_by,
    )


async def latest_record(connection: Connection, centre_id: UUID) -> CentreRecord | None:
    """The record that counts; None while nobody measured the centre."""
    row = await connection.fetchrow(
        """
        SELECT floor_area_m2, toilets, staff_per_shift, standards_version, floor_area_m2_per_person, persons_per_toilet,
               persons_per_staff_member
        FROM casework.centre_record WHERE centre_id = $1 ORDER BY position DESC LIMIT 1
        """,
        centre_id,
    )
    if row is None:
        return None
    return CentreRecord(
        floor_area_m2=row["floor_area_m2"],
        toilets=row["toilets"],
        staff_per_shift=row["staff_per_shift"],
        standards=CentreStandards(
            version=row["standards_version"],
            floor_area_m2_per_person=row["floor_area_m2_per_person"],
            persons_per_toilet=row["persons_per_toilet"],
            persons_per_staff_member=row["persons_per_staff_member"],
        ),
    )

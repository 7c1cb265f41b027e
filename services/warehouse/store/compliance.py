"""Passive-defence elements, staff training, certificates of compliance, and the facts that they are judged by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.warehouse.domain.compliance import ElementState, SiteFacts
from services.warehouse.domain.risk import RiskClass
from shared.contracts.counties import County
from shared.contracts.warehouse import WarehouseKind
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class SiteOfRecords:
    """A site as its records and certificates need it."""

    warehouse_id: UUID
    county: County
    registry_id: str
    name: str
    kind: WarehouseKind
    risk_class: RiskClass
    operator: str | None
    address: str | None


@dataclass(frozen=True, slots=True)
class ElementRow:
    """The newest record of one element of a site."""

    element: str
    state: ElementState
    reason: str | None
    inspection_id: UUID | None
    recorded_by: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One training record."""

    record_id: UUID
    warehouse_id: UUID
    staff_reference: str
    staff_role: str
    course: str
    certificate_number: str
    trained_on: date
    expires_on: date
    recorded_by: str
    recorded_at: datetime
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = None
    withdrawal_reason: str | None = None


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """One certificate; `code` without separators."""

    certificate_id: UUID
    code: str
    warehouse_id: UUID
    issued_by: str
    issued_at: datetime
    valid_until: date
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    revocation_reason: str | None = None


_TRAINING = """
    record_id, warehouse_id, staff_reference, staff_role, course, certificate_number, trained_on, expires_on, recorded_by,
    recorded_at, withdrawn_at, withdrawn_by, withdrawal_reason
"""
_CERTIFICATE = """
    certificate_id, code, warehouse_id, issued_by, issued_at, valid_until, revoked_at, revoked_by, revocation_reason
"""


async def find_site(connection: Connection, warehouse_id: UUID, *, lock: bool = False) -> SiteOfRecords | None:
    """The site (locked if `lock`, so that its records are written one after another); None if the caller may not see it."""
    row = await connection.fetchrow(
        f"""
        SELECT warehouse_id, county, registry_id, name, kind, risk_class, operator, address
        FROM warehouse WHERE warehouse_id = $1 {"FOR NO KEY UPDATE" if lock else ""}
        """,
        warehouse_id,
    )
    if row is None:
        return None
    return SiteOfRecords(
        row["warehouse_id"],
        County(row["county"]),
        row["registry_id"],
        row["name"],
        WarehouseKind(row["kind"]),
        RiskClass(row["risk_class"]),
        row["operator"],
        row["address"],
    )


async def read_facts(connection: Connection, warehouse_id: UUID, today: date) -> SiteFacts:
    """What compliance is judged by on `today`. Raises LookupError: no such site."""
    site = await connection.fetchrow(
        """
        SELECT risk_class, kind, within_interval,
               (SELECT count(*) FROM corrective_action a WHERE a.warehouse_id = w.warehouse_id
                AND a.severity = 'critical' AND a.state <> 'resolved') AS critical_actions_open,
               (SELECT count(*) FROM hold h WHERE h.warehouse_id = w.warehouse_id AND h.lifted_at IS NULL) AS holds_open
        FROM warehouse w WHERE warehouse_id = $1
        """,
        warehouse_id,
    )
    if site is None:
        raise LookupError(f"warehouse {warehouse_id}")
    trained = await connection.fetch(
        """
        SELECT course, count(DISTINCT staff_reference) AS people FROM training_record
        WHERE warehouse_id = $1 AND withdrawn_at IS NULL AND trained_on <= $2 AND expires_on >= $2 GROUP BY course
        """,
        warehouse_id,
        today,
    )
    elements = await list_elements(connection, warehouse_id)
    return SiteFacts(
        risk_class=RiskClass(site["risk_class"]),
        kind=WarehouseKind(site["kind"]),
        is_within_interval=site["within_interval"],
        elements={row.element: row.state for row in elements},
        trained={row["course"]: row["people"] for row in trained},
        critical_actions_open=site["critical_actions_open"],
        holds_open=site["holds_open"],
    )


async def list_elements(connection: Connection, warehouse_id: UUID) -> list[ElementRow]:
    """The newest record of every element of the site."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (element) element, state, reason, inspection_id, recorded_by, recorded_at
        FROM passive_defence_record WHERE warehouse_id = $1 ORDER BY element, record_id DESC
        """,
        warehouse_id,
    )
    return [
        ElementRow(
            row["element"],
            ElementState(row["state"]),
            row["reason"],
            row["inspection_id"],
            row["recorded_by"],
            row["recorded_at"],
        )
        for row in rows
    ]


async def insert_elements(
    connection: Connection, warehouse_id: UUID, record_ids: Sequence[UUID], elements: Sequence[ElementRow]
) -> None:
    """Keep what was seen, above what was seen before."""
    await connection.execute(
        """
        INSERT INTO passive_defence_record (record_id, warehouse_id, element, state, reason, inspection_id, recorded_by,
                                            recorded_at)
        SELECT record_id, $1, element, state, reason, inspection_id, recorded_by, recorded_at
        FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::timestamptz[])
             AS seen (record_id, element, state, reason, inspection_id, recorded_by, recorded_at)
        """,
        warehouse_id,
        record_ids,
        [item.element for item in elements],
        [item.state for item in elements],
        [item.reason for item in elements],
        [item.inspection_id for item in elements],
        [item.recorded_by for item in elements],
        [item.recorded_at for item in elements],
    )


async def insert_training(connection: Connection, record: TrainingRow) -> TrainingRow:
    """Keep a training; returns the record that was there already if the same certificate is recorded."""
    kept = await connection.fetchval(
        """
        INSERT INTO training_record (record_id, warehouse_id, staff_reference, staff_role, course, certificate_number,
                                     trained_on, expires_on, recorded_by, recorded_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (warehouse_id, staff_reference, course, certificate_number) WHERE withdrawn_at IS NULL DO NOTHING
        RETURNING record_id
        """,
        record.record_id,
        record.warehouse_id,
        record.staff_reference,
        record.staff_role,
        record.course,
        record.certificate_number,
        record.trained_on,
        record.expires_on,
        record.recorded_by,
        record.recorded_at,
    )
    if kept is not None:
        return record
    row = await connection.fetchrow(
        f"""
        SELECT {_TRAINING} FROM training_record
        WHERE warehouse_id = $1 AND staff_reference = $2 AND course = $3 AND certificate_number = $4
          AND withdrawn_at IS NULL
        """,
        record.warehouse_id,
        record.staff_reference,
        record.course,
        record.certificate_number,
    )
    if row is None:
        raise LookupError("a training that was there is gone, although its site is locked")
    return TrainingRow(**dict(row))


async def list_trainings(
    connection: Connection, warehouse_id: UUID, limit: int, after: UUID | None
) -> list[TrainingRow]:
    """Up to `limit` training records of the site that come after `after`, in the order of recording."""
    rows = await connection.fetch(
        f"""
        SELECT {_TRAINING} FROM training_record
        WHERE warehouse_id = $1 AND ($2::uuid IS NULL OR record_id > $2) ORDER BY record_id LIMIT $3
        """,
        warehouse_id,
        after,
        limit,
    )
    return [TrainingRow(**dict(row)) for row in rows]


async def find_training_site(connection: Connection, record_id: UUID) -> UUID | None:
    """The site of a training record; None if the caller may not see it."""
    return await connection.fetchval("SELECT warehouse_id FROM training_record WHERE record_id = $1", record_id)


async def get_training(connection: Connection, record_id: UUID) -> TrainingRow:
    """A training record that is known to be there."""
    row = await connection.fetchrow(f"SELECT {_TRAINING} FROM training_record WHERE record_id = $1", record_id)
    if row is None:
        raise LookupError(f"training record {record_id}")
    return TrainingRow(**dict(row))


async def withdraw_training(
    connection: Connection, record_id: UUID, withdrawn_by: str, reason: str, withdrawn_at: datetime
) -> None:
    """The record does not count any more; it stays readable."""
    await connection.execute(
        "UPDATE training_record SET withdrawn_at = $2, withdrawn_by = $3, withdrawal_reason = $4 WHERE record_id = $1",
        record_id,
        withdrawn_at,
        withdrawn_by,
        reason,
    )


async def notice_expired_trainings(
    connection: Connection, today: date, now: datetime, limit: int
) -> list[tuple[TrainingRow, County, bool]]:
    """Up to `limit` trainings that expired before `today` and were not noticed yet, each with its site's county.

    True where the same person holds a newer one of the same course.
    """
    rows = await connection.fetch(
        f"""
        WITH noticed AS (
            UPDATE training_record AS t SET expiry_noticed_at = $2
            FROM (
                SELECT record_id FROM training_record
                WHERE expires_on < $1 AND expiry_noticed_at IS NULL AND withdrawn_at IS NULL
                ORDER BY expires_on LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
            ) AS due
            WHERE t.record_id = due.record_id
            RETURNING t.*
        )
        SELECT {_TRAINING},
               (SELECT county FROM warehouse w WHERE w.warehouse_id = noticed.warehouse_id) AS county,
               EXISTS (
                   SELECT FROM training_record newer
                   WHERE newer.warehouse_id = noticed.warehouse_id AND newer.staff_reference = noticed.staff_reference
                     AND newer.course = noticed.course AND newer.withdrawn_at IS NULL
                     AND newer.expires_on > noticed.expires_on
               ) AS renewed
        FROM noticed ORDER BY record_id
        """,
        today,
        now,
        limit,
    )
    found: list[tuple[TrainingRow, County, bool]] = []
    for row in rows:
        values = dict(row)
        county, renewed = County(values.pop("county")), values.pop("renewed")
        found.append((TrainingRow(**values), county, renewed))
    return found


async def insert_certificate(connection: Connection, certificate: CertificateRow) -> bool:
    """Keep a certificate; False if one of the site, not revoked, has the same last day."""
    status = await connection.execute(
        """
        INSERT INTO compliance_certificate (certificate_id, code, warehouse_id, issued_by, issued_at, valid_until)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (warehouse_id, valid_until) WHERE revoked_at IS NULL DO NOTHING
        """,
        certificate.certificate_id,
        certificate.code,
        certificate.warehouse_id,
        certificate.issued_by,
        certificate.issued_at,
        certificate.valid_until,
    )
    return status == "INSERT 0 1"


async def list_certificates(connection: Connection, warehouse_id: UUID) -> list[CertificateRow]:
    """Every certificate of the site, the newest first."""
    rows = await connection.fetch(
        f"SELECT {_CERTIFICATE} FROM compliance_certificate WHERE warehouse_id = $1 ORDER BY certificate_id DESC",
        warehouse_id,
    )
    return [CertificateRow(**dict(row)) for row in rows]


async def find_certificate(
    connection: Connection, warehouse_id: UUID, certificate_id: UUID, *, lock: bool = False
) -> CertificateRow | None:
    """A certificate of the site (locked if `lock`); None if there is none that the caller may see."""
    row = await connection.fetchrow(
        f"""
        SELECT {_CERTIFICATE} FROM compliance_certificate WHERE warehouse_id = $1 AND certificate_id = $2
        {"FOR NO KEY UPDATE" if lock else ""}
        """,
        warehouse_id,
        certificate_id,
    )
    return CertificateRow(**dict(row)) if row else None


async def find_certificate_by_code(connection: Connection, code: str) -> CertificateRow | None:
    """The certificate with this code."""
    row = await connection.fetchrow(f"SELECT {_CERTIFICATE} FROM compliance_certificate WHERE code = $1", code)
    return CertificateRow(**dict(row)) if row else None


async def revoke_certificate(
    connection: Connection, certificate_id: UUID, revoked_by: str, reason: str, revoked_at: datetime
) -> None:
    """Revoke, by a named person and with a reason."""
    await connection.execute(
        """
        UPDATE compliance_certificate SET revoked_at = $2, revoked_by = $3, revocation_reason = $4
        WHERE certificate_id = $1
        """,
        certificate_id,
        revoked_at,
        revoked_by,
        reason,
    )

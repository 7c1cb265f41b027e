"""The contact vault: sealed details by case. Nothing here can be read without a master key, which is not in the database."""

from collections.abc import Sequence
from uuid import UUID

from services.nationals.casework.store.cases import CaseRow
from services.nationals.casework.vault.envelope import Envelope
from shared.kit.transaction import Connection


async def data_key_version(connection: Connection, case_id: UUID) -> int:
    """Which data key the household has now; 0 if it left no contacts."""
    version = await connection.fetchval(
        "SELECT data_key_version FROM casework.contact_vault WHERE case_id = $1", case_id
    )
    return version or 0


async def put_contacts(connection: Connection, case: CaseRow, envelope: Envelope, written_by: str) -> None:
    """Keep the envelope in place of what was there; its data key must be the next one."""
    await connection.execute(
        """
        INSERT INTO casework.contact_vault
            (case_id, county, data_key_version, master_key_version, wrapped_key, ciphertext, written_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (case_id) DO UPDATE SET
            data_key_version = $3, master_key_version = $4, wrapped_key = $5, ciphertext = $6, written_by = $7
        """,
        case.case_id,
        case.county.value,
        envelope.data_key_version,
        envelope.master_key_version,
        envelope.wrapped_key,
        envelope.ciphertext,
        written_by,
    )


async def insert_contacts_read(connection: Connection, case: CaseRow, read_by: str, purpose: str) -> None:
    """Log that somebody reads the contacts; `read_contacts` refuses without it."""
    await connection.execute(
        "INSERT INTO casework.case_read_log (case_id, county, read_by, purpose, part) VALUES ($1, $2, $3, $4, 'contacts')",
        case.case_id,
        case.county.value,
        read_by,
        purpose,
    )


async def read_contacts(connection: Connection, case_id: UUID) -> Envelope | None:
    """The sealed contacts, in a transaction that has logged the read; None if there are none or they were erased."""
    row = await connection.fetchrow(
        """
        SELECT data_key_version, master_key_version, wrapped_key, ciphertext FROM casework.read_contacts($1)
        """,
        case_id,
    )
    return Envelope(case_id=case_id, **dict(row)) if row else None


async def lock_outdated_keys(connection: Connection, version: int, limit: int) -> list[Envelope]:
    """Wrapped keys under a master key older than `version`, at most `limit`, without those another transaction is at."""
    rows = await connection.fetch(
        """
        SELECT case_id, data_key_version, master_key_version, wrapped_key FROM casework.contact_vault
        WHERE master_key_version < $1 ORDER BY master_key_version, case_id LIMIT $2 FOR UPDATE SKIP LOCKED
        """,
        version,
        limit,
    )
    return [Envelope(**dict(row)) for row in rows]


async def put_wrapped_keys(connection: Connection, envelopes: Sequence[Envelope]) -> None:
    """Write what `lock_outdated_keys` gave, wrapped anew."""
    await connection.executemany(
        "UPDATE casework.contact_vault SET master_key_version = $2, wrapped_key = $3 WHERE case_id = $1",
        [(envelope.case_id, envelope.master_key_version, envelope.wrapped_key) for envelope in envelopes],
    )


async def count_keys(connection: Connection) -> dict[int, int]:
    """How many data keys are wrapped under each version of the master key, by version."""
    rows = await connection.fetch(
        """
        SELECT master_key_version, count(*) AS keys FROM casework.contact_vault
        GROUP BY master_key_version ORDER BY master_key_version
        """
    )
    return {row["master_key_version"]: row["keys"] for row in rows}

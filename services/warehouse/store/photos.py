"""Photos: what is known of each, to which name of which submission it belongs, and parts of those still being sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.warehouse.domain.photo import KeptPhoto
from services.warehouse.domain.photo_evidence import SIMILAR_BITS_MAX, PhotoEvidence, Point
from services.warehouse.store.inspections import Inspection
from shared.contracts.warehouse import ChecklistItem
from shared.kit.transaction import Connection

OTHER_SITES_COUNTED_MAX = 100


@dataclass(frozen=True, slots=True)
class PhotoPlace:
    """Where a photo belongs: `name` as the phone calls it, in the submission `instance_id` of `submitted_by`."""

    inspection_id: UUID
    instance_id: str
    name: str
    submitted_by: str


@dataclass(frozen=True, slots=True)
class PhotoRow:
    """A photo as a reader sees it. `submission_id` and `item` are None while its submission has not come."""

    photo_id: UUID
    instance_id: str
    name: str
    submission_id: UUID | None
    item: ChecklistItem | None
    received_at: datetime
    original_sha256: str
    taken_at: datetime | None
    evidence: PhotoEvidence


async def insert_photo(
    connection: Connection, inspection: Inspection, place: PhotoPlace, photo: KeptPhoto, received_at: datetime
) -> None:
    """Keep what is known of a photo whose picture is in the photo store."""
    facts = photo.facts
    await connection.execute(
        """
        INSERT INTO photo (photo_id, inspection_id, county, warehouse_id, instance_id, name, submitted_by, received_at,
                           original_sha256, original_bytes, original_format, taken_at, taken_latitude, taken_longitude,
                           stored_sha256, stored_bytes, width_pixels, height_pixels, difference_hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
        """,
        photo.photo_id,
        inspection.inspection_id,
        inspection.county,
        inspection.warehouse_id,
        place.instance_id,
        place.name,
        place.submitted_by,
        received_at,
        facts.original_sha256,
        facts.original_bytes,
        facts.original_format,
        facts.taken_at,
        facts.taken_point.latitude if facts.taken_point else None,
        facts.taken_point.longitude if facts.taken_point else None,
        facts.stored_sha256,
        facts.stored_bytes,
        facts.width_pixels,
        facts.height_pixels,
        facts.difference_hash,
    )


async def find_received(connection: Connection, place: PhotoPlace) -> tuple[UUID, str] | None:
    """Photo id and the original's SHA-256 of what was received under this name; None if nothing."""
    row = await connection.fetchrow(
        """
        SELECT photo_id, original_sha256 FROM photo
        WHERE inspection_id = $1 AND instance_id = $2 AND name = $3 AND submitted_by = $4
        """,
        *_key(place),
    )
    return (row["photo_id"], row["original_sha256"]) if row else None


async def has_inspection(connection: Connection, inspection_id: UUID) -> bool:
    """Whether there is such an inspection in the caller's counties."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM inspection WHERE inspection_id = $1)", inspection_id
    )
    return found


async def count_photos(connection: Connection, inspection_id: UUID) -> int:
    """Photos of the inspection, whole ones and those of which only parts have come."""
    count: int = await connection.fetchval(
        """
        SELECT (SELECT count(*) FROM photo WHERE inspection_id = $1)
             + (SELECT count(DISTINCT (instance_id, name, submitted_by)) FROM photo_part WHERE inspection_id = $1)
        """,
        inspection_id,
    )
    return count


async def attach_photos(connection: Connection, instance_id: str, submitted_by: str) -> None:
    """Give every name of the inspector's submission its photo, where that has come and is of the same site."""
    await connection.execute(
        """
        UPDATE submission_photo AS named SET photo_id = photo.photo_id
        FROM submission
        JOIN inspection ON inspection.inspection_id = submission.inspection_id
        JOIN photo ON photo.instance_id = submission.instance_id AND photo.submitted_by = submission.submitted_by
                  AND photo.warehouse_id = inspection.warehouse_id AND photo.county = submission.county
        WHERE submission.instance_id = $1 AND submission.submitted_by = $2
          AND named.submission_id = submission.submission_id AND named.name = photo.name AND named.photo_id IS NULL
        """,
        instance_id,
        submitted_by,
    )


async def missing_photos(connection: Connection, submission_id: UUID) -> list[str]:
    """Names of the submission's photos that have not come, in order."""
    rows = await connection.fetch(
        "SELECT name FROM submission_photo WHERE submission_id = $1 AND photo_id IS NULL ORDER BY name", submission_id
    )
    return [row["name"] for row in rows]


async def list_photo_names(connection: Connection, submission_id: UUID) -> list[tuple[str, bool]]:
    """Names of the submission's pictures, and whether each has come."""
    rows = await connection.fetch(
        "SELECT name, photo_id IS NOT NULL AS is_there FROM submission_photo WHERE submission_id = $1 ORDER BY name",
        submission_id,
    )
    return [(row["name"], row["is_there"]) for row in rows]


async def list_missing(connection: Connection, inspection_id: UUID, submitted_by: str | None) -> list[tuple[str, str]]:
    """Instance id and name of every missing photo of the inspection's submissions (only those of `submitted_by`)."""
    rows = await connection.fetch(
        """
        SELECT submission.instance_id, named.name FROM submission_photo AS named JOIN submission USING (submission_id)
        WHERE submission.inspection_id = $1 AND named.photo_id IS NULL
          AND ($2::text IS NULL OR submission.submitted_by = $2)
        ORDER BY submission.submission_id, named.name
        """,
        inspection_id,
        submitted_by,
    )
    return [(row["instance_id"], row["name"]) for row in rows]


async def list_photo_ids(connection: Connection, inspection_id: UUID, submitted_by: str | None) -> list[UUID]:
    """Photos that came for an inspection or belong to one of its submissions (only those of `submitted_by`)."""
    rows = await connection.fetch(
        """
        SELECT photo_id FROM photo
        WHERE ($2::text IS NULL OR submitted_by = $2)
          AND (inspection_id = $1 OR photo_id IN (
                SELECT named.photo_id FROM submission_photo AS named JOIN submission USING (submission_id)
                WHERE submission.inspection_id = $1
          ))
        """,
        inspection_id,
        submitted_by,
    )
    return [row["photo_id"] for row in rows]


async def find_stored(connection: Connection, photo_id: UUID, submitted_by: str | None) -> str | None:
    """SHA-256 of the kept picture; None if the caller may see no such photo (of `submitted_by`)."""
    return await connection.fetchval(
        "SELECT stored_sha256 FROM photo WHERE photo_id = $1 AND ($2::text IS NULL OR submitted_by = $2)",
        photo_id,
        submitted_by,
    )


async def read_photos(connection: Connection, photo_ids: Sequence[UUID]) -> list[PhotoRow]:
    """The photos with their evidence, the oldest first; those that the caller may not see are left out."""
    rows = await connection.fetch(
        """
        SELECT photo.photo_id, photo.instance_id, photo.name, photo.received_at, photo.original_sha256, photo.taken_at,
               photo.taken_latitude, photo.taken_longitude, named.submission_id, named.item, submission.inspected_at,
               submission.found_latitude, submission.found_longitude, warehouse.latitude AS recorded_latitude,
               warehouse.longitude AS recorded_longitude, uses.same_sites, uses.similar_sites
        FROM photo
        JOIN photo_uses($1, $2, $3) AS uses USING (photo_id)
        LEFT JOIN LATERAL (
            SELECT submission_photo.submission_id, submission_photo.item FROM submission_photo
            WHERE submission_photo.photo_id = photo.photo_id ORDER BY submission_photo.submission_id DESC LIMIT 1
        ) AS named ON true
        LEFT JOIN submission ON submission.submission_id = named.submission_id
        LEFT JOIN warehouse ON warehouse.warehouse_id = photo.warehouse_id
        WHERE photo.photo_id = ANY ($1) ORDER BY photo.photo_id
        """,
        photo_ids,
        SIMILAR_BITS_MAX,
        OTHER_SITES_COUNTED_MAX,
    )
    return [
        PhotoRow(
            photo_id=row["photo_id"],
            instance_id=row["instance_id"],
            name=row["name"],
            submission_id=row["submission_id"],
            item=ChecklistItem(row["item"]) if row["item"] else None,
            received_at=row["received_at"],
            original_sha256=row["original_sha256"],
            taken_at=row["taken_at"],
            evidence=PhotoEvidence(
                taken_at=row["taken_at"],
                taken_point=_point(row, "taken"),
                inspected_at=row["inspected_at"],
                recorded_point=_point(row, "recorded"),
                found_point=_point(row, "found"),
                same_sites=row["same_sites"],
                similar_sites=row["similar_sites"],
            ),
        )
        for row in rows
    ]


async def insert_part(
    connection: Connection,
    inspection: Inspection,
    place: PhotoPlace,
    first_byte: int,
    photo_bytes: int,
    content: bytes,
    received_at: datetime,
) -> None:
    """Keep a part of a photo of `photo_bytes` bytes."""
    await connection.execute(
        """
        INSERT INTO photo_part (inspection_id, county, instance_id, name, submitted_by, first_byte, content,
                                photo_bytes, received_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """,
        inspection.inspection_id,
        inspection.county,
        place.instance_id,
        place.name,
        place.submitted_by,
        first_byte,
        content,
        photo_bytes,
        received_at,
    )


async def find_part(connection: Connection, place: PhotoPlace, photo_bytes: int, first_byte: int) -> bytes | None:
    """The part that came from `first_byte` on, of a photo of `photo_bytes` bytes; None if there is none."""
    return await connection.fetchval(
        """
        SELECT content FROM photo_part
        WHERE inspection_id = $1 AND instance_id = $2 AND name = $3 AND submitted_by = $4 AND photo_bytes = $5
          AND first_byte = $6
        """,
        *_key(place),
        photo_bytes,
        first_byte,
    )


async def count_received_bytes(connection: Connection, place: PhotoPlace, photo_bytes: int) -> int:
    """Bytes that are here, without a gap, of a photo of `photo_bytes` bytes; all of them if it came whole."""
    count: int = await connection.fetchval(
        """
        SELECT coalesce(
            (SELECT original_bytes FROM photo
             WHERE inspection_id = $1 AND instance_id = $2 AND name = $3 AND submitted_by = $4 AND original_bytes = $5),
            (SELECT sum(octet_length(content)) FROM photo_part
             WHERE inspection_id = $1 AND instance_id = $2 AND name = $3 AND submitted_by = $4 AND photo_bytes = $5),
            0
        )
        """,
        *_key(place),
        photo_bytes,
    )
    return count


async def join_parts(connection: Connection, place: PhotoPlace, photo_bytes: int) -> bytes:
    """What has come, without a gap, of a photo of `photo_bytes` bytes under this name."""
    content: bytes | None = await connection.fetchval(
        """
        SELECT string_agg(content, ''::bytea ORDER BY first_byte) FROM photo_part
        WHERE inspection_id = $1 AND instance_id = $2 AND name = $3 AND submitted_by = $4 AND photo_bytes = $5
        """,
        *_key(place),
        photo_bytes,
    )
    return content or b""


async def delete_parts(connection: Connection, place: PhotoPlace) -> None:
    """Forget what has come of the photo in parts."""
    await connection.execute(
        """
        DELETE FROM photo_part WHERE inspection_id = $1 AND instance_id = $2 AND name = $3 AND submitted_by = $4
        """,
        *_key(place),
    )


def _key(place: PhotoPlace) -> tuple[UUID, str, str, str]:
    return place.inspection_id, place.instance_id, place.name, place.submitted_by


def _point(row: Any, which: str) -> Point | None:
    latitude, longitude = row[f"{which}_latitude"], row[f"{which}_longitude"]
    return None if latitude is None else Point(latitude, longitude)


async def delete_stale(connection: Connection, parts_before: datetime, pending_before: datetime) -> tuple[int, int]:
    """Forget photos whose parts stopped coming, and photos that no submission ever named. Returns both counts."""
    parts: int = await connection.fetchval(
        """
        WITH gone AS (
            DELETE FROM photo_part WHERE (inspection_id, instance_id, name, submitted_by) IN (
                SELECT inspection_id, instance_id, name, submitted_by FROM photo_part
                GROUP BY inspection_id, instance_id, name, submitted_by HAVING max(received_at) < $1
            ) RETURNING inspection_id, instance_id, name, submitted_by
        )
        SELECT count(DISTINCT (inspection_id, instance_id, name, submitted_by)) FROM gone
        """,
        parts_before,
    )
    pending = await connection.execute(
        """
        DELETE FROM photo WHERE received_at < $1
        AND NOT EXISTS (SELECT FROM submission_photo AS named WHERE named.photo_id = photo.photo_id)
        """,
        pending_before,
    )
    return parts, int(pending.rpartition(" ")[2])


async def list_known(connection: Connection, photo_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the photos that have a row."""
    rows = await connection.fetch("SELECT photo_id FROM photo WHERE photo_id = ANY ($1)", photo_ids)
    return {row["photo_id"] for row in rows}

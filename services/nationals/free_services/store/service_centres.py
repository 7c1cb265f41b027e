"""Service centres, their opening hours and what they offer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from asyncpg import Record

from services.nationals.free_services.domain.centre import Offer, OpeningHours, Weekday
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class ServiceCentre:
    service_centre_id: UUID
    county: County
    name_fa: str
    name_en: str
    planned_until: date | None


async def insert_centre(
    connection: Connection,
    service_centre_id: UUID,
    county: County,
    name_fa: str,
    name_en: str,
    example_key: str | None,
    opened_by: str,
) -> bool:
    """False if the county has a centre of that name, or the example is loaded already."""
    status = await connection.execute(
        """
        INSERT INTO free_services.service_centre
            (service_centre_id, county, name_fa, name_en, example_key, opened_by)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
        """,
        service_centre_id,
        county,
        name_fa,
        name_en,
        example_key,
        opened_by,
    )
    return status == "INSERT 0 1"


async def lock_centre(connection: Connection, service_centre_id: UUID) -> ServiceCentre | None:
    """The centre under its row lock; None if there is none in the caller's counties."""
    row = await connection.fetchrow(
        """
        SELECT service_centre_id, county, name_fa, name_en, planned_until FROM free_services.service_centre
        WHERE service_centre_id = $1 FOR NO KEY UPDATE
        """,
        service_centre_id,
    )
    return None if row is None else _centre(row)


async def lock_centres_to_plan(connection: Connection, planned_until: date, limit: int) -> list[ServiceCentre]:
    """Centres with opening hours that are not planned up to `planned_until`, locked; those that others hold are left out."""
    rows = await connection.fetch(
        """
        SELECT service_centre_id, county, name_fa, name_en, planned_until FROM free_services.service_centre c
        WHERE coalesce(planned_until, '-infinity') < $1
          AND EXISTS (SELECT FROM free_services.opening_hours h WHERE h.service_centre_id = c.service_centre_id)
        ORDER BY service_centre_id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
        """,
        planned_until,
        limit,
    )
    return [_centre(row) for row in rows]


async def set_planned_until(connection: Connection, service_centre_id: UUID, planned_until: date) -> None:
    await connection.execute(
        "UPDATE free_services.service_centre SET planned_until = $2 WHERE service_centre_id = $1",
        service_centre_id,
        planned_until,
    )


async def list_centres(
    connection: Connection, county: County | None, after: UUID | None, limit: int
) -> list[ServiceCentre]:
    """Centres in the order of their ids, after `after`; of every county, whoever asks."""
    rows = await connection.fetch(
        """
        SELECT service_centre_id, county, name_fa, name_en, planned_until FROM free_services.service_centre
        WHERE ($1::text IS NULL OR county = $1) AND ($2::uuid IS NULL OR service_centre_id > $2)
        ORDER BY service_centre_id LIMIT $3
        """,
        county,
        after,
        limit,
    )
    return [_centre(row) for row in rows]


async def replace_hours(
    connection: Connection, service_centre_id: UUID, county: County, hours: Sequence[OpeningHours]
) -> None:
    """A week's opening hours in place of those before."""
    await connection.execute("DELETE FROM free_services.opening_hours WHERE service_centre_id = $1", service_centre_id)
    await connection.executemany(
        """
        INSERT INTO free_services.opening_hours (service_centre_id, weekday, county, opens_at, closes_at)
        VALUES ($1, $2, $3, $4, $5)
        """,
        [(service_centre_id, one.weekday, county, one.opens_at, one.closes_at) for one in hours],
    )


async def read_hours(connection: Connection, service_centre_ids: Sequence[UUID]) -> dict[UUID, list[OpeningHours]]:
    rows = await connection.fetch(
        """
        SELECT service_centre_id, weekday, opens_at, closes_at FROM free_services.opening_hours
        WHERE service_centre_id = ANY ($1)
        ORDER BY array_position(
            ARRAY['saturday', 'sunday', 'monday', 'tuesday', 'wednesday', 'thursday'], weekday
        )
        """,
        list(service_centre_ids),
    )
    hours: dict[UUID, list[OpeningHours]] = {}
    for row in rows:
        line = OpeningHours(Weekday(row["weekday"]), row["opens_at"], row["closes_at"])
        hours.setdefault(row["service_centre_id"], []).append(line)
    return hours


async def put_offer(connection: Connection, service_centre_id: UUID, county: County, offer: Offer) -> bool:
    """False if the centre offers exactly this already."""
    status = await connection.execute(
        """
        INSERT INTO free_services.centre_service AS known
            (service_centre_id, service, county, active, capacity_per_slot, slot_minutes)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (service_centre_id, service) DO UPDATE
        SET active = excluded.active, capacity_per_slot = excluded.capacity_per_slot, slot_minutes = excluded.slot_minutes
        WHERE (known.active, known.capacity_per_slot, known.slot_minutes)
            <> (excluded.active, excluded.capacity_per_slot, excluded.slot_minutes)
        """,
        service_centre_id,
        offer.service,
        county,
        offer.active,
        offer.capacity_per_slot,
        offer.slot_minutes,
    )
    return status == "INSERT 0 1"


async def read_offers(connection: Connection, service_centre_ids: Sequence[UUID]) -> dict[UUID, list[Offer]]:
    rows = await connection.fetch(
        """
        SELECT service_centre_id, service, active, capacity_per_slot, slot_minutes FROM free_services.centre_service
        WHERE service_centre_id = ANY ($1) ORDER BY service
        """,
        list(service_centre_ids),
    )
    offers: dict[UUID, list[Offer]] = {}
    for row in rows:
        offer = Offer(FreeService(row["service"]), row["active"], row["capacity_per_slot"], row["slot_minutes"])
        offers.setdefault(row["service_centre_id"], []).append(offer)
    return offers


def _centre(row: Record) -> ServiceCentre:
    return ServiceCentre(
        row["service_centre_id"], County(row["county"]), row["name_fa"], row["name_en"], row["planned_until"]
    )

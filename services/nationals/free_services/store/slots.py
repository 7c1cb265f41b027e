"""Slots, bookings by claim code, waiting times. `booked` is never written here: it follows the bookings by trigger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from asyncpg import Record
from uuid_utils.compat import uuid7

from services.nationals.free_services.domain.booking import BookingState
from services.nationals.free_services.domain.centre import PlannedSlot
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class Slot:
    """`starts_at` is in UTC; `booked` counts bookings that were not given back."""

    slot_id: UUID
    service_centre_id: UUID
    service: FreeService
    county: County
    starts_at: datetime
    minutes: int
    capacity: int
    booked: int


@dataclass(frozen=True, slots=True)
class Booking:
    booking_id: UUID
    state: BookingState


@dataclass(frozen=True, slots=True)
class WaitingTime:
    """Of one centre and service. `received` visitors were checked in since the day asked for; the minutes are theirs."""

    service_centre_id: UUID
    county: County
    service: FreeService
    next_free_at: datetime | None
    received: int
    waited_minutes_mean: float | None


@dataclass(frozen=True, slots=True)
class OfferToMeasure:
    service_centre_id: UUID
    county: County
    service: FreeService
    next_free_at: datetime | None


async def put_slots(
    connection: Connection, service_centre_id: UUID, county: County, planned: Sequence[PlannedSlot]
) -> int:
    """Make the slots that are missing and give the others the planned capacity, never less than what is booked.

    Returns how many were made or changed.
    """
    status = await connection.execute(
        """
        INSERT INTO free_services.slot AS known
            (slot_id, service_centre_id, county, service, starts_at, minutes, capacity)
        SELECT slot_id, $2, $3, service, starts_at, minutes, capacity
        FROM unnest($1::uuid[], $4::text[], $5::timestamptz[], $6::bigint[], $7::bigint[])
            AS planned (slot_id, service, starts_at, minutes, capacity)
        ON CONFLICT (service_centre_id, service, starts_at) DO UPDATE
        SET minutes = excluded.minutes, capacity = greatest(excluded.capacity, known.booked)
        WHERE (known.minutes, known.capacity) <> (excluded.minutes, greatest(excluded.capacity, known.booked))
        """,
        [uuid7() for _ in planned],
        service_centre_id,
        county,
        [slot.service for slot in planned],
        [slot.starts_at for slot in planned],
        [slot.minutes for slot in planned],
        [slot.capacity for slot in planned],
    )
    return int(status.rpartition(" ")[2])


async def close_other_slots(
    connection: Connection, service_centre_id: UUID, planned: Sequence[PlannedSlot], from_at: datetime, to_at: datetime
) -> int:
    """Take back the free places of slots between the two moments that are not `planned`; what is booked stays booked."""
    status = await connection.execute(
        """
        UPDATE free_services.slot s SET capacity = booked
        WHERE service_centre_id = $1 AND starts_at > $2 AND starts_at < $3 AND capacity > booked
          AND NOT EXISTS (
              SELECT FROM unnest($4::text[], $5::timestamptz[]) AS planned (service, starts_at)
              WHERE planned.service = s.service AND planned.starts_at = s.starts_at
          )
        """,
        service_centre_id,
        from_at,
        to_at,
        [slot.service for slot in planned],
        [slot.starts_at for slot in planned],
    )
    return int(status.rpartition(" ")[2])


async def list_slots(
    connection: Connection,
    service_centre_id: UUID,
    service: FreeService | None,
    from_at: datetime,
    to_at: datetime,
    limit: int,
) -> list[Slot]:
    """Slots with room for somebody that start from `from_at` on and before `to_at`, in time's order."""
    rows = await connection.fetch(
        """
        SELECT slot_id, service_centre_id, service, county, starts_at, minutes, capacity, booked FROM free_services.slot
        WHERE service_centre_id = $1 AND ($2::text IS NULL OR service = $2) AND starts_at >= $3 AND starts_at < $4
          AND capacity > 0
        ORDER BY starts_at, service LIMIT $5
        """,
        service_centre_id,
        service,
        from_at,
        to_at,
        limit,
    )
    return [_slot(row) for row in rows]


async def lock_slot(connection: Connection, slot_id: UUID) -> Slot | None:
    """The slot under its row lock, under which its bookings follow each other; None if there is none for the caller."""
    row = await connection.fetchrow(
        """
        SELECT slot_id, service_centre_id, service, county, starts_at, minutes, capacity, booked FROM free_services.slot
        WHERE slot_id = $1 FOR NO KEY UPDATE
        """,
        slot_id,
    )
    return None if row is None else _slot(row)


async def insert_booking(
    connection: Connection, booking_id: UUID, slot_id: UUID, county: County, claim_hash: bytes
) -> None:
    await connection.execute(
        "INSERT INTO free_services.slot_booking (booking_id, slot_id, county, claim_hash) VALUES ($1, $2, $3, $4)",
        booking_id,
        slot_id,
        county,
        claim_hash,
    )


async def find_slot_of_claim(connection: Connection, claim_hash: bytes) -> UUID | None:
    """The slot for which a claim code was printed; None if it is none of the caller's counties."""
    return await connection.fetchval("SELECT slot_id FROM free_services.slot_booking WHERE claim_hash = $1", claim_hash)


async def read_booking(connection: Connection, claim_hash: bytes) -> Booking:
    """The booking of a claim code; call it under its slot's lock. Raises LookupError if there is none."""
    row = await connection.fetchrow(
        "SELECT booking_id, state FROM free_services.slot_booking WHERE claim_hash = $1 FOR NO KEY UPDATE", claim_hash
    )
    if row is None:
        raise LookupError("booking of a claim code")
    return Booking(row["booking_id"], BookingState(row["state"]))


async def end_booking(connection: Connection, booking_id: UUID, state: BookingState) -> None:
    await connection.execute(
        "UPDATE free_services.slot_booking SET state = $2 WHERE booking_id = $1", booking_id, state
    )


async def end_held_bookings(connection: Connection, slot_id: UUID) -> int:
    """Nobody came for what is still held of this slot; returns how many."""
    status = await connection.execute(
        "UPDATE free_services.slot_booking SET state = 'no_show' WHERE slot_id = $1 AND state = 'held'", slot_id
    )
    return int(status.rpartition(" ")[2])


async def end_bookings_before(connection: Connection, moment: datetime, limit: int) -> int:
    """Nobody came for what is still held of slots that ended before `moment`; returns how many, `limit` at most."""
    status = await connection.execute(
        """
        UPDATE free_services.slot_booking SET state = 'no_show'
        WHERE booking_id IN (
            SELECT b.booking_id FROM free_services.slot_booking b JOIN free_services.slot s USING (slot_id)
            WHERE b.state = 'held' AND s.starts_at + s.minutes * interval '1 minute' <= $1
            ORDER BY b.booking_id LIMIT $2 FOR NO KEY UPDATE OF b SKIP LOCKED
        )
        """,
        moment,
        limit,
    )
    return int(status.rpartition(" ")[2])


async def read_waiting_times(connection: Connection, county: County | None, since: datetime) -> list[WaitingTime]:
    """Of every active service of the caller's counties: the next free slot, and how long visitors waited since."""
    rows = await connection.fetch(
        """
        SELECT o.service_centre_id, o.county, o.service, received.count AS received, received.minutes,
            (SELECT min(s.starts_at) FROM free_services.slot s
             WHERE s.service_centre_id = o.service_centre_id AND s.service = o.service
               AND s.starts_at > now() AND s.booked < s.capacity) AS next_free_at
        FROM free_services.centre_service o
        CROSS JOIN LATERAL (
            SELECT count(*), avg(greatest(0, floor(extract(epoch FROM b.ended_at - s.starts_at) / 60)))::float8 AS minutes
            FROM free_services.slot s JOIN free_services.slot_booking b USING (slot_id)
            WHERE s.service_centre_id = o.service_centre_id AND s.service = o.service
              AND b.state = 'checked_in' AND s.starts_at >= $2
        ) received
        WHERE o.active AND ($1::text IS NULL OR o.county = $1) AND o.county = ANY (payesh_counties())
        ORDER BY o.county, o.service_centre_id, o.service
        """,
        county,
        since,
    )
    return [
        WaitingTime(
            row["service_centre_id"],
            County(row["county"]),
            FreeService(row["service"]),
            row["next_free_at"],
            row["received"],
            row["minutes"],
        )
        for row in rows
    ]


async def take_offers_to_measure(connection: Connection, today: date, limit: int) -> list[OfferToMeasure]:
    """Active offers whose waiting time was not measured today, now marked as measured; `limit` at most."""
    rows = await connection.fetch(
        """
        UPDATE free_services.centre_service o SET measured_on = $1
        FROM (
            SELECT service_centre_id, service FROM free_services.centre_service
            WHERE active AND measured_on < $1 ORDER BY service_centre_id, service LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
        ) due
        WHERE o.service_centre_id = due.service_centre_id AND o.service = due.service
        RETURNING o.service_centre_id, o.county, o.service,
            (SELECT min(s.starts_at) FROM free_services.slot s
             WHERE s.service_centre_id = o.service_centre_id AND s.service = o.service
               AND s.starts_at > now() AND s.booked < s.capacity) AS next_free_at
        """,
        today,
        limit,
    )
    return [
        OfferToMeasure(
            row["service_centre_id"], County(row["county"]), FreeService(row["service"]), row["next_free_at"]
        )
        for row in rows
    ]


async def put_waiting_days(connection: Connection, rows: Sequence[tuple[UUID, FreeService, date, County, int]]) -> None:
    """Remember measurements: (centre, service, day, county, days until the next free slot), each key once."""
    await connection.execute(
        """
        INSERT INTO free_services.service_waiting_day
            (service_centre_id, service, measured_on, county, days_until_free)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::date[], $4::text[], $5::bigint[])
        ON CONFLICT (service_centre_id, service, measured_on) DO UPDATE
        SET county = excluded.county, days_until_free = excluded.days_until_free
        """,
        [row[0] for row in rows],
        [row[1] for row in rows],
        [row[2] for row in rows],
        [row[3] for row in rows],
        [row[4] for row in rows],
    )


def _slot(row: Record) -> Slot:
    return Slot(
        row["slot_id"],
        row["service_centre_id"],
        FreeService(row["service"]),
        County(row["county"]),
        row["starts_at"],
        row["minutes"],
        row["capacity"],
        row["booked"],
    )

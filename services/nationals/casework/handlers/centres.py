"""Centres, what they have, and their capacity."""

from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from services.nationals.casework.domain import refusals
from services.nationals.casework.domain.capacity import check_new_capacity
from services.nationals.casework.domain.standards import CentreRecord, check_record, check_standards, places_allowed
from services.nationals.casework.handlers.places import announce_places
from services.nationals.casework.standards import centre_standards
from services.nationals.casework.store import centre_records as record_store
from services.nationals.casework.store import centres as centre_store
from shared.contracts.counties import County
from shared.contracts.nationals import PlaceKind, PlacesCause
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Transaction


class OpenCentre(BaseModel):
    name: str
    county: County


class CentreOpened(BaseModel):
    centre_id: UUID


class SetCapacity(BaseModel):
    centre_id: UUID
    place_kind: PlaceKind
    capacity: int
    reason: str | None


class CapacityView(BaseModel):
    """`capacity` is the one in effect: above `capacity_target` while more is taken, and then the centre takes nobody."""

    centre_id: UUID
    place_kind: PlaceKind
    capacity: int
    capacity_target: int
    held: int
    used: int
    closed: bool


class RecordCentre(BaseModel):
    centre_id: UUID
    floor_area_m2: Decimal
    toilets: int
    staff_per_shift: int


class CentreRecorded(BaseModel):
    centre_id: UUID
    standards_version: str
    places_allowed: int


async def open_centre(command: OpenCentre, tx: Transaction) -> CentreOpened:
    """Open a centre without places. Raises Refusal if the county has one of that name."""
    centre_id = uuid7()
    if not await centre_store.insert_centre(
        tx.connection, centre_id, command.county, command.name, tx.principal.subject
    ):
        raise Refusal(refusals.CENTRE_EXISTS)
    return CentreOpened(centre_id=centre_id)


async def record_centre(command: RecordCentre, tx: Transaction) -> CentreRecorded:
    """Record what a centre has, measured against the written standards of today.

    Raises Refusal (404; 409 if it allows less than the capacities that are set: lower those first).
    """
    county = await _own_county(command.centre_id, tx)
    record = CentreRecord(
        floor_area_m2=command.floor_area_m2,
        toilets=command.toilets,
        staff_per_shift=command.staff_per_shift,
        standards=centre_standards(),
    )
    locked = await centre_store.lock_places(tx.connection, command.centre_id)
    check_record(record, sum(places.capacity_target for places in locked.values()))
    await record_store.insert_record(tx.connection, uuid7(), command.centre_id, county, record, tx.principal.subject)
    return CentreRecorded(
        centre_id=command.centre_id, standards_version=record.standards.version, places_allowed=places_allowed(record)
    )


async def set_capacity(command: SetCapacity, tx: Transaction) -> CapacityView:
    """Set the places of one kind, within the written standards. Setting what is set already changes and publishes nothing.

    Below what is taken nobody loses a place: the capacity in effect falls with each place given back, and until it is the one
    set here the centre takes nobody of this kind. Raises Refusal (404; 409 above the standards, or lowering without a reason).
    """
    county = await _own_county(command.centre_id, tx)
    await centre_store.ensure_place_kind(tx.connection, command.centre_id, county, command.place_kind)
    locked = await centre_store.lock_places(tx.connection, command.centre_id)
    before = locked[command.place_kind]
    check_new_capacity(before, command.capacity, command.reason)
    after = before.targeted(command.capacity)
    if command.capacity > before.capacity_target:
        others = sum(places.capacity_target for kind, places in locked.items() if kind is not command.place_kind)
        record = await record_store.latest_record(tx.connection, command.centre_id)
        check_standards(record, others + command.capacity)
    if command.capacity != before.capacity_target:
        await centre_store.insert_capacity_change(
            tx.connection,
            command.centre_id,
            county,
            command.place_kind,
            before.capacity_target,
            command.capacity,
            command.reason,
            tx.principal.subject,
        )
        moved = abs(after.capacity - before.capacity)
        await announce_places(
            command.centre_id, county, command.place_kind, before, after, PlacesCause.CAPACITY_SET, moved, tx
        )
    return CapacityView(
        centre_id=command.centre_id,
        place_kind=command.place_kind,
        capacity=after.capacity,
        capacity_target=after.capacity_target,
        held=after.held,
        used=after.used,
        closed=after.is_closed,
    )


async def _own_county(centre_id: UUID, tx: Transaction) -> County:
    """The centre's county. Raises Refusal (404) unless the caller's token is for it."""
    county = await centre_store.find_county(tx.connection, centre_id)
    if county is None or county not in tx.principal.counties:
        raise Refusal(refusals.CENTRE_NOT_FOUND)
    return county

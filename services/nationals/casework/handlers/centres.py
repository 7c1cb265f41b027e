"""Centres and their capacity."""

from dataclasses import replace
from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from services.nationals.casework.domain import refusals
from services.nationals.casework.domain.capacity import check_new_capacity
from services.nationals.casework.handlers.places import announce_places
from services.nationals.casework.store import centres as centre_store
from shared.contracts.counties import County
from shared.contracts.nationals import BookingChange, PlaceKind
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
    centre_id: UUID
    place_kind: PlaceKind
    capacity: int
    held: int
    used: int


async def open_centre(command: OpenCentre, tx: Transaction) -> CentreOpened:
    """Open a centre without places. Raises Refusal if the county has one of that name."""
    centre_id = uuid7()
    if not await centre_store.insert_centre(
        tx.connection, centre_id, command.county, command.name, tx.principal.subject
    ):
        raise Refusal(refusals.CENTRE_EXISTS)
    return CentreOpened(centre_id=centre_id)


async def set_capacity(command: SetCapacity, tx: Transaction) -> CapacityView:
    """Set the places of one kind. Setting what is set already changes and publishes nothing.

    Raises Refusal (safeguard 11) below what is taken, or when lowering without a reason.
    """
    county = await centre_store.find_county(tx.connection, command.centre_id)
    if county is None or county not in tx.principal.counties:
        raise Refusal(refusals.CENTRE_NOT_FOUND)
    await centre_store.ensure_place_kind(tx.connection, command.centre_id, county, command.place_kind)
    before = (await centre_store.lock_places(tx.connection, command.centre_id))[command.place_kind]
    check_new_capacity(before, command.capacity, command.reason)
    if command.capacity != before.capacity:
        after = replace(before, capacity=command.capacity)
        await centre_store.set_capacity(tx.connection, command.centre_id, command.place_kind, command.capacity)
        await centre_store.insert_capacity_change(
            tx.connection,
            command.centre_id,
            county,
            command.place_kind,
            before.capacity,
            command.capacity,
            command.reason,
            tx.principal.subject,
        )
        moved = abs(command.capacity - before.capacity)
        await announce_places(
            command.centre_id, county, command.place_kind, after, BookingChange.CAPACITY_SET, moved, tx
        )
    return CapacityView(
        centre_id=command.centre_id,
        place_kind=command.place_kind,
        capacity=command.capacity,
        held=before.held,
        used=before.used,
    )

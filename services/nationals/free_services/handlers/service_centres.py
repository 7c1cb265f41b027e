"""Service centres: opening them, their hours, what they offer, and the examples that ship."""

from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from services.nationals.free_services.domain import centre_refusals as refusals
from services.nationals.free_services.domain.centre import Offer, OpeningHours, check_hours
from services.nationals.free_services.example_centres import ExampleCentre, read_examples
from services.nationals.free_services.handlers.slot_planning import plan_centre
from services.nationals.free_services.store import service_centres as store
from services.nationals.free_services.store.service_centres import ServiceCentre
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService, ServiceCentreOpened, ServiceOfferChanged
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Transaction


class OpenServiceCentre(BaseModel):
    county: County
    name_fa: str
    name_en: str


class ServiceCentreAdded(BaseModel):
    service_centre_id: UUID


class SetOpeningHours(BaseModel):
    service_centre_id: UUID
    hours: list[OpeningHours]


class SetOffer(BaseModel):
    service_centre_id: UUID
    service: FreeService
    active: bool
    capacity_per_slot: int
    slot_minutes: int


class SlotsPlanned(BaseModel):
    """How many coming slots were made, changed or closed."""

    service_centre_id: UUID
    slots_changed: int


class LoadExamples(BaseModel):
    """No parameters: the file that ships says which."""


class ExamplesLoaded(BaseModel):
    """Keys of the examples: those that were added now, and those that were there and stay as they are."""

    added: list[str]
    present: list[str]


async def open_service_centre(command: OpenServiceCentre, tx: Transaction) -> ServiceCentreAdded:
    """Open a centre, without hours and services yet. Raises Refusal if the county has one of that name."""
    centre_id = await _add_centre(command.county, command.name_fa, command.name_en, None, tx)
    if centre_id is None:
        raise Refusal(refusals.SERVICE_CENTRE_EXISTS)
    return ServiceCentreAdded(service_centre_id=centre_id)


async def set_opening_hours(command: SetOpeningHours, tx: Transaction) -> SlotsPlanned:
    """Replace a centre's week of opening hours; its coming slots follow. Raises Refusal: 404, 422."""
    check_hours(command.hours)
    centre = await require_centre(command.service_centre_id, tx)
    await store.replace_hours(tx.connection, centre.service_centre_id, centre.county, command.hours)
    changed = await plan_centre(centre, tx)
    return SlotsPlanned(service_centre_id=centre.service_centre_id, slots_changed=changed)


async def set_offer(command: SetOffer, tx: Transaction) -> SlotsPlanned:
    """Set what a centre offers of one service; its coming slots follow. Raises Refusal: 404."""
    centre = await require_centre(command.service_centre_id, tx)
    offer = Offer(command.service, command.active, command.capacity_per_slot, command.slot_minutes)
    await _put_offer(centre, offer, tx)
    changed = await plan_centre(centre, tx)
    return SlotsPlanned(service_centre_id=centre.service_centre_id, slots_changed=changed)


async def load_examples(command: LoadExamples, tx: Transaction) -> ExamplesLoaded:
    """Add the example centres that are not there. One that is there, also one changed since, stays as it is."""
    del command
    added: list[str] = []
    present: list[str] = []
    for example in read_examples():
        (added if await _load(example, tx) else present).append(example.key)
    return ExamplesLoaded(added=added, present=present)


async def require_centre(service_centre_id: UUID, tx: Transaction) -> ServiceCentre:
    """The centre under its row lock. Raises Refusal (404) if it is none of the caller's counties."""
    centre = await store.lock_centre(tx.connection, service_centre_id)
    if centre is None or centre.county not in tx.principal.counties:
        raise Refusal(refusals.SERVICE_CENTRE_NOT_FOUND)
    return centre


async def _load(example: ExampleCentre, tx: Transaction) -> bool:
    centre_id = await _add_centre(example.county, example.name_fa, example.name_en, example.key, tx)
    if centre_id is None:
        return False
    centre = await require_centre(centre_id, tx)
    await store.replace_hours(tx.connection, centre_id, example.county, example.hours)
    for offer in example.offers:
        await _put_offer(centre, offer, tx)
    await plan_centre(centre, tx)
    return True


async def _add_centre(
    county: County, name_fa: str, name_en: str, example_key: str | None, tx: Transaction
) -> UUID | None:
    centre_id = uuid7()
    added = await store.insert_centre(
        tx.connection, centre_id, county, name_fa, name_en, example_key, tx.principal.subject
    )
    if not added:
        return None
    await tx.publish(ServiceCentreOpened(service_centre_id=centre_id, county=county))
    return centre_id


async def _put_offer(centre: ServiceCentre, offer: Offer, tx: Transaction) -> None:
    if await store.put_offer(tx.connection, centre.service_centre_id, centre.county, offer):
        await tx.publish(
            ServiceOfferChanged(
                service_centre_id=centre.service_centre_id,
                county=centre.county,
                service=offer.service,
                active=offer.active,
                capacity_per_slot=offer.capacity_per_slot,
                slot_minutes=offer.slot_minutes,
            )
        )

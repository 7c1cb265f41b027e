"""The register's ids of sites: a fold of the warehouse service's events."""

from collections.abc import Sequence
from uuid import UUID

from services.notifications.store import sites as store
from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.warehouse import WarehouseChanged, WarehouseRegistered
from shared.kit.routing import Received, fold
from shared.kit.transaction import Transaction


@fold(WarehouseRegistered, WarehouseChanged, tables=("warehouse_site",))
async def fold_sites(received: Sequence[Received[Event]], tx: Transaction) -> None:
    """Of each site its id in the register and its county, so that letters can name it."""
    registered: dict[UUID, tuple[str, County]] = {}
    changed: dict[UUID, tuple[str | None, County]] = {}
    for item in received:
        match item.event:
            case WarehouseRegistered(warehouse_id=site, registry_id=registry_id, county=county):
                registered[site] = registry_id, county
                changed.pop(site, None)
            case WarehouseChanged(warehouse_id=site, registry_id=registry_id, county=county):
                changed[site] = registry_id or changed.get(site, (None,))[0], county
            case _:
                pass
    if registered:
        await store.put_sites(tx.connection, registered)
    if changed:
        await store.change_sites(tx.connection, changed)

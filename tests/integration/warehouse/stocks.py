"""Stocks of essential goods over HTTP: declared, needed, looked at, and what was published about them."""

from datetime import date
from typing import Any
from uuid import UUID

from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.warehouse import EssentialStockLow, EssentialStockRecovered
from shared.persian.calendar import office_date
from tests.integration.warehouse.province import Province

LOW_DAYS, RECOVERED_DAYS, TONNES_PER_DAY = 3, 5, 10
Place = tuple[County, str]


async def today(province: Province) -> date:
    return office_date(await province.superuser.fetchval("SELECT now()"))


async def need(province: Province, county: County = County.REY, commodity: str = "rice", **changes: Any) -> Any:
    status = changes.pop("status", 200)
    body = {
        "tonnes_per_day": TONNES_PER_DAY,
        "low_below_days": LOW_DAYS,
        "recovered_above_days": RECOVERED_DAYS,
        "valid_from": (await today(province)).isoformat(),
    }
    path = f"/essential-goods/needs/{county}/{commodity}"
    return await province.ask("PUT", path, "province_officer", body | changes, status=status)


async def declare(province: Province, site: UUID, quantity: float | str, **changes: Any) -> Any:
    status, who = changes.pop("status", 201), changes.pop("who", "registry_clerk.rey")
    if "declared_on" not in changes:
        changes["declared_on"] = (await today(province)).isoformat()
    body = {"commodity": "rice", "quantity": quantity, "unit": "tonne"}
    return await province.ask("POST", f"/warehouses/{site}/stock-declarations", who, body | changes, status=status)


async def stock(province: Province, county: County = County.REY, commodity: str = "rice") -> Any:
    lines = await province.ask("GET", f"/essential-goods?county={county}", "province_officer", status=200)
    return next(line for line in lines if line["commodity"] == commodity)


async def told(province: Province, place: Place = (County.REY, "rice")) -> list[type[Event]]:
    """What was published about one stock, in order."""
    events = [
        event for event in await province.events() if isinstance(event, EssentialStockLow | EssentialStockRecovered)
    ]
    return [type(event) for event in events if (event.county, event.commodity) == place]

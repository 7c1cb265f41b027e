"""Essential goods: what the county needs is set, sites declare in the units they count in, cover is low and recovers."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from deploy.demo.actors import PROVINCE_OFFICER, REGISTRY_CLERK
from deploy.demo.client import Command, DemoClient
from deploy.demo.fieldwork import SERVICE, Fieldwork, Site
from shared.contracts.counties import County

COUNTY: Final = County.PISHVA
SITES_NEEDED: Final = 3
OFFICE_ZONE: Final = ZoneInfo("Asia/Tehran")
NEED: Final = {"tonnes_per_day": "10.5", "low_below_days": "7", "recovered_above_days": "10"}
"""Low below 73.5 tonnes, recovered above 105."""
KILOGRAMS: Final = {
    "sack_50": Decimal(50),
    "tonne": Decimal(1000),
    "litre": Decimal("0.92"),
    "carton": Decimal("8.942"),
}
"""By unit, of what is declared here; a litre and a carton of vegetable oil."""


async def play(client: DemoClient, sites: list[Site]) -> str:
    """Three sites, two commodities."""
    first, second, third = sites
    await _set_need(client, "rice")
    await _see(client, "rice", "low", Decimal(0))
    await _declare(client, first, "rice", "480", "sack_50")
    # 24 + 60 tonnes: above the lower bound, not above the upper one.
    await _declare(client, second, "rice", "60", "tonne")
    await _see(client, "rice", "low", Decimal(84))
    # Alone enough, so that it is the same which of the others has expired by then.
    await _declare(client, third, "rice", "2400", "sack_50")
    await _see(client, "rice", "sufficient", Decimal(204))

    # Declared before anybody said what is needed; half of it is gone later, and comes back.
    for quantity, unit in (("120000", "litre"), ("4000", "carton"), ("130000", "litre")):
        await _declare(client, first, "vegetable_oil", quantity, unit)
        if quantity == "120000":
            await _set_need(client, "vegetable_oil")
            await _see(client, "vegetable_oil", "sufficient", Decimal("110.4"))
    await _refuse(client, first)
    return "rice and oil were low and recovered, declared in sacks, tonnes, litres and cartons"


async def _set_need(client: DemoClient, commodity: str) -> None:
    await client.run(
        Command(
            "need.set",
            PROVINCE_OFFICER,
            SERVICE,
            "PUT",
            f"/essential-goods/needs/{COUNTY}/{commodity}",
            NEED | {"valid_from": _today()},
            intent=NEED | {"county": COUNTY, "stock_id": f"{COUNTY}:{commodity}"},
        )
    )


async def _declare(client: DemoClient, site: Site, commodity: str, quantity: str, unit: str) -> None:
    intent = {
        "warehouse_id": site["warehouse_id"],
        "stock_id": f"{COUNTY}:{commodity}",
        "tonnes": str(Decimal(quantity) * KILOGRAMS[unit] / 1000),
    }
    body = {"commodity": commodity, "quantity": quantity, "unit": unit, "declared_on": _today()}
    declared = await Fieldwork(client, COUNTY).post("stock.declare", REGISTRY_CLERK, _path(site), body, intent)
    client.observe(f"{quantity} {unit} of {commodity} in tonnes", float(intent["tonnes"]), declared.answer["tonnes"])


async def _refuse(client: DemoClient, site: Site) -> None:
    """A unit that nobody has weighed is refused, with the list of those that are known."""
    body = {"commodity": "rice", "quantity": "3", "unit": "pallet", "declared_on": _today()}
    await Fieldwork(client, COUNTY).post(
        "mistake.unit", REGISTRY_CLERK, _path(site), body, refusal="warehouse.stock.unit_unknown"
    )


async def _see(client: DemoClient, commodity: str, state: str, tonnes: Decimal) -> None:
    lines: list[dict[str, Any]] = await client.read(PROVINCE_OFFICER, SERVICE, "/essential-goods", {"county": COUNTY})
    [line] = [line for line in lines if line["commodity"] == commodity]
    told = {"state": line["state"], "stock_tonnes": line["stock_tonnes"]}
    client.observe(f"stock of {commodity}", {"state": state, "stock_tonnes": float(tonnes)}, told)


def _path(site: Site) -> str:
    return f"/warehouses/{site['warehouse_id']}/stock-declarations"


def _today() -> str:
    return datetime.now(OFFICE_ZONE).date().isoformat()

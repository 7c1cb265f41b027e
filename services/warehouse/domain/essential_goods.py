"""Essential goods: units as exact tonnes, days of cover, and a state with hysteresis so that it does not flap. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum

from services.warehouse.domain import essential_goods_refusals as refusals
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.persian.calendar import start_of

DECLARATION_VALID_DAYS = 30
"""A declaration counts from the day it is made for and for this many days in all; the project's own choice."""
UNITS_OF_EVERY_COMMODITY: Mapping[str, Decimal] = {"kilogram": Decimal(1), "tonne": Decimal(1000)}
"""Kilograms in one unit."""
_COVER_QUANTUM_DAYS = Decimal("0.001")


class CoverState(StrEnum):
    """`NO_NEED_SET`: nobody has said what the county needs, so nothing can be low."""

    NO_NEED_SET = "no_need_set"
    SUFFICIENT = "sufficient"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Commodity:
    """One essential good. `kilograms`: kilograms in one of each unit, exact."""

    key: str
    label_fa: str
    label_en: str
    kilograms: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Need:
    """What a county needs of a commodity a day, and the days of cover at which it is low and at which it has recovered."""

    tonnes_per_day: Decimal
    low_below_days: Decimal
    recovered_above_days: Decimal


def check_need(need: Need) -> None:
    """Raises Refusal unless there is a need and it recovers above where it is low: without the gap the state flaps."""
    if need.tonnes_per_day <= 0 or not 0 < need.low_below_days < need.recovered_above_days:
        raise Refusal(
            refusals.NEED_WITHOUT_GAP,
            low_below_days=str(need.low_below_days),
            recovered_above_days=str(need.recovered_above_days),
        )


def find_commodity(catalogue: Mapping[str, Commodity], key: str) -> Commodity:
    """The commodity. Raises Refusal with the list of those that are known."""
    commodity = catalogue.get(key)
    if commodity is None:
        raise Refusal(refusals.COMMODITY_UNKNOWN, commodity=key, commodities=", ".join(catalogue))
    return commodity


def in_tonnes(commodity: Commodity, quantity: Decimal, unit: str) -> Decimal:
    """`quantity` of `unit` in tonnes, exactly. Raises Refusal with the list of the commodity's units."""
    kilograms = commodity.kilograms.get(unit)
    if kilograms is None:
        units = ", ".join(commodity.kilograms)
        raise Refusal(refusals.UNIT_UNKNOWN, unit=unit, commodity=commodity.key, units=units)
    return (quantity * kilograms).scaleb(-3)


def check_declared_on(declared_on: date, today: date) -> None:
    """Raises Refusal for a day that has not come."""
    if declared_on > today:
        raise Refusal(refusals.DECLARED_IN_FUTURE, today=today.isoformat())


def expires_at(declared_on: date) -> datetime:
    """The moment from which a declaration for this day no longer counts; in UTC."""
    return start_of(declared_on + timedelta(days=DECLARATION_VALID_DAYS))


def is_low(was_low: bool, stock_tonnes: Decimal, need: Need) -> bool:
    """The state after `was_low`, exactly: below one bound it becomes low, above the other it recovers, between it stays.

    Bounds are compared as products, so that no division rounds.
    """
    if was_low:
        return stock_tonnes <= need.recovered_above_days * need.tonnes_per_day
    return stock_tonnes < need.low_below_days * need.tonnes_per_day


def cover_days(stock_tonnes: Decimal, need: Need) -> Decimal:
    """Days that the stock lasts, rounded down to 3 decimals, so that it never looks longer than it is."""
    return (stock_tonnes / need.tonnes_per_day).quantize(_COVER_QUANTUM_DAYS, ROUND_DOWN)


def stock_id(county: County, commodity: str) -> str:
    """The id under which a county's stock of a commodity publishes its events."""
    return f"{county.value}:{commodity}"

"""How often a site is inspected, from its risk class and whether a discrepancy is open on it."""

from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from shared.contracts.warehouse import WarehouseKind


class RiskClass(StrEnum):
    """A is inspected most often."""

    A = "A"
    B = "B"
    C = "C"


INTERVAL_DAYS: dict[RiskClass, int] = {RiskClass.A: 90, RiskClass.B: 180, RiskClass.C: 365}
FIRST_INSPECTION_DAYS: dict[RiskClass, int] = {RiskClass.A: 15, RiskClass.B: 30, RiskClass.C: 60}
"""Intervals are the project's own choice, to be confirmed by the province."""
POSTPONED_DAYS_MAX = 90
"""An inspection is put off by this much at once, at most; the project's own choice, to be confirmed by the province."""
LARGE_CAPACITY_TONNES = Decimal(20_000)

_CLASS_OF_KIND: dict[WarehouseKind, RiskClass] = {
    WarehouseKind.HAZARDOUS: RiskClass.A,
    WarehouseKind.PHARMACEUTICAL: RiskClass.A,
    WarehouseKind.TANK: RiskClass.A,
    WarehouseKind.COLD_STORE: RiskClass.B,
    WarehouseKind.SILO: RiskClass.B,
    WarehouseKind.BONDED: RiskClass.B,
}


def risk_class(kind: WarehouseKind, capacity_tonnes: Decimal) -> RiskClass:
    """Class by kind; a large site of class C is B."""
    base = _CLASS_OF_KIND.get(kind, RiskClass.C)
    return RiskClass.B if base is RiskClass.C and capacity_tonnes >= LARGE_CAPACITY_TONNES else base


def next_due_on(risk: RiskClass, today: date, last_inspected_on: date | None, discrepancy_open: bool) -> date:
    """Day on which the next inspection falls due, today at the earliest; an open discrepancy halves the interval."""
    if last_inspected_on is None:
        return today + timedelta(days=FIRST_INSPECTION_DAYS[risk])
    interval_days = INTERVAL_DAYS[risk] // 2 if discrepancy_open else INTERVAL_DAYS[risk]
    return max(today, last_inspected_on + timedelta(days=interval_days))

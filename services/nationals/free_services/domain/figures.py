"""Need against supply, and the figures of a month as they may be published."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

from services.nationals.free_services.domain.suppression import (
    SMALL_CELL,
    TOTAL,
    Position,
    Table,
    hidden_positions,
    with_margins,
)

COUNT_MAX = 100_000
"""Largest count of a day at one centre, and largest estimate of a county's month."""


class TallyMeasure(StrEnum):
    """What is counted at a centre in a day, per service; never who."""

    VISITS = "visits"
    TURNED_AWAY = "turned_away"
    WAITING = "waiting"
    """Who still waits for a slot at the end of the day: a level, so of a month its last day's counts."""


class CorrectionReason(StrEnum):
    """Why a count is corrected; a list, because free text might name somebody."""

    COUNTING_ERROR = "counting_error"
    LATE_SHEETS = "late_sheets"
    COUNTED_TWICE = "counted_twice"
    WRONG_SERVICE = "wrong_service"
    WRONG_DAY = "wrong_day"


class EstimateSource(StrEnum):
    """Where an estimate of need comes from."""

    SURVEY = "survey"
    EDUCATION_OFFICE = "education_office"
    HEALTH_NETWORK = "health_network"
    PARTNER_ORGANISATION = "partner_organisation"
    STATISTICS_OFFICE = "statistics_office"


@dataclass(frozen=True, slots=True)
class Cell:
    """One county and service in one month, exactly. Internal: only `publish` makes of it what may be shown.

    `days_until_free_sum` adds `days_measured` daily measurements; `waited_minutes_sum` adds the visitors received by slot.
    """

    visits: int = 0
    turned_away: int = 0
    waiting: int = 0
    estimate: int = 0
    slots_offered: int = 0
    slots_used: int = 0
    waited_minutes_sum: int = 0
    days_until_free_sum: int = 0
    days_measured: int = 0
    offered: bool = False
    """Whether an active offer, a tally or an estimate says that there is something to count."""

    @property
    def need(self) -> int:
        """Who came, was turned away or waits; or what was estimated, if that is more (an estimate includes who came)."""
        return max(self.visits + self.turned_away + self.waiting, self.estimate)

    @property
    def shortage(self) -> int:
        return max(0, self.need - self.slots_offered)


@dataclass(frozen=True, slots=True)
class PublishedCell:
    """What may be shown. None is hidden, or a mean of nothing; supply is no count of persons and always shown."""

    visits: int | None
    need: int | None
    slots_offered: int
    slots_used: int | None
    shortage: int | None
    waited_minutes_mean: int | None
    days_until_free_mean: float | None


def publish(cells: Mapping[Position, Cell]) -> dict[Position, PublishedCell]:
    """The month's table by (county, service) with its totals, small cells and their complements hidden."""
    visits = Table(with_margins({position: cell.visits for position, cell in cells.items()}))
    need = Table(with_margins({position: cell.need for position, cell in cells.items()}))
    offered = with_margins({position: cell.slots_offered for position, cell in cells.items()})
    used = Table(with_margins({position: cell.slots_used for position, cell in cells.items()}), upper=offered)
    counted = with_margins({position: int(cell.offered) for position, cell in cells.items()})
    hidden_need = hidden_positions([visits, need], known=_zeros(counted))
    hidden_used = hidden_positions([used], known=_zeros(offered))
    sums = {
        name: with_margins({position: int(getattr(cell, name)) for position, cell in cells.items()})
        for name in ("waited_minutes_sum", "days_until_free_sum", "days_measured")
    }
    published: dict[Position, PublishedCell] = {}
    for position, supply in offered.items():
        needed = None if position in hidden_need else need.figures[position]
        received = None if position in hidden_used else used.figures[position]
        published[position] = PublishedCell(
            visits=None if needed is None else visits.figures[position],
            need=needed,
            slots_offered=supply,
            slots_used=received,
            shortage=None if needed is None else max(0, needed - supply),
            waited_minutes_mean=round(sums["waited_minutes_sum"][position] / received) if received else None,
            days_until_free_mean=_mean(sums["days_until_free_sum"][position], sums["days_measured"][position]),
        )
    return published


def add_months(months: Collection[PublishedCell]) -> PublishedCell:
    """A year's figure from its published months. What a month hides the year hides: it says nothing that they do not."""
    used = _sum_shown([month.slots_used for month in months])
    waited = sum((month.waited_minutes_mean or 0) * (month.slots_used or 0) for month in months)
    days = [month.days_until_free_mean for month in months if month.days_until_free_mean is not None]
    need = _sum_shown([month.need for month in months])
    offered = sum(month.slots_offered for month in months)
    return PublishedCell(
        visits=_sum_shown([month.visits for month in months]),
        need=need,
        slots_offered=offered,
        slots_used=used,
        shortage=None if need is None else max(0, need - offered),
        waited_minutes_mean=round(waited / used) if used else None,
        days_until_free_mean=round(sum(days) / len(days), 1) if days else None,
    )


def is_showable(cell: PublishedCell) -> bool:
    """Whether no count of persons in `cell` is a small one; zero is where nothing is offered."""
    counts = (cell.visits, cell.need, cell.slots_used)
    return all(count is None or count == 0 or count >= SMALL_CELL for count in counts)


def add_cells(first: Cell, second: Cell) -> Cell:
    """Two cells of one county and service, of different centres or sources."""
    return Cell(
        **{
            one.name: getattr(first, one.name) + getattr(second, one.name)
            for one in fields(Cell)
            if one.name != "offered"
        },
        offered=first.offered or second.offered,
    )


def _zeros(figures: Mapping[Position, int]) -> frozenset[Position]:
    return frozenset(position for position, figure in figures.items() if figure == 0)


def _mean(total: int, count: int) -> float | None:
    return round(total / count, 1) if count else None


def _sum_shown(counts: Collection[int | None]) -> int | None:
    shown = [count for count in counts if count is not None]
    return sum(shown) if len(shown) == len(counts) else None


__all__ = [
    "COUNT_MAX",
    "TOTAL",
    "Cell",
    "CorrectionReason",
    "EstimateSource",
    "Position",
    "PublishedCell",
    "TallyMeasure",
    "add_cells",
    "add_months",
    "is_showable",
    "publish",
]

"""Small cells: nothing hidden can be computed from what is shown, checked by ways that know nothing of flows."""

import itertools
from collections.abc import Collection, Mapping
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from services.nationals.free_services.domain.figures import Cell, add_months, is_showable, publish
from services.nationals.free_services.domain.suppression import (
    SMALL_CELL,
    TOTAL,
    Position,
    Table,
    hidden_positions,
    is_protected,
    with_margins,
)

FEW = 2
"""A small cell of the tables that are tried out wholly."""


def positions_of(rows: int, columns: int) -> list[Position]:
    return [(f"r{row}", f"c{column}") for row in range(rows) for column in range(columns)]


def tables(rows: int, columns: int, figure_max: int) -> st.SearchStrategy[dict[Position, int]]:
    names = positions_of(rows, columns)
    return st.lists(st.integers(0, figure_max), min_size=len(names), max_size=len(names)).map(
        lambda figures: dict(zip(names, figures, strict=True))
    )


def possible_ranges(
    cells: Mapping[Position, int], hidden: Collection[Position], most: int, upper: Mapping[Position, int]
) -> dict[Position, tuple[int, int]]:
    """Try every table of numbers up to `most` that agrees with all that is shown: (least, most) of each hidden figure."""
    figures = with_margins(cells)
    names = list(cells)
    choices = [range(min(most, upper.get(name, most)) + 1) if name in hidden else (cells[name],) for name in names]
    found: dict[Position, tuple[int, int]] = {}
    for chosen in itertools.product(*choices):
        other = with_margins(dict(zip(names, chosen, strict=True)))
        if all(other[name] == figure for name, figure in figures.items() if name not in hidden):
            for name in hidden:
                least, highest = found.get(name, (other[name], other[name]))
                found[name] = (min(least, other[name]), max(highest, other[name]))
    return found


def check_every_table(cells: Mapping[Position, int], upper: Mapping[Position, int]) -> None:
    figures = with_margins(cells)
    hidden = hidden_positions([Table(figures, upper)], small_cell=FEW)
    assert hidden >= {name for name, figure in figures.items() if figure < FEW}
    ranges = possible_ranges(cells, hidden, max(cells.values()) + FEW, upper)
    for name in hidden:
        least, most = ranges[name]
        assert least <= figures[name] <= most
        assert most - least >= min(FEW, upper.get(name, FEW)), (name, hidden, cells)


@given(tables(2, 2, 5))
@settings(max_examples=150, deadline=None)
def test_every_two_by_two_table(cells: dict[Position, int]) -> None:
    check_every_table(cells, {})


@given(tables(2, 3, 2))
@settings(max_examples=25, deadline=None)
def test_every_two_by_three_table(cells: dict[Position, int]) -> None:
    check_every_table(cells, {})


@given(tables(2, 2, 4), tables(2, 2, 3))
@settings(max_examples=100, deadline=None)
def test_bounds_that_a_reader_knows(cells: dict[Position, int], room: dict[Position, int]) -> None:
    check_every_table(cells, with_margins({name: count + room[name] for name, count in cells.items()}))


def is_computable(hidden: Collection[Position], wanted: Position) -> bool:
    """Whether the sums of the lines determine `wanted` linearly: Gauss over the lines' equations in the hidden figures."""
    names = sorted(hidden)
    lines: dict[tuple[bool, str], list[Fraction]] = {}
    for index, (row, column) in enumerate(names):
        sign = Fraction(-1 if (row == TOTAL) != (column == TOTAL) else 1)
        for line in ((True, row), (False, column)):
            lines.setdefault(line, [Fraction(0)] * len(names))[index] += sign
    rows = list(lines.values())
    target = [Fraction(int(name == wanted)) for name in names]
    for pivot_column in range(len(names)):
        pivot = next((row for row in rows if row[pivot_column]), None)
        if pivot is None:
            continue
        rows = [
            [one - row[pivot_column] / pivot[pivot_column] * other for one, other in zip(row, pivot, strict=True)]
            for row in rows
            if row is not pivot
        ]
        factor = target[pivot_column] / pivot[pivot_column]
        target = [one - factor * other for one, other in zip(target, pivot, strict=True)]
    return not any(target)


skewed = st.one_of(st.just(0), st.integers(0, 12), st.integers(0, 400))


@given(st.data(), st.integers(1, 6), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_no_hidden_figure_follows_from_the_sums(data: st.DataObject, rows: int, columns: int) -> None:
    cells = {name: data.draw(skewed) for name in positions_of(rows, columns)}
    offered = {name: data.draw(st.booleans()) or cells[name] > 0 for name in cells}
    more = {name: count + (data.draw(skewed) if offered[name] else 0) for name, count in cells.items()}
    known = {name for name, count in with_margins({name: int(offered[name]) for name in cells}).items() if not count}
    visits, need = Table(with_margins(cells)), Table(with_margins(more))
    hidden = hidden_positions([visits, need], known=known)
    assert not hidden & known
    for table in (visits, need):
        assert hidden >= {name for name, count in table.figures.items() if count < SMALL_CELL and name not in known}
        for name in hidden:
            assert is_protected(table, hidden, name)
    for name in hidden:
        assert not is_computable(hidden, name)


def test_nothing_is_hidden_without_need() -> None:
    figures = with_margins({("rey", "education"): 40, ("rey", "legal_aid"): 10, ("tehran", "education"): 99})
    assert hidden_positions([Table(figures)]) == frozenset()


def test_one_small_cell_takes_the_smallest_rectangle_with_it() -> None:
    figures = with_margins(
        {
            ("rey", "education"): 3,
            ("rey", "legal_aid"): 40,
            ("rey", "livelihood"): 500,
            ("tehran", "education"): 60,
            ("tehran", "legal_aid"): 70,
            ("tehran", "livelihood"): 80,
        }
    )
    assert hidden_positions([Table(figures)]) == {
        ("rey", "education"),
        ("rey", "legal_aid"),
        ("tehran", "education"),
        ("tehran", "legal_aid"),
    }


def test_sum_of_two_small_cells_is_no_way_to_either() -> None:
    """Both hidden cells of the row are small: their sum, left over from the margin, would be a small cell itself."""
    cells = {("rey", "education"): 0, ("rey", "legal_aid"): 0, ("rey", "livelihood"): 50}
    cells |= {("tehran", "education"): 30, ("tehran", "legal_aid"): 30, ("tehran", "livelihood"): 30}
    hidden = hidden_positions([Table(with_margins(cells))])
    assert ("rey", "livelihood") in hidden or ("rey", TOTAL) in hidden


cell_strategy = st.builds(
    Cell,
    visits=skewed,
    turned_away=st.integers(0, 20),
    waiting=st.integers(0, 20),
    estimate=skewed,
    slots_offered=st.integers(400, 900),
    slots_used=skewed,
    waited_minutes_sum=st.integers(0, 9000),
    offered=st.just(True),
)


@given(st.lists(st.lists(cell_strategy, min_size=6, max_size=6), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_published_months_and_their_year(months: list[list[Cell]]) -> None:
    names = positions_of(2, 3)
    published = [publish(dict(zip(names, cells, strict=True))) for cells in months]
    for month, cells in zip(published, months, strict=True):
        assert all(is_showable(cell) for cell in month.values())
        for name, cell in zip(names, cells, strict=True):
            assert month[name].need in (None, cell.need)
            assert month[name].slots_offered == cell.slots_offered
            assert (month[name].need is None) == (month[name].visits is None) == (month[name].shortage is None)
    for name in published[0]:
        year = add_months([month[name] for month in published])
        needs = [month[name].need for month in published]
        assert year.need == (None if None in needs else sum(need for need in needs if need is not None))
        assert is_showable(year)


def test_service_that_nobody_offers_is_a_known_zero() -> None:
    cells = {("rey", "education"): Cell(visits=50, slots_offered=60, slots_used=40, offered=True)}
    cells[("rey", "legal_aid")] = Cell()
    published = publish(cells)
    assert published["rey", "legal_aid"].visits == published["rey", "legal_aid"].slots_used == 0
    assert published["rey", "education"].need == published[TOTAL, TOTAL].need == 50
    assert published["rey", "education"].shortage == 0

"""Hiding small cells of a table whose margins are shown, so that no hidden figure can be computed from what is shown.

A table has rows, columns and totals of both; each line (a row with its total, a column with its total) adds up. What a
reader knows of the hidden figures is that every line adds up, that none is negative, and that none is above its known
upper bound. Hidden figures are the edges of a graph between rows and columns; how far one can move while the lines still
add up is a maximum flow in it, exactly. A figure counts as protected when it can lie anywhere in a range at least
`SMALL_CELL` wide, or as wide as its upper bound allows.

Several tables over the same rows and columns whose figures never exceed one another (visits and need) are hidden in the
same places: whatever moves a figure of one can move the other along with it, so comparing the tables tells no more.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

SMALL_CELL = 10
"""Fewer than so many is a small cell."""
TOTAL = "total"
"""The line in which the totals stand, of rows and of columns."""

Position = tuple[str, str]
"""(row, column); `TOTAL` in either place stands for a margin."""
_Node = tuple[bool, str]
_Capacities = dict[tuple[_Node, _Node], int]


@dataclass(frozen=True, slots=True)
class Table:
    """Whole numbers, 0 or more, by position, margins included. `upper`: what a reader knows each figure not to exceed."""

    figures: Mapping[Position, int]
    upper: Mapping[Position, int] = field(default_factory=dict[Position, int])


def with_margins(cells: Mapping[Position, int]) -> dict[Position, int]:
    """`cells` and the totals of their rows, of their columns, and of all."""
    figures = dict(cells)
    for (row, column), count in cells.items():
        for margin in ((row, TOTAL), (TOTAL, column), (TOTAL, TOTAL)):
            figures[margin] = figures.get(margin, 0) + count
    return figures


def hidden_positions(
    tables: Sequence[Table], known: Collection[Position] = (), small_cell: int = SMALL_CELL
) -> frozenset[Position]:
    """Where to show nothing, in any of `tables`, which have the same positions.

    `known`: positions that every reader knows to be zero (a service that is not offered), margins included; they are
    never hidden. Every other figure below `small_cell` is hidden, and of the others as few of the smallest as protect
    the hidden ones.
    """
    positions = [position for position in sorted(tables[0].figures) if position not in known]
    hidden = {position for table in tables for position in positions if table.figures[position] < small_cell}
    grown = -1
    while grown != len(hidden):
        grown = len(hidden)
        for table in tables:
            for position in sorted(hidden):
                while not is_protected(table, hidden, position, small_cell):
                    hidden |= _complement(table, hidden, positions, position, small_cell)
    return frozenset(hidden)


def is_protected(table: Table, hidden: Collection[Position], position: Position, small_cell: int = SMALL_CELL) -> bool:
    """Whether the hidden figure at `position` may lie in a range as wide as it must, for a reader who sees the others."""
    wanted = min(small_cell, table.upper.get(position, small_cell))
    row, column = _nodes(position)
    capacities = _capacities(table, hidden)
    forward, back = capacities.pop((row, column)), capacities.pop((column, row))
    neighbours = _neighbours(hidden, position)
    above = _flow(capacities, neighbours, column, row, min(forward, wanted))
    capacities = _capacities(table, hidden)
    below = _flow(capacities, neighbours, row, column, min(back, wanted))
    return above + below >= wanted


def _complement(
    table: Table, hidden: set[Position], positions: Sequence[Position], position: Position, small_cell: int
) -> set[Position]:
    """The smallest figures that close a circle through `position` and protect it; if no circle does, the smallest of all."""
    shown = set(positions) - hidden

    def loss(one: Position) -> tuple[bool, int]:
        return TOTAL in one, table.figures[one]

    circles = sorted(
        (circle for circle in _circles(position, positions) if shown.intersection(circle)),
        key=lambda circle: (
            sum(TOTAL in one for one in circle if one in shown),
            sum(table.figures[one] for one in circle if one in shown),
            circle,
        ),
    )
    for circle in circles:
        if is_protected(table, hidden | set(circle), position, small_cell):
            return set(circle)
    return {min(shown, key=lambda one: (*loss(one), one))}


def _circles(position: Position, positions: Iterable[Position]) -> Iterator[tuple[Position, ...]]:
    """The other three corners of every rectangle that has a corner at `position`."""
    row, column = position
    available = set(positions)
    for other_row, other_column in sorted(available):
        corners = ((row, other_column), (other_row, column), (other_row, other_column))
        if other_row != row and other_column != column and available.issuperset(corners):
            yield corners


def _nodes(position: Position) -> tuple[_Node, _Node]:
    return (True, position[0]), (False, position[1])


def _is_subtracted(position: Position) -> bool:
    """A margin stands on the other side of its line's sum; the grand total, twice on the other side, does not."""
    return (position[0] == TOTAL) != (position[1] == TOTAL)


def _capacities(table: Table, hidden: Iterable[Position]) -> _Capacities:
    """How far each hidden figure can move either way: from row to column it grows, or shrinks where it is subtracted."""
    capacities: _Capacities = {}
    for position in hidden:
        row, column = _nodes(position)
        figure = table.figures[position]
        room = table.upper[position] - figure if position in table.upper else _UNBOUNDED
        grows, shrinks = ((column, row), (row, column)) if _is_subtracted(position) else ((row, column), (column, row))
        capacities[grows], capacities[shrinks] = room, figure
    return capacities


_UNBOUNDED = 1 << 60


def _neighbours(hidden: Iterable[Position], without: Position) -> dict[_Node, list[_Node]]:
    neighbours: dict[_Node, list[_Node]] = {}
    for position in sorted(hidden):
        if position != without:
            row, column = _nodes(position)
            neighbours.setdefault(row, []).append(column)
            neighbours.setdefault(column, []).append(row)
    return neighbours


def _flow(
    capacities: _Capacities, neighbours: Mapping[_Node, Sequence[_Node]], source: _Node, sink: _Node, enough: int
) -> int:
    """The maximum flow from `source` to `sink`, or `enough` if it is more; uses `capacities` up."""
    total = 0
    while total < enough:
        came_from = _shortest_path(capacities, neighbours, source, sink)
        if sink not in came_from:
            break
        path: list[tuple[_Node, _Node]] = []
        node = sink
        while node != source:
            path.append((came_from[node], node))
            node = came_from[node]
        step = min(enough - total, *(capacities[arc] for arc in path))
        for start, end in path:
            capacities[start, end] -= step
            capacities[end, start] += step
        total += step
    return total


def _shortest_path(
    capacities: _Capacities, neighbours: Mapping[_Node, Sequence[_Node]], source: _Node, sink: _Node
) -> dict[_Node, _Node]:
    came_from: dict[_Node, _Node] = {source: source}
    waiting = deque([source])
    while waiting and sink not in came_from:
        node = waiting.popleft()
        for neighbour in neighbours.get(node, ()):
            if neighbour not in came_from and capacities[node, neighbour] > 0:
                came_from[neighbour] = node
                waiting.append(neighbour)
    return came_from

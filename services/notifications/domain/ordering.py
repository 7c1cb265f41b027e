"""Circles in what follows what. Pure."""

from collections.abc import Mapping, Set
from graphlib import CycleError, TopologicalSorter


def find_circle(following: Mapping[str, Set[str]]) -> tuple[str, ...] | None:
    """One circle, its first name repeated at the end, or None. Among several the answer depends on the order given."""
    try:
        TopologicalSorter(following).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return tuple(reversed(circle))
    return None

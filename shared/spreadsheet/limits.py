"""What an uploaded workbook may hold."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.contracts.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Limits:
    """A service's limits of one workbook, and its two ways to say that a file holds more or something else."""

    entries: int
    unpacked_bytes: int
    shared_text_bytes: int
    token_bytes: int
    elements: int
    columns: int
    text_characters: int
    """A longer text of a cell is cut here; every field is shorter, so its row is refused."""
    reading_s: float
    too_large: Callable[[str, int], Refusal]
    """Of what there is too much, and how much is allowed."""
    unreadable: Callable[[str], Refusal]
    """The problem, in English."""

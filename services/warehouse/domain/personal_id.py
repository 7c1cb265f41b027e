"""Natural persons' national ids (کد ملی): known by their own check digit, whatever the column is called."""

import re
from collections import Counter

from services.warehouse.domain.registry_column import Cell
from shared.persian.personal_id import DIGITS, DIGITS_WITHOUT_ZEROS_MIN, is_personal_id, is_personal_id_without_zeros
from shared.persian.text import ascii_digits

CHANCE_CELLS_MIN = 20
"""A column that rightly holds ten digits is judged from this many cells on: one number in eleven fits by chance."""
SHARE_MIN = 0.5

_RUN = re.compile(r"(?<!\d)\d{10}(?!\d)", re.ASCII)
_SEPARATED = re.compile(r"(?<=\d)[\s\u200c\-]+(?=\d)")
_HAS_DIGITS = re.compile(r"\d(?:[\s\u200c\-]*\d){7}")


def holds_personal_id(cell: Cell) -> bool:
    """Whether the cell is, or its text contains, a natural person's national id."""
    if isinstance(cell, str):
        if len(cell) < DIGITS_WITHOUT_ZEROS_MIN or not _HAS_DIGITS.search(cell):
            return False
        text = ascii_digits(cell).strip()
        if text.isdigit():
            return is_personal_id_without_zeros(text)
        return any(is_personal_id(run) for run in _RUN.findall(_SEPARATED.sub("", text)) + _RUN.findall(text))
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return False
    if not 10 ** (DIGITS_WITHOUT_ZEROS_MIN - 1) <= cell < 10**DIGITS or cell != int(cell):
        return False
    return is_personal_id_without_zeros(str(int(cell)))


def shown_text(text: str) -> str:
    """`text` where it may be repeated to people; a row of dots where it holds a personal id."""
    return "…" if holds_personal_id(text) else text


class PersonalIdCensus:
    """Counts, for each place of a sheet (0-based), the cells that are filled and those that hold a personal id."""

    def __init__(self) -> None:
        self._filled: Counter[int] = Counter()
        self._personal: Counter[int] = Counter()

    def add(self, place: int, cell: Cell) -> None:
        """Count one cell that is not blank."""
        self._filled[place] += 1
        if holds_personal_id(cell):
            self._personal[place] += 1

    def is_personal(self, place: int, *, may_hold_ten_digits: bool) -> bool:
        """Whether most cells of the column hold one; where ten digits are usual, a handful of cells proves nothing."""
        filled = self._filled[place]
        if may_hold_ten_digits and filled < CHANCE_CELLS_MIN:
            return False
        return filled > 0 and self._personal[place] >= filled * SHARE_MIN

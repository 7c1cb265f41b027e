"""Natural persons' national ids (کد ملی): known by their own check digit, whatever the column is called."""

import re
from collections import Counter

from services.warehouse.domain.persian import ascii_digits
from services.warehouse.domain.registry_column import Cell

DIGITS = 10
NUMERIC_DIGITS_MIN = 8
"""A numeric cell drops leading zeros; ids begin with at most two."""
CHANCE_CELLS_MIN = 20
"""A column that rightly holds ten digits is judged from this many cells on: one number in eleven fits by chance."""
SHARE_MIN = 0.5

_RUN = re.compile(r"(?<!\d)\d{10}(?!\d)", re.ASCII)
_SEPARATED = re.compile(r"(?<=\d)[\s\u200c\-]+(?=\d)")
_HAS_DIGITS = re.compile(r"\d(?:[\s\u200c\-]*\d){7}")


def is_personal_id(digits: str) -> bool:
    """Whether these ten ASCII digits carry the check digit of a natural person's national id."""
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()) or len(set(digits)) == 1:
        return False
    remainder = sum(int(digit) * weight for digit, weight in zip(digits, range(DIGITS, 1, -1), strict=False)) % 11
    return int(digits[-1]) == (remainder if remainder < 2 else 11 - remainder)


def holds_personal_id(cell: Cell) -> bool:
    """Whether the cell is, or its text contains, a natural person's national id."""
    if isinstance(cell, str):
        if len(cell) < NUMERIC_DIGITS_MIN or not _HAS_DIGITS.search(cell):
            return False
        text = ascii_digits(cell).strip()
        if text.isdigit():
            return len(text) <= DIGITS and is_personal_id(text.zfill(DIGITS))
        return any(is_personal_id(run) for run in _RUN.findall(_SEPARATED.sub("", text)) + _RUN.findall(text))
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return False
    if not 10 ** (NUMERIC_DIGITS_MIN - 1) <= cell < 10**DIGITS or cell != int(cell):
        return False
    return is_personal_id(str(int(cell)).zfill(DIGITS))


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

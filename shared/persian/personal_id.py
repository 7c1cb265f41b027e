"""Natural persons' national ids (کد ملی): known by their own check digit."""

from typing import Final

DIGITS: Final = 10
DIGITS_WITHOUT_ZEROS_MIN: Final = 8
"""A numeric cell drops leading zeros; ids begin with at most two."""


def is_personal_id(digits: str) -> bool:
    """Whether these ten ASCII digits carry the check digit of a natural person's national id."""
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()) or len(set(digits)) == 1:
        return False
    remainder = sum(int(digit) * weight for digit, weight in zip(digits, range(DIGITS, 1, -1), strict=False)) % 11
    return int(digits[-1]) == (remainder if remainder < 2 else 11 - remainder)


def is_personal_id_without_zeros(digits: str) -> bool:
    """Whether these ASCII digits are a national id, or one whose leading zeros were dropped."""
    return DIGITS_WITHOUT_ZEROS_MIN <= len(digits) <= DIGITS and is_personal_id(digits.zfill(DIGITS))

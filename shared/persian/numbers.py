"""Numbers as real files write them: any digits, thousands in threes, and nothing that would have to be guessed."""

import re
from decimal import Decimal
from typing import Final

from shared.persian.text import ASCII_DIGITS, plain_text

_CHARACTERS_MAX: Final = 40
_NUMBER_CHARACTERS: Final = ASCII_DIGITS | str.maketrans(
    {"٬": ",", "،": ",", "’": ",", "٫": ".", "−": "-", "\u2010": "-", "\u2011": "-"}
)
_PLAIN: Final = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_GROUPED: Final = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)


class NumberUnreadableError(ValueError):
    """The value is not one number in any of the accepted spellings."""


def read_number(value: str | float) -> Decimal:
    """A cell as an exact finite number; the sign is kept.

    Text may hold Persian or Arabic digits, thousands in threes by ``٬`` ``,`` ``،`` or spaces, and ``٫`` or ``.`` before
    decimals. Raises NumberUnreadableError for anything else: NaN, infinity, exponents, ``12,5``, ``12/5``, units.
    """
    if isinstance(value, bool):
        raise NumberUnreadableError("a logical value is not a number")
    number = _written(value) if isinstance(value, str) else Decimal(repr(value))
    if not number.is_finite():
        raise NumberUnreadableError("not a finite number")
    return number


def _written(value: str) -> Decimal:
    if len(value) > _CHARACTERS_MAX:
        raise NumberUnreadableError("too long for a number")
    text = plain_text(value.translate(_NUMBER_CHARACTERS))
    if not text.isascii():
        text = text.translate(_NUMBER_CHARACTERS)
    if _PLAIN.fullmatch(text):
        return Decimal(text)
    grouped = text.replace(" ", ",")
    if _GROUPED.fullmatch(grouped):
        return Decimal(grouped.replace(",", ""))
    raise NumberUnreadableError("not a number in a known spelling")

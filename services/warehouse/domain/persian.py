"""Persian text as real files write it: one display form for storing, one comparison key for recognising.

Arabic letters (ي ك), presentation forms, ZWNJ and ZWJ, tatweel, direction marks, and Persian or Arabic digits are all
ways to write the same word. Recognition is exact on the key: an unknown word is an error, never a guess.
"""

import re
import unicodedata
from decimal import Decimal
from functools import lru_cache

from persiantools import characters

DECIMALS = 3
"""Figures are kept to this many decimals: tonnes to the kilogram."""

_NUMBER_CHARACTERS_MAX = 40
_TATWEEL = "\u0640"
_ZWNJ = "\u200c"
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_KASRA = "\u0650"
_ASCII_DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "0123456789" * 2)
_SPACES_AROUND_ZWNJ = re.compile(f" *{_ZWNJ}[ {_ZWNJ}]*")
_NUMBER_CHARACTERS = _ASCII_DIGITS | str.maketrans(
    {"٬": ",", "،": ",", "’": ",", "٫": ".", "−": "-", "\u2010": "-", "\u2011": "-"}
)
_PLAIN_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_GROUPED_NUMBER = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)


class NumberUnreadableError(ValueError):
    """The value is not one number in any of the accepted spellings."""


def ascii_digits(text: str) -> str:
    """`text` with Persian and Arabic digits as ASCII digits."""
    return text if text.isascii() else text.translate(_ASCII_DIGITS)


def display_text(text: str) -> str:
    """`text` as it is stored and shown: Persian letters, single spaces, ZWNJ kept inside words, nothing invisible else."""
    if text.isascii() and text.isprintable():
        return _single_spaces(text)
    composed = unicodedata.normalize("NFKC", text)
    visible = _single_spaces(_persian_letters(composed).replace(_TATWEEL, ""))
    if not visible.replace(_ZWNJ, "").isprintable():
        shown = (
            character
            for character in visible
            if character == _ZWNJ or unicodedata.category(character) not in _INVISIBLE_CATEGORIES
        )
        visible = _single_spaces("".join(shown))
    if _ZWNJ not in visible:
        return visible
    joined = _SPACES_AROUND_ZWNJ.sub(lambda found: " " if " " in found.group() else _ZWNJ, visible)
    return _single_spaces(joined).strip(f" {_ZWNJ}")


def _single_spaces(text: str) -> str:
    return " ".join(text.split())


def _persian_letters(text: str) -> str:
    # Only vowelled letters need the library's slow search.
    if _KASRA in text:
        return characters.ar_to_fa(text)
    return text.replace("ي", "ی").replace("ك", "ک").replace("ى", "ی")


@lru_cache(maxsize=16_384)
def comparison_key(text: str) -> str:
    """What two spellings of one word have in common: letters and ASCII digits alone, without case, marks or spaces."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    letters = "".join(character for character in decomposed if character.isalnum() and character != _TATWEEL)
    return ascii_digits(_persian_letters(letters)).replace("ة", "ه").replace("ە", "ه")


def read_number(value: str | int | float, decimals: int = DECIMALS) -> Decimal:
    """A cell as an exact number, rounded to `decimals`; the sign is kept.

    Text may hold Persian or Arabic digits, thousands in threes by ``٬`` ``,`` ``،`` or spaces, and ``٫`` or ``.`` before
    decimals. Raises NumberUnreadableError for anything else: NaN, infinity, exponents, ``12,5``, ``12/5``, units.
    """
    if isinstance(value, bool):
        raise NumberUnreadableError("a logical value is not a number")
    if isinstance(value, int | float):
        return _rounded(Decimal(repr(value)), decimals)
    if len(value) > _NUMBER_CHARACTERS_MAX:
        raise NumberUnreadableError("too long for a number")
    text = display_text(value.translate(_NUMBER_CHARACTERS))
    if not text.isascii():
        text = text.translate(_NUMBER_CHARACTERS).replace(_ZWNJ, "")
    if _PLAIN_NUMBER.fullmatch(text):
        return _rounded(Decimal(text), decimals)
    grouped = text.replace(" ", ",")
    if _GROUPED_NUMBER.fullmatch(grouped):
        return _rounded(Decimal(grouped.replace(",", "")), decimals)
    raise NumberUnreadableError("not a number in a known spelling")


def _rounded(number: Decimal, decimals: int) -> Decimal:
    if not number.is_finite() or number.adjusted() >= _NUMBER_CHARACTERS_MAX // 2:
        raise NumberUnreadableError("not a finite number of a sensible size")
    return number.quantize(_unit(decimals))


@lru_cache
def _unit(decimals: int) -> Decimal:
    return Decimal(1).scaleb(-decimals)

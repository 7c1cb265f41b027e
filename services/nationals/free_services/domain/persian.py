"""Persian text as partners' files write it: one form for showing, one key for recognising, and counts in any digits.

Arabic letters, presentation forms, ZWNJ, tatweel, direction marks and the three kinds of digits are ways to write the
same word. Recognition is exact on the key: an unknown word is an error, never a guess.
"""

import re
import unicodedata

_TATWEEL = "\u0640"
_ASCII_DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "0123456789" * 2)
_LETTERS = str.maketrans({"ي": "ی", "ك": "ک", "ى": "ی", "ة": "ه", "ە": "ه"})
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_THOUSANDS = str.maketrans({"٬": ",", "،": ",", "’": ",", "٫": ".", "−": "-", "\u2010": "-", "\u2011": "-"})
_COUNT = re.compile(r"(-?)(\d{1,15}|\d{1,3}(?:[, ]\d{3})+)(\.\d+)?", re.ASCII)


class NotACountError(ValueError):
    """The cell is not one whole number, 0 or more."""


class NegativeCountError(NotACountError):
    """The cell is a number below 0."""


class FractionalCountError(NotACountError):
    """The cell is a number that is not whole."""


def ascii_digits(text: str) -> str:
    """`text` with Persian and Arabic digits as ASCII digits."""
    return text if text.isascii() else text.translate(_ASCII_DIGITS)


def plain_text(text: str) -> str:
    """`text` with Persian letters, ASCII digits and single spaces, without invisible characters."""
    composed = unicodedata.normalize("NFKC", text).translate(_LETTERS)
    visible = "".join(
        " " if character.isspace() else character
        for character in composed
        if character.isspace() or unicodedata.category(character) not in _INVISIBLE_CATEGORIES
    )
    return " ".join(ascii_digits(visible.replace(_TATWEEL, "")).split())


def comparison_key(text: str) -> str:
    """What two spellings of one word have in common: letters and ASCII digits alone, without case, marks or spaces."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    letters = "".join(character for character in decomposed if character.isalnum() and character != _TATWEEL)
    return ascii_digits(letters.translate(_LETTERS))


def read_count(value: str | float) -> int:
    """A cell as a whole number, 0 or more; text may hold any digits and thousands in threes.

    Raises NegativeCountError, FractionalCountError or NotACountError.
    """
    if isinstance(value, bool):
        raise NotACountError("a logical value is not a count")
    if not isinstance(value, str):
        if value < 0:
            raise NegativeCountError("below 0")
        if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN alone differs from itself
            raise NotACountError("not a number")
        if not float(value).is_integer():
            raise FractionalCountError("not whole")
        return int(value)
    found = _COUNT.fullmatch(plain_text(value.translate(_THOUSANDS)).translate(_THOUSANDS))
    if found is None:
        raise NotACountError("not a number in a known spelling")
    if found[1]:
        raise NegativeCountError("below 0")
    if found[3] and found[3].strip(".0"):
        raise FractionalCountError("not whole")
    return int(found[2].replace(",", "").replace(" ", ""))

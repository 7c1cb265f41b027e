"""Persian text as real files write it: one display form for storing, one plain form for reading, one key for recognising.

Arabic letters (ي ك), presentation forms, ZWNJ and ZWJ, tatweel, direction marks, and Persian or Arabic digits are all
ways to write the same word. Recognition is exact on the key: an unknown word is an error, never a guess.
"""

import re
import unicodedata
from typing import Final

from persiantools import characters

ZWNJ: Final = "\u200c"
ASCII_DIGITS: Final = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "0123456789" * 2)
"""Persian and Arabic digits to ASCII ones, for `str.translate`."""

_TATWEEL: Final = "\u0640"
_KASRA: Final = "\u0650"
_INVISIBLE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_SPACES_AROUND_ZWNJ: Final = re.compile(f" *{ZWNJ}[ {ZWNJ}]*")


def ascii_digits(text: str) -> str:
    """`text` with Persian and Arabic digits as ASCII digits."""
    return text if text.isascii() else text.translate(ASCII_DIGITS)


def display_text(text: str) -> str:
    """`text` as it is stored and shown: Persian letters, single spaces, ZWNJ kept inside words, nothing invisible else."""
    if text.isascii() and text.isprintable():
        return _single_spaces(text)
    composed = unicodedata.normalize("NFKC", text)
    visible = _single_spaces(_persian_letters(composed).replace(_TATWEEL, ""))
    if not visible.replace(ZWNJ, "").isprintable():
        shown = (
            character
            for character in visible
            if character == ZWNJ or unicodedata.category(character) not in _INVISIBLE_CATEGORIES
        )
        visible = _single_spaces("".join(shown))
    if ZWNJ not in visible:
        return visible
    joined = _SPACES_AROUND_ZWNJ.sub(lambda found: " " if " " in found.group() else ZWNJ, visible)
    return _single_spaces(joined).strip(f" {ZWNJ}")


def plain_text(text: str) -> str:
    """`text` for reading what it says, not for showing: as `display_text`, without ZWNJ, with ASCII digits and ه for ة."""
    shown = display_text(text)
    return shown if shown.isascii() else _plain_heh(ascii_digits(shown.replace(ZWNJ, "")))


def comparison_key(text: str) -> str:
    """What two spellings of one word have in common: letters and ASCII digits alone, without case, marks or spaces."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    letters = "".join(character for character in decomposed if character.isalnum() and character != _TATWEEL)
    return _plain_heh(ascii_digits(_persian_letters(letters)))


def _single_spaces(text: str) -> str:
    return " ".join(text.split())


def _persian_letters(text: str) -> str:
    # Only vowelled letters need the library's slow search.
    if _KASRA in text:
        return characters.ar_to_fa(text)
    return text.replace("ي", "ی").replace("ك", "ک").replace("ى", "ی")


def _plain_heh(text: str) -> str:
    return text.replace("ة", "ه").replace("ە", "ه")

"""How many parts a text takes as SMS: GSM 7-bit where every character is in its alphabet, UCS-2 else (3GPP TS 23.038)."""

from typing import Final

PARTS_MAX: Final = 3
"""Longer texts are refused: each part costs, and the letter's short form is written for three."""
UCS2_SINGLE_UNITS: Final = 70
UCS2_PART_UNITS: Final = 67
GSM7_SINGLE_SEPTETS: Final = 160
GSM7_PART_SEPTETS: Final = 153

_GSM7_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_EXTENDED: Final = frozenset("\f^{}\\[~]|€")
"""Characters that take two septets: an escape comes before them."""


def parts_of(text: str) -> int:
    """Number of SMS that `text` takes; at least 1. Beyond one, each holds less: a header joins them."""
    if all(character in _GSM7_BASIC or character in _GSM7_EXTENDED for character in text):
        sizes = [2 if character in _GSM7_EXTENDED else 1 for character in text]
        return _parts(sizes, GSM7_SINGLE_SEPTETS, GSM7_PART_SEPTETS)
    return _parts([2 if ord(character) > 0xFFFF else 1 for character in text], UCS2_SINGLE_UNITS, UCS2_PART_UNITS)


def _parts(sizes: list[int], single: int, part: int) -> int:
    """A character of two units is never cut: it begins the next part."""
    if sum(sizes) <= single:
        return 1
    parts, used = 1, 0
    for size in sizes:
        if used + size > part:
            parts, used = parts + 1, 0
        used += size
    return parts

"""Codes of certificates: 80 random bits and a checksum in 18 characters that people can read out and type.

The alphabet is Crockford's base 32 (no I, L, O, U). Read as one number, every code is 1 modulo the prime 1021: that
catches every single wrong character and every two neighbours exchanged.
"""

from shared.persian.text import ascii_digits

RANDOM_BYTES = 10
CODE_CHARACTERS = 18
GROUP_CHARACTERS = 6

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BASE = 32
_CHECK_SPAN = _BASE * _BASE
_MODULUS = 1021
_VALUES = {character: value for value, character in enumerate(_ALPHABET)} | {"O": 0, "I": 1, "L": 1}
_SEPARATORS = str.maketrans("", "", " -\u200c\u2010\u2011\u2013")


def make_code(random: bytes) -> str:
    """The code that stands for `random`. Raises ValueError unless it is `RANDOM_BYTES` long."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"a code needs {RANDOM_BYTES} random bytes")
    shifted = int.from_bytes(random) * _CHECK_SPAN
    number = shifted + (1 - shifted) % _MODULUS
    characters = ""
    for _ in range(CODE_CHARACTERS):
        number, value = divmod(number, _BASE)
        characters = _ALPHABET[value] + characters
    return characters


def read_code(text: str) -> str | None:
    """The code as stored, from what somebody typed: any case, with or without dashes, Persian digits, O for 0, I or L for 1.

    None if it cannot be a code.
    """
    typed = ascii_digits(text).upper().translate(_SEPARATORS)
    if len(typed) != CODE_CHARACTERS or any(character not in _VALUES for character in typed):
        return None
    number = 0
    for character in typed:
        number = number * _BASE + _VALUES[character]
    return "".join(_ALPHABET[_VALUES[character]] for character in typed) if number % _MODULUS == 1 else None


def shown_code(code: str) -> str:
    """The code in groups, as it is printed."""
    groups = range(0, CODE_CHARACTERS, GROUP_CHARACTERS)
    return "-".join(code[start : start + GROUP_CHARACTERS] for start in groups)

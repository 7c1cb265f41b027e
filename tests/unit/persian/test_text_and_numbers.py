"""The normaliser: many hands, one word; and numbers in every accepted spelling and no other."""

from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.demo.registry_spelling import spell_number
from shared.persian.numbers import NumberUnreadableError, read_number
from shared.persian.text import comparison_key, display_text, plain_text

PERSIAN_WORDS = st.text(alphabet="ابپتثجچحخدذرزژسشصضطظعغفقکگلمنوهی", min_size=1, max_size=20)
DISGUISES = st.sampled_from(["", "\u200c", "\u200d", " ", "\u0640", "\u064e", "\u200f", "\u00a0", "-"])


@given(st.text(max_size=60))
def test_both_forms_of_any_text_are_final(text: str) -> None:
    assert display_text(display_text(text)) == display_text(text)
    assert comparison_key(comparison_key(text)) == comparison_key(text)
    assert comparison_key(display_text(text)) == comparison_key(text)


@given(PERSIAN_WORDS, st.lists(DISGUISES, min_size=20, max_size=20), st.booleans())
def test_a_word_keeps_its_key_in_any_disguise(word: str, disguises: list[str], arabic: bool) -> None:
    letters = word.translate(str.maketrans("یک", "يك")) if arabic else word
    disguised = "".join(letter + disguise for letter, disguise in zip(letters, disguises, strict=False))
    assert comparison_key(disguised) == comparison_key(word)


@given(PERSIAN_WORDS, PERSIAN_WORDS)
def test_different_words_keep_different_keys(one: str, other: str) -> None:
    assert (comparison_key(one) == comparison_key(other)) == (one == other)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("  انبار   كالاي   يك ", "انبار کالای یک"),
        ("به\u200cروز", "به\u200cروز"),
        ("به \u200c روز", "به روز"),
        ("\u200cانبـــار\u200f\ufeff", "انبار"),
        ("ﻱﻙ", "یک"),
        ("a\x00b\nc", "ab c"),
    ],
)
def test_display_form(written: str, shown: str) -> None:
    assert display_text(written) == shown


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("به\u200cروز", "بهروز"),
        (" به \u200c روز ", "به روز"),
        ("خانة ۱۲", "خانه 12"),
        ("a\x00b\nc", "ab c"),
        ("x  y", "x y"),
    ],
)
def test_plain_form(written: str, read: str) -> None:
    assert plain_text(written) == read


@given(
    st.decimals(min_value=0, max_value=10_000_000, places=3, allow_nan=False, allow_infinity=False),
    st.integers(),
)
def test_every_spelling_of_a_number_is_read_exactly(number: Decimal, seed: int) -> None:
    assert read_number(spell_number(number, Random(seed))) == number


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("۱۲٬۵۰۰", "12500"),
        ("12,500", "12500"),
        ("١٢٥٠٠٫٢٥", "12500.25"),
        ("12500.0", "12500"),
        ("۱۲ ۵۰۰", "12500"),
        ("1\u00a0234\u00a0567", "1234567"),
        ("−۵", "-5"),
        (12500.125, "12500.125"),
        (0.1, "0.1"),
        (7, "7"),
        ("0.0006", "0.0006"),
    ],
)
def test_accepted_spellings(written: str | float, number: str) -> None:
    assert read_number(written) == Decimal(number)


@pytest.mark.parametrize(
    "written",
    [
        *("", "NaN", "nan", "inf", "-inf", "1e5", "12,5", "1,2,3", "۱۲/۵", "12.5.1", "۵ تن", "(5)", "1" * 60),
        *(True, float("nan"), float("inf")),
    ],
)
def test_what_is_no_number_is_refused(written: str | float) -> None:
    with pytest.raises(NumberUnreadableError):
        read_number(written)

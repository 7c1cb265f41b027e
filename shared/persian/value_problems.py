"""What is wrong with a value, in English and Persian, by the kind of pydantic's error.

The refused value itself is never repeated: it may be personal data, or megabytes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

_NUMBER = ("must be a number", "باید عدد باشد")
_WHOLE_NUMBER = ("must be a whole number", "باید عدد صحیح باشد")
_TEXT = ("must be text", "باید متن باشد")
_DATE = ("must be a date such as 2026-03-21", "باید تاریخ به شکل 2026-03-21 باشد")
_TIME = (
    "must be a time with an offset, such as 2026-03-21T08:00:00Z",
    "باید زمان با اختلاف ساعت باشد، مانند 2026-03-21T08:00:00Z",
)
_UUID = ("must be an id (UUID)", "باید شناسه (UUID) باشد")
_BOOLEAN = ("must be true or false", "باید true یا false باشد")
_OBJECT = ("must be an object", "باید یک شیء JSON باشد")
_LIST = ("must be a list", "باید فهرست باشد")
_FINITE = ("must be a finite number", "باید عدد متناهی باشد")
_OTHER = ("is not valid", "معتبر نیست")

_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "missing": ("is required", "لازم است"),
    "one_required": ("needs one of these: {fields}", "یکی از این‌ها لازم است: {fields}"),
    "extra_forbidden": ("is not a known field", "شناخته‌شده نیست"),
    "enum": ("must be one of {expected}", "باید یکی از این‌ها باشد: {expected}"),
    "literal_error": ("must be one of {expected}", "باید یکی از این‌ها باشد: {expected}"),
    "string_too_short": ("must have at least {min_length} characters", "باید دست‌کم {min_length} نویسه داشته باشد"),
    "string_too_long": ("must have at most {max_length} characters", "باید حداکثر {max_length} نویسه داشته باشد"),
    "string_pattern_mismatch": ("does not have the right form", "شکل درستی ندارد"),
    "too_short": ("must have at least {min_length} items", "باید دست‌کم {min_length} مورد داشته باشد"),
    "too_long": ("must have at most {max_length} items", "باید حداکثر {max_length} مورد داشته باشد"),
    "greater_than": ("must be greater than {gt}", "باید بزرگ‌تر از {gt} باشد"),
    "greater_than_equal": ("must be at least {ge}", "باید دست‌کم {ge} باشد"),
    "less_than": ("must be less than {lt}", "باید کوچک‌تر از {lt} باشد"),
    "less_than_equal": ("must be at most {le}", "باید حداکثر {le} باشد"),
    "multiple_of": ("must be a multiple of {multiple_of}", "باید مضربی از {multiple_of} باشد"),
    "decimal_max_digits": ("must have at most {max_digits} digits", "باید حداکثر {max_digits} رقم داشته باشد"),
    "decimal_max_places": (
        "must have at most {decimal_places} decimals",
        "باید حداکثر {decimal_places} رقم اعشار داشته باشد",
    ),
    "finite_number": _FINITE,
    "json_invalid": ("is not valid JSON", "JSON معتبر نیست"),
    "timezone_aware": _TIME,
}
_TEXTS_BY_PREFIX: Final[Sequence[tuple[str, tuple[str, str]]]] = (
    ("int_", _WHOLE_NUMBER),
    ("float_", _NUMBER),
    ("decimal_", _NUMBER),
    ("string_", _TEXT),
    ("datetime_", _TIME),
    ("date_", _DATE),
    ("uuid_", _UUID),
    ("bool_", _BOOLEAN),
    ("model_", _OBJECT),
    ("dict_", _OBJECT),
    ("dataclass_", _OBJECT),
    ("list_", _LIST),
    ("tuple_", _LIST),
    ("set_", _LIST),
)


def value_problem(kind: str, context: Mapping[str, Any]) -> tuple[str, str]:
    """The text in English and the one in Persian; `context` is the error's own (its limits and what it expected)."""
    text_en, text_fa = _texts(kind)
    expected_fa = str(context.get("expected", "")).replace(" or ", " یا ")
    return _fill(text_en, context), _fill(text_fa, {**context, "expected": expected_fa})


def _texts(kind: str) -> tuple[str, str]:
    if kind in _TEXTS:
        return _TEXTS[kind]
    return next((texts for prefix, texts in _TEXTS_BY_PREFIX if kind.startswith(prefix)), _OTHER)


def _fill(text: str, context: Mapping[str, Any]) -> str:
    try:
        return text.format_map(context)
    except (KeyError, ValueError):
        return text

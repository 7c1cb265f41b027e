"""What is wrong with each field of a request, in Persian and English, from pydantic's errors.

The refused value itself is never repeated: it may be personal data, or megabytes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import JsonValue

from shared.persian.value_problems import value_problem

FIELD_PROBLEMS_MAX: Final = 50
LOCATION_CHARACTERS_MAX: Final = 200


def describe_fields(errors: Sequence[Mapping[str, Any]]) -> list[JsonValue]:
    """One entry per error: {field, code, text_en, text_fa}, at most `FIELD_PROBLEMS_MAX` of them."""
    return [_describe(error) for error in errors[:FIELD_PROBLEMS_MAX]]


def _describe(error: Mapping[str, Any]) -> JsonValue:
    kind = str(error.get("type", "value_error"))
    text_en, text_fa = value_problem(kind, error.get("ctx") or {})
    location = ".".join(str(part) for part in error.get("loc", ()))[:LOCATION_CHARACTERS_MAX]
    return {
        "field": location.encode("utf-8", "replace").decode(),
        "code": kind,
        "text_en": text_en,
        "text_fa": text_fa,
    }

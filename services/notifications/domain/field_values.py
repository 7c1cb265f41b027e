"""All values a field of an event can have, where they are few. Pure."""

from enum import Enum
from types import UnionType
from typing import Any, Final, Literal, Union, cast, get_args, get_origin

from shared.contracts.base import Event

_FEW: Final[dict[object, tuple[object, ...]]] = {bool: (False, True), type(None): (None,)}


def every_value(event_type: type[Event], field: str) -> tuple[object, ...] | None:
    """Every value of a field that is an enumeration, a Literal, a bool, None or a union of these; None for any other."""
    information = event_type.model_fields.get(field)
    return None if information is None else _values_of(information.annotation)


def _values_of(annotation: Any) -> tuple[object, ...] | None:
    if get_origin(annotation) in (Union, UnionType):
        parts = [_values_of(part) for part in get_args(annotation)]
        return None if None in parts else tuple(value for part in parts if part is not None for value in part)
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return tuple(annotation)
    return _FEW.get(cast("object", annotation))

"""Sample events of a rule, built from the contracts: for previews, and to try every template before it is used. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, cast, get_args, get_origin
from uuid import UUID

from pydantic import JsonValue

from services.notifications.domain.channels import Channel
from services.notifications.domain.rules import Matcher, Rule, county_of
from services.notifications.domain.terms import term
from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.notifications import AlertSeverity
from shared.contracts.warehouse import ChecklistItem

SAMPLE_MOMENT: Final = datetime(2026, 11, 22, 4, 15, tzinfo=UTC)
_LONGEST_MOMENT: Final = datetime(2027, 5, 19, 18, 45, tzinfo=UTC)
"""Both its weekday and its month are long in both calendars."""
NAME_CHARACTERS: Final = 36
"""Of the longest machine word that an operations alert names: a UUID, or a kind and a language."""
_NUMBERS: Final[Mapping[str, tuple[int, ...]]] = {
    "jalali_year": (1405,),
    "jalali_month": (7, 12),
    "threshold_percent": (95, 80, 100),
}
_TEXTS: Final[Mapping[str, tuple[str, ...]]] = {
    "period": ("1405-07", "1405-Q2"),
    "commodity": ("rice", "vegetable_oil", "soybean_meal"),
    "item": tuple(ChecklistItem),
    "fields": ("capacity_tonnes", "in_use_capacity_tonnes", "floor_area_m2"),
    "channel": tuple(Channel),
    "alert_kind": ("discrepancy_found", "break_glass_review_overdue", "retention_review_overdue"),
    "name": ("sms", "a" * NAME_CHARACTERS),
}
"""Plausible values of texts that the contracts leave open, by the field's name."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a rule makes of one sample event."""

    event: Event
    county: County
    kind: str
    severity: AlertSeverity
    subject_id: str
    details: Mapping[str, JsonValue]


class NoSampleError(ValueError):
    """A field of the event is of a type for which no plausible value is known."""


def samples_of(rule: Rule) -> tuple[Sample, ...]:
    """A typical sample first, then one for each further value of each field, then those with the longest words.

    Each of them raises the rule's alert. Raises NoSampleError.
    """
    choices = choices_of(rule.source)
    return tuple(_sample(rule, values) for values in _combinations(choices))


def sample_of(rule: Rule) -> Sample:
    """The typical sample. Raises NoSampleError."""
    return _sample(rule, {name: values[0] for name, values in choices_of(rule.source).items()})


def _sample(rule: Rule, values: Mapping[str, Any]) -> Sample:
    event = rule.source.event_type.model_validate(dict(values))
    return Sample(
        event=event,
        county=county_of(event),
        kind=rule.kind,
        severity=rule.severity,
        subject_id=rule.source.subject_of(event),
        details=rule.details_of(event),
    )


def _combinations(choices: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    typical = {name: values[0] for name, values in choices.items()}
    yield typical
    for name, values in choices.items():
        for value in values[1:]:
            yield typical | {name: value}
    for language in ("fa", "en"):
        yield {name: max(values, key=lambda value: _width(value, language)) for name, values in choices.items()}


def _width(value: object, language: str) -> int:
    if isinstance(value, tuple):
        return sum(_width(item, language) for item in cast("tuple[object, ...]", value))
    if isinstance(value, County):
        return len(value.label_fa if language == "fa" else value)
    return len(term(str(value), language))


def choices_of(source: Matcher) -> dict[str, tuple[Any, ...]]:
    """Plausible values of every field of an event that matches, the typical one first. Raises NoSampleError."""
    choices: dict[str, tuple[Any, ...]] = {}
    for place, (name, field) in enumerate(source.event_type.model_fields.items()):
        values = source.when.get(name) or tuple(_values(name, field.annotation, place))
        refused = source.unless.get(name, ())
        choices[name] = tuple(value for value in values if value not in refused)
        if not choices[name]:
            raise NoSampleError(f"{source.event_type.type_name()}.{name}: every plausible value is ruled out")
    return choices


def _values(name: str, annotation: Any, place: int) -> tuple[Any, ...]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        kinds = [kind for kind in arguments if kind is not NoneType]
        return (*(value for kind in kinds for value in _values(name, kind, place)), None)
    if origin is Literal:
        return arguments
    if origin in (tuple, list, set, frozenset):
        items = _values(name, arguments[0], place)
        return (items, items[:1], ())
    if isinstance(annotation, type):
        return _values_of_type(name, annotation, place)
    raise NoSampleError(f"{name}: no sample of {annotation}")


def _values_of_type(name: str, annotation: type, place: int) -> tuple[Any, ...]:
    if issubclass(annotation, Enum):
        return tuple(annotation)
    known: Mapping[type, tuple[Any, ...]] = {
        UUID: (UUID(int=(0x0190_0000_0000_7000_8000 << 48) + place),),
        bool: (True, False),
        datetime: (SAMPLE_MOMENT, _LONGEST_MOMENT),
        date: (SAMPLE_MOMENT.date(), _LONGEST_MOMENT.date()),
        int: _NUMBERS.get(name, (3, 1_250)),
        float: (2.25, 1_234.75),
        str: _TEXTS.get(name, ("sample",)),
    }
    if annotation not in known:
        raise NoSampleError(f"{name}: no sample of {annotation.__name__}")
    return known[annotation]

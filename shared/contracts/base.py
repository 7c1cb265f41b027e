"""What every event looks like: a frozen, additive-only model that names its own stream.

An event is declared once, here under ``shared/contracts/<owner>.py``; its CloudEvents type, topic, key and
JSON Schema follow from the class. Bodies carry no personal data and no free text (safeguards: Kafka is immutable).
"""

from dataclasses import dataclass
from types import ModuleType
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

EVENT_BYTES_MAX = 64 * 1024
"""Largest body that `publish` accepts; far below the broker's own limit, so the relay never meets a record it cannot send."""

DataClassification = Literal["public", "internal", "restricted"]


@dataclass(frozen=True, slots=True)
class Stream:
    """One aggregate stream: one topic, keyed by the aggregate's id, so one aggregate's events stay in order."""

    service: str
    name: str
    key_field: str

    @property
    def topic(self) -> str:
        return f"{self.service}-{self.name}"


class Event(BaseModel):
    """Base of all events. Subclasses give `stream`; unknown fields of newer producers are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    stream: ClassVar[Stream]
    version: ClassVar[int] = 1
    data_classification: ClassVar[DataClassification] = "internal"

    @classmethod
    def type_name(cls) -> str:
        """The CloudEvents type, for example ``warehouse.InspectionCompleted.v1``."""
        return f"{cls.stream.service}.{cls.__name__}.v{cls.version}"

    @property
    def aggregate_id(self) -> str:
        return str(getattr(self, self.stream.key_field))


def declared_events(*modules: ModuleType) -> list[type[Event]]:
    """The public event classes that contracts modules declare, in the order of their declaration."""
    return [
        value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Event)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    ]

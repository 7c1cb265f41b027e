"""The service centres that ship as examples (example_centres.yaml)."""

from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.nationals.free_services.domain.centre import (
    CAPACITY_PER_SLOT_MAX,
    SLOT_MINUTES_MAX,
    SLOT_MINUTES_MIN,
    Offer,
    OpeningHours,
    Weekday,
)
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService

FILE: Final = Path(__file__).with_suffix(".yaml")

_Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True)
class ExampleCentre:
    key: str
    county: County
    name_fa: str
    name_en: str
    hours: list[OpeningHours]
    offers: list[Offer]


class _Service(BaseModel):
    model_config = ConfigDict(extra="forbid")

    capacity_per_slot: int = Field(ge=1, le=CAPACITY_PER_SLOT_MAX)
    slot_minutes: int = Field(ge=SLOT_MINUTES_MIN, le=SLOT_MINUTES_MAX)


class _Centre(BaseModel):
    model_config = ConfigDict(extra="forbid")

    county: County
    name_fa: _Name
    name_en: _Name
    opening_hours: dict[Weekday, tuple[time, time]]
    services: dict[FreeService, _Service]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: int
    centres: dict[str, _Centre]


def read_examples() -> list[ExampleCentre]:
    """The examples in the shipped file."""
    raw: Any = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return [
        ExampleCentre(
            key=key,
            county=centre.county,
            name_fa=centre.name_fa,
            name_en=centre.name_en,
            hours=[OpeningHours(day, opens, closes) for day, (opens, closes) in centre.opening_hours.items()],
            offers=[
                Offer(service, True, offer.capacity_per_slot, offer.slot_minutes)
                for service, offer in centre.services.items()
            ],
        )
        for key, centre in _Document.model_validate(raw).centres.items()
    ]

"""A letter as somebody would get it, from a sample event."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import JsonValue

from services.notifications.domain.samples import SAMPLE_MOMENT, Sample
from services.notifications.letters.letter import Grouped
from shared.contracts.counties import County

SAMPLE_NAMES: Final = {"fa": "زهرا احمدی", "en": "Zahra Ahmadi"}
SAMPLE_ALERT: Final = UUID(int=0x0190_0000_0000_7000_8000_0000_0000_0001)

SAMPLE_REGISTRY_ID: Final = "501000001"
SITE_FIELD: Final = "warehouse_id"


@dataclass(frozen=True, slots=True)
class SampleNotice:
    """A sample as a letter needs it."""

    alert_id: UUID
    county: County
    recipient_name: str
    language: str
    kind: str
    severity: str
    subject_id: str
    raised_at: datetime
    details: Mapping[str, JsonValue]
    grouped: tuple[Grouped, ...] = ()
    grouped_total: int = 0
    registry_id: str | None = None

    @classmethod
    def of(cls, sample: Sample, language: str) -> "SampleNotice":
        return cls(
            alert_id=SAMPLE_ALERT,
            county=sample.county,
            recipient_name=SAMPLE_NAMES[language],
            language=language,
            kind=sample.kind,
            severity=sample.severity,
            subject_id=sample.subject_id,
            raised_at=SAMPLE_MOMENT,
            details=sample.details,
            registry_id=SAMPLE_REGISTRY_ID if SITE_FIELD in sample.details else None,
        )

"""Alerts that nobody is told of for now: held back by a greater alert or by a silence, until that ends. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol
from uuid import UUID

from pydantic import JsonValue

from services.notifications.domain.rules import Audience, Inhibition
from shared.contracts.counties import County
from shared.contracts.notifications import AlertSeverity

SILENCE_S_MAX: Final = 30 * 24 * 3600
CRITICAL_SILENCE_MAX: Final = timedelta(hours=4)
"""A silence never keeps a critical alert from people for longer, however long it lasts for others."""


class HoldReason(StrEnum):
    INHIBITED = "inhibited"
    SILENCED = "silenced"


@dataclass(frozen=True, slots=True)
class HeldBack:
    """Why an alert has no chain yet; `by`: the alert or the silence it waits for."""

    reason: HoldReason
    by: UUID


class Inhibiting(Protocol):
    """What of an alert decides which others it holds back."""

    @property
    def alert_id(self) -> UUID: ...
    @property
    def county(self) -> County: ...
    @property
    def kind(self) -> str: ...
    @property
    def details(self) -> Mapping[str, JsonValue]: ...


class Silenceable(Protocol):
    """What of an alert decides whether a silence fits it."""

    @property
    def county(self) -> County: ...
    @property
    def kind(self) -> str: ...
    @property
    def rule_id(self) -> str: ...
    @property
    def severity(self) -> AlertSeverity: ...
    @property
    def audience(self) -> Audience: ...
    @property
    def subject_id(self) -> str: ...


class Holdable(Inhibiting, Silenceable, Protocol):
    """What of an alert decides whether it is held back."""

    @property
    def restricted(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Silence:
    """A person's wish not to be told. A matcher that is None fits every alert.

    `audiences`: whose alerts it may keep back, which is those that concern the person who made it.
    """

    silence_id: UUID
    audiences: frozenset[Audience]
    county: County | None
    kind: str | None
    rule_id: str | None
    subject_id: str | None
    ends_at: datetime
    critical_until: datetime

    def fits(self, alert: Silenceable) -> bool:
        return (
            alert.audience in self.audiences
            and (self.county is None or self.county is alert.county)
            and (self.kind is None or self.kind == alert.kind)
            and (self.rule_id is None or self.rule_id == alert.rule_id)
            and (self.subject_id is None or self.subject_id == alert.subject_id)
        )

    def holds(self, alert: Silenceable, now: datetime) -> bool:
        ends_at = self.critical_until if alert.severity is AlertSeverity.CRITICAL else self.ends_at
        return now < ends_at and self.fits(alert)


@dataclass(frozen=True, slots=True)
class PastSilence:
    """A silence that ran from `began_at` to its ends, which are those that it really had."""

    silence: Silence
    began_at: datetime


@dataclass(frozen=True, slots=True)
class Inhibitor:
    """An unresolved alert because of which others may be held back."""

    alert_id: UUID
    county: County
    kind: str
    details: Mapping[str, JsonValue]


class Holds:
    """Everything that holds alerts back at one moment."""

    def __init__(
        self,
        inhibitions: Sequence[Inhibition],
        silences: Sequence[Silence],
        inhibitors: Iterable[Inhibitor],
        now: datetime,
    ) -> None:
        self._inhibitions = inhibitions
        self._silences = silences
        self._now = now
        self._source_kinds = {inhibition.source_kind for inhibition in inhibitions}
        self._by_likeness: defaultdict[tuple[int, County, tuple[str, ...]], list[UUID]] = defaultdict(list)
        for inhibitor in inhibitors:
            self.add(inhibitor)

    def add(self, alert: Inhibiting) -> None:
        """From now on `alert` holds back what an inhibition says."""
        if alert.kind not in self._source_kinds:
            return
        for place, inhibition in enumerate(self._inhibitions):
            likeness = inhibition.likeness(alert.details) if inhibition.source_kind == alert.kind else None
            if likeness is not None:
                self._by_likeness[place, alert.county, likeness].append(alert.alert_id)

    def on(self, alert: Holdable) -> HeldBack | None:
        """What holds `alert` back, a silence before a greater alert; None if people are to be told.

        Nothing ever holds back what is about a return case or a complaint.
        """
        if alert.restricted:
            return None
        for silence in self._silences:
            if silence.holds(alert, self._now):
                return HeldBack(HoldReason.SILENCED, silence.silence_id)
        for place, inhibition in enumerate(self._inhibitions):
            if inhibition.source_kind == alert.kind or not inhibition.targets(alert.kind, alert.severity):
                continue
            likeness = inhibition.likeness(alert.details)
            holders = self._by_likeness.get((place, alert.county, likeness)) if likeness is not None else None
            if holders and alert.alert_id not in holders:
                return HeldBack(HoldReason.INHIBITED, holders[0])
        return None

"""Whether a site complies: required passive-defence elements, trained staff, no open critical action, no hold.

The requirements are data (compliance.yaml); what follows from them is here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.warehouse.domain.risk import RiskClass
from shared.contracts.warehouse import WarehouseKind


class ElementState(StrEnum):
    """What was seen of a passive-defence element at a site; `not_required` is a waiver with a reason."""

    PRESENT = "present"
    ABSENT = "absent"
    NOT_REQUIRED = "not_required"


class ComplianceReason(StrEnum):
    """Why a site does not comply; stable."""

    NOT_INSPECTED_WITHIN_INTERVAL = "not_inspected_within_interval"
    ELEMENT_ABSENT = "element_absent"
    ELEMENT_NOT_RECORDED = "element_not_recorded"
    TRAINING_SHORT = "training_short"
    CRITICAL_ACTION_OPEN = "critical_action_open"
    ON_HOLD = "on_hold"


class CertificateState(StrEnum):
    """revoked and expired are for good; suspended lasts as long as its cause."""

    VALID = "valid"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Needs:
    """Of which sites something is required: of all, or of those whose class or kind is named."""

    classes: frozenset[RiskClass]
    kinds: frozenset[WarehouseKind]

    def covers(self, risk_class: RiskClass, kind: WarehouseKind) -> bool:
        """Whether a site of this class and kind needs it."""
        return risk_class in self.classes or kind in self.kinds


@dataclass(frozen=True, slots=True)
class Element:
    """A passive-defence element and who needs it."""

    key: str
    label_fa: str
    label_en: str
    needs: Needs


@dataclass(frozen=True, slots=True)
class Course:
    """A training, who needs it, and how many people of the site must hold it."""

    key: str
    label_fa: str
    label_en: str
    needs: Needs
    staff_min: int


@dataclass(frozen=True, slots=True)
class Requirements:
    """Everything that can be required, by key; `staff_roles` by key: Persian and English label."""

    elements: Mapping[str, Element]
    courses: Mapping[str, Course]
    staff_roles: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What is known of a site. `elements`: the newest state of each recorded element; `trained`: people by course."""

    risk_class: RiskClass
    kind: WarehouseKind
    is_within_interval: bool
    elements: Mapping[str, ElementState]
    trained: Mapping[str, int]
    critical_actions_open: int
    holds_open: int


@dataclass(frozen=True, slots=True)
class Shortcoming:
    """One reason against compliance. `subject`: the key of the element or course it is about."""

    reason: ComplianceReason
    subject: str | None = None
    label_fa: str | None = None
    label_en: str | None = None


def assess(facts: SiteFacts, requirements: Requirements) -> tuple[Shortcoming, ...]:
    """Everything that speaks against compliance, in a fixed order; empty: the site complies."""
    found: list[Shortcoming] = []
    if not facts.is_within_interval:
        found.append(Shortcoming(ComplianceReason.NOT_INSPECTED_WITHIN_INTERVAL))
    for element in requirements.elements.values():
        state = facts.elements.get(element.key)
        if not element.needs.covers(facts.risk_class, facts.kind):
            continue
        if state is None:
            found.append(_about(ComplianceReason.ELEMENT_NOT_RECORDED, element))
        elif state is ElementState.ABSENT:
            found.append(_about(ComplianceReason.ELEMENT_ABSENT, element))
    found.extend(training_short(facts, requirements))
    found.extend([Shortcoming(ComplianceReason.CRITICAL_ACTION_OPEN)] * (facts.critical_actions_open > 0))
    found.extend([Shortcoming(ComplianceReason.ON_HOLD)] * (facts.holds_open > 0))
    return tuple(found)


def training_short(facts: SiteFacts, requirements: Requirements) -> Sequence[Shortcoming]:
    """Required courses that fewer people hold than must."""
    return [
        _about(ComplianceReason.TRAINING_SHORT, course)
        for course in requirements.courses.values()
        if course.needs.covers(facts.risk_class, facts.kind) and facts.trained.get(course.key, 0) < course.staff_min
    ]


def certificate_state(
    valid_until: date, revoked: bool, facts: SiteFacts, requirements: Requirements, today: date
) -> CertificateState:
    """What a certificate is worth on `today`. Only a person revokes; a hold or expired training suspends while it lasts."""
    if revoked:
        return CertificateState.REVOKED
    if today > valid_until:
        return CertificateState.EXPIRED
    if facts.holds_open or training_short(facts, requirements):
        return CertificateState.SUSPENDED
    return CertificateState.VALID


def _about(reason: ComplianceReason, subject: Element | Course) -> Shortcoming:
    return Shortcoming(reason, subject.key, subject.label_fa, subject.label_en)

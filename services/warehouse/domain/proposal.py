"""Changes of the registry's record that follow from an inspection: proposed by software, decided by a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Literal, Protocol

from services.warehouse.domain import proposal_refusals as refusals
from services.warehouse.domain.inspection import Findings
from services.warehouse.domain.names import SiteStatus
from services.warehouse.domain.risk import risk_class
from services.warehouse.domain.site import Site
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import Verdict, WarehouseKind

PROVISIONAL_PREFIX = "provisional-"
"""Begins the registry id of a site that was found in the field, until the national register gives it one."""

ProposalReason = Literal[Verdict.DIFFERS, Verdict.MOVED, Verdict.CLOSED, Verdict.DUPLICATE]


class ProposalState(StrEnum):
    """proposed → accepted | rejected by a person; superseded by what a newer inspection proposes for the same field."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


class FoundSiteState(StrEnum):
    """proposed → accepted | rejected | duplicate, by a person."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DUPLICATE = "duplicate"


class ProposedField(StrEnum):
    """What of a record an inspection can propose to change."""

    CAPACITY_TONNES = "capacity_tonnes"
    FLOOR_AREA_M2 = "floor_area_m2"
    KIND = "kind"
    STATUS = "status"
    LOCATION = "location"
    OPERATOR_ID = "operator_id"


class Record(Protocol):
    """The part of a registry record that can be proposed to change."""

    @property
    def capacity_tonnes(self) -> Decimal: ...
    @property
    def floor_area_m2(self) -> Decimal: ...
    @property
    def kind(self) -> WarehouseKind: ...
    @property
    def status(self) -> SiteStatus: ...
    @property
    def latitude(self) -> Decimal | None: ...
    @property
    def longitude(self) -> Decimal | None: ...
    @property
    def operator_id(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class ProposedChange:
    """One field of the record: what the register says (None where it says nothing) and what was found, as text."""

    field: ProposedField
    registered_value: str | None
    proposed_value: str


_FIELD_OF_COMPARISON: Mapping[str, ProposedField] = {
    "capacity_tonnes": ProposedField.CAPACITY_TONNES,
    "floor_area_m2": ProposedField.FLOOR_AREA_M2,
    "kind": ProposedField.KIND,
    "operator": ProposedField.OPERATOR_ID,
    "operating": ProposedField.STATUS,
    "location": ProposedField.LOCATION,
}


def propose(registered: Record, found: Findings, differing: Sequence[str]) -> list[ProposedChange]:
    """The changes that make the record say what was found, for the fields that differ beyond tolerance."""
    changes = (
        ProposedChange(field, value_of(registered, field), found_value(found, field))
        for field in (_FIELD_OF_COMPARISON[name] for name in differing)
    )
    return [change for change in changes if change.registered_value != change.proposed_value]


def propose_closing(registered: Record) -> list[ProposedChange]:
    """The change that closes the record of a site that is registered twice."""
    before = value_of(registered, ProposedField.STATUS)
    if before == SiteStatus.CLOSED:
        return []
    return [ProposedChange(ProposedField.STATUS, before, SiteStatus.CLOSED)]


def value_of(record: Record, field: ProposedField) -> str | None:
    """What the record says of `field`, as text; None where it says nothing."""
    match field:
        case ProposedField.CAPACITY_TONNES:
            return f"{record.capacity_tonnes:.3f}"
        case ProposedField.FLOOR_AREA_M2:
            return f"{record.floor_area_m2:.3f}"
        case ProposedField.KIND:
            return record.kind.value
        case ProposedField.STATUS:
            return record.status.value
        case ProposedField.LOCATION:
            return _point_text(record.latitude, record.longitude)
        case ProposedField.OPERATOR_ID:
            return record.operator_id


def found_value(found: Findings, field: ProposedField) -> str:
    """What was found of `field`, as text. Raises ValueError for a field that the inspector left open."""
    status = SiteStatus.ACTIVE if found.operating else SiteStatus.CLOSED
    values = {
        ProposedField.CAPACITY_TONNES: f"{found.capacity_tonnes:.3f}",
        ProposedField.FLOOR_AREA_M2: f"{found.floor_area_m2:.3f}",
        ProposedField.KIND: found.kind.value,
        ProposedField.STATUS: status.value,
        ProposedField.LOCATION: _point_text(found.latitude, found.longitude),
        ProposedField.OPERATOR_ID: found.operator_id,
    }
    value = values[field]
    if value is None:
        raise ValueError(f"nothing was found of {field}")
    return value


def apply_value(site: Site, field: ProposedField, value: str) -> Site:
    """The record with `field` changed to `value`; its risk class follows from its kind and capacity."""
    match field:
        case ProposedField.CAPACITY_TONNES:
            after = replace(site, capacity_tonnes=Decimal(value))
        case ProposedField.FLOOR_AREA_M2:
            after = replace(site, floor_area_m2=Decimal(value))
        case ProposedField.KIND:
            after = replace(site, kind=WarehouseKind(value))
        case ProposedField.STATUS:
            after = replace(site, status=SiteStatus(value))
        case ProposedField.LOCATION:
            latitude, longitude = value.split(",")
            after = replace(site, latitude=Decimal(latitude), longitude=Decimal(longitude))
        case ProposedField.OPERATOR_ID:
            # The name belonged to the operator that the record named before.
            after = replace(site, operator_id=value, operator=None)
    return replace(after, risk_class=risk_class(after.kind, after.capacity_tonnes))


def keep_corrections(before: Site, after: Site, corrections: Mapping[ProposedField, str | None]) -> Site:
    """`after`, a newer row of the register, without falling back behind what people accepted from the field.

    `corrections` names, per accepted correction, what the register said when it was made. A row that still says that has
    not heard of the correction, so the corrected value of `before` stays; a row that says anything else is news.
    """
    for field, registered_value in corrections.items():
        corrected = value_of(before, field)
        if corrected is None or value_of(after, field) != registered_value:
            continue
        after = apply_value(after, field, corrected)
        if field is ProposedField.OPERATOR_ID:
            after = replace(after, operator=before.operator)
    return after


def check_decider(decider: str, not_by: Sequence[str]) -> None:
    """Whoever counted does not decide on what follows from it. Raises Refusal `warehouse.proposal.own_finding`."""
    if decider in not_by:
        raise Refusal(refusals.PROPOSAL_OWN_FINDING)


def _point_text(latitude: Decimal | None, longitude: Decimal | None) -> str | None:
    return None if latitude is None or longitude is None else f"{latitude:.6f},{longitude:.6f}"

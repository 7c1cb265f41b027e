"""What an unaccompanied child needs (safeguard 8): guardian, best interests, verified reception. Nobody is named."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydantic import JsonValue

from services.nationals.casework.domain import voluntary_refusals as refusals
from services.nationals.casework.domain.household import Household, check_reference
from shared.contracts.refusals import Refusal

CHILD_PROTECTION_OFFICER = "child_protection_officer"


class ChildRecordKind(StrEnum):
    GUARDIAN_APPOINTED = "guardian_appointed"
    BEST_INTERESTS_DETERMINED = "best_interests_determined"
    RECEPTION_VERIFIED = "reception_verified"


_TWO_PEOPLE = frozenset({ChildRecordKind.BEST_INTERESTS_DETERMINED, ChildRecordKind.RECEPTION_VERIFIED})


@dataclass(frozen=True, slots=True)
class ChildRecord:
    """One record about the child `person_number` of a case, and by whom; `position`: its place among all of them."""

    position: int
    person_number: int
    kind: ChildRecordKind
    recorded_by: str


def check_child_record(
    household: Household,
    unaccompanied_child: bool,
    records: Sequence[ChildRecord],
    new: ChildRecord,
    roles: frozenset[str],
    appointment_reference: str | None,
) -> None:
    """Raises Refusal (safeguard 8) unless `new` is about an unaccompanied child and recorded by whom it must be."""
    if not unaccompanied_child or new.person_number not in household.child_numbers:
        raise Refusal(
            refusals.NOT_UNACCOMPANIED,
            person_number=new.person_number,
            satisfied_by="an_unaccompanied_child_of_the_case",
        )
    if new.kind is ChildRecordKind.GUARDIAN_APPOINTED:
        check_reference(appointment_reference or "")
    if new.kind is ChildRecordKind.BEST_INTERESTS_DETERMINED and CHILD_PROTECTION_OFFICER not in roles:
        raise Refusal(refusals.CHILD_RECORD_OF_ANOTHER_OFFICE, satisfied_by=CHILD_PROTECTION_OFFICER)
    if new.kind in _TWO_PEOPLE and any(
        record.kind in _TWO_PEOPLE - {new.kind}
        and record.person_number == new.person_number
        and record.recorded_by == new.recorded_by
        for record in records
    ):
        raise Refusal(refusals.RECEPTION_BY_ANOTHER, satisfied_by="another_person")


def missing_records(household: Household, records: Sequence[ChildRecord]) -> list[str]:
    """What a child still lacks, as ``2:reception_verified``; empty when every child's procedure is complete."""
    present = {(record.person_number, record.kind) for record in records}
    return [
        f"{number}:{kind.value}"
        for number in household.child_numbers
        for kind in ChildRecordKind
        if (number, kind) not in present
    ]


def check_complete(household: Household, records: Sequence[ChildRecord]) -> None:
    """Raises Refusal (safeguard 8), naming what is missing."""
    missing: list[JsonValue] = [*missing_records(household, records)]
    if missing:
        raise Refusal(refusals.CHILD_PROCEDURE_INCOMPLETE, missing=missing, satisfied_by="the_missing_records")


def is_approved(household: Household, records: Sequence[ChildRecord], cleared_to: int) -> bool:
    """Whether everything is recorded and two people have approved all of it."""
    return (
        bool(records)
        and not missing_records(household, records)
        and all(record.position <= cleared_to for record in records)
    )

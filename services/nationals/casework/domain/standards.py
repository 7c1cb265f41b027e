"""Written standards of a return centre: how many places what it has allows, and what lacks for more.

Source of the shipped figures: the Sphere Handbook (2018), see ``centre_standards.yaml``; the province must confirm them.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from services.nationals.casework.domain import capacity_refusals
from shared.contracts.refusals import Refusal


class Measure(StrEnum):
    FLOOR_AREA_M2 = "floor_area_m2"
    TOILETS = "toilets"
    STAFF_PER_SHIFT = "staff_per_shift"


@dataclass(frozen=True, slots=True)
class CentreStandards:
    """One version of the written standards."""

    version: str
    floor_area_m2_per_person: Decimal
    persons_per_toilet: int
    persons_per_staff_member: int


@dataclass(frozen=True, slots=True)
class CentreRecord:
    """What was measured of one centre, and the standards it was measured against."""

    floor_area_m2: Decimal
    toilets: int
    staff_per_shift: int
    standards: CentreStandards


def places_allowed(record: CentreRecord) -> int:
    """Places that all kinds together may have; PostgreSQL computes the same (``casework.centre_record``)."""
    standards = record.standards
    return min(
        math.floor(record.floor_area_m2 / standards.floor_area_m2_per_person),
        record.toilets * standards.persons_per_toilet,
        record.staff_per_shift * standards.persons_per_staff_member,
    )


def lacking(record: CentreRecord, places: int) -> dict[Measure, Decimal]:
    """By how much each measure falls short of what `places` need (m2, toilets, people of a shift); 0 where it suffices."""
    standards = record.standards
    short = {
        Measure.FLOOR_AREA_M2: places * standards.floor_area_m2_per_person - record.floor_area_m2,
        Measure.TOILETS: Decimal(_groups(places, standards.persons_per_toilet) - record.toilets),
        Measure.STAFF_PER_SHIFT: Decimal(_groups(places, standards.persons_per_staff_member) - record.staff_per_shift),
    }
    return {measure: max(amount, Decimal(0)) for measure, amount in short.items()}


def check_standards(record: CentreRecord | None, places: int) -> None:
    """Raises Refusal, naming what lacks, if a centre may not have `places` of all kinds together."""
    if record is None:
        raise Refusal(capacity_refusals.CENTRE_NOT_MEASURED, satisfied_by="record_of_the_centre")
    lacks = lacking(record, places)
    if any(lacks.values()):
        raise Refusal(
            capacity_refusals.CAPACITY_ABOVE_STANDARDS,
            places=places,
            places_allowed=places_allowed(record),
            standards_version=record.standards.version,
            satisfied_by="more_room_or_staff_on_record",
            **{f"{measure.value}_lacking": f"{amount.normalize():f}" for measure, amount in lacks.items()},
        )


def check_record(record: CentreRecord, places_set: int) -> None:
    """Raises Refusal if `record` allows less than the capacities that are set."""
    allowed = places_allowed(record)
    if places_set > allowed:
        raise Refusal(
            capacity_refusals.RECORD_BELOW_CAPACITY,
            places=places_set,
            places_allowed=allowed,
            satisfied_by="lower_the_capacities_first",
        )


def _groups(persons: int, persons_per_unit: int) -> int:
    return -(-persons // persons_per_unit)

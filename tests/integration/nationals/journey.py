"""A household's further way: what its own office, and the offices that protect it, record after its consent."""

from datetime import date
from typing import Any
from uuid import UUID

from services.nationals.casework.domain.case_facts import InterpreterRelation
from services.nationals.casework.domain.child_protection import ChildRecordKind
from services.nationals.casework.domain.clearance import ClearanceDecision, ClearanceReason
from services.nationals.casework.handlers import child_protection, clearances, departures, hearings, household_splits
from services.nationals.casework.store.household_splits import SplitDecision
from shared.kit.auth import Principal
from tests.integration.nationals.office import Office, staff


def officer(name: str, role: str = "protection_officer") -> Principal:
    return staff(subject=f"{role}.{name}", role=role)


MEDICAL = officer("one", "medical_officer"), officer("two", "medical_officer")
CHILD = officer("one", "child_protection_officer"), officer("two", "child_protection_officer")
PROTECTION = officer("ali"), officer("mina")


async def reconfirm(
    office: Office,
    case_id: UUID,
    language: str = "fa",
    interpreter: InterpreterRelation = InterpreterRelation.PROFESSIONAL,
) -> Any:
    command = hearings.ReconfirmConsent(case_id=case_id, language=language, interpreter=interpreter)
    return await office.run(hearings.reconfirm_consent, command)


async def depart(office: Office, case_id: UUID) -> Any:
    return await office.run(departures.record_departure, departures.RecordDeparture(case_id=case_id))


async def booked(office: Office, adults: int = 1, children: int = 0, capacity: int = 9) -> tuple[UUID, UUID, UUID]:
    """(case, centre, booking) of a household that lacks nothing but its reconfirmation."""
    centre_id = await office.centre(capacity)
    case_id = await office.consented(adults, children)
    booking = await office.book(case_id, centre_id, adults + children)
    return case_id, centre_id, booking.booking_id


async def open_pause_id(office: Office, case_id: UUID, safeguard: int) -> UUID:
    pause_id = await office.superuser.fetchval(
        "SELECT pause_id FROM casework.case_pause WHERE case_id = $1 AND safeguard = $2 AND ended_at IS NULL",
        case_id,
        safeguard,
    )
    assert pause_id is not None
    return pause_id


async def propose(
    office: Office, case_id: UUID, safeguard: int, reason: ClearanceReason, by: Principal, note: str | None = None
) -> UUID:
    pause_id = await open_pause_id(office, case_id, safeguard)
    command = clearances.ProposeClearance(case_id=case_id, pause_id=pause_id, reason=reason, note=note)
    return (await office.run(clearances.propose_clearance, command, by)).clearance_id


async def decide(
    office: Office,
    case_id: UUID,
    clearance_id: UUID,
    by: Principal,
    decision: ClearanceDecision = ClearanceDecision.CONFIRMED,
) -> Any:
    command = clearances.DecideClearance(case_id=case_id, clearance_id=clearance_id, decision=decision)
    return await office.run(clearances.decide_clearance, command, by)


async def record_child(office: Office, case_id: UUID, person: int, kind: ChildRecordKind, by: Principal) -> Any:
    guardian = kind is ChildRecordKind.GUARDIAN_APPOINTED
    determination = kind is ChildRecordKind.BEST_INTERESTS_DETERMINED
    command = child_protection.RecordChildProtection(
        case_id=case_id,
        person_number=person,
        kind=kind,
        appointment_reference="GA-17" if guardian else None,
        determination_version=1 if determination else None,
        dated_on=date(2026, 11, 1),
    )
    return await office.run(child_protection.record_child_protection, command, by)


async def request_split(office: Office, case_id: UUID, leaving: list[int], by: Principal = PROTECTION[0]) -> UUID:
    command = household_splits.RequestSplit(case_id=case_id, leaving=leaving)
    return (await office.run(household_splits.request_split, command, by)).split_id


async def decide_split(
    office: Office,
    case_id: UUID,
    split_id: UUID,
    by: Principal = PROTECTION[1],
    decision: SplitDecision = SplitDecision.APPROVED,
) -> Any:
    command = household_splits.DecideSplit(
        case_id=case_id,
        split_id=split_id,
        decision=decision,
        leaving_reference=f"L-{next(office.numbers)}",
        staying_reference=f"S-{next(office.numbers)}",
    )
    return await office.run(household_splits.decide_split, command, by)

"""What offices really record, with a canary wherever a person may write freely; every command must be accepted."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from persiantools.jdatetime import JalaliDate

from tests.integration.nationals.partner_office import HEADINGS, last_period, today, workbook
from tests.safeguards.canary_identities import Identity
from tests.safeguards.canary_platform import Town
from tests.safeguards.canary_workbooks import PERMIT_HEADINGS, XLSX

PROFESSIONAL = {"relation": "professional"}
CASEWORKER = ("caseworker.one", "caseworker")
MANAGER = ("services.one", "services_manager")
COMPLAINTS = ("complaints.one", "complaints_officer")


class Writer:
    """Writes of a person that nobody else writes of."""

    def __init__(self, people: list[Identity]) -> None:
        self._people: Iterator[Identity] = iter(people)

    def text(self) -> str:
        person = next(self._people)
        return f"{person.name_persian} ({person.name_latin}) {person.national_id} {person.phone}"

    def person(self) -> Identity:
        return next(self._people)


async def tell_the_story(town: Town, people: list[Identity]) -> None:
    """Both halves and the complaints office at work. Takes about 25 people."""
    writer = Writer(people)
    await appoint(town)
    centre_id = await open_return_centre(town, writer)
    case_id = await ready_case(town, "CAN-1")
    await keep_contacts(town, case_id, writer)
    await town.ask(*CASEWORKER, "POST", f"/cases/{case_id}/bookings", booking(centre_id))
    await break_the_glass(town, case_id, writer)
    await hold_for_health(town, await ready_case(town, "CAN-2"), writer)
    await lapse_into_review(town, await ready_case(town, "CAN-3"), writer)
    await complain(town, writer)
    await serve_visitors(town)
    await work_with_partners(town, writer)


async def appoint(town: Town) -> None:
    """Officials who get letters."""
    offices = ("rey", "casework_supervision", "legal_office", "protection_office", "appeal_office", "complaints_office")
    for number, office in enumerate(offices):
        member = {
            "name": f"Official {number}",
            "role": "chair",
            "language": "fa" if number % 2 else "en",
            "email": f"official{number}@rey.example",
            "position": 0,
        }
        address = town.platform.addresses.notifications
        body = {"members": [member]}
        await town.ask("admin", "notifications_admin", "PUT", f"/working-groups/{office}", body, address=address)


async def open_return_centre(town: Town, writer: Writer) -> str:
    chief = ("centres.one", "centre_manager")
    body = {"name": "Return centre of the test", "county": "rey"}
    centre_id = (await town.ask(*chief, "POST", "/centres", body))["centre_id"]
    record = {"floor_area_m2": "3500", "toilets": 50, "staff_per_shift": 40}
    await town.ask(*chief, "PUT", f"/centres/{centre_id}/record", record)
    for capacity in (20, 2):
        body = {"place_kind": "family", "capacity": capacity, "reason": writer.text()}
        await town.ask(*chief, "PUT", f"/centres/{centre_id}/capacity", body)
    return centre_id


def booking(centre_id: str) -> dict[str, Any]:
    return {"centre_id": centre_id, "places": [{"place_kind": "family", "places": 1}]}


async def ready_case(town: Town, reference: str) -> str:
    body = {"reference": reference, "county": "rey", "adults": 1, "children_under_5": 0, "children_5_to_17": 0}
    case_id = (await town.ask(*CASEWORKER, "POST", "/cases", body))["case_id"]
    path = f"/cases/{case_id}"
    told = {"language": "fa", "information_version": 3, "interpreter": PROFESSIONAL}
    await town.ask(*CASEWORKER, "POST", f"{path}/information-sessions", told)
    screening = {"person_number": 1, "outcome": "clear", "valid_days": 30}
    await town.ask("protection.one", "protection_officer", "POST", f"{path}/screenings", screening)
    hearing = {"person_number": 1, "language": "fa", "interpreter": PROFESSIONAL}
    await town.ask(*CASEWORKER, "POST", f"{path}/private-hearings", hearing)
    consent = {**told, "given_freely": True, "sign_of_pressure": False}
    await town.ask(*CASEWORKER, "POST", f"{path}/consent", consent)
    return case_id


async def keep_contacts(town: Town, case_id: str, writer: Writer) -> None:
    """The vault takes what the household leaves, and gives it back to who may read it."""
    person = writer.person()
    entries = [
        {"channel": "phone", "value": person.phone},
        {"channel": "address_for_letters", "value": person.address},
        {"channel": "other", "value": f"{person.name_latin} {person.national_id} {person.foreign_id}"},
    ]
    body = {"entries": entries, "preferred_language": "fa", "safe_times": writer.text()}
    await town.ask(*CASEWORKER, "PUT", f"/cases/{case_id}/contacts", body)
    read = await town.ask(*CASEWORKER, "GET", f"/cases/{case_id}/contacts?purpose=casework")
    assert read["contacts"]["entries"] == entries


async def break_the_glass(town: Town, case_id: str, writer: Writer) -> None:
    body = {"reason_kind": "caseworker_absent", "reason": writer.text()}
    await town.ask("caseworker.two", "caseworker", "POST", f"/cases/{case_id}/break-glass", body)
    await town.ask("caseworker.two", "caseworker", "GET", f"/cases/{case_id}?purpose=casework")
    assert (await town.ask("supervisor.one", "casework_supervisor", "GET", "/break-glass"))["items"]


async def hold_for_health(town: Town, case_id: str, writer: Writer) -> None:
    path = f"/cases/{case_id}"
    screening = {"person_number": 1, "outcome": "medical_flag", "valid_days": 30}
    await town.ask("protection.one", "protection_officer", "POST", f"{path}/screenings", screening)
    [pause] = (await town.ask("medical.one", "medical_officer", "GET", "/pauses"))["items"]
    note = {"reason": "fit_to_travel", "note": writer.text()}
    proposed = await town.ask(
        "medical.one", "medical_officer", "POST", f"{path}/pauses/{pause['pause_id']}/clearances", note
    )
    decision = f"{path}/clearances/{proposed['clearance_id']}/decision"
    await town.ask("medical.two", "medical_officer", "POST", decision, {"decision": "confirmed"})


async def lapse_into_review(town: Town, case_id: str, writer: Writer) -> None:
    """A lapse, two proposals, a served decision, a late appeal and its outcome: every text of the legal stage."""
    basis_id = await legal_basis(town)
    await town.make_due("nationals.voluntary_period", case_id)
    query = "SELECT count(*) FROM casework.legal_review WHERE case_id = $1::uuid"
    await town.until(lambda: town.superuser.fetchval(query, case_id), "a legal review was opened")
    first, second, path = ("legal.one", "legal_officer"), ("legal.two", "legal_officer"), f"/cases/{case_id}"
    await town.ask(*first, "POST", f"{path}/legal-review/first-reviewer", {})
    allowed = (await town.ask(*first, "GET", "/openapi.json"))["components"]["schemas"]["Consideration"]["enum"]
    await town.ask(*first, "POST", f"{path}/legal-review/assessments", {"considered": allowed})
    for is_last in (False, True):
        proposal = {
            "outcome": "refer_to_competent_authority",
            "reasons": writer.text(),
            "appeal_instructions": writer.text(),
            "legal_basis_id": basis_id,
        }
        decision_id = (await town.ask(*first, "POST", f"{path}/legal-review/proposals", proposal))["decision_id"]
        if is_last:
            await town.ask(*second, "POST", f"{path}/legal-review/confirmation", {"decision_id": decision_id})
        else:
            returned = {"decision_id": decision_id, "reason": writer.text()}
            await town.ask(*second, "POST", f"{path}/legal-review/return", returned)
    service = {"language": "fa", "interpreter": PROFESSIONAL, "understood": True}
    await town.ask(*CASEWORKER, "POST", f"{path}/legal-decision/service", service)
    await town.make_due("nationals.appeal_window", decision_id)
    await town.ask(*CASEWORKER, "POST", f"{path}/appeals", {"late_reason": writer.text()})
    outcome = {"outcome": "annulled", "reasons": writer.text()}
    await town.ask("appeals.one", "appeal_officer", "POST", f"{path}/appeals/outcome", outcome)


async def legal_basis(town: Town) -> str:
    body = {
        "title": "a basis of the test",
        "instrument_number": "T/1",
        "in_force_from": (today() - timedelta(days=2)).isoformat(),
        "in_force_until": (today() + timedelta(days=300)).isoformat(),
    }
    basis_id = (await town.ask("registrar.one", "legal_basis_registrar", "POST", "/legal-bases", body))["basis_id"]
    await town.ask("registrar.two", "legal_basis_registrar", "POST", f"/legal-bases/{basis_id}/confirmation")
    return basis_id


async def complain(town: Town, writer: Writer) -> None:
    body = {
        "county": "rey",
        "channel": "in_person",
        "category": "pressure",
        "language": "fa",
        "text": writer.text(),
        "stated_reference": writer.person().name_persian,
    }
    await town.ask(*CASEWORKER, "POST", "/complaints", body)
    [complaint] = (await town.ask(*COMPLAINTS, "GET", "/complaints"))["items"]
    path = f"/complaints/{complaint['complaint_id']}"
    await town.ask(*COMPLAINTS, "POST", f"{path}/acknowledgement")
    await town.ask(*COMPLAINTS, "POST", f"{path}/examination", {})
    await town.ask(*COMPLAINTS, "POST", f"{path}/answer", {"text": writer.text()})


async def serve_visitors(town: Town) -> None:
    body = {"county": "rey", "name_fa": "مرکز آزمون", "name_en": "Centre of the test"}
    centre_id = (await town.ask(*MANAGER, "POST", "/service-centres", body))["service_centre_id"]
    week = ("saturday", "sunday", "monday", "tuesday", "wednesday", "thursday")
    hours = [{"weekday": day, "opens_at": "08:00", "closes_at": "12:00"} for day in week]
    path = f"/service-centres/{centre_id}"
    await town.ask(*MANAGER, "PUT", f"{path}/opening-hours", {"hours": hours})
    offer = {"capacity_per_slot": 4, "slot_minutes": 60}
    await town.ask(*MANAGER, "PUT", f"{path}/services/education", offer)
    tomorrow = (today() + timedelta(days=1)).isoformat()
    slots = await town.ask(*MANAGER, "GET", f"{path}/slots?from_on={tomorrow}&days=3")
    claim = (await town.ask(*MANAGER, "POST", f"/service-slots/{slots[0]['slot_id']}/bookings"))["claim_code"]
    await town.ask(*MANAGER, "POST", "/slot-claims/release", {"claim_code": claim})
    month = month_before()
    day = JalaliDate(*month, 1).to_gregorian().isoformat()
    tally = {"service": "education", "counted_on": day, "measure": "visits", "count": 40}
    await town.ask(*MANAGER, "POST", f"{path}/tallies", tally)
    published = {"jalali_year": month[0], "jalali_month": month[1]}
    await town.ask(*MANAGER, "POST", "/service-publications", published)


def month_before() -> tuple[int, int]:
    now = JalaliDate(today())
    return (now.year - 1, 12) if now.month == 1 else (now.year, now.month - 1)


async def work_with_partners(town: Town, writer: Writer) -> None:
    body = {
        "name_fa": "سازمان آزمون",
        "name_en": "Organisation of the test",
        "home_county": "rey",
        "counties": ["rey"],
        "services": ["education"],
    }
    partner_id = (await town.ask(*MANAGER, "POST", "/partners", body))["partner_id"]
    agreement = {
        "subject": "آموزش کودکان",
        "counties": ["rey"],
        "services": ["education"],
        "cadence": "monthly",
        "valid_from": (today() - timedelta(days=400)).isoformat(),
        "valid_until": (today() + timedelta(days=300)).isoformat(),
    }
    made = await town.ask(*MANAGER, "POST", f"/partners/{partner_id}/agreements", agreement)
    period = last_period().key
    report = workbook(("دوره", period), (), HEADINGS, ("ری", "آموزش", 12, 3))
    files = {"file": (f"{writer.person().name_persian}.xlsx", report, XLSX)}
    await town.ask(*MANAGER, "POST", f"/partner-agreements/{made['agreement_id']}/reports/{period}", files=files)
    until = (today() + timedelta(days=200)).isoformat()
    permits = workbook(PERMIT_HEADINGS, ("TH/1405-1", "10101234567", "ساختمانی", "ری", until))
    files = {"file": (f"{writer.person().name_latin}.xlsx", permits, XLSX)}
    await town.ask(*MANAGER, "POST", "/work-permits/import", files=files)
    support = {"partner_id": partner_id, "county": "rey", "support": "staff", "quantity": 2, "needed_by": until}
    await town.ask(*MANAGER, "POST", "/support-requests", support)

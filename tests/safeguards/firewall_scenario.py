"""A lively province: both halves and the complaints office, with every kind of record that they keep."""

import itertools
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from persiantools.jdatetime import JalaliDate

from services.nationals.casework.domain.access import BreakGlassReason
from services.nationals.casework.domain.case_facts import ScreeningOutcome
from services.nationals.casework.domain.child_protection import ChildRecordKind
from services.nationals.casework.domain.clearance import ClearanceReason
from services.nationals.casework.handlers.break_glass import BreakGlass, break_glass
from services.nationals.casework.handlers.case_reading import ReadCase, ReadPurpose, read_case
from services.nationals.free_services.domain.calendar import JalaliMonth
from services.nationals.free_services.domain.figures import EstimateSource
from services.nationals.free_services.handlers import bookings
from services.nationals.free_services.handlers.service_figures import (
    EnterEstimate,
    PublishMonth,
    enter_estimate,
    publish_month,
)
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService
from shared.contracts.nationals import AppealDecision
from tests.integration.nationals import journey, legal_office, vault
from tests.integration.nationals.complaints_office import ComplaintsOffice
from tests.integration.nationals.office import Office, staff
from tests.integration.nationals.partner_office import PartnerOffice, last_period, report, today
from tests.integration.nationals.service_desk import Desk

ROUNDS = 2
DESK_NUMBERS_FROM = 1_000
"""So that the tests' own names for places differ between the halves."""


async def live(office: Office, client: httpx.AsyncClient, directory: Path, patch: pytest.MonkeyPatch) -> None:
    """Everything happens `ROUNDS` times."""
    keys = vault.write_keys(directory / "keys", vault.key_line(1))
    patch.setenv(vault.KEY_FILE_SETTING, str(keys))
    desk = Desk(office, itertools.count(DESK_NUMBERS_FROM))
    for number in range(ROUNDS):
        await return_cases(office)
        await visits(desk, number)
        await partners(PartnerOffice(office, client), number)
        complaints = ComplaintsOffice(office, client)
        complaint_id = await complaints.answered()
        await complaints.ask("GET", f"/complaints/{complaint_id}")


async def return_cases(office: Office) -> None:
    case_id, centre_id, booking_id = await journey.booked(office, capacity=1)
    await vault.write(office, case_id, f"0912{hash(case_id) % 10_000_000:07}")
    waiting = await office.consented()
    await office.join(waiting, centre_id)
    await office.admit(booking_id)
    await journey.reconfirm(office, case_id)
    await journey.depart(office, case_id)
    await office.offer_round(centre_id)
    flagged = await office.consented()
    await office.screen(flagged, outcome=ScreeningOutcome.MEDICAL_FLAG)
    clearance_id = await journey.propose(
        office, flagged, 9, ClearanceReason.FIT_TO_TRAVEL, journey.MEDICAL[0], "a note"
    )
    await journey.decide(office, flagged, clearance_id, journey.MEDICAL[1])
    await vault.hold(office, flagged)
    split = await office.consented(adults=2)
    split_id = await journey.request_split(office, split, [2])
    await journey.decide_split(office, split, split_id)
    decided, _ = await legal_office.served(office)
    await legal_office.appeal(office, decided)
    await legal_office.decide(office, decided, AppealDecision.ANNULLED)
    child = await office.open(adults=0, children=1, unaccompanied_child=True)
    await journey.record_child(office, child, 1, ChildRecordKind.GUARDIAN_APPOINTED, journey.CHILD[0])
    withdrawn = await office.consented()
    await office.withdraw(withdrawn)
    glass = BreakGlass(case_id=withdrawn, reason_kind=BreakGlassReason.DEADLINE, reason="the deadline is today")
    await office.run(break_glass, glass, staff(subject="caseworker.two"))
    await office.run(read_case, ReadCase(case_id=withdrawn, purpose=ReadPurpose.CASEWORK))
    await vault.close(office, withdrawn)
    await vault.erase(office, withdrawn)


async def visits(desk: Desk, number: int) -> None:
    centre_id = await desk.centre(County.REY)
    slot_id = await desk.slot(centre_id)
    await desk.book(slot_id)
    await desk.use(bookings.release_claim, await desk.book(slot_id))
    month = JalaliMonth(*JalaliMonth(JalaliDate(today()).year, JalaliDate(today()).month).previous)
    await desk.tally(centre_id, month.first_day + timedelta(days=number), 40)
    estimate = EnterEstimate(
        county=County.REY,
        service=FreeService.EDUCATION,
        jalali_year=month.year,
        jalali_month=month.month,
        visits=120 + number,
        source=EstimateSource.SURVEY,
        source_document=f"SRV-{number + 1}",
    )
    await desk.run(enter_estimate, estimate)
    if number == ROUNDS - 1:
        await desk.run(publish_month, PublishMonth(jalali_year=month.year, jalali_month=month.month))


async def partners(office: PartnerOffice, number: int) -> None:
    name = f"Partner {number}"
    partner_id = await office.partner(name, account=f"partner{number}.reports")
    agreement = await office.agreement(partner_id, subject=f"teaching {number}")
    period = last_period().key
    content = report(period, ("ری", "آموزش", 12, 3), ("ورامین", "آموزش", 14, 0))
    await office.send_report(agreement["agreement_id"], period, content, subject=f"partner{number}.reports")
    until = (today() + timedelta(days=200)).isoformat()
    renewal = {"valid_until": (today() + timedelta(days=700)).isoformat()}
    await office.ask("POST", f"/partner-agreements/{agreement['agreement_id']}/renewals", renewal)
    permit = {
        "permit_number": f"TH/1405-{number}",
        "employer_reference": "10101234567",
        "occupation_group": "construction",
        "county": "rey",
        "valid_until": until,
    }
    await office.ask("POST", "/work-permits", permit)
    support = {"partner_id": partner_id, "county": "rey", "support": "staff", "quantity": 2, "needed_by": until}
    request_id = (await office.ask("POST", "/support-requests", support))["request_id"]
    step = {"state": "accepted"}
    await office.as_partner("POST", f"/support-requests/{request_id}/steps", step, subject=f"partner{number}.reports")

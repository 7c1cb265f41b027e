"""Where a canary may be after it was accepted, and why; everywhere else it is a leak."""

import re

ERASABLE = frozenset(
    f"nationals {column}"
    for column in (
        "casework.pause_clearance.note",
        "casework.legal_decision.reasons",
        "casework.legal_decision.appeal_instructions",
        "casework.legal_decision.return_reason",
        "casework.appeal.late_reason",
        "casework.appeal.outcome_reasons",
        "casework.break_glass.reason",
        "complaints.complaint.body",
        "complaints.complaint.stated_reference",
        "complaints.complaint.answer",
    )
)
"""Texts about a case or a complaint: erased with it."""
ABOUT_OFFICES = frozenset(
    f"nationals {column}"
    for column in (
        "casework.centre.name",
        "casework.centre_capacity_change.reason",
        "casework.legal_basis.title",
        "casework.legal_basis.instrument_number",
        "free_services.service_centre.name_fa",
        "free_services.service_centre.name_en",
        "free_services.partner_organisation.name_fa",
        "free_services.partner_organisation.name_en",
        "free_services.partner_agreement.subject",
    )
)
"""What officials write about places, partners and instruments. No program knows a partner's name from a person's; it stays in
this one column, which events, letters, logs and exports never show."""
ACCOUNTS = frozenset(
    f"nationals {column}"
    for column in (
        "casework.case_assignment.assignee",
        "free_services.partner_account.subject",
        "public.parked_event.settled_reason",
    )
)
"""Sign-in names of officials, and an operator's reason for giving up a record."""
ACCOUNTS_IN_ANSWERS = re.compile(rb'"(?:assignee|subject)":\s*"[^"]*"')
"""A stored answer repeats the sign-in name that an official was given work under."""
PLANTED = frozenset({"nationals public.parked_event.body", "notifications public.parked_event.body"})
"""What somebody else put on a topic: a parked record is kept as it is there, or it could not be applied later."""
STORY = ERASABLE | {"nationals casework.centre_capacity_change.reason"}
"""Where the story's canaries must be: if they were nowhere, the test would prove nothing."""

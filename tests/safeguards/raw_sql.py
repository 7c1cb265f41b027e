"""Statements of the casework's tables as somebody past the API would write them; `tests.safeguards.attempts` puts them together.

``{c}`` is the case, ``{n}`` a number that makes ids; the other names are ids of centres and legal bases.
"""

STATES = (
    *("opened", "informed", "consented", "booked", "withdrawn", "departed", "split"),
    *("awaiting_legal_review", "decision_served", "appealed", "referred", "closed"),
)
CASE = "UPDATE casework.return_case SET {what} WHERE case_id = '{{c}}'"
WITHDRAW_CONSENTS = "UPDATE casework.consent SET withdrawn_at = now() WHERE case_id = '{c}' AND withdrawn_at IS NULL"
ALL_CONSIDERED = "'{{protection,children,health,family_unity,household_heard,voluntary_return_offered_anew}}'"


def new(kind: str) -> str:
    """An id that one statement list can name several times."""
    return f"md5('{kind}{{n}}')::uuid"


def arm(kind: str, subject: str, delay: str = "1 day") -> str:
    policy = "proof.review_policy()::jsonb"
    return (
        "INSERT INTO timer (kind, subject_id, fence, due_at, next_try_at, policy, correlation_id) "
        f"VALUES ('nationals.{kind}', ({subject})::text, nextval('timer_fence'), now() + interval '{delay}', "
        f"now() + interval '1 day', {policy}, 'raw') ON CONFLICT (kind, subject_id) DO NOTHING"
    )


def together(*statements: str) -> str:
    return "; ".join(statements)


def state(state: str) -> str:
    outcome = ", outcome = 'not_viable'" if state == "closed" else ""
    return CASE.format(what=f"state = '{state}'{outcome}")


def book(centre: str = "{centre}", places: str = "household_size", armed: bool = True, columns: str = "") -> str:
    name, value = ("", "") if not columns else (f", {columns.split('=', maxsplit=1)[0]}", f", {columns.split('=')[1]}")
    insert = (
        "INSERT INTO casework.booking (booking_id, case_id, county, centre_id, centre_county, family_places, expires_at, "
        f"booked_by{name}) SELECT {new('booking')}, case_id, 'rey', '{centre}', 'rey', {places}, "
        f"now() + interval '1 day', 'caseworker.one'{value} FROM casework.return_case WHERE case_id = '{{c}}'"
    )
    return together(arm("booking_expiry", new("booking")), insert) if armed else insert


def end_booking(state: str, more: str = ", ended_at = now()") -> str:
    return (
        f"UPDATE casework.booking SET state = '{state}'{more} WHERE case_id = '{{c}}' AND state IN ('held', 'admitted')"
    )


def consent(interpreter: str = "professional", version: int = 1, free: bool = True, pressure: bool = False) -> str:
    return (
        "INSERT INTO casework.consent (consent_id, case_id, county, language, information_version, interpreter, given_freely, "
        f"sign_of_pressure, recorded_by) VALUES (gen_random_uuid(), '{{c}}', 'rey', 'fa', {version}, '{interpreter}', "
        f"{free}, {pressure}, 'caseworker.one')"
    )


def screen(person: int, outcome: str = "clear", days: int = 30, by: str = "protection.one") -> str:
    return (
        "INSERT INTO casework.screening (screening_id, case_id, county, person_number, outcome, valid_until, screened_by) "
        f"VALUES (gen_random_uuid(), '{{c}}', 'rey', {person}, '{outcome}', now() + interval '{days} days', '{by}')"
    )


def join_list(places: str = "household_size", armed: bool = True) -> str:
    insert = (
        "INSERT INTO casework.waiting_entry (entry_id, case_id, county, centre_id, centre_county, family_places, entered_by) "
        f"SELECT {new('entry')}, case_id, 'rey', '{{full}}', 'rey', {places}, 'caseworker.one' "
        "FROM casework.return_case WHERE case_id = '{c}'"
    )
    return together(arm("waiting_list_review", new("entry")), insert) if armed else insert


def offer(by: str = "entered_by", armed: bool = True) -> str:
    insert = (
        "INSERT INTO casework.booking (booking_id, case_id, county, centre_id, centre_county, family_places, expires_at, "
        f"booked_by, waiting_entry_id) SELECT {new('offer')}, case_id, county, centre_id, centre_county, family_places, "
        f"now() + interval '1 day', {by}, entry_id FROM casework.waiting_entry WHERE case_id = '{{c}}'"
    )
    return together(arm("booking_expiry", new("offer")), insert) if armed else insert


def pause(safeguard: int, armed: bool = True) -> str:
    insert = (
        "INSERT INTO casework.case_pause (pause_id, case_id, county, safeguard, owner_office, review_by, opened_by) VALUES "
        f"({new('pause')}, '{{c}}', 'rey', {safeguard}, 'protection_office', now() + interval '7 days', 'protection.one')"
    )
    return together(arm("pause_review", new("pause")), insert) if armed else insert


def propose_clearance(reason: str, by: str, pauses: str = "case_id = '{c}' AND ended_at IS NULL") -> str:
    return (
        "INSERT INTO casework.pause_clearance (clearance_id, pause_id, case_id, county, reason, proposed_by, proposed_as) "
        f"SELECT gen_random_uuid(), pause_id, '{{c}}', 'rey', '{reason}', '{by}', '{{{{protection_officer}}}}' "
        f"FROM casework.case_pause WHERE {pauses}"
    )


def decide(decision: str, by: str, which: str = "decision IS NULL") -> str:
    return (
        f"UPDATE casework.pause_clearance SET decision = '{decision}', decided_by = '{by}', decided_at = now() "
        f"WHERE case_id = '{{c}}' AND {which}"
    )


def child(kind: str, by: str, person: int = 1, reference: str = "NULL", version: str = "NULL") -> str:
    return (
        "INSERT INTO casework.child_protection_record (record_id, case_id, county, person_number, kind, appointment_reference, "
        "determination_version, dated_on, recorded_by) VALUES "
        f"(gen_random_uuid(), '{{c}}', 'rey', {person}, '{kind}', {reference}, {version}, '2026-01-01', '{by}')"
    )


def split_case(adults: str = "1") -> str:
    insert = (
        "INSERT INTO casework.return_case (case_id, county, reference, adults, children_under_5, children_5_to_17, "
        f"unaccompanied_child, voluntary_until, opened_by, split_from) VALUES ({new('part')}, 'rey', "
        f"'R-' || (nextval('timer_fence') % 1000000), {adults}, 0, 0, false, now() + interval '30 days', 'x', '{{c}}')"
    )
    return together(arm("voluntary_period", new("part")), insert)


def request_split(leaving: str, paused: bool = True, by: str = "protection.one") -> str:
    insert = (
        "INSERT INTO casework.household_split (split_id, case_id, county, pause_id, leaving, requested_by) "
        f"SELECT gen_random_uuid(), case_id, 'rey', pause_id, '{{{{{leaving}}}}}', '{by}' FROM casework.case_pause "
        "WHERE case_id = '{c}' ORDER BY opened_at DESC LIMIT 1"
    )
    return together(pause(7), insert) if paused else insert


def decide_split(decision: str, by: str) -> str:
    return (
        f"UPDATE casework.household_split SET decision = '{decision}', decided_by = '{by}', decided_at = now() "
        "WHERE case_id = '{c}'"
    )


def review(armed: bool = True) -> str:
    insert = (
        "INSERT INTO casework.legal_review (review_id, case_id, county, owner_office, review_by) "
        f"VALUES ({new('review')}, '{{c}}', 'rey', 'legal_office', now() + interval '9 days')"
    )
    return together(arm("legal_review_reminder", new("review")), insert) if armed else insert


def propose(
    outcome: str, by: str = "legal.one", basis: str = "'{basis}'", reasons: str = "'why'", how: str = "'how'"
) -> str:
    return (
        "INSERT INTO casework.legal_decision (decision_id, review_id, case_id, county, outcome, proposed_by, basis_id, reasons, "
        f"appeal_instructions, appeal_window_days) SELECT gen_random_uuid(), review_id, case_id, 'rey', '{outcome}', '{by}', "
        f"{basis}, {reasons}, {how}, 30 FROM casework.legal_review WHERE case_id = '{{c}}' ORDER BY opened_at DESC LIMIT 1"
    )


def decision(what: str) -> str:
    return (
        f"UPDATE casework.legal_decision SET {what} WHERE decision_id = (SELECT decision_id FROM casework.legal_decision "
        "WHERE case_id = '{c}' ORDER BY position DESC LIMIT 1)"
    )


def window(days: int = 30, delay: str = "30 days") -> str:
    return (
        "INSERT INTO timer (kind, subject_id, fence, due_at, next_try_at, policy, correlation_id) SELECT "
        f"'nationals.appeal_window', decision_id::text, nextval('timer_fence'), now() + interval '{delay}', "
        f"now() + interval '1 day', "
        f"'{{{{\"appeal_window_days\": {days}}}}}', 'raw' FROM casework.legal_decision WHERE case_id = '{{c}}' "
        "ORDER BY position DESC "
        "LIMIT 1 ON CONFLICT (kind, subject_id) DO UPDATE SET due_at = excluded.due_at, fence = excluded.fence"
    )


def serve(by: str = "'legal.three'", interpreter: str = "'none'", understood: str = "true") -> str:
    return decision(
        f"state = 'served', served_by = {by}, service_language = 'fa', service_interpreter = {interpreter}, "
        f"understood = {understood}"
    )


def appeal(late: str = "NULL", armed: bool = True, by: str = "caseworker.one") -> str:
    insert = (
        "INSERT INTO casework.appeal (appeal_id, decision_id, case_id, county, review_by, lodged_by, late_reason) "
        f"SELECT {new('appeal')}, decision_id, case_id, 'rey', now() + interval '9 days', '{by}', {late} "
        "FROM casework.legal_decision WHERE case_id = '{c}' ORDER BY position DESC LIMIT 1"
    )
    return together(arm("appeal_reminder", new("appeal")), insert) if armed else insert


def appeal_ends(outcome: str, by: str, reasons: str = "'why'", which: str = "true") -> str:
    return (
        f"UPDATE casework.appeal SET outcome = {outcome}, decided_by = {by}, outcome_reasons = {reasons} "
        f"WHERE case_id = '{{c}}' AND {which}"
    )


def reviewer(what: str) -> str:
    return f"UPDATE casework.legal_review SET {what} WHERE case_id = '{{c}}' AND state = 'open'"

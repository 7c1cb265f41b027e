"""What somebody with the service's own database role could try, past the API: one statement list per attempt.

Most are meant to be refused, some succeed where the evidence is there; none may break a rule, in whatever situation, order or
number they come.
"""

from collections.abc import Iterator
from itertools import product

from tests.safeguards import raw_sql as sql
from tests.safeguards.legal_attempts import (
    bases_and_openings,
    decisions_and_appeals,
    legal_reviews,
    records_of_offices,
)


def _states_and_periods() -> Iterator[tuple[str, str]]:
    for state in sql.STATES:
        yield f"state {state}", sql.state(state)
    yield "close as withdrawn", sql.CASE.format(what="state = 'closed', outcome = 'withdrawn'")
    yield "close as anything", sql.CASE.format(what="state = 'closed', outcome = 'deported'")
    yield "another outcome", sql.CASE.format(what="outcome = 'regularised'")
    yield "shorten the period", sql.CASE.format(what="voluntary_until = now()")
    running = "kind = 'nationals.voluntary_period' AND subject_id = '{c}'"
    period = f"UPDATE timer SET due_at = now() - interval '1 hour' WHERE {running}"
    yield "make the period due", sql.together(period, sql.CASE.format(what="voluntary_until = voluntary_until"))
    drop = "DELETE FROM timer WHERE kind = 'nationals.voluntary_period' AND subject_id = '{c}'"
    yield (
        "extend without a timer",
        sql.together(drop, sql.CASE.format(what="voluntary_until = now() + interval '90 days'")),
    )
    yield "reopen without a timer", sql.together(drop, sql.state("opened"))
    renew = f"UPDATE timer SET due_at = now() + interval '60 days' WHERE {running}"
    armed = sql.arm("voluntary_period", "'{c}'", "60 days")
    yield (
        "renew the period",
        f"{armed}; {renew}; {sql.end_booking('released')}; "
        + sql.CASE.format(what="state = 'opened', voluntary_until = now() + interval '60 days'"),
    )


def _bookings() -> Iterator[tuple[str, str]]:
    yield "book", sql.book()
    yield "book and move", sql.together(sql.book(), sql.state("booked"))
    yield (
        "book and flag and move",
        sql.together(sql.book(), sql.screen(1, "protection_need"), sql.pause(5), sql.state("booked")),
    )
    yield "book twice", sql.together(sql.book(), sql.book(armed=False).replace("booking{n}", "again{n}"))
    yield "book short", sql.book(places="household_size - 1")
    yield "book without a timer", sql.book(armed=False)
    yield "book in a full centre", sql.book(centre="{full}")
    yield "book where the list waits", sql.book(centre="{listed}")
    yield "book other kinds", sql.book(places="0", columns="single_places=household_size")
    yield "flag and move to booked", sql.together(sql.screen(1, "protection_need"), sql.pause(5), sql.state("booked"))
    yield "move to booked again", sql.together(sql.state("consented"), sql.state("booked"))
    for version in (1, 2):
        yield (
            f"inform {version}",
            (
                "INSERT INTO casework.information_session (session_id, case_id, county, language, information_version, "
                f"interpreter, held_by) VALUES (gen_random_uuid(), '{{c}}', 'rey', 'fa', {version}, 'none', 'caseworker.one')"
            ),
        )
    yield (
        "hear",
        (
            "INSERT INTO casework.private_hearing (hearing_id, case_id, county, person_number, language, interpreter, heard_by) "
            "SELECT gen_random_uuid(), '{c}', 'rey', n, 'fa', 'none', 'x' FROM casework.return_case, "
            "generate_series(1, adults) AS n "
            "WHERE case_id = '{c}'"
        ),
    )
    yield (
        "hear nobody's",
        (
            "INSERT INTO casework.private_hearing (hearing_id, case_id, county, person_number, language, interpreter, heard_by) "
            "VALUES (gen_random_uuid(), '{c}', 'rey', 9, 'fa', 'none', 'x')"
        ),
    )
    for state in ("released", "expired", "departed", "held"):
        yield f"booking {state}", sql.end_booking(state)
    yield "booking held again", "UPDATE casework.booking SET state = 'held', ended_at = NULL WHERE case_id = '{c}'"
    yield "admit", sql.end_booking("admitted", ", admitted_by = 'manager.one', admitted_at = now()")
    yield "admit by nobody", sql.end_booking("admitted", "")
    yield (
        "admit without moving",
        "UPDATE casework.booking SET admitted_by = 'x' WHERE case_id = '{c}' AND state = 'released'",
    )
    yield (
        "release and claim admission",
        sql.end_booking("released", ", ended_at = now(), admitted_by = 'x', admitted_at = now()"),
    )
    yield "depart", sql.together(sql.end_booking("departed"), sql.state("departed"))
    yield "release and depart", sql.together(sql.end_booking("released"), sql.state("departed"))
    yield (
        "flag and depart",
        sql.together(sql.end_booking("departed"), sql.screen(1, "medical_flag"), sql.pause(9), sql.state("departed")),
    )
    yield "shrink a booking", "UPDATE casework.booking SET family_places = 0 WHERE case_id = '{c}'"
    yield "release and move on", sql.together(sql.end_booking("released"), sql.state("consented"))
    yield "expire and move on", sql.together(sql.end_booking("expired"), sql.state("consented"))


def _capacity_and_consents() -> Iterator[tuple[str, str]]:
    for kind, change in product(("held", "used", "capacity", "capacity_target"), ("0", "-1", "1000000")):
        yield f"{kind} {change}", f"UPDATE casework.centre_place SET {kind} = {change} WHERE centre_id = '{{centre}}'"
    for places, reason in (("0", "NULL"), ("0", "'a reason'"), ("-1", "'a reason'"), ("20000", "NULL")):
        yield (
            f"capacity {places} for {reason}",
            (
                "INSERT INTO casework.centre_capacity_change (centre_id, place_kind, county, capacity_before, capacity, reason, "
                f"changed_by) VALUES ('{{small}}', 'family', 'rey', 0, {places}, {reason}, 'manager.one')"
            ),
        )
    yield "consent", sql.consent()
    yield "consent and move", sql.together(sql.consent(), sql.state("consented"))
    yield "consent on the new version", sql.consent(version=2)
    yield "consent by a relative", sql.consent("relative")
    yield "pressure", sql.together(sql.consent("relative", free=False, pressure=True), sql.pause(2))
    yield "withdraw a consent", "UPDATE casework.consent SET withdrawn_at = now() WHERE case_id = '{c}'"
    yield "unwithdraw", "UPDATE casework.consent SET withdrawn_at = NULL WHERE case_id = '{c}'"
    yield (
        "withdraw all",
        sql.together(sql.WITHDRAW_CONSENTS, sql.end_booking("released"), sql.state("withdrawn")),
    )
    yield (
        "withdraw and close",
        sql.together(sql.end_booking("released"), sql.CASE.format(what="state = 'closed', outcome = 'withdrawn'")),
    )
    for by in ("latest", "another"):
        consent = (
            "casework.consent WHERE case_id = '{c}'" if by == "latest" else "casework.consent WHERE case_id <> '{c}'"
        )
        yield (
            f"reconfirm {by}",
            (
                "INSERT INTO casework.reconfirmation (reconfirmation_id, case_id, county, consent_id, language, interpreter, "
                "recorded_by, valid_until) SELECT gen_random_uuid(), '{c}', 'rey', consent_id, language, 'none', 'x', "
                f"now() + interval '3 days' FROM {consent} ORDER BY position DESC LIMIT 1"
            ),
        )
    yield (
        "reconfirm for long",
        (
            "INSERT INTO casework.reconfirmation (reconfirmation_id, case_id, county, consent_id, language, interpreter, "
            "recorded_by, valid_until) SELECT gen_random_uuid(), '{c}', 'rey', consent_id, language, 'none', 'x', "
            "now() + interval '8 days' FROM casework.consent WHERE case_id = '{c}' ORDER BY position DESC LIMIT 1"
        ),
    )
    yield "cancel a reconfirmation", "UPDATE casework.reconfirmation SET cancelled_at = now() WHERE case_id = '{c}'"
    yield (
        "cancel a reconfirmation twice",
        "UPDATE casework.reconfirmation SET cancelled_at = now() WHERE case_id = '{c}'; "
        "UPDATE casework.reconfirmation SET cancelled_at = NULL WHERE case_id = '{c}'",
    )
    yield "screen clear", sql.screen(1)
    yield "screen for a year", sql.screen(1, days=366)
    yield "screen nobody", sql.screen(9)
    yield "flag", sql.together(sql.screen(1, "vulnerability_flag"), sql.pause(9))
    yield (
        "carry a screening",
        sql.screen(1)
        .replace("screened_by)", "screened_by, carried_from)")
        .replace("'protection.one')", "'protection.one', gen_random_uuid())"),
    )


def _pauses() -> Iterator[tuple[str, str]]:
    for safeguard in (2, 5, 7, 8, 9):
        yield f"pause {safeguard}", sql.pause(safeguard)
    yield "pause without a timer", sql.pause(9, armed=False)
    yield "end the pauses", "UPDATE casework.case_pause SET ended_at = now() WHERE case_id = '{c}'"
    yield (
        "restart a pause",
        "UPDATE casework.case_pause SET ended_at = NULL WHERE case_id = '{c}' AND ended_at IS NOT NULL",
    )
    for reason, by in product(
        ("need_met", "no_pressure_found", "claim_decided", "child_procedure_complete"),
        ("protection.two", "protection.one", "caseworker.one", "child.one"),
    ):
        yield f"propose {reason} by {by}", sql.propose_clearance(reason, by)
    yield (
        "propose for an ended pause",
        sql.propose_clearance("need_met", "protection.two", "case_id = '{c}' AND ended_at IS NOT NULL"),
    )
    for decision, by in product(
        ("confirmed", "rejected"), ("protection.one", "protection.two", "protection.three", "child.two")
    ):
        yield f"{decision} by {by}", sql.decide(decision, by)
    yield "confirm again", sql.decide("confirmed", "protection.three", "decision IS NOT NULL")
    yield (
        "confirm and end",
        sql.together(
            sql.decide("confirmed", "medical.one"),
            "UPDATE casework.case_pause SET ended_at = now() WHERE case_id = '{c}' AND ended_at IS NULL",
            sql.arm("voluntary_period", "'{c}'", "60 days"),
            sql.CASE.format(what="voluntary_until = greatest(voluntary_until, now() + interval '60 days')"),
        ),
    )
    yield (
        "confirm and end without the period",
        sql.together(
            sql.decide("confirmed", "protection.three"),
            "UPDATE casework.case_pause SET ended_at = now() WHERE case_id = '{c}' AND ended_at IS NULL",
        ),
    )
    for kind in ("pause_review", "legal_review_reminder", "appeal_reminder", "voluntary_period"):
        which = f"kind = 'nationals.{kind}' AND subject_id IN (SELECT proof.timers_of('{{c}}'))"
        yield f"forget the {kind}", f"DELETE FROM timer WHERE {which}"
        yield f"misname the {kind}", f"UPDATE timer SET kind = 'nationals.nobody' WHERE {which}"
        yield f"empty the policy of the {kind}", f"UPDATE timer SET policy = NULL WHERE {which}"
    yield (
        "reject and decide again",
        sql.together(sql.decide("rejected", "medical.one"), sql.decide("confirmed", "medical.one", "true")),
    )


def _protection_and_places() -> Iterator[tuple[str, str]]:
    yield "child guardian", sql.together(sql.child("guardian_appointed", "child.one", reference="'GA-1'"), sql.pause(8))
    yield "child guardian unnamed", sql.child("guardian_appointed", "child.one")
    yield (
        "child interests",
        sql.together(sql.child("best_interests_determined", "child.one", version="1"), sql.pause(8)),
    )
    yield "child reception by the same", sql.child("reception_verified", "child.one")
    yield "child elsewhere", sql.child("reception_verified", "child.two", person=9)
    yield (
        "child rewritten",
        "UPDATE casework.child_protection_record SET appointment_reference = 'X-1' WHERE case_id = '{c}'",
    )
    yield "split request", sql.request_split("1")
    yield "split request of all", sql.request_split("1,2,3")
    yield "split request of nobody's", sql.request_split("9")
    yield "split request without a pause", sql.request_split("1", paused=False)
    for decision, by in product(("approved", "rejected"), ("protection.one", "protection.two")):
        yield f"split {decision} by {by}", sql.decide_split(decision, by)
    yield (
        "split decided twice",
        sql.together(sql.decide_split("rejected", "protection.two"), sql.decide_split("approved", "protection.two")),
    )
    yield "part of a household", sql.split_case()
    yield (
        "split without the parts",
        sql.together(
            sql.decide_split("approved", "protection.two"),
            sql.split_case(),
            sql.WITHDRAW_CONSENTS,
            sql.end_booking("released"),
            sql.state("split"),
        ),
    )
    yield (
        "split without a request",
        sql.together(sql.WITHDRAW_CONSENTS, sql.end_booking("released"), sql.state("split")),
    )
    yield (
        "three parts",
        f"{sql.decide_split('approved', 'protection.two')}; "
        + "; ".join(sql.split_case().replace("part{n}", f"part{part}{{n}}") for part in range(3)),
    )
    yield "wait", sql.join_list()
    yield "wait short", sql.join_list("household_size + 1")
    yield "wait without a timer", sql.join_list(armed=False)
    yield "offer", sql.offer()
    yield "offer by another", sql.offer("'somebody'")
    yield "offer without a timer", sql.offer(armed=False)
    yield "offer and move", sql.together(sql.offer(), sql.state("booked"))
    accept = (
        "UPDATE casework.booking SET accepted_at = now(), expires_at = now() + interval '3 days' WHERE case_id = '{c}'"
    )
    yield "accept", accept
    yield "accept and move", sql.together(accept, sql.state("booked"))
    yield (
        "accept without a timer",
        "DELETE FROM timer WHERE kind = 'nationals.booking_expiry' AND subject_id IN "
        f"(SELECT booking_id::text FROM casework.booking WHERE case_id = '{{c}}'); {accept}",
    )
    for state in ("waiting", "offered", "unanswered", "booked", "left"):
        yield f"entry {state}", f"UPDATE casework.waiting_entry SET state = '{state}' WHERE case_id = '{{c}}'"


ATTEMPTS: dict[str, str] = dict(
    [
        *_states_and_periods(),
        *_bookings(),
        *_capacity_and_consents(),
        *_pauses(),
        *_protection_and_places(),
        *legal_reviews(),
        *decisions_and_appeals(),
        *bases_and_openings(),
        *records_of_offices(),
    ]
)
"""Statements by what they try."""

"""Attempts on phase two and on what the offices record, past the API (see ``attempts.py``)."""

from collections.abc import Iterator
from itertools import product

from tests.safeguards import raw_sql as sql


def legal_reviews() -> Iterator[tuple[str, str]]:
    yield "review", sql.review()
    yield "review without a timer", sql.review(armed=False)
    yield "lapse and review", sql.together(sql.state("awaiting_legal_review"), sql.review())
    for by in ("legal.one", "legal.two", "legal.three"):
        yield f"take by {by}", sql.reviewer(f"first_reviewer = '{by}'")
        yield f"second is {by}", sql.reviewer(f"second_reviewer = '{by}'")
    yield "take back", sql.reviewer("first_reviewer = NULL")
    for state in ("decided", "case_closed", "voluntary_again"):
        yield f"review {state}", sql.reviewer(f"state = '{state}', ended_at = now()")
    for by, what in product(("legal.one", "legal.two"), (sql.ALL_CONSIDERED, "'{{health}}'")):
        yield (
            f"assess {what[:10]} by {by}",
            (
                "INSERT INTO casework.legal_assessment (assessment_id, review_id, case_id, county, considered, assessed_by) "
                f"SELECT gen_random_uuid(), review_id, case_id, 'rey', {what}, '{by}' "
                "FROM casework.legal_review WHERE case_id = '{c}'"
            ),
        )
    adverse = "refer_to_competent_authority"
    yield "propose adverse", sql.propose(adverse)
    yield "propose adverse by another", sql.propose(adverse, by="legal.two")
    yield "propose adverse without a basis", sql.propose(adverse, basis="NULL")
    yield "propose adverse on a draft", sql.propose(adverse, basis="'{draft}'")
    yield "propose adverse unwritten", sql.propose(adverse, reasons="NULL")
    yield "propose adverse without a way to appeal", sql.propose(adverse, how="NULL")
    yield "propose favourable", sql.propose("regularised", basis="NULL")
    yield (
        "propose twice",
        sql.together(sql.propose("regularised", basis="NULL"), sql.propose("not_viable", basis="NULL")),
    )
    for by in ("legal.one", "legal.two", "legal.three", "caseworker.one", "system"):
        yield f"confirm by {by}", sql.decision(f"state = 'confirmed', confirmed_by = '{by}'")
        yield f"return by {by}", sql.decision(f"state = 'returned', returned_by = '{by}', return_reason = 'r'")
        yield f"effective by {by}", sql.decision(f"state = 'effective', confirmed_by = '{by}'")
    yield "confirm by nobody", sql.decision("state = 'confirmed'")
    yield "return without a reason", sql.decision("state = 'returned', returned_by = 'legal.two'")
    for state in ("annulled", "set_aside", "proposed", "served"):
        yield f"decision {state}", sql.decision(f"state = '{state}'")


def decisions_and_appeals() -> Iterator[tuple[str, str]]:
    yield "serve", sql.together(sql.window(), sql.serve())
    yield "serve and move", sql.together(sql.window(), sql.serve(), sql.state("decision_served"))
    yield "serve without a window", sql.serve()
    yield "serve with a past window", sql.together(sql.window(delay="-1 day"), sql.serve())
    yield "serve with a short window", sql.together(sql.window(days=1, delay="1 day"), sql.serve())
    yield "serve what was not understood", sql.together(sql.window(), sql.serve(understood="false"))
    yield "serve through a relative", sql.together(sql.window(), sql.serve(interpreter="'relative'"))
    yield "serve by nobody", sql.together(sql.window(), sql.serve(by="NULL"))
    yield "another notice", sql.together(sql.window(), sql.decision("notices = notices + 1"))
    yield "rewrite reasons", sql.decision("reasons = 'others'")
    yield (
        "erase reasons",
        ("UPDATE casework.legal_decision SET texts_erased_at = now(), reasons = NULL WHERE case_id = '{c}'"),
    )
    yield "rewrite who confirmed", sql.decision("confirmed_by = 'legal.four'")
    yield "refer the decision", sql.decision("state = 'referred', referred_by = 'legal.three'")
    yield "refer by nobody", sql.decision("state = 'referred'")
    yield "refer and confirm anew", sql.decision("state = 'referred', referred_by = 'x', confirmed_by = 'y'")
    yield (
        "refer",
        sql.together(
            sql.end_booking("released"),
            sql.decision("state = 'referred', referred_by = 'legal.three'"),
            sql.state("referred"),
        ),
    )
    yield (
        "refer with places held",
        sql.together(sql.decision("state = 'referred', referred_by = 'x'"), sql.state("referred")),
    )
    yield "appeal", sql.appeal()
    yield "appeal and move", sql.together(sql.appeal(), sql.state("appealed"))
    yield "appeal late", sql.together(sql.appeal(late="'ill'"), sql.state("appealed"))
    yield "appeal without a timer", sql.appeal(armed=False)
    yield (
        "appeal and refer",
        sql.together(
            sql.appeal(late="'ill'"), sql.decision("state = 'referred', referred_by = 'x'"), sql.state("referred")
        ),
    )
    for outcome, by in product(
        ("'upheld'", "'annulled'", "'moot'"),
        ("'appeals.one'", "'caseworker.one'", "'legal.one'", "'legal.two'", "'legal.three'", "NULL"),
    ):
        yield f"appeal {outcome} by {by}", sql.appeal_ends(outcome, by)
    yield "appeal decided for no reason", sql.appeal_ends("'upheld'", "'appeals.one'", "NULL")
    yield "appeal decided again", sql.appeal_ends("'annulled'", "'appeals.two'", which="outcome = 'upheld'")
    yield "appeal's outcome taken back", sql.appeal_ends("NULL", "NULL", "NULL", which="outcome IS NOT NULL")
    yield "appeal's judge renamed", "UPDATE casework.appeal SET decided_by = 'z' WHERE case_id = '{c}'"
    yield (
        "uphold without a notice",
        sql.together(sql.appeal_ends("'upheld'", "'appeals.one'"), sql.state("decision_served")),
    )
    yield (
        "annul the decision too",
        sql.together(sql.appeal_ends("'annulled'", "'appeals.one'"), sql.decision("state = 'annulled'")),
    )
    yield (
        "uphold and go on waiting",
        sql.together(sql.appeal_ends("'upheld'", "'appeals.one'"), sql.state("awaiting_legal_review")),
    )


def bases_and_openings() -> Iterator[tuple[str, str]]:
    yield (
        "confirm a draft basis",
        "UPDATE casework.legal_basis SET confirmed_by = 'registrar.one' WHERE basis_id = '{draft}'",
    )
    yield "confirm a basis again", "UPDATE casework.legal_basis SET confirmed_by = 'z' WHERE basis_id = '{basis}'"
    yield "revive a basis", "UPDATE casework.legal_basis SET ended_by = NULL WHERE basis_id = '{ended_basis}'"
    yield "prolong a basis", "UPDATE casework.legal_basis SET in_force_until = '2199-01-01' WHERE basis_id = '{basis}'"
    yield (
        "enter a basis backwards",
        (
            "INSERT INTO casework.legal_basis (basis_id, title, instrument_number, in_force_from, in_force_until, entered_by) "
            "VALUES (gen_random_uuid(), 't', '1', '2026-01-02', '2026-01-01', 'registrar.one')"
        ),
    )
    yield (
        "open children alone",
        (
            f"{sql.arm('voluntary_period', sql.new('alone'))}; "
            "INSERT INTO casework.return_case (case_id, county, reference, adults, "
            "children_under_5, children_5_to_17, unaccompanied_child, voluntary_until, opened_by) "
            f"VALUES ({sql.new('alone')}, 'rey', 'R-' || (nextval('timer_fence') % 1000000), 0, 1, 0, false, now(), 'x')"
        ),
    )
    yield (
        "open without a timer",
        (
            "INSERT INTO casework.return_case (case_id, county, reference, adults, children_under_5, children_5_to_17, "
            "unaccompanied_child, voluntary_until, opened_by) VALUES "
            f"({sql.new('untimed')}, 'rey', 'R-' || (nextval('timer_fence') % 1000000), 1, 0, 0, false, now(), 'x')"
        ),
    )
    overdue = f"{sql.arm('voluntary_period', sql.new('overdue'), '-1 hour')}; "
    yield (
        "open when the period is over",
        (
            f"{overdue}INSERT INTO casework.return_case (case_id, county, reference, adults, children_under_5, children_5_to_17, "
            "unaccompanied_child, voluntary_until, opened_by) VALUES "
            f"({sql.new('overdue')}, 'rey', 'R-' || (nextval('timer_fence') % 1000000), 1, 0, 0, false, now(), 'x')"
        ),
    )


def records_of_offices() -> Iterator[tuple[str, str]]:
    yield (
        "assign oneself",
        (
            "INSERT INTO casework.case_assignment (assignment_id, case_id, county, assignee, reason, assigned_by) "
            "VALUES (gen_random_uuid(), '{c}', 'rey', 'supervisor.one', 'workload', 'supervisor.one')"
        ),
    )
    yield (
        "claim to have opened",
        (
            "INSERT INTO casework.case_assignment (assignment_id, case_id, county, assignee, reason, assigned_by) "
            "VALUES (gen_random_uuid(), '{c}', 'rey', 'x', 'opened_the_case', 'x')"
        ),
    )
    end = (
        "UPDATE casework.case_assignment SET ended_at = now(), ended_by = '{by}', end_reason = 'workload' "
        "WHERE case_id = '{{c}}'"
    )
    yield "end one's own assignment", end.format(by="caseworker.one")
    yield "end an assignment twice", sql.together(end.format(by="x"), end.format(by="y"))
    glass = (
        "INSERT INTO casework.break_glass (break_glass_id, case_id, county, opened_by, reason_kind, reason, "
        "expires_at, review_by) "
        f"VALUES ({sql.new('glass')}, '{{c}}', 'rey', 'caseworker.two', 'deadline', 'r', now() + interval '1 hour', now())"
    )
    yield "break glass untimed", glass
    review = "UPDATE casework.break_glass SET verdict = '{}', reviewed_by = '{}', reviewed_at = now() WHERE case_id = '{{c}}'"
    broken = sql.together(sql.arm("break_glass_review", sql.new("glass")), glass)
    yield "review one's own break-glass", sql.together(broken, review.format("justified", "caseworker.two"))
    yield (
        "review a break-glass twice",
        sql.together(broken, review.format("justified", "x"), review.format("not_justified", "x")),
    )
    yield (
        "hold untimed",
        (
            "INSERT INTO casework.retention_hold (hold_id, case_id, county, ground, review_by, held_by) "
            f"VALUES ({sql.new('hold')}, '{{c}}', 'rey', 'supervision', now(), 'x')"
        ),
    )
    yield (
        "erase for the household as system",
        (
            "INSERT INTO casework.case_erasure (erasure_id, case_id, county, cause, scope, recorded_by) "
            "VALUES (gen_random_uuid(), '{c}', 'rey', 'household_request', 'case', 'system')"
        ),
    )
    yield "read complaints", "SELECT count(*) FROM complaints.complaint"
    for table in (
        "screening",
        "consent",
        "case_pause",
        "booking",
        "legal_decision",
        "appeal",
        "return_case",
        "pause_clearance",
    ):
        yield f"delete {table}", f"DELETE FROM casework.{table} WHERE case_id = '{{c}}'"
    yield "rewrite a screening", "UPDATE casework.screening SET outcome = 'clear' WHERE case_id = '{c}'"
    yield (
        "rewrite a consent",
        "UPDATE casework.consent SET given_freely = true, sign_of_pressure = false WHERE case_id = '{c}'",
    )
    yield "rewrite a household", sql.CASE.format(what="adults = 1, unaccompanied_child = false")
    yield "rewrite due times", sql.CASE.format(what="voluntary_due_at = now()")

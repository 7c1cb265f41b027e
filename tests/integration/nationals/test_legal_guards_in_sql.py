"""Every guard of phase two a second time: raw SQL as the casework's own roles is refused, by constraint, trigger or privilege."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.nationals.casework.domain.case_facts import ScreeningOutcome
from services.nationals.casework.handlers import legal_bases
from shared.contracts.nationals import AppealDecision
from shared.kit.connections import Connection, Pool
from tests.integration.nationals import legal_office as legal
from tests.integration.nationals.office import Office
from tests.integration.nationals.test_guards_in_sql import ARM, raw, set_state

ALL_CONSIDERED = [
    "protection",
    "children",
    "health",
    "family_unity",
    "household_heard",
    "voluntary_return_offered_anew",
]
PROPOSE = """
    INSERT INTO casework.legal_decision (decision_id, review_id, case_id, county, outcome, proposed_by, basis_id, reasons,
                                         appeal_instructions, appeal_window_days)
    SELECT $1, review_id, case_id, county, $3, $4, $5, $6, 'how', 30
    FROM casework.legal_review WHERE case_id = $2 AND state = 'open'
"""
ASSESS = """
    INSERT INTO casework.legal_assessment (assessment_id, review_id, case_id, county, considered, assessed_by)
    SELECT gen_random_uuid(), review_id, case_id, county, $2, $3 FROM casework.legal_review WHERE case_id = $1
"""
SERVE = """
    UPDATE casework.legal_decision
    SET state = 'served', served_by = $2, service_language = 'fa', service_interpreter = $3, understood = $4
    WHERE case_id = $1
"""
CONFIRM = "UPDATE casework.legal_decision SET state = 'confirmed', confirmed_by = $2 WHERE case_id = $1"
REFER = "UPDATE casework.legal_decision SET state = 'referred', referred_by = $2 WHERE case_id = $1"
LODGE = """
    INSERT INTO casework.appeal (appeal_id, decision_id, case_id, county, review_by, lodged_by, late_reason)
    SELECT $2, decision_id, case_id, county, now(), $3, $4 FROM casework.legal_decision WHERE case_id = $1
"""
DECIDE = "UPDATE casework.appeal SET outcome = $2, decided_by = $3, outcome_reasons = 'r' WHERE case_id = $1"
ARM_WINDOW = """
    INSERT INTO timer (kind, subject_id, fence, due_at, next_try_at, policy, correlation_id)
    SELECT 'nationals.appeal_window', decision_id::text, nextval('timer_fence'), now() + $2::interval, now(), $3, 'raw'
    FROM casework.legal_decision WHERE case_id = $1
"""

Statement = tuple[str, tuple[object, ...]]


async def refused(pool: Pool, words: str, *statements: Statement) -> None:
    """The last of `statements` is refused by a constraint or trigger that says `words`, or for want of privilege."""
    async with raw(pool) as connection:
        for statement, values in statements[:-1]:
            await connection.execute(statement, *values)
        statement, values = statements[-1]
        with pytest.raises((asyncpg.IntegrityConstraintViolationError, asyncpg.InsufficientPrivilegeError)) as error:
            await connection.execute(statement, *values)
    if isinstance(error.value, asyncpg.InsufficientPrivilegeError):
        assert words in {"privilege", "rewritten"}, (statement, error.value)
        return
    said = f"{error.value} {error.value.constraint_name}".replace("_", " ")
    assert words in said or (words == "rewritten" and "safeguard" in said), said


async def refused_to_both(office: Office, words: str, *statements: Statement) -> None:
    """As `refused` to the API's role; the worker's role is refused the last statement whatever the rest."""
    await refused(office.api, words, *statements)
    statement, values = statements[-1]
    async with raw(office.worker) as connection:
        with pytest.raises((asyncpg.CheckViolationError, asyncpg.InsufficientPrivilegeError)) as error:
            await connection.execute(statement, *values)
    said = str(error.value)
    assert (
        isinstance(error.value, asyncpg.InsufficientPrivilegeError) or "safeguard 6" in said or "safeguard 12" in said
    ), said


async def taken(office: Office, *, assessed: bool = True) -> UUID:
    case_id = await legal.lapsed(office)
    await legal.take(office, case_id)
    if assessed:
        await legal.assess(office, case_id)
    return case_id


def proposal(
    case_id: UUID, basis_id: UUID | None, by: str = "legal.one", outcome: str = "refer_to_competent_authority"
) -> Statement:
    return PROPOSE, (uuid4(), case_id, outcome, by, basis_id, "why")


async def end_basis(office: Office, basis_id: UUID) -> None:
    settle = legal_bases.SettleLegalBasis(basis_id=basis_id)
    await office.run(legal_bases.end_legal_basis, settle, legal.REGISTRARS[0])


async def test_legal_basis_is_of_two_people_dated_and_never_revived(office: Office) -> None:
    unconfirmed = await legal.basis(office, confirmed=False)
    insert = """
        INSERT INTO casework.legal_basis (basis_id, title, instrument_number, in_force_from, in_force_until, entered_by)
        VALUES (gen_random_uuid(), 't', '1', '2026-01-02', $1::text::date, $2)
    """
    await refused_to_both(office, "safeguard 10", (insert, ("2026-01-01", "a")))
    await refused_to_both(office, "check", (insert, ("2027-01-01", "system")))
    whole = insert.replace("entered_by)", "entered_by, confirmed_by)").replace("$2)", "$2, 'b')")
    await refused_to_both(office, "privilege", (whole, ("2027-01-01", "a")))
    confirm = "UPDATE casework.legal_basis SET confirmed_by = $1"
    for by in ("registrar.one", "system"):
        await refused_to_both(office, "safeguard 6", (confirm, (by,)))
    await refused_to_both(office, "safeguard 10", (confirm, ("b",)), (confirm, ("c",)))
    await end_basis(office, unconfirmed)
    for statement in (confirm, "UPDATE casework.legal_basis SET ended_by = $1"):
        await refused_to_both(office, "safeguard 10", (statement, ("b",)))
    for statement in (
        "UPDATE casework.legal_basis SET in_force_until = '2099-01-01'",
        "UPDATE casework.legal_basis SET ended_by = NULL",
        "DELETE FROM casework.legal_basis",
    ):
        await refused_to_both(office, "rewritten", (statement, ()))


async def test_review_is_taken_assessed_and_proposed_by_its_own_people(office: Office) -> None:
    basis_id = await legal.basis(office)
    case_id = await taken(office, assessed=False)
    other = await legal.lapsed(office)
    partly = (ASSESS, (case_id, ["health"], "legal.one"))
    await refused_to_both(office, "safeguard 6", (ASSESS, (case_id, ALL_CONSIDERED, "legal.two")))
    await refused_to_both(office, "safeguard 6", (ASSESS, (other, ALL_CONSIDERED, "legal.one")))
    await refused_to_both(office, "check", (ASSESS, (case_id, ["origin"], "legal.one")))
    await refused_to_both(office, "safeguard 4", proposal(case_id, basis_id))
    await refused_to_both(office, "safeguard 4", partly, proposal(case_id, basis_id))
    await legal.assess(office, case_id)
    await refused_to_both(office, "safeguard 6", proposal(case_id, basis_id, by="legal.two"))
    await refused_to_both(office, "safeguard 6", proposal(case_id, basis_id, by="system"))
    await refused_to_both(office, "safeguard 10", proposal(case_id, None))
    await refused_to_both(office, "safeguard 10", proposal(case_id, uuid4()))
    unwritten = (PROPOSE, (uuid4(), case_id, "refer_to_competent_authority", "legal.one", basis_id, None))
    await refused_to_both(office, "safeguard 4", unwritten)
    await refused_to_both(office, "safeguard 6", proposal(case_id, basis_id), proposal(case_id, basis_id))
    retake = ("UPDATE casework.legal_review SET first_reviewer = $2 WHERE case_id = $1", (case_id, "legal.two"))
    await refused_to_both(office, "safeguard 6", proposal(case_id, basis_id), retake)
    second = ("UPDATE casework.legal_review SET second_reviewer = $2 WHERE case_id = $1", (case_id, "legal.two"))
    await refused_to_both(office, "safeguard 6", second)
    for state in ("decided", "case_closed", "voluntary_again"):
        await refused_to_both(office, "safeguard 6", ("UPDATE casework.legal_review SET state = $1", (state,)))
    opened = await office.open()
    early = proposal(opened, basis_id)
    async with raw(office.api) as connection:
        assert await connection.execute(early[0], *early[1]) == "INSERT 0 0", (
            "without a review there is nothing to propose in"
        )
    await end_basis(office, basis_id)
    await refused_to_both(office, "safeguard 10", proposal(case_id, basis_id))


async def test_confirmation_needs_a_second_person_and_the_basis(office: Office) -> None:
    basis_id = await legal.basis(office)
    case_id = await taken(office)
    propose = proposal(case_id, basis_id)
    for by in ("legal.one", "caseworker.one", "system"):
        await refused_to_both(office, "safeguard 6", propose, (CONFIRM, (case_id, by)))
    without = ("UPDATE casework.legal_decision SET state = 'confirmed' WHERE case_id = $1", (case_id,))
    await refused_to_both(office, "safeguard 6", propose, without)
    effective = "UPDATE casework.legal_decision SET state = 'effective', confirmed_by = 'legal.two' WHERE case_id = $1"
    await refused_to_both(office, "safeguard 4", propose, (effective, (case_id,)))
    served = (SERVE, (case_id, "legal.two", "none", True))
    await refused_to_both(office, "safeguard 12", propose, served)
    name_only = ("UPDATE casework.legal_decision SET confirmed_by = 'legal.two'", ())
    await refused_to_both(office, "safeguard 12", propose, name_only)
    returned = (
        "UPDATE casework.legal_decision SET state = 'returned', returned_by = $2, return_reason = $3 WHERE case_id = $1"
    )
    await refused_to_both(office, "safeguard 6", propose, (returned, (case_id, "legal.two", None)))
    await refused_to_both(office, "safeguard 6", propose, (returned, (case_id, "legal.one", "r")))
    await refused_to_both(office, "safeguard 6", propose, (returned, (case_id, "caseworker.one", "r")))
    favourable = proposal(case_id, None, outcome="regularised")
    await refused_to_both(office, "safeguard 10", favourable, (CONFIRM, (case_id, "legal.two")))
    await legal.propose(office, case_id, basis_id=basis_id)
    await office.screen(case_id, outcome=ScreeningOutcome.MEDICAL_FLAG)
    await refused_to_both(office, "safeguard 9", (CONFIRM, (case_id, "legal.two")))
    other = await taken(office)
    await legal.propose(office, other, basis_id=basis_id)
    await end_basis(office, basis_id)
    await refused_to_both(office, "safeguard 10", (CONFIRM, (other, "legal.two")))


async def test_service_is_understood_and_starts_its_own_window(office: Office) -> None:
    basis_id = await legal.basis(office)
    case_id, _ = await legal.decided(office, basis_id)
    serve = (SERVE, (case_id, "a", "none", True))
    policy = '{"appeal_window_days": 30}'
    window = (ARM_WINDOW, (case_id, _interval(30), policy))
    await refused_to_both(office, "safeguard 4", serve)
    for days in (-1, 0, 1, 29):
        await refused_to_both(office, "safeguard 4", (ARM_WINDOW, (case_id, _interval(days), policy)), serve)
    await refused_to_both(
        office, "safeguard 4", (ARM_WINDOW, (case_id, _interval(1), '{"appeal_window_days": 1}')), serve
    )
    for statement, words in (
        ((SERVE, (case_id, "a", "none", False)), "safeguard 4"),
        ((SERVE, (case_id, "a", "none", None)), "safeguard 4"),
        ((SERVE, (case_id, "a", "relative", True)), "safeguard 2"),
        ((SERVE, (case_id, "a", None, True)), "safeguard 2"),
        ((SERVE, (case_id, "system", "none", True)), "check"),
        ((SERVE, (case_id, None, "none", True)), "safeguard"),
    ):
        await refused_to_both(office, words, window, statement)
    moved = ("UPDATE casework.return_case SET state = 'decision_served' WHERE case_id = $1", (case_id,))
    await refused_to_both(office, "safeguard 4", window, moved)
    async with raw(office.api) as connection:
        for statement, values in (window, serve, moved):
            await connection.execute(statement, *values)
        assert (
            await connection.fetchval("SELECT state FROM casework.legal_review WHERE case_id = $1", case_id)
            == "decided"
        )
    await office.screen(case_id, outcome=ScreeningOutcome.PROTECTION_NEED)
    await refused_to_both(office, "safeguard 5", window, serve)
    other, _ = await legal.decided(office, basis_id)
    await end_basis(office, basis_id)
    await refused_to_both(office, "safeguard 10", (SERVE, (other, "a", "none", True)))


async def test_appeal_is_lodged_once_and_decided_by_another(office: Office) -> None:
    basis_id = await legal.basis(office)
    case_id, _ = await legal.served(office, basis_id)
    late, _ = await legal.served(office, basis_id, window_ended=True)
    appeal_id = uuid4()
    arm = (ARM, ("nationals.appeal_reminder", str(appeal_id)))
    await refused_to_both(office, "safeguard 13", (LODGE, (case_id, appeal_id, "a", None)))
    await refused_to_both(office, "check", arm, (LODGE, (case_id, appeal_id, "system", None)))
    await refused_to_both(office, "safeguard 5", arm, (LODGE, (late, appeal_id, "a", None)))
    undecided, _ = await legal.decided(office, basis_id)
    await refused_to_both(office, "safeguard 12", arm, (LODGE, (undecided, appeal_id, "a", "r")))
    await refused_to_both(
        office, "safeguard 12", ("UPDATE casework.return_case SET state = 'appealed' WHERE case_id = $1", (case_id,))
    )
    lodged = (LODGE, (case_id, appeal_id, "a", None))
    await refused_to_both(office, "safeguard 12", arm, lodged, (DECIDE, (case_id, "upheld", "appeals.one")))
    await legal.appeal(office, case_id)
    for by in ("legal.one", "legal.two", "caseworker.one", "system", None):
        await refused_to_both(office, "safeguard 5", (DECIDE, (case_id, "upheld", by)))
    await refused_to_both(office, "safeguard 5", (DECIDE, (case_id, "moot", "appeals.one")))
    for statement in (
        "UPDATE casework.appeal SET lodged_by = 'x'",
        "UPDATE casework.appeal SET reminders = 9, review_by = now(), outcome = 'upheld'",
        "DELETE FROM casework.appeal",
    ):
        await refused(office.api, "rewritten", (statement, ()))
    for statement in (
        "UPDATE casework.appeal SET outcome_reasons = 'x'",
        "UPDATE casework.appeal SET decided_by = 'x'",
    ):
        await refused_to_both(office, "safeguard 5", (statement, ()))
    await refused_to_both(office, "safeguard 4", (REFER, (case_id, "legal.three")))
    for state in ("decision_served", "awaiting_legal_review", "referred"):
        move = ("UPDATE casework.return_case SET state = $2 WHERE case_id = $1", (case_id, state))
        await refused_to_both(office, "safeguard", move)
    upheld = (DECIDE, (case_id, "upheld", "appeals.one"))
    served = ("UPDATE casework.return_case SET state = 'decision_served' WHERE case_id = $1", (case_id,))
    await refused_to_both(office, "safeguard 5", upheld, served)
    notice = ("UPDATE casework.legal_decision SET notices = notices + 1 WHERE case_id = $1", (case_id,))
    await refused_to_both(office, "safeguard 5", notice)
    await refused_to_both(office, "safeguard 4", upheld, notice)
    await refused_to_both(office, "safeguard 5", upheld, (DECIDE, (case_id, "annulled", "appeals.two")))
    annul = ("UPDATE casework.legal_decision SET state = 'annulled' WHERE case_id = $1", (case_id,))
    await refused_to_both(office, "safeguard 5", annul)
    waiting = ("UPDATE casework.return_case SET state = 'awaiting_legal_review' WHERE case_id = $1", (case_id,))
    await refused_to_both(office, "safeguard 12", (DECIDE, (case_id, "annulled", "appeals.one")), waiting)
    await office.screen(case_id, outcome=ScreeningOutcome.PROTECTION_NEED)
    await refused_to_both(office, "safeguard 5", upheld)


async def test_nobody_decides_again_what_an_appeal_annulled(office: Office) -> None:
    basis_id = await legal.basis(office)
    case_id, _ = await legal.served(office, basis_id)
    await legal.appeal(office, case_id)
    await legal.decide(office, case_id, AppealDecision.ANNULLED)
    await office.as_worker(legal.reviews.open_legal_review, legal.review_requested(case_id))
    retake = "UPDATE casework.legal_review SET first_reviewer = $2 WHERE case_id = $1 AND state = 'open'"
    for by in ("legal.one", "legal.two"):
        await refused_to_both(office, "safeguard 6", (retake, (case_id, by)))
    await legal.take(office, case_id, legal.THIRD)
    await legal.assess(office, case_id, legal.THIRD)
    decision_id = await legal.propose(office, case_id, basis_id=basis_id, by=legal.THIRD)
    confirm = "UPDATE casework.legal_decision SET state = 'confirmed', confirmed_by = $2 WHERE decision_id = $1"
    await refused_to_both(office, "safeguard 6", (confirm, (decision_id, "legal.two")))


async def refer_raw(connection: Connection, case_id: UUID) -> None:
    await connection.execute(REFER, case_id, "legal.three")
    await set_state(connection, case_id, "referred")


async def test_referral_lacks_nothing_or_is_refused(office: Office) -> None:
    basis_id, later = await legal.basis(office), await legal.basis(office)
    complete, _ = await legal.served(office, basis_id, window_ended=True)
    running, _ = await legal.served(office, basis_id)
    appealed, _ = await legal.served(office, basis_id, window_ended=True)
    await legal.appeal(office, appealed, "late")
    unserved, _ = await legal.decided(office, basis_id)
    flagged, _ = await legal.served(office, basis_id, window_ended=True)
    await office.screen(flagged, outcome=ScreeningOutcome.MEDICAL_FLAG)
    claimed, _ = await legal.served(office, basis_id, window_ended=True)
    await office.screen(claimed, outcome=ScreeningOutcome.PROTECTION_NEED)
    pressed, _ = await legal.served(office, basis_id, window_ended=True)
    await office.consent(pressed, sign_of_pressure=True)
    expired, _ = await legal.served(office, basis_id, window_ended=True)
    await office.superuser.execute(
        "UPDATE casework.screening SET screened_at = now() - interval '2 days', valid_until = now() WHERE case_id = $1",
        expired,
    )
    groundless, _ = await legal.served(office, later, window_ended=True)
    await end_basis(office, later)
    for case_id, words in (
        (running, "safeguard 4"),
        (appealed, "safeguard"),
        (unserved, "safeguard 12"),
        (flagged, "safeguard 9"),
        (claimed, "safeguard 5"),
        (pressed, "safeguard 2"),
        (expired, "safeguard 1"),
        (groundless, "safeguard 10"),
    ):
        async with raw(office.api) as connection:
            with pytest.raises(asyncpg.CheckViolationError, match=words):
                await refer_raw(connection, case_id)
    by_nobody = ("UPDATE casework.legal_decision SET state = 'referred' WHERE case_id = $1", (complete,))
    await refused_to_both(office, "safeguard 6", by_nobody)
    await refused_to_both(office, "check", (REFER, (complete, "system")))
    at_once = ("UPDATE casework.return_case SET state = 'referred' WHERE case_id = $1", (complete,))
    await refused_to_both(office, "safeguard 4", at_once)
    async with raw(office.api) as connection:
        await refer_raw(connection, complete)
        for later_step in (
            "INSERT INTO casework.information_session (session_id, case_id, county, language, information_version, interpreter, "
            "held_by) VALUES (gen_random_uuid(), $1, 'rey', 'fa', 1, 'none', 'somebody')",
            "UPDATE casework.return_case SET state = 'opened' WHERE case_id = $1",
            "UPDATE casework.return_case SET state = 'closed', outcome = 'not_viable' WHERE case_id = $1",
        ):
            with pytest.raises(asyncpg.CheckViolationError, match="safeguard 12"):
                async with connection.transaction():
                    await connection.execute(later_step, complete)


async def test_evidence_of_phase_two_is_not_rewritten(office: Office) -> None:
    case_id, _ = await legal.served(office)
    statements: Sequence[str] = (
        "UPDATE casework.legal_decision SET confirmed_by = 'x'",
        "UPDATE casework.legal_decision SET served_by = 'x'",
        "UPDATE casework.legal_decision SET understood = false",
        "UPDATE casework.legal_decision SET reasons = 'other'",
        "UPDATE casework.legal_decision SET texts_erased_at = now()",
        "UPDATE casework.legal_decision SET outcome = 'regularised'",
        "UPDATE casework.legal_decision SET window_due_at = now()",
        "UPDATE casework.legal_decision SET notices = 7",
        "UPDATE casework.legal_decision SET state = 'proposed'",
        "UPDATE casework.legal_decision SET state = 'set_aside'",
        "UPDATE casework.legal_decision SET return_reason = 'x'",
        "UPDATE casework.legal_decision SET referred_by = 'x'",
        "UPDATE casework.legal_assessment SET considered = '{}'",
        "DELETE FROM casework.legal_assessment",
        "DELETE FROM casework.legal_decision",
        "UPDATE casework.legal_review SET first_reviewer = 'x'",
        "UPDATE casework.legal_review SET state = 'open', ended_at = NULL",
        "INSERT INTO casework.case_transition VALUES ('opened', 'referred')",
    )
    for statement in statements:
        await refused_to_both(office, "rewritten", (statement, ()))
    consent = """
        INSERT INTO casework.consent (consent_id, case_id, county, language, information_version, interpreter, given_freely,
                                      sign_of_pressure, recorded_by)
        VALUES (gen_random_uuid(), $1, 'rey', 'fa', 1, 'none', true, false, 'somebody')
    """
    await refused_to_both(office, "safeguard 4", (consent, (case_id,)))
    back = "UPDATE casework.return_case SET state = 'opened' WHERE case_id = $1"
    await refused_to_both(office, "safeguard 13", (back, (case_id,)))


def _interval(days: int) -> timedelta:
    return timedelta(days=days)

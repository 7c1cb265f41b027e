"""Guards behind other guards: with all of them in place nobody gets as far as these. Each is met by taking
away what stands before it (a trigger, or a fact that another guard would never have let in), inside a transaction that is
rolled back.
"""

from dataclasses import dataclass

from tests.safeguards.attempts import ATTEMPTS

_UNGUARDED = "SET LOCAL session_replication_role = replica; {}; SET LOCAL session_replication_role = origin"
_HEARD = "DELETE FROM casework.private_hearing WHERE case_id = '{c}'"
_EXPIRED = (
    "UPDATE casework.screening SET screened_at = now() - interval '2 days', valid_until = now() - interval '1 day' "
    "WHERE case_id = '{c}'"
)
_OUTDATED = (
    "INSERT INTO casework.information_session (session_id, case_id, county, language, information_version, interpreter, held_by) "
    "VALUES (gen_random_uuid(), '{c}', 'rey', 'fa', 7, 'none', 'x')"
)
_FLAGGED = (
    "INSERT INTO casework.screening (screening_id, case_id, county, person_number, outcome, valid_until, screened_by) "
    "VALUES (gen_random_uuid(), '{c}', 'rey', 1, 'medical_flag', now() + interval '9 days', 'x')"
)
_JUDGED = (
    "SELECT casework.check_referral(jsonb_populate_record(NULL::casework.legal_decision, jsonb_build_object('case_id', '{{c}}', "
    "'state', 'referred', 'understood', true, 'proposed_by', 'a', 'confirmed_by', '{second}', 'referred_by', 'x', "
    "'window_due_at', now() - interval '1 day', 'basis_id', '{{basis}}')))"
)


@dataclass(frozen=True, slots=True)
class Shadowed:
    """In `situation` the superuser does `before`, then `role` tries `attempt`."""

    situation: str
    before: str
    attempt: str
    role: str = "casework_api"


def _state(state: str) -> str:
    return _UNGUARDED.format(f"UPDATE casework.return_case SET state = '{state}' WHERE case_id = '{{c}}'")


def _without(table: str, *triggers: str) -> str:
    return "; ".join(f"ALTER TABLE casework.{table} DISABLE TRIGGER {trigger}" for trigger in triggers)


_MOVE = ATTEMPTS["state booked"]
_BOOKED_NOT_MOVED = f"{_state('consented')}; "

SHADOWED: tuple[Shadowed, ...] = (
    Shadowed("opened", "SELECT 1", _JUDGED.format(second="a")),
    Shadowed("booked", "SELECT 1", _JUDGED.format(second="b")),
    Shadowed("unheard", "SELECT 1", "SELECT proof.refuse(casework.departure_lacks('{c}'))"),
    Shadowed("offered", _state("informed"), ATTEMPTS["accept"]),
    Shadowed("offered", _UNGUARDED.format(_FLAGGED), ATTEMPTS["accept"]),
    Shadowed("offered", _UNGUARDED.format(_EXPIRED), ATTEMPTS["accept"]),
    Shadowed("offered", _UNGUARDED.format(_OUTDATED), ATTEMPTS["accept"]),
    Shadowed("offered", _UNGUARDED.format(_HEARD), ATTEMPTS["accept"]),
    Shadowed("appealed", _state("decision_served"), ATTEMPTS["appeal 'annulled' by 'appeals.one'"]),
    Shadowed("booked", _UNGUARDED.format(_EXPIRED), ATTEMPTS["admit"]),
    Shadowed("booked", _UNGUARDED.format(_HEARD), ATTEMPTS["admit"]),
    Shadowed("booked", _BOOKED_NOT_MOVED + _UNGUARDED.format(_EXPIRED), _MOVE),
    Shadowed("booked", _BOOKED_NOT_MOVED + _UNGUARDED.format(_OUTDATED), _MOVE),
    Shadowed("booked", _BOOKED_NOT_MOVED + _UNGUARDED.format(_HEARD), _MOVE),
    Shadowed("child_recorded", "SELECT 1", ATTEMPTS["child rewritten"], "postgres"),
    Shadowed("proposed", _state("decision_served"), ATTEMPTS["confirm by legal.two"]),
    Shadowed("decided", _state("decision_served"), ATTEMPTS["serve"]),
    Shadowed("served", "SELECT 1", ATTEMPTS["erase reasons"], "postgres"),
    Shadowed(
        "family_booked",
        _UNGUARDED.format("UPDATE casework.booking SET family_places = 1 WHERE case_id = '{c}'"),
        ATTEMPTS["booking departed"],
    ),
    Shadowed(
        "lapsed",
        _without("return_case", "guard_case_state"),
        ATTEMPTS["renew the period"],
        "casework_worker",
    ),
    Shadowed(
        "booked",
        f"{_state('awaiting_legal_review')}; {_without('return_case', 'guard_case_state')}",
        ATTEMPTS["state opened"].replace(
            "UPDATE casework",
            "UPDATE timer SET due_at = now() + interval '60 days' WHERE subject_id = '{c}'; UPDATE casework",
            1,
        ),
    ),
    Shadowed("served", _without("consent", "guard_consent"), ATTEMPTS["consent"]),
    Shadowed(
        "ready",
        _UNGUARDED.format("DELETE FROM casework.centre_place WHERE centre_id = '{small}' AND place_kind = 'single'"),
        ATTEMPTS["book other kinds"].replace("{centre}", "{small}"),
    ),
    Shadowed("opened", "SELECT 1", ATTEMPTS["capacity_target -1"], "postgres"),
    Shadowed("assessed", _without("legal_decision", "guard_proposal"), ATTEMPTS["propose adverse without a basis"]),
    Shadowed(
        "favourably_proposed",
        _without("legal_decision", "guard_decision_step", "keep_decision_evidence"),
        ATTEMPTS["confirm by legal.two"].replace("state = 'confirmed'", "state = 'confirmed', confirmed_at = now()"),
        "postgres",
    ),
    Shadowed("review_taken", _without("legal_review", "guard_legal_review"), ATTEMPTS["second is legal.one"]),
)

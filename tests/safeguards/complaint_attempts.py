"""What the complaints office's own database role could try with a complaint, past the API (safeguard 14)."""

from tests.safeguards.raw_sql import together

_ID = "md5('complaint of the proof')::uuid"
_UPDATE = f"UPDATE complaints.complaint SET {{}} WHERE complaint_id = {_ID}"
_ERASED = "body = NULL, stated_reference = NULL, answer = NULL, erased_at = {at}, erased_by = '{by}'"


def _armed(*kinds: str) -> str:
    return together(*(f"SELECT proof.arm('nationals.complaint_{kind}', {_ID}, interval '30 days')" for kind in kinds))


_INSERTED = (
    "INSERT INTO complaints.complaint (complaint_id, county, receipt, channel, category, language, body, received_by, "
    f"acknowledge_by, answer_by) VALUES ({_ID}, 'rey', repeat('A', 24), 'letter', 'pressure', 'fa', 'they pressed us', 'one', "
    "now() + interval '3 days', now() + interval '30 days')"
)
_RECEIVED = together(_armed("acknowledgement", "answer"), _INSERTED)
_ACKNOWLEDGED = together(
    _RECEIVED, _UPDATE.format("state = 'acknowledged', acknowledged_by = 'one', acknowledged_at = now()")
)
_EXAMINING = "state = 'under_examination', examiner = '{}', examination_started_at = now()"
_EXAMINED = together(_ACKNOWLEDGED, _UPDATE.format(_EXAMINING.format("two")))
_ANSWERING = _UPDATE.format("state = 'answered', answer = 'we heard you', answered_at = now()")
_ANSWERED = together(_EXAMINED, _armed("retention"), _ANSWERING)
_ERASE = _UPDATE.format(_ERASED.format(at="now()", by="three"))
_AS_WORKER = "SET LOCAL ROLE complaints_worker"

COMPLAINT_ATTEMPTS: dict[str, str] = {
    "receive without deadlines": _INSERTED,
    "close what was received": together(
        _RECEIVED, _UPDATE.format("state = 'closed', closed_by = 'x', closed_at = now()")
    ),
    "acknowledge again": together(_ACKNOWLEDGED, _UPDATE.format("acknowledged_by = 'another'")),
    "another examiner afterwards": together(_ANSWERED, _UPDATE.format("examiner = 'another'")),
    "rewrite what was complained": together(_RECEIVED, _UPDATE.format("body = 'nothing'")),
    "answer before the examination": together(_RECEIVED, _UPDATE.format("answer = 'no'")),
    "erase what nobody answered": together(_RECEIVED, _ERASE),
    "erase twice": together(_ANSWERED, _ERASE, _UPDATE.format("erased_at = now() - interval '1 day'")),
    "erase before the time": together(_ANSWERED, _AS_WORKER, _ERASE),
    "answer without a retention date": together(_EXAMINED, _ANSWERING),
    "examine what one received": together(_ACKNOWLEDGED, _UPDATE.format(_EXAMINING.format("one"))),
    "erase what one examined": together(_ANSWERED, _UPDATE.format(_ERASED.format(at="now()", by="two"))),
    "answer": _ANSWERED,
    "erase": together(_ANSWERED, _ERASE),
}
"""Statements by what they try; the last two are right."""

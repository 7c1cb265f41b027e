"""Which reports an agreement owes, and the steps of a support request."""

from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from services.nationals.free_services.domain.agreement import Terms, require_ended, require_period
from services.nationals.free_services.domain.report_period import Cadence, read_key
from services.nationals.free_services.domain.support import STEPS, DeclineReason, Side, check_step
from shared.contracts.free_services import SupportState
from shared.contracts.refusals import Refusal
from shared.persian.calendar import end_of

TERMS = Terms(Cadence.MONTHLY, date(2026, 3, 30), date(2026, 6, 25), report_grace_days=10)
BEGINNING = datetime(2026, 3, 1, tzinfo=UTC)
FINAL = frozenset({SupportState.DECLINED, SupportState.CONFIRMED, SupportState.CANCELLED})


def test_every_period_with_a_day_in_force_is_owed_and_no_other() -> None:
    period = TERMS.first_owed(BEGINNING)
    owed: list[str] = []
    while period is not None:
        owed.append(period.key)
        period = TERMS.next_owed(period)
    assert owed == ["1405-01", "1405-02", "1405-03", "1405-04"]


def test_chasing_begins_with_the_first_report_that_is_not_overdue() -> None:
    first = TERMS.first_owed(BEGINNING)
    assert first
    due_at = end_of(TERMS.due_on(first))
    assert due_at == datetime(2026, 4, 30, 20, 30, tzinfo=UTC), "the end of the tenth day after the month, in Tehran"
    assert TERMS.first_owed(due_at - timedelta(seconds=1)) == first
    assert TERMS.first_owed(due_at) == first.next
    assert TERMS.first_owed(datetime(2027, 1, 1, tzinfo=UTC)) is None


def test_renewal_resumes_with_the_period_after_the_last_that_was_owed() -> None:
    assert TERMS.resumed(TERMS.valid_until) is None
    longer = Terms(TERMS.cadence, TERMS.valid_from, date(2026, 12, 1), TERMS.report_grace_days)
    resumed = longer.resumed(TERMS.valid_until)
    assert resumed
    assert resumed.key == "1405-05"


def test_report_of_a_period_that_is_not_owed_or_lasts_is_refused() -> None:
    for key in ("1404-12", "1405-05", "1405-Q1", "x", "۱۴۰۵-۰۱"):
        with pytest.raises(Refusal) as caught:
            require_period(TERMS, key)
        assert caught.value.reason.code == "nationals.report.period_unknown"
    period = read_key("1405-01")
    assert period
    assert require_period(TERMS, "1405-01") == period
    with pytest.raises(Refusal):
        require_ended(period, period.last_on)
    require_ended(period, period.last_on + timedelta(days=1))


@pytest.mark.parametrize(("from_state", "to_state", "side"), list(product(SupportState, SupportState, Side)))
def test_only_the_steps_of_the_table_are_taken_and_by_their_side(
    from_state: SupportState, to_state: SupportState, side: Side
) -> None:
    reason = DeclineReason.NO_MEANS if to_state is SupportState.DECLINED else None
    if any((step.from_state, step.to_state, step.side) == (from_state, to_state, side) for step in STEPS):
        check_step(from_state, to_state, side, reason)
    else:
        with pytest.raises(Refusal):
            check_step(from_state, to_state, side, reason)


def test_ends_are_ends_and_everything_else_leads_to_one() -> None:
    leads_on = {step.from_state for step in STEPS}
    assert leads_on == set(SupportState) - FINAL
    reached = {SupportState.REQUESTED}
    for _ in STEPS:
        reached |= {step.to_state for step in STEPS if step.from_state in reached}
    assert reached == set(SupportState)


def test_declining_takes_a_reason_and_nothing_else_does() -> None:
    for to_state, reason in ((SupportState.DECLINED, None), (SupportState.ACCEPTED, DeclineReason.OTHER)):
        with pytest.raises(Refusal) as caught:
            check_step(SupportState.REQUESTED, to_state, Side.PARTNER, reason)
        assert caught.value.reason.code == "nationals.support.decline_reason"

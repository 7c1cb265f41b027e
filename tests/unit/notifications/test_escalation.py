"""Escalation without a database: when the chain moves, when it ends, and which event answers which."""

from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from services.notifications.domain.delivering import ATTEMPTS_MAX, RETRY_DELAY_S_MAX, retry_delay_s
from services.notifications.domain.escalation import (
    AlertState,
    EscalationPolicy,
    Step,
    StreamPlace,
    acknowledging_changes,
    next_step,
    settles,
)
from shared.contracts.refusals import Refusal

POLICY = EscalationPolicy.model_validate(
    {"steps": [{"position": 0, "wait_s": 60}, {"position": "chair", "wait_s": 60}], "repeats": 1}
)


def test_a_chain_runs_through_its_steps_and_repeats_and_then_stays() -> None:
    told: list[int] = [0]
    while (following := next_step(POLICY, AlertState.ESCALATED, told[-1])) is not None:
        told.append(following)
    assert told == [0, 1, 2]
    assert [POLICY.step_at(step).position for step in told] == [0, "chair", "chair"]


@pytest.mark.parametrize("state", [AlertState.ACKNOWLEDGED, AlertState.RESOLVED])
def test_nothing_follows_once_somebody_acted(state: AlertState) -> None:
    assert next_step(POLICY, state, 0) is None


def test_acknowledging_moves_what_is_unanswered_once_and_never_what_is_resolved() -> None:
    assert acknowledging_changes(AlertState.OPEN)
    assert acknowledging_changes(AlertState.ESCALATED)
    assert not acknowledging_changes(AlertState.ACKNOWLEDGED)
    with pytest.raises(Refusal):
        acknowledging_changes(AlertState.RESOLVED)


NOBODY_WOULD_BE_TOLD: list[dict[str, Any]] = [
    {"steps": []},
    {"steps": [{"position": 0, "wait_s": 0}]},
    {"steps": [{"position": -1, "wait_s": 5}]},
    {"steps": [{"position": "governor", "wait_s": 5}]},
    {"steps": [{"position": 0, "wait_s": 5, "channels": []}]},
    {"steps": [{"position": 0, "wait_s": 5, "channels": ["pigeon"]}]},
    {"steps": [{"position": 0, "wait_s": 5}], "repeats": 99},
]


@pytest.mark.parametrize("policy", NOBODY_WOULD_BE_TOLD)
def test_a_policy_that_would_never_tell_anybody_is_refused(policy: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EscalationPolicy.model_validate(policy)


def test_a_step_that_names_no_channels_leaves_them_to_the_person() -> None:
    assert Step(position=0, wait_s=1).channels is None


def test_within_one_aggregate_the_sequence_decides_whatever_the_clocks_say() -> None:
    aggregate = str(uuid4())
    assert settles(StreamPlace(aggregate, 2, time_s=10.0), StreamPlace(aggregate, 1, time_s=99.0))
    assert not settles(StreamPlace(aggregate, 1, time_s=99.0), StreamPlace(aggregate, 2, time_s=10.0))


def test_across_aggregates_the_time_decides_and_a_tie_counts_as_answered() -> None:
    assert settles(StreamPlace("a", 1, time_s=10.0), StreamPlace("b", 9, time_s=10.0))
    assert not settles(StreamPlace("a", 9, time_s=9.0), StreamPlace("b", 1, time_s=10.0))


def test_retries_double_up_to_a_limit_and_outlast_an_hour() -> None:
    delays_s = [retry_delay_s(attempt) for attempt in range(1, ATTEMPTS_MAX)]
    assert delays_s[:3] == [5.0, 10.0, 20.0]
    assert max(delays_s) == RETRY_DELAY_S_MAX
    assert sum(delays_s) > 3600

"""A channel whose provider is away is left alone, probed, and taken up again."""

from services.notifications.domain.channels import Channel
from services.notifications.domain.circuit_breaker import OPEN_S_MAX, CircuitBreaker
from services.notifications.domain.delivering import (
    ATTEMPTS_MAX,
    RETRY_DELAY_S_FIRST,
    WEBHOOK_RETRY_DELAYS_S,
    contact_wait_max_s,
    next_try_after_s,
)


def test_it_opens_after_failures_in_a_row_and_not_before() -> None:
    breaker = CircuitBreaker(failures_to_open=3, open_s_first=10.0)
    breaker.failed(0.0)
    breaker.failed(1.0)
    breaker.succeeded()
    breaker.failed(2.0)
    breaker.failed(3.0)
    assert breaker.allowed(20, 3.0) == 20
    breaker.failed(4.0)
    assert breaker.is_open
    assert breaker.allowed(20, 13.9) == 0


def test_one_probe_decides() -> None:
    breaker = CircuitBreaker(failures_to_open=1, open_s_first=10.0)
    breaker.failed(0.0)
    assert breaker.allowed(20, 10.0) == 1
    breaker.failed(10.0)
    assert (breaker.allowed(20, 29.9), breaker.allowed(20, 30.0)) == (0, 1), "left alone for twice as long"
    breaker.succeeded()
    assert breaker.allowed(20, 30.0) == 20


def test_it_is_never_left_alone_for_longer_than_the_limit() -> None:
    breaker = CircuitBreaker(failures_to_open=1, open_s_first=10.0)
    for _ in range(100):
        breaker.failed(0.0)
    assert breaker.open_until_s == OPEN_S_MAX


def test_a_contact_has_its_tries_and_a_webhook_without_fallback_has_days() -> None:
    def tries(channel: Channel, *, is_last_contact: bool) -> list[float]:
        delays: list[float] = []
        while (
            delay_s := next_try_after_s(
                channel, len(delays) + 1, ATTEMPTS_MAX, RETRY_DELAY_S_FIRST, is_last_contact=is_last_contact
            )
        ) is not None:
            delays.append(delay_s)
        return delays

    assert len(tries(Channel.EMAIL, is_last_contact=True)) == ATTEMPTS_MAX - 1
    assert tries(Channel.WEBHOOK, is_last_contact=False) == tries(Channel.EMAIL, is_last_contact=True)
    assert tries(Channel.WEBHOOK, is_last_contact=True) == list(WEBHOOK_RETRY_DELAYS_S)


def test_a_message_waits_for_a_contact_longer_than_its_tries_take() -> None:
    tries_s = sum(
        next_try_after_s(Channel.SMS, attempts, ATTEMPTS_MAX, RETRY_DELAY_S_FIRST, is_last_contact=True) or 0.0
        for attempts in range(1, ATTEMPTS_MAX)
    )
    assert contact_wait_max_s(Channel.SMS, ATTEMPTS_MAX, RETRY_DELAY_S_FIRST) > tries_s > 3_600

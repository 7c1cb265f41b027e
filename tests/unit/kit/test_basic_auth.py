"""HTTP Basic: what is taken, what is remembered, and how often one may guess."""

import asyncio
import base64
from dataclasses import dataclass, field

import pytest

from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit import basic_auth, problems
from shared.kit.basic_auth import Grant, PasswordVerifier
from tests.support.identity import bearer, create_test_verifier

PASSWORD = "گذر:واژه"  # a colon belongs to the password


@dataclass
class Issuer:
    """Takes one password for everybody; counts how often it is asked."""

    asked: list[str] = field(default_factory=list[str])
    lives_s: float = 3600.0
    fails: type[Exception] | None = None
    delay_s: float = 0.0

    async def exchange(self, username: str, password: str) -> Grant | None:
        self.asked.append(username)
        await asyncio.sleep(self.delay_s)
        if self.fails is not None:
            raise self.fails
        if password != PASSWORD:
            return None
        token = bearer("inspector", subject=username, counties=[County.REY])["Authorization"].removeprefix("Bearer ")
        return Grant(token, self.lives_s)


@dataclass
class Clock:
    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def verifier(issuer: Issuer, clock: Clock) -> PasswordVerifier:
    return PasswordVerifier(issuer.exchange, create_test_verifier(), clock)


def encoded(username: str = "inspector.rey", password: str = PASSWORD) -> str:
    return base64.b64encode(f"{username}:{password}".encode()).decode()


async def code_of(verifier: PasswordVerifier, credentials: str) -> str:
    with pytest.raises(Refusal) as refused:
        await verifier.verify(credentials)
    return refused.value.reason.code


async def test_the_principal_is_that_of_the_token(verifier: PasswordVerifier) -> None:
    principal = await verifier.verify(encoded())
    assert (principal.subject, principal.roles, principal.counties) == (
        "inspector.rey",
        frozenset({"inspector"}),
        frozenset({County.REY}),
    )


@pytest.mark.parametrize(
    "credentials",
    ["", "?", "aGFsbG8", base64.b64encode(b"no colon").decode(), base64.b64encode(b":x").decode(),
     base64.b64encode(b"\xff:x").decode(), base64.b64encode(b"a\nb:x").decode(), encoded("x" * 129), encoded("x", "y" * 3000)],
)  # fmt: skip
async def test_what_cannot_be_read_is_refused_unasked(
    verifier: PasswordVerifier, issuer: Issuer, credentials: str
) -> None:
    assert await code_of(verifier, credentials) == "kit.password_wrong"
    assert issuer.asked == []


async def test_remembered_for_a_while_and_only_for_the_same_password(
    verifier: PasswordVerifier, issuer: Issuer, clock: Clock
) -> None:
    for _ in range(3):
        await verifier.verify(encoded())
    assert len(issuer.asked) == 1
    assert await code_of(verifier, encoded(password="other")) == "kit.password_wrong"
    await verifier.verify(encoded())
    assert len(issuer.asked) == 2
    clock.now_s += basic_auth.REMEMBERED_S_MAX
    await verifier.verify(encoded())
    assert len(issuer.asked) == 3


async def test_never_longer_than_the_token_lives(verifier: PasswordVerifier, issuer: Issuer, clock: Clock) -> None:
    issuer.lives_s = 10.0
    await verifier.verify(encoded())
    clock.now_s += 10.0
    await verifier.verify(encoded())
    assert len(issuer.asked) == 2


async def test_guessing_is_slowed_down(verifier: PasswordVerifier, issuer: Issuer, clock: Clock) -> None:
    codes = [await code_of(verifier, encoded(password=str(number))) for number in range(basic_auth.TRIES_MAX + 2)]
    assert codes == ["kit.password_wrong"] * basic_auth.TRIES_MAX + ["kit.password_tries_too_many"] * 2
    assert len(issuer.asked) == basic_auth.TRIES_MAX
    await verifier.verify(encoded("inspector.qods"))
    clock.now_s += problems.PASSWORD_TRIES_WINDOW_S
    await verifier.verify(encoded())
    headers = problems.problem_headers(problems.PASSWORD_TRIES_TOO_MANY, "fa")
    assert headers["retry-after"] == "60"


async def test_guesses_side_by_side_are_counted(verifier: PasswordVerifier, issuer: Issuer) -> None:
    issuer.delay_s = 0.01
    codes = await asyncio.gather(*(code_of(verifier, encoded(password=str(number))) for number in range(20)))
    assert codes.count("kit.password_wrong") == basic_auth.TRIES_MAX == len(issuer.asked)


async def test_one_question_for_many_requests_at_once(verifier: PasswordVerifier, issuer: Issuer) -> None:
    await verifier.verify(encoded())
    await asyncio.gather(*(verifier.verify(encoded()) for _ in range(50)))
    assert len(issuer.asked) == 1


@pytest.mark.parametrize("error", [ConnectionRefusedError, TimeoutError, ValueError])
async def test_an_issuer_that_does_not_answer(
    verifier: PasswordVerifier, issuer: Issuer, error: type[Exception]
) -> None:
    issuer.fails = error
    assert await code_of(verifier, encoded()) == "kit.identity_unavailable"


async def test_those_known_are_served_while_the_issuer_is_down(verifier: PasswordVerifier, issuer: Issuer) -> None:
    await verifier.verify(encoded())
    issuer.fails = ConnectionRefusedError
    assert (await verifier.verify(encoded())).subject == "inspector.rey"


async def test_memory_is_bounded(verifier: PasswordVerifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(basic_auth, "USERNAMES_MAX", 3)
    for number in range(10):
        await verifier.verify(encoded(f"inspector{number}"))
    remembered: object = getattr(verifier, "_remembered")  # noqa: B009 - the test's own eye
    assert list(remembered) == ["inspector7", "inspector8", "inspector9"]  # pyright: ignore[reportCallIssue, reportArgumentType, reportUnknownArgumentType, reportUnknownVariableType]


async def test_nothing_of_a_password_is_kept(verifier: PasswordVerifier) -> None:
    await verifier.verify(encoded())
    assert PASSWORD not in repr(vars(verifier))

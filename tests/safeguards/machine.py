"""The state machine: Hypothesis chooses who does what to which household, and shrinks what breaks a rule."""

import asyncio
import os
from collections.abc import Coroutine
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.safeguards.attempts import ATTEMPTS
from tests.safeguards.calls import CALLS, NEXT, PAUSED
from tests.safeguards.situations import SITUATIONS
from tests.safeguards.world import WITHOUT_REVIEW, World

STEPS = int(os.environ.get("PAYESH_SAFEGUARD_STEPS", "10000"))
HOUSEHOLDS_MAX = 3
R = TypeVar("R")

_SITUATIONS = sorted(SITUATIONS)
_CALLS = sorted(CALLS)
_ATTEMPTS = sorted(ATTEMPTS.keys() - WITHOUT_REVIEW)
_SOME = st.integers(0, HOUSEHOLDS_MAX - 1)
_PICK = st.integers(0, 255)
_MANNERS = ("due", "due", "due", "stale", "unknown", "repeated")


class Office(RuleBasedStateMachine):
    """`world` and `loop` are set by who runs the machine; the database outlives every example, households do not matter to
    one another.
    """

    world: ClassVar[World]
    loop: ClassVar[asyncio.AbstractEventLoop]

    def __init__(self) -> None:
        super().__init__()
        self.cases: list[UUID] = []

    def do(self, *steps: Coroutine[Any, Any, Any]) -> None:
        async def all_of_them() -> None:
            for step in steps:
                await step
            await self.world.check()

        self.loop.run_until_complete(all_of_them())

    def case(self, some: int) -> UUID:
        return self.cases[some % len(self.cases)]

    async def _open(self, situation: str) -> None:
        self.cases.append(await self.world.open_household(situation))

    @initialize(situation=st.sampled_from(_SITUATIONS))
    def begin(self, situation: str) -> None:
        self.do(self._open(situation))

    @precondition(lambda self: len(self.cases) < HOUSEHOLDS_MAX)
    @rule(situation=st.sampled_from(_SITUATIONS))
    def household(self, situation: str) -> None:
        self.do(self._open(situation))

    @rule(some=_SOME, names=st.lists(st.sampled_from(_CALLS), min_size=1, max_size=2))
    def calls(self, some: int, names: list[str]) -> None:
        self.do(*(self.world.call(name, self.case(some)) for name in names))

    @rule(some=_SOME, picks=st.lists(_PICK, min_size=1, max_size=3))
    def way_on(self, some: int, picks: list[int]) -> None:
        self.do(*(self._way_on(self.case(some), pick) for pick in picks))

    async def _way_on(self, case_id: UUID, pick: int) -> None:
        pointers = await self.world.pointers(case_id)
        names = PAUSED if pointers["pause_id"] and pick % 2 else NEXT.get(pointers["state"], ("withdraw",))
        await self.world.call(names[pick // 2 % len(names)], case_id)

    @rule(
        some=_SOME,
        role=st.sampled_from(("api", "api", "worker")),
        names=st.lists(st.sampled_from(_ATTEMPTS), min_size=16, max_size=48),
    )
    def raw_sql(self, some: int, role: str, names: list[str]) -> None:
        self.do(*(self.world.attempt(name, role, self.case(some)) for name in names))

    @rule(some=_SOME, hours=st.sampled_from((1, 25, 80, 24 * 31, 24 * 31, 24 * 91, -1, -30)))
    def clock(self, some: int, hours: int) -> None:
        self.do(self.world.turn_clock(self.case(some), hours))

    @rule(some=_SOME, picks=st.lists(_PICK, min_size=1, max_size=3), manner=st.sampled_from(_MANNERS))
    def timers(self, some: int, picks: list[int], manner: str) -> None:
        self.do(*(self.world.fire(self.case(some), pick, manner) for pick in picks))

    @rule(some=_SOME, times=st.integers(0, 2))
    def events(self, some: int, times: int) -> None:
        """None of them: a complaint instead."""
        self.do(self.world.event(self.case(some), times) if times else self.world.complain(self.case(some)))

    @rule(some=_SOME, first=st.sampled_from(_CALLS), pick=_PICK)
    def two_officers(self, some: int, first: str, pick: int) -> None:
        self.do(self._two_officers(self.case(some), first, pick))

    async def _two_officers(self, case_id: UUID, first: str, pick: int) -> None:
        pointers = await self.world.pointers(case_id)
        likely = NEXT.get(pointers["state"], ("withdraw",))
        await self.world.two_officers((first if pick % 2 else likely[0], likely[pick % len(likely)]), case_id)

    @rule(some=_SOME, pick=_PICK, at=st.sampled_from(("after the guards", "before commit")))
    def killed(self, some: int, pick: int, at: str) -> None:
        self.do(self._killed(self.case(some), pick, at))

    async def _killed(self, case_id: UUID, pick: int, at: str) -> None:
        pointers = await self.world.pointers(case_id)
        likely = (*NEXT.get(pointers["state"], ()), "withdraw", "close not_viable")
        await self.world.killed(likely[pick % len(likely)], case_id, at)

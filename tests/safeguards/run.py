"""Runs the state machine on one database for a number of steps, in chunks that each have a seed of their own."""

import asyncio
import time
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, settings
from hypothesis import seed as seeded
from hypothesis.stateful import run_state_machine_as_test

from tests.safeguards.machine import Office
from tests.safeguards.reports import look_at_everything, report
from tests.safeguards.situations import SITUATIONS
from tests.safeguards.world import World, open_world
from tests.support.environment import ServiceDatabase

EXAMPLES_OF_CHUNK = 4
STEPS_OF_EXAMPLE = 60
SEEDS_APART = 1_000_000
"""Runs of different seeds share no chunk's seed."""
FORGET = "TRUNCATE outbox, idempotency, proof.looked"
"""Nothing reads these between chunks, and a long run would be slowed by them."""


def run_steps(
    database: ServiceDatabase,
    steps: int,
    seed: int,
    tell: Callable[[str], None] = lambda _: None,
    *,
    shrink: bool = False,
) -> tuple[str, int]:
    """(the report, steps really taken). Raises RuleBroken, with Hypothesis's account of the way there.

    `shrink`: look for the shortest way first, which takes minutes.
    """
    with asyncio.Runner() as runner:
        opened = open_world(database)
        world = runner.run(opened.__aenter__())
        try:
            machine = type("Office", (Office,), {"world": world, "loop": runner.get_loop()})
            begun_s = time.monotonic()
            for situation in SITUATIONS:
                runner.run(world.open_household(situation))
            runner.run(world.check())
            chunk = 0
            while world.steps < steps:
                _run_chunk(machine, seed * SEEDS_APART + chunk, shrink)
                chunk += 1
                runner.run(_tidy(world))
                tell(f"{world.steps} steps, {world.steps / (time.monotonic() - begun_s):.0f} a second, no rule broken")
            return runner.run(report(world, time.monotonic() - begun_s)), world.steps
        finally:
            runner.run(opened.__aexit__(None, None, None))


def _run_chunk(machine: type[Office], seed: int, shrink: bool) -> None:
    chosen = settings(
        max_examples=EXAMPLES_OF_CHUNK,
        stateful_step_count=STEPS_OF_EXAMPLE,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
        suppress_health_check=(
            HealthCheck.too_slow,
            HealthCheck.filter_too_much,
            HealthCheck.data_too_large,
            HealthCheck.large_base_example,
        ),
        print_blob=False,
    )
    run_state_machine_as_test(seeded(seed)(machine), settings=chosen)


async def _tidy(world: World) -> None:
    await look_at_everything(world)
    await world.superuser.execute(FORGET)

"""The `payesh` command: starts the platform, plays the demo, and shows operators what runs.

It knows the services by their addresses only. Commands that talk to a running platform find it on the ports that
PAYESH_PORT_BASE names.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer
from rich.console import Console

from deploy.embedded.errors import LauncherError

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130

app = typer.Typer(
    help="Payesh: field monitoring for a provincial government.", no_args_is_help=True, add_completion=False
)
PROCESS_BEGAN_AT = time.monotonic()

SeedOption = Annotated[int, typer.Option(help="Every choice of the day comes from this number.")]
SpeedupOption = Annotated[float, typer.Option(min=1.0, help="Domain seconds per wall second while the day is played.")]
ScaleOption = Annotated[float, typer.Option(min=0.05, max=10.0, help="Shrinks or grows the day.")]
PortBaseOption = Annotated[
    int | None, typer.Option(min=1024, max=65_000, help="First port; overrides PAYESH_PORT_BASE.")
]


@app.command()
def up(
    play: Annotated[bool, typer.Option("--play", help="Begin empty and play a working day.")] = False,
    seed: SeedOption = 1404,
    speedup: SpeedupOption = 80_000.0,
    scale: ScaleOption = 1.0,
    port_base: PortBaseOption = None,
) -> None:
    """Start everything and stay up until Ctrl-C."""
    from deploy.commands.running import stay_up

    _finish(_run(lambda: stay_up(play=play, seed=seed, speedup=speedup, scale=scale, port_base=port_base)), 0)


@app.command()
def demo(
    seed: SeedOption = 1404,
    speedup: SpeedupOption = 80_000.0,
    scale: ScaleOption = 1.0,
    port_base: PortBaseOption = None,
) -> None:
    """Play a working day, settle, compare everything with the ledger; exit code 1 if one thing is lost, doubled or left over."""
    from deploy.commands.running import play_demo

    ok = _run(lambda: play_demo(seed=seed, speedup=speedup, scale=scale, port_base=port_base))
    _finish(ok, EXIT_INTERRUPTED)


def _run(main: Callable[[], Coroutine[Any, Any, bool]]) -> bool | None:
    """Run to the end, or until the first Ctrl-C or SIGTERM, which stops everything; a second one ends at once.

    None: interrupted. A start that cannot go on ends with its message and exit code 1.
    """
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    try:
        return asyncio.run(main())
    except KeyboardInterrupt:
        return None
    except BaseExceptionGroup as group:
        messages = sorted({str(error) for error in _leaves(group) if isinstance(error, _shown())})
        if not messages:
            raise
        _fail("\n".join(messages))
    except _shown() as error:
        _fail(str(error))
    return False


def _shown() -> tuple[type[Exception], ...]:
    """Errors whose message says what to do; all others are faults of ours and keep their traceback."""
    from deploy.demo.client import UnexpectedAnswer, Unanswered
    from deploy.topics import TopicError

    return LauncherError, Unanswered, UnexpectedAnswer, TopicError


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return leaves


def _fail(message: str) -> None:
    Console(stderr=True).print(message, style="red", markup=False, highlight=False)
    sys.exit(EXIT_FAILED)


def _finish(ok: bool | None, interrupted: int) -> None:
    if ok is None:
        print("stopped", file=sys.stderr)
        raise typer.Exit(interrupted)
    raise typer.Exit(0 if ok else EXIT_FAILED)


def main() -> None:
    """Entry point of the `payesh` script."""
    app()


if __name__ == "__main__":
    main()

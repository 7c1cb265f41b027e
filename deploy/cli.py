"""The `payesh` command: starts the platform, plays the demo, and shows operators what runs.

It knows the services by their addresses only. Commands that talk to a running platform find it on the ports that
PAYESH_PORT_BASE names.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from rich.console import Console

from deploy.commands import operating, schemas
from deploy.commands.documents import export_documents
from deploy.commands.registry_import import RegistryImport, send_registry_file
from deploy.commands.running import play_demo, stay_up
from deploy.demo.client import Unanswered, UnexpectedAnswer
from deploy.demo.day import SEED_DEFAULT, SPEEDUP_DEFAULT
from deploy.demo.observe import SERVICES
from deploy.embedded.errors import LauncherError, leaves
from deploy.launch import Options
from deploy.topics import TopicError

SHOWN = (LauncherError, operating.CommandRefused, Unanswered, UnexpectedAnswer, TopicError)
"""Errors whose message says what to do; all others are faults of ours and keep their traceback."""
EXIT_FAILED = 1
EXIT_INTERRUPTED = 130

app = typer.Typer(
    help="Payesh: field monitoring for a provincial government.", no_args_is_help=True, add_completion=False
)

parked_app = typer.Typer(help="Events that could not be applied.", no_args_is_help=True)
events_app = typer.Typer(help="The event streams.", no_args_is_help=True)
counters_app = typer.Typer(help="Projections against a fold of the topics.", no_args_is_help=True)
registry_app = typer.Typer(help="The national registry's file.", no_args_is_help=True)
contracts_app = typer.Typer(help="JSON Schemas of the events.", no_args_is_help=True)
for name, group in (
    ("parked", parked_app),
    ("events", events_app),
    ("counters", counters_app),
    ("registry", registry_app),
    ("contracts", contracts_app),
):
    app.add_typer(group, name=name)


class ServiceName(StrEnum):
    """A service, as the command line names it."""

    WAREHOUSE = "warehouse"
    NATIONALS = "nationals"
    NOTIFICATIONS = "notifications"


SeedOption = Annotated[int, typer.Option(help="Every choice of the day comes from this number.")]
SpeedupOption = Annotated[float, typer.Option(min=1.0, help="Domain seconds per wall second while the day is played.")]
ScaleOption = Annotated[float, typer.Option(min=0.05, max=10.0, help="Shrinks or grows the day.")]
ServiceOption = Annotated[ServiceName | None, typer.Option(help="Only this service.")]
PortBaseOption = Annotated[
    int | None, typer.Option(min=1024, max=65_000, help="First port; overrides PAYESH_PORT_BASE.")
]


@app.command()
def up(
    play: Annotated[bool, typer.Option("--play", help="Begin empty and play a working day.")] = False,
    seed: SeedOption = SEED_DEFAULT,
    speedup: SpeedupOption = SPEEDUP_DEFAULT,
    scale: ScaleOption = 1.0,
    port_base: PortBaseOption = None,
) -> None:
    """Start everything and stay up until Ctrl-C."""
    _finish(_run(lambda: stay_up(play=play, seed=seed, speedup=speedup, scale=scale, port_base=port_base)), 0)


@app.command()
def demo(
    seed: SeedOption = SEED_DEFAULT,
    speedup: SpeedupOption = SPEEDUP_DEFAULT,
    scale: ScaleOption = 1.0,
    port_base: PortBaseOption = None,
) -> None:
    """Play a working day, settle, compare everything with the ledger; exit code 1 if one thing is lost, doubled or left over."""
    ok = _run(lambda: play_demo(seed=seed, speedup=speedup, scale=scale, port_base=port_base))
    _finish(ok, EXIT_INTERRUPTED)


@app.command()
def status(port_base: PortBaseOption = None) -> None:
    """Outbox, lag, parked events and timers of each service; exit code 1 if something waits for a person."""
    _operate(lambda: operating.show_status(_options(port_base), Console()))


@parked_app.command("list")
def parked_list(service: ServiceOption = None, port_base: PortBaseOption = None) -> None:
    """Open parked events."""
    _operate(lambda: operating.list_parked(_options(port_base), _services(service), Console()))


@parked_app.command("show")
def parked_show(service: ServiceName, parked_id: int, port_base: PortBaseOption = None) -> None:
    """One parked event with its headers and body."""
    _operate(lambda: operating.show_parked(_options(port_base), service, parked_id, Console()))


@parked_app.command("retry")
def parked_retry(
    service: ServiceName,
    parked_id: int,
    body: Annotated[Path | None, typer.Option(help="A corrected body (JSON) to apply instead.")] = None,
    port_base: PortBaseOption = None,
) -> None:
    """Apply it again, then what waits behind it."""
    try:
        content: dict[str, Any] = {"body": json.loads(body.read_text("utf-8"))} if body else {}
    except (OSError, ValueError) as error:
        _fail(f"{body} is no readable JSON: {error}")
        return
    _operate(lambda: operating.settle_parked(_options(port_base), service, parked_id, "retry", content, Console()))


@parked_app.command("discard")
def parked_discard(
    service: ServiceName,
    parked_id: int,
    reason: Annotated[str, typer.Option(help="Kept with your name.")],
    port_base: PortBaseOption = None,
) -> None:
    """Give one parked event up."""
    content = {"reason": reason}
    _operate(lambda: operating.settle_parked(_options(port_base), service, parked_id, "discard", content, Console()))


@events_app.command("tail")
def events_tail(
    topic: Annotated[list[str] | None, typer.Option(help="Only this topic; may be given again.")] = None,
    from_beginning: Annotated[bool, typer.Option("--from-beginning")] = False,
    port_base: PortBaseOption = None,
) -> None:
    """Print events as they are published, until Ctrl-C."""
    _operate(
        lambda: operating.tail_events(
            _options(port_base), topic or [], from_beginning=from_beginning, console=Console()
        )
    )


@counters_app.command("check")
def counters_check(service: ServiceOption = None, port_base: PortBaseOption = None) -> None:
    """Compare every counter with a fold of the topics; exit code 1 if one differs."""
    _operate(lambda: operating.fold_projections(_options(port_base), _services(service), "check", Console()))


@counters_app.command("rebuild")
def counters_rebuild(service: ServiceOption = None, port_base: PortBaseOption = None) -> None:
    """Make every counter what the topics say."""
    _operate(lambda: operating.fold_projections(_options(port_base), _services(service), "rebuild", Console()))


@registry_app.command("import")
def registry_import(
    file: Path,
    apply: Annotated[bool, typer.Option("--apply", help="Keep it; without this it is a dry run.")] = False,
    mapping: Annotated[
        Path | None, typer.Option(help="YAML or JSON that says where another layout keeps what.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Keep the report here (XLSX).")] = None,
    port_base: PortBaseOption = None,
) -> None:
    """Send an XLSX, XLS or CSV of the national registry."""
    asked = RegistryImport(file, apply, mapping, report)
    _operate(lambda: send_registry_file(_options(port_base), asked, Console()))


@contracts_app.command("check")
def contracts_check() -> None:
    """Refuse a breaking change of a published event; accept an additive one."""
    _finish(schemas.check_schemas(Console()), 0)


@contracts_app.command("export")
def contracts_export(
    force: Annotated[bool, typer.Option("--force", help="Also where a change breaks readers.")] = False,
    documents: Annotated[
        Path | None,
        typer.Option(help="Also write the OpenAPI and AsyncAPI documents of each service into this folder."),
    ] = None,
) -> None:
    """Write the JSON Schema of every event to shared/contracts/schemas."""
    written = schemas.export_schemas(Console(), force=force)
    if written and documents is not None:
        export_documents(Console(), documents)
    _finish(written, 0)


def _options(port_base: int | None) -> Options:
    return Options.from_environment("main", port_base=port_base)


def _services(service: ServiceName | None) -> list[str]:
    return [service.value] if service else list(SERVICES)


def _operate(main: Callable[[], Coroutine[Any, Any, bool]]) -> None:
    _finish(_run(main), 0)


def _run(main: Callable[[], Coroutine[Any, Any, bool]]) -> bool | None:
    """Run to the end, or until the first Ctrl-C or SIGTERM, which stops everything; a second one ends at once.

    None: interrupted. A start that cannot go on ends with its message and exit code 1.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job begins with it ignored
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return asyncio.run(main())
    except KeyboardInterrupt:
        return None
    except BaseException as error:
        messages = sorted({str(leaf) for leaf in leaves(error) if isinstance(leaf, SHOWN)})
        if not messages:
            raise
        _fail("\n".join(messages))
        return False


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    os.kill(os.getpid(), signal.SIGINT)


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

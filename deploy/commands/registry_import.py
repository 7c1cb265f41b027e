"""`payesh registry import`: sends a registry file, shows how far it has come, and fetches the report."""

import asyncio
import contextlib
import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from deploy.commands.operating import CommandRefused
from deploy.demo.actors import REGISTRY_CLERK
from deploy.demo.client import LOCAL_PASSWORD
from deploy.embedded.errors import LauncherError
from deploy.launch import Options, service_addresses

REFUSALS_SHOWN_MAX = 50
ANSWER_TIMEOUT_S = 600.0
CONNECT_TIMEOUT_S = 5.0
PROGRESS_INTERVAL_S = 0.5


@dataclass(frozen=True, slots=True)
class RegistryImport:
    """What the command line asks for. `report`: where to keep the XLSX report."""

    file: Path
    apply: bool = False
    mapping: Path | None = None
    report: Path | None = None

    @property
    def mode(self) -> str:
        return "apply" if self.apply else "dry_run"


async def send_registry_file(options: Options, asked: RegistryImport, console: Console) -> bool:
    """Dry run, or apply, and the refused rows with their reasons. Raises CommandRefused, LauncherError."""
    addresses = service_addresses(options.ports)
    timeout = httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    async with httpx.AsyncClient(base_url=addresses.warehouse, timeout=timeout, trust_env=False) as client:
        try:
            client.headers.update(await _headers(client, addresses.issuer))
            answer = await _send(client, asked, console)
            if asked.report:
                await _fetch_report(client, answer["import_id"], asked.report)
        except httpx.TransportError as error:
            raise LauncherError(
                f"No answer from {error.request.url}: {type(error).__name__}. If the platform runs, send the file again: "
                "what is applied twice changes nothing."
            ) from error
    _show(answer, asked, console)
    return True


async def _headers(client: httpx.AsyncClient, issuer: str) -> dict[str, str]:
    credentials = {"username": REGISTRY_CLERK, "password": LOCAL_PASSWORD}
    answer = await client.post(f"{issuer}/token", data=credentials)
    token = _checked(answer)["access_token"]
    request_id = f"cli-{os.getpid()}-{os.urandom(4).hex()}"
    return {
        "Authorization": f"Bearer {token}",
        "Accept-Language": "fa",
        "Idempotency-Key": request_id,
        "X-Correlation-Id": request_id,
    }


async def _send(client: httpx.AsyncClient, asked: RegistryImport, console: Console) -> dict[str, Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with contextlib.ExitStack() as stack:
        bars = stack.enter_context(Progress(*columns, console=console, transient=True))
        tasks = {stage: bars.add_task(stage, total=1.0, start=False) for stage in ("upload", "reading", "applying")}

        def show(stage: str, share: float) -> None:
            bars.start_task(tasks[stage])
            bars.update(tasks[stage], completed=share)

        files = {
            "file": (
                asked.file.name,
                stack.enter_context(_CountedFile(asked.file, lambda share: show("upload", share))),
            )
        }
        if asked.mapping:
            files["mapping"] = (asked.mapping.name, stack.enter_context(_CountedFile(asked.mapping, lambda _: None)))
        watching = asyncio.create_task(_watch(client, show))
        try:
            answer = await client.post("/registry-imports", params={"mode": asked.mode}, files=cast("Any", files))
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
    return _checked(answer)


async def _watch(client: httpx.AsyncClient, show: Callable[[str, float], None]) -> None:
    """Ask how far the import has come, until cancelled; a question without an answer is asked again."""
    request_id = client.headers["X-Correlation-Id"]
    while True:
        await asyncio.sleep(PROGRESS_INTERVAL_S)
        with contextlib.suppress(httpx.TransportError, ValueError):
            answer = await client.get("/registry-imports/progress", timeout=CONNECT_TIMEOUT_S)
            for running in answer.json() if answer.is_success else ():
                if running["correlation_id"] == request_id:
                    if running["stage"] == "applying":
                        show("reading", 1.0)
                    show(running["stage"], running["share"])


async def _fetch_report(client: httpx.AsyncClient, import_id: str, target: Path) -> None:
    async with client.stream("GET", f"/registry-imports/{import_id}/report") as answer:
        if answer.is_error:
            await answer.aread()
            _checked(answer)
        try:
            with target.open("wb") as file:
                async for piece in answer.aiter_bytes():
                    file.write(piece)
        except OSError as error:
            raise LauncherError(f"{target} cannot be written: {error.strerror}") from error


def _show(answer: Mapping[str, Any], asked: RegistryImport, console: Console) -> None:
    for cell in answer["refused"][:REFUSALS_SHOWN_MAX]:
        value = "" if cell.get("value") is None else f" «{cell['value']}»"
        console.print(f"row {cell['row']}, {cell['column']}{value}: {cell['reason_fa']}", markup=False, highlight=False)
    hidden = len(answer["refused"]) - REFUSALS_SHOWN_MAX + answer["refused_omitted"]
    if hidden > 0:
        console.print(f"… and {hidden} reasons more")
    if answer["ignored_columns"]:
        console.print(f"ignored columns: {', '.join(answer['ignored_columns'])}", markup=False)
    if answer["missing"]:
        console.print(f"{answer['missing']} recorded sites are not in the file; nothing is changed on them.")
    if asked.report:
        console.print(f"report: {asked.report}", markup=False)
    counts = {name: answer[name] for name in ("rows", "added", "changed", "unchanged", "refused_rows", "missing")}
    console.print(f"{asked.mode}: {counts}", markup=False, soft_wrap=True)
    if not asked.apply:
        console.print("Nothing was applied. Add --apply to keep it.")


def _checked(answer: httpx.Response) -> dict[str, Any]:
    """The answer's JSON. Raises CommandRefused with the service's own words."""
    try:
        body: Any = answer.json()
    except ValueError:
        body = {}
    if answer.is_error:
        raise CommandRefused(f"{body.get('code', answer.status_code)}: {body.get('detail') or body.get('title', '')}")
    return cast("dict[str, Any]", body)


class _CountedFile(io.BufferedReader):
    """A file that says how much of it has been read. Raises LauncherError if it cannot be opened."""

    def __init__(self, path: Path, read_share: Callable[[float], None]) -> None:
        try:
            raw = io.FileIO(path)
        except OSError as error:
            raise LauncherError(f"{path} cannot be read: {error.strerror}") from error
        super().__init__(raw)
        self._size_bytes = max(path.stat().st_size, 1)
        self._read_share = read_share

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        self._read_share(min(1.0, self.tell() / self._size_bytes))
        return piece

"""A real browser for tests that measure pages: Chromium, driven over its own pipe (Chrome DevTools Protocol)."""

import asyncio
import itertools
import json
import os
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest

PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
WAIT_S: Final = 60.0
PHONE_WIDTH: Final = 390
PHONE_HEIGHT: Final = 844
_COMMANDS_FD, _ANSWERS_FD = 3, 4
"""The descriptors on which the browser reads commands and writes answers."""


def require_chromium() -> str:
    """The browser's path; skips the test where there is none."""
    for program in PROGRAMS:
        if path := shutil.which(program):
            return path
    pytest.skip("needs Chromium (Debian: chromium) to measure rendered pages")


class Page:
    """One tab with the measures of a phone."""

    def __init__(self, commands: int, answers: asyncio.StreamReader) -> None:
        self._commands = commands
        self._answers = answers
        self._ids = itertools.count(1)
        self._session: str | None = None
        self._loaded = 0

    async def open(self) -> None:
        target = await self._call("Target.createTarget", url="about:blank")
        attached = await self._call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        await self._call("Page.enable")
        await self._call(
            "Emulation.setDeviceMetricsOverride",
            width=PHONE_WIDTH,
            height=PHONE_HEIGHT,
            deviceScaleFactor=2,
            mobile=True,
        )

    async def show(self, html: str) -> None:
        """Show a document by itself, as a mail reader does."""
        tree = await self._call("Page.getFrameTree")
        await self._call("Page.setDocumentContent", frameId=tree["frameTree"]["frame"]["id"], html=html)

    async def visit(self, url: str) -> None:
        await self._loading("Page.navigate", url=url)

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression on the page."""
        answer = await self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def press(self, selector: str) -> None:
        """Press the middle of what `selector` finds, and wait for the page that follows."""
        box = await self.evaluate(f"document.querySelector({selector!r}).getBoundingClientRect().toJSON()")
        place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2, "button": "left", "clickCount": 1}
        await self._call("Input.dispatchMouseEvent", type="mousePressed", **place)
        await self._loading("Input.dispatchMouseEvent", type="mouseReleased", **place)

    async def _loading(self, method: str, **parameters: Any) -> None:
        before = self._loaded
        await self._call(method, **parameters)
        async with asyncio.timeout(WAIT_S):
            while self._loaded == before:
                await self._next()

    async def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._ids)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        async with asyncio.timeout(WAIT_S):
            while True:
                answer = await self._next()
                if answer.get("id") == number:
                    assert "error" not in answer, answer
                    return answer["result"]

    async def _next(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads((await self._answers.readuntil(b"\0"))[:-1])
        if answer.get("method") == "Page.loadEventFired":
            self._loaded += 1
        return answer


@asynccontextmanager
async def open_page(profile: Path) -> AsyncGenerator[Page]:
    """A page of a browser of its own, which keeps what it keeps under `profile`."""
    program = require_chromium()
    read_commands, commands = os.pipe()
    read_answers, answers = os.pipe()

    def take_pipes() -> None:
        os.dup2(read_commands, _COMMANDS_FD)
        os.dup2(answers, _ANSWERS_FD)

    browser = await asyncio.create_subprocess_exec(
        program,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--remote-debugging-pipe",
        f"--user-data-dir={profile}",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        pass_fds=(_COMMANDS_FD, _ANSWERS_FD),
        preexec_fn=take_pipes,
    )
    os.close(read_commands)
    os.close(answers)
    reader = asyncio.StreamReader(limit=16 * 1024 * 1024)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_answers, "rb")
    )
    try:
        page = Page(commands, reader)
        await page.open()
        yield page
    finally:
        browser.kill()
        await browser.wait()
        transport.close()
        os.close(commands)

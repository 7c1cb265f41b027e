"""XLS workbooks, read by a child process under limits; see `old_workbook_reader`."""

import io
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any, cast

from services.warehouse.domain import refusals
from services.warehouse.domain.registry import SheetRow
from services.warehouse.domain.registry_column import Cell
from services.warehouse.domain.registry_mapping import RegistryMapping
from services.warehouse.registry_file import old_workbook_reader as reader
from services.warehouse.registry_file.limits import COLUMNS_MAX, ROWS_MAX, TEXT_CHARACTERS_MAX, too_large, unreadable
from services.warehouse.registry_file.progress import Progress
from shared.contracts.refusals import Refusal

LINE_BYTES_MAX = 4 * 1024 * 1024
END_WAIT_S = 10.0


def read_old_workbook(file: IO[bytes], mapping: RegistryMapping, progress: Progress) -> Generator[SheetRow]:
    """The rows of the chosen sheet. Raises Refusal."""
    arguments = [sys.executable, "-I", str(Path(reader.__file__)), str(ROWS_MAX + 1), *_sheet(mapping.sheet)]
    with (
        _on_disk(file) as stdin,
        subprocess.Popen(
            arguments, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={"PYTHONUTF8": "1"}
        ) as child,
    ):
        try:
            yield from _rows(child.stdout, progress) if child.stdout else ()
            code = child.wait(END_WAIT_S)
        finally:
            child.kill()
    if code == reader.EXIT_NO_SHEET:
        raise Refusal(refusals.IMPORT_SHEET_MISSING, sheet=f"«{mapping.sheet or 1}»")
    if code == reader.EXIT_PASSWORD:
        raise unreadable("it is protected by a password")
    if code:
        raise unreadable("damaged workbook, or one that needs more memory than an import has")


@contextmanager
def _on_disk(file: IO[bytes]) -> Generator[IO[bytes]]:
    """The same bytes in a file that another process can open."""
    file.seek(0)
    try:
        file.fileno()
    except io.UnsupportedOperation:
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(file, copy)
            copy.flush()
            yield copy
    else:
        file.flush()
        yield file


def _sheet(sheet: str | int | None) -> list[str]:
    if sheet is None:
        return []
    return [f"#{sheet}" if isinstance(sheet, int) else f"={sheet}"]


def _rows(lines: IO[bytes], progress: Progress) -> Iterator[SheetRow]:
    total = 1
    for number in range(ROWS_MAX + 2):
        line = lines.readline(LINE_BYTES_MAX)
        if not line.endswith(b"\n"):
            if line:
                raise too_large("bytes in one row", LINE_BYTES_MAX)
            return
        if number == 0:
            total = max(int(line), 1)
            continue
        cells: list[Any] = json.loads(line)
        while cells and cells[-1] in (None, ""):
            cells.pop()
        if len(cells) > COLUMNS_MAX:
            raise too_large("columns", COLUMNS_MAX)
        progress.share = number / total
        yield number, [_decode(cell) for cell in cells]


def _decode(cell: Any) -> Cell:
    if isinstance(cell, dict):
        [(kind, text)] = cast("dict[str, str]", cell).items()
        if kind == "datetime":
            return datetime.fromisoformat(text)
        return date.fromisoformat(text) if kind == "date" else text
    return cell[:TEXT_CHARACTERS_MAX] if isinstance(cell, str) else cell

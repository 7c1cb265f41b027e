"""Reads an XLS workbook from its standard input and writes its rows as JSON lines: a program of its own.

A file of this format can ask for any amount of memory, and its reader is native code; so it runs here, in a process that
holds nothing but the file, under limits of memory and time that end it when they are passed.
"""

import json
import resource
import sys
from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import python_calamine

MEMORY_BYTES_MAX = 224 * 1024 * 1024
PROCESSOR_S_MAX = 30
EXIT_UNREADABLE = 3
EXIT_PASSWORD = 4
EXIT_NO_SHEET = 5


def main(sheet: str | None, rows_max: int) -> int:
    """Write one JSON list per row, after a first line with the number of rows. Returns the exit code."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_S_MAX, PROCESSOR_S_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import python_calamine  # noqa: PLC0415 - under the limits

    try:
        with python_calamine.CalamineWorkbook.from_path("/dev/stdin") as workbook:
            names = workbook.sheet_names
            if sheet is None:
                visible = python_calamine.SheetVisibleEnum.Visible
                names = [one.name for one in workbook.sheets_metadata if one.visible is visible]
            name = _chosen(names, sheet)
            if name is None:
                return EXIT_NO_SHEET
            _write_rows(workbook.get_sheet_by_name(name), rows_max)
    except python_calamine.PasswordError:
        return EXIT_PASSWORD
    except (python_calamine.CalamineError, ValueError, IndexError, OSError):
        return EXIT_UNREADABLE
    return 0


def _chosen(names: list[str], sheet: str | None) -> str | None:
    """The first sheet, the one of a number from 1 (``#2``), or the one of a name (``=name``); None if there is none."""
    if sheet is None:
        return names[0] if names else None
    if sheet.startswith("#"):
        return names[int(sheet[1:]) - 1] if 0 < int(sheet[1:]) <= len(names) else None
    return sheet[1:] if sheet[1:] in names else None


def _write_rows(sheet: "python_calamine.CalamineSheet", rows_max: int) -> None:
    """Rows come from the sheet's first on; columns left of the first filled one are made up here."""
    print(sheet.total_height)
    blank = [None] * (sheet.start or (0, 0))[1]
    for number, row in enumerate(sheet.iter_rows()):
        if number > rows_max:
            break
        sys.stdout.write(json.dumps(blank + row, default=_encode) + "\n")


def _encode(value: object) -> object:
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    return {"other": str(value)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[2] if len(sys.argv) > 2 else None, int(sys.argv[1])))

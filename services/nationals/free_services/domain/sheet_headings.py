"""Finding the columns of a sheet: the headings are a closed list, and whatever else is in the sheet is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, TypeVar

from services.nationals.free_services.domain.person_data import holds_person_data, names_person_data
from services.nationals.free_services.domain.row_reasons import (
    FILE_PERSON_DATA,
    FILE_REFUSED,
    PERSON_DATA_CELL,
    PERSON_DATA_COLUMN,
)
from shared.contracts.refusals import Refusal
from shared.persian.text import comparison_key
from shared.spreadsheet.rows import (
    COLUMN_MISSING,
    COLUMN_REPEATED,
    COLUMN_UNKNOWN,
    HEADINGS_MISSING,
    PROBLEMS_SHOWN_MAX,
    RowProblem,
    SheetRow,
    column_letters,
)

HEADING_ROWS_SEARCHED_MAX: Final = 20
"""Titles and notes may stand above the headings, not more than this."""
HEADINGS_FOUND_MIN: Final = 2
"""A row with this many of our headings is the row of headings."""

ColumnT = TypeVar("ColumnT", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Headings(Generic[ColumnT]):
    """Where the columns stand (from 0), which row heads them, and what stands above and below."""

    places: Mapping[ColumnT, int]
    above: Sequence[SheetRow]
    below: Sequence[SheetRow]


def find_headings(
    rows: Sequence[SheetRow], spellings: Mapping[ColumnT, Sequence[str]], problems: list[RowProblem]
) -> Headings[ColumnT] | None:
    """The headings, by any of their `spellings`; None, with the reason added to `problems`, where there are none.

    A column that is not ours, is there twice, is missing, or would hold data of persons is added to `problems`.
    """
    known = {comparison_key(text): column for column, texts in spellings.items() for text in texts}
    for at, row in enumerate(rows[:HEADING_ROWS_SEARCHED_MAX]):
        found = {known[key] for key in _keys(row) if key in known}
        if len(found) >= HEADINGS_FOUND_MIN:
            places = _places(row, known, spellings, problems)
            return Headings(places, rows[:at], rows[at + 1 :])
    problems.append(RowProblem(None, None, HEADINGS_MISSING))
    for row in rows[:HEADING_ROWS_SEARCHED_MAX]:
        _look_for_persons(row, problems)
    return None


def _keys(row: SheetRow) -> list[str]:
    return [comparison_key(cell) if isinstance(cell, str) else "" for cell in row.cells]


def _places(
    row: SheetRow,
    known: Mapping[str, ColumnT],
    spellings: Mapping[ColumnT, Sequence[str]],
    problems: list[RowProblem],
) -> Mapping[ColumnT, int]:
    places: dict[ColumnT, int] = {}
    for place, (key, cell) in enumerate(zip(_keys(row), row.cells, strict=True)):
        column = known.get(key)
        if column is not None and column in places:
            problems.append(RowProblem(row.number, spellings[column][0], COLUMN_REPEATED))
        elif column is not None:
            places[column] = place
        elif isinstance(cell, str) and names_person_data(cell):
            problems.append(RowProblem(row.number, column_letters(place), PERSON_DATA_COLUMN))
        elif cell not in (None, ""):
            problems.append(RowProblem(row.number, column_letters(place), COLUMN_UNKNOWN))
    problems += [
        RowProblem(row.number, texts[0], COLUMN_MISSING) for column, texts in spellings.items() if column not in places
    ]
    return places


def _look_for_persons(row: SheetRow, problems: list[RowProblem]) -> None:
    """A sheet with other headings than ours may be a list of persons: then that is what must be said."""
    problems += [
        RowProblem(row.number, column_letters(place), PERSON_DATA_COLUMN)
        for place, cell in enumerate(row.cells)
        if isinstance(cell, str) and names_person_data(cell)
    ]


def look_beyond(row: SheetRow, places: Mapping[ColumnT, int], problems: list[RowProblem]) -> None:
    """Refuse what stands in columns without a heading: nothing of a file is passed over in silence."""
    taken = frozenset(places.values())
    for place, cell in enumerate(row.cells):
        if place not in taken and cell not in (None, ""):
            person = isinstance(cell, str | int | float) and holds_person_data(cell)
            reason = PERSON_DATA_CELL if person else COLUMN_UNKNOWN
            problems.append(RowProblem(row.number, column_letters(place), reason))


def refuse_file(problems: Sequence[RowProblem]) -> None:
    """Raises Refusal if there is any problem: person data first, since then nothing else matters."""
    person = [problem for problem in problems if problem.reason in (PERSON_DATA_COLUMN, PERSON_DATA_CELL)]
    shown = person or problems
    if shown:
        raise Refusal(
            FILE_PERSON_DATA if person else FILE_REFUSED,
            refused_count=len(shown),
            rows=[problem.document() for problem in shown[:PROBLEMS_SHOWN_MAX]],
        )

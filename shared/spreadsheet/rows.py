"""What a row of an uploaded spreadsheet is, and what is wrong with one: told by row, column and reason, never by value. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeAlias

from pydantic import JsonValue

Cell: TypeAlias = "str | float | bool | date | Formula | None"

PROBLEMS_SHOWN_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell that is computed; what it shows may be old, or come from another file."""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row that is not blank: its number as the sheet shows it (from 1) and its cells from column A on."""

    number: int
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class RowReason:
    """Why a cell, a row or a column is refused; stable code, both languages."""

    code: str
    text_en: str
    text_fa: str


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One reason: `row` and `column` are None where the whole file is meant. `column` is a heading of ours or a letter."""

    row: int | None
    column: str | None
    reason: RowReason

    def document(self) -> JsonValue:
        return {
            "row": self.row,
            "column": self.column,
            "code": self.reason.code,
            "text_en": self.reason.text_en,
            "text_fa": self.reason.text_fa,
        }


def column_letters(place: int) -> str:
    """The letters of the column at `place` (from 0), as a spreadsheet shows them."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


HEADINGS_MISSING = RowReason(
    "headings_missing",
    "No row has the headings of the template, each in a cell of its own.",
    "هیچ سطری عنوان‌های قالب را، هر یک در خانه‌ای جدا، ندارد.",
)
COLUMN_UNKNOWN = RowReason(
    "column_unknown", "This column is not one of the template's.", "این ستون از ستون‌های قالب نیست."
)
COLUMN_REPEATED = RowReason("column_repeated", "Two columns have this heading.", "دو ستون همین عنوان را دارند.")
COLUMN_MISSING = RowReason("column_missing", "This column is missing.", "این ستون در فایل نیست.")
REQUIRED_BLANK = RowReason("required_blank", "The cell is blank.", "خانه خالی است.")
CELL_FORMULA = RowReason(
    "cell_formula", "The cell holds a formula; write its value.", "خانه فرمول دارد؛ مقدار آن را بنویسید."
)

"""Workbooks of people as a test writes them."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import openpyxl

HEADINGS_FA = ("شهرستان یا دفتر", "نوبت", "نام و نام خانوادگی", "سمت", "زبان", "رایانامه", "تلفن همراه", "ترتیب راه‌ها")
HEADINGS_EN = ("County", "Position", "Full name", "Role", "Language", "E-Mail", "Mobile", "Channels")


def workbook(*rows: Sequence[Any], headings: Sequence[str] = HEADINGS_FA, above: Sequence[str] = ()) -> bytes:
    """One sheet: the lines of `above`, the headings, the rows."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for line in above:
        sheet.append([line])
    sheet.append(list(headings))
    for row in rows:
        sheet.append(list(row))
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def upload(content: bytes) -> Mapping[str, tuple[str, bytes]]:
    """The form field of an import."""
    return {"file": ("people.xlsx", content)}

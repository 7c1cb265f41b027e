"""The columns of a file of people, and the words that real files use in them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.notifications.domain.channels import Channel
from services.notifications.domain.offices import GroupName, OfficeName
from services.notifications.domain.rules import Audience
from shared.contracts.counties import County
from shared.persian.county_names import read_county
from shared.persian.text import comparison_key
from shared.spreadsheet.rows import (
    COLUMN_MISSING,
    COLUMN_REPEATED,
    COLUMN_UNKNOWN,
    HEADINGS_MISSING,
    RowProblem,
    SheetRow,
    column_letters,
)

HEADING_ROWS_SEARCHED_MAX: Final = 20
"""Titles and notes may stand above the headings, not more than this."""
HEADINGS_FOUND_MIN: Final = 2
"""A row with this many of our headings is the row of headings."""


class PeopleColumn(StrEnum):
    """The columns, in the order of the template."""

    GROUP = "group"
    POSITION = "position"
    NAME = "name"
    ROLE = "role"
    LANGUAGE = "language"
    EMAIL = "email"
    MOBILE = "mobile"
    CHAT = "chat"
    WEBHOOK = "webhook"
    ORDER = "order"
    SUBJECT = "subject"
    ROW_NUMBER = "row_number"
    """Counts the rows in many files; says nothing about a person."""


REQUIRED: Final = frozenset({PeopleColumn.GROUP, PeopleColumn.NAME, PeopleColumn.ROLE, PeopleColumn.EMAIL})
TEMPLATE_COLUMNS: Final = tuple(column for column in PeopleColumn if column is not PeopleColumn.ROW_NUMBER)

HEADINGS: Final[Mapping[PeopleColumn, Sequence[str]]] = {
    PeopleColumn.GROUP: (
        "شهرستان یا دفتر",
        "County or office",
        *("شهرستان", "دفتر", "کارگروه", "county", "office", "working group"),
    ),
    PeopleColumn.POSITION: ("نوبت", "Position", "ترتیب", "اولویت", "order of call", "place"),
    PeopleColumn.NAME: ("نام و نام خانوادگی", "Name", "نام", "نام کامل", "full name"),
    PeopleColumn.ROLE: ("سمت", "Role", "نقش", "مسئولیت", "post", "title"),
    PeopleColumn.LANGUAGE: ("زبان", "Language"),
    PeopleColumn.EMAIL: (
        "رایانامه",
        "E-mail",
        *("ایمیل", "پست الکترونیک", "پست الکترونیکی", "نشانی رایانامه", "email address"),
    ),
    PeopleColumn.MOBILE: (
        "تلفن همراه",
        "Mobile",
        *("شماره همراه", "همراه", "موبایل", "شماره موبایل", "شماره تلفن همراه"),
        *("mobile number", "mobile phone", "sms"),
    ),
    PeopleColumn.CHAT: ("پیام‌رسان", "Chat", "نشانی پیام‌رسان", "chat address"),
    PeopleColumn.WEBHOOK: ("وب‌هوک", "Webhook", "webhook endpoint"),
    PeopleColumn.ORDER: (
        "ترتیب راه‌ها",
        "Order of channels",
        *("ترتیب کانال‌ها", "کانال‌ها", "channels", "preference"),
    ),
    PeopleColumn.SUBJECT: ("نام کاربری", "Sign-in name", "شناسه کاربری", "username", "user name", "subject"),
    PeopleColumn.ROW_NUMBER: ("ردیف", "No.", "شماره ردیف", "row"),
}
"""The first spelling of each is the Persian template's, the second the English one's."""

OFFICE_LABELS: Final[Mapping[OfficeName, Sequence[str]]] = {
    Audience.PROVINCE_OFFICE: ("استانداری", "دفتر استان", "دفتر استانداری", "province"),
    Audience.LEGAL_OFFICE: ("دفتر حقوقی", "اداره حقوقی", "legal"),
    Audience.APPEAL_OFFICE: ("دفتر رسیدگی به اعتراض", "دفتر اعتراض", "appeals"),
    Audience.PROTECTION_OFFICE: ("دفتر حمایت", "protection"),
    Audience.CASEWORK_SUPERVISION: ("سرپرستی پرونده‌ها", "سرپرستی مددکاری", "casework supervisors"),
    Audience.COMPLAINTS_OFFICE: ("دفتر شکایات", "دفتر رسیدگی به شکایات", "complaints"),
    Audience.OPS_OFFICE: ("دفتر فنی", "دفتر عملیات", "operations office", "operations"),
}
"""The first spelling of each is the template's."""
_LABELS_FA: Final[Mapping[str, str]] = {
    **{county: county.label_fa for county in County},
    **{office: labels[0] for office, labels in OFFICE_LABELS.items()},
}

_ROLES: Final[Mapping[str, Sequence[str]]] = {
    "chair": ("رئیس", "رییس", "رئیس کارگروه", "فرماندار", "سرپرست فرمانداری", "governor", "chairperson", "head"),
    "deputy": ("معاون", "معاون فرماندار", "قائم‌مقام", "جانشین", "deputy governor"),
    "secretary": ("دبیر", "دبیر کارگروه"),
    "expert": ("کارشناس", "کارشناس مسئول", "کارشناس ارشد"),
    "inspector": ("بازرس", "بازرس ارشد"),
    "member": ("عضو", "عضو کارگروه"),
}
_LANGUAGES: Final[Mapping[str, Sequence[str]]] = {"fa": ("فارسی", "persian", "farsi"), "en": ("انگلیسی", "english")}
_CHANNELS: Final[Mapping[Channel, Sequence[str]]] = {
    Channel.EMAIL: ("رایانامه", "ایمیل", "e-mail", "پست الکترونیک", "پست الکترونیکی"),
    Channel.SMS: ("پیامک", "تلفن همراه", "همراه", "موبایل", "mobile"),
    Channel.CHAT: ("پیام‌رسان", "چت"),
    Channel.WEBHOOK: ("وب‌هوک",),
}


def _words(spellings: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {comparison_key(text): key for key, texts in spellings.items() for text in (key, *texts)}


_KNOWN_HEADINGS: Final = {comparison_key(text): column for column, texts in HEADINGS.items() for text in texts}
_KNOWN_OFFICES: Final[Mapping[str, OfficeName]] = {
    comparison_key(text): office for office, texts in OFFICE_LABELS.items() for text in (office, *texts)
}
_KNOWN_ROLES: Final = _words(_ROLES)
_KNOWN_LANGUAGES: Final = _words(_LANGUAGES)
_KNOWN_CHANNELS: Final = {
    comparison_key(text): channel for channel, texts in _CHANNELS.items() for text in (channel, *texts)
}


def read_group(written: str) -> GroupName | None:
    """The county or provincial office that is written; None if it is none."""
    return _KNOWN_OFFICES.get(comparison_key(written)) or read_county(written)


def group_label_fa(group: str) -> str:
    """What people call a county or a provincial office, by its key. Raises KeyError."""
    return _LABELS_FA[group]


def read_role(written: str) -> str | None:
    """A known role in either language; None if it is none."""
    return _KNOWN_ROLES.get(comparison_key(written))


def read_language(written: str) -> str | None:
    """``fa`` or ``en``; None if it is neither."""
    return _KNOWN_LANGUAGES.get(comparison_key(written))


def read_channel(written: str) -> Channel | None:
    """A channel that has addresses; None if it is none."""
    return _KNOWN_CHANNELS.get(comparison_key(written))


@dataclass(frozen=True, slots=True)
class PeopleTable:
    """Where the columns stand (from 0) and the rows below their headings."""

    places: Mapping[PeopleColumn, int]
    rows: Sequence[SheetRow]

    @property
    def is_complete(self) -> bool:
        return self.places.keys() >= REQUIRED


def find_table(rows: Sequence[SheetRow], problems: list[RowProblem]) -> PeopleTable | None:
    """The table below the headings; None, with the reason added to `problems`, where there are no headings.

    A column that is not ours, is there twice or is missing is added to `problems`.
    """
    for at, row in enumerate(rows[:HEADING_ROWS_SEARCHED_MAX]):
        found = {_KNOWN_HEADINGS.get(comparison_key(cell)) for cell in row.cells if isinstance(cell, str)} - {None}
        if len(found) >= HEADINGS_FOUND_MIN:
            return PeopleTable(_places(row, problems), rows[at + 1 :])
    problems.append(RowProblem(None, None, HEADINGS_MISSING))
    return None


def _places(row: SheetRow, problems: list[RowProblem]) -> dict[PeopleColumn, int]:
    places: dict[PeopleColumn, int] = {}
    for place, cell in enumerate(row.cells):
        if cell is None:
            continue
        column = _KNOWN_HEADINGS.get(comparison_key(cell)) if isinstance(cell, str) else None
        if column is None:
            problems.append(RowProblem(row.number, column_letters(place), COLUMN_UNKNOWN))
        elif column in places:
            problems.append(RowProblem(row.number, HEADINGS[column][0], COLUMN_REPEATED))
        else:
            places[column] = place
    problems += [
        RowProblem(row.number, HEADINGS[column][0], COLUMN_MISSING)
        for column in PeopleColumn
        if column in REQUIRED and column not in places
    ]
    return places

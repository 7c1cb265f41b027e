"""Workbooks of people: a hostile XLSX becomes rows within named limits or a Refusal; the template becomes an XLSX."""

import io
from collections.abc import Sequence
from typing import Final, Literal

from persiantools import digits

from services.notifications.domain.channels import Channel
from services.notifications.domain.members import Member
from services.notifications.domain.people_columns import (
    HEADINGS,
    REQUIRED,
    TEMPLATE_COLUMNS,
    PeopleColumn,
    group_label_fa,
)
from services.notifications.domain.people_refusals import (
    PEOPLE_FILE_OF_ANOTHER_KIND,
    PEOPLE_FILE_TOO_LARGE,
    PEOPLE_FILE_UNREADABLE,
)
from shared.contracts.refusals import Refusal
from shared.spreadsheet.upload import ReadSheet, read_upload, upload_limits

ROWS_MAX: Final = 5_000
"""Rows that are not blank: twice as many as all offices together can have."""
COLUMN_CHARACTERS: Final = 22
TEMPLATE_ROWS: Final = 500
"""Rows of the template that are ready to be filled in."""

ADDRESS_SEPARATOR: Final = "، "
_SHEET_NAMES: Final = {"fa": "افراد", "en": "People"}
_LANGUAGE_WORDS: Final = {"fa": {"fa": "فارسی", "en": "انگلیسی"}, "en": {"fa": "Persian", "en": "English"}}
_ADDRESS_COLUMNS: Final = {
    PeopleColumn.MOBILE: Channel.SMS,
    PeopleColumn.CHAT: Channel.CHAT,
    PeopleColumn.WEBHOOK: Channel.WEBHOOK,
}

_ZIP_MARK: Final = b"PK"
_UNITS_FA: Final = {
    "bytes": "بایت",
    "unpacked bytes": "بایت پس از بازشدن",
    "bytes of text": "بایت نوشته",
    "bytes in one mark": "بایت در یک نشانه",
    "rows": "سطر",
    "columns": "ستون",
    "entries": "بخش",
    "elements": "عنصر",
    "levels of XML": "سطح XML",
    "seconds of reading": "ثانیه زمان خواندن",
}


def _too_large(what: str, limit: int) -> Refusal:
    limit_fa = f"{digits.en_to_fa(str(limit))} {_UNITS_FA.get(what, what)}"
    return Refusal(PEOPLE_FILE_TOO_LARGE, limit=f"{limit:,} {what}", limit_fa=limit_fa)


def _unreadable(problem: str) -> Refusal:
    return Refusal(PEOPLE_FILE_UNREADABLE, problem=problem)


WORKBOOK_LIMITS: Final = upload_limits(_too_large, _unreadable)


def read_people_file(content: bytes) -> ReadSheet:
    """Read the first visible sheet; takes up to seconds, so not on the event loop. Raises Refusal."""
    if not content.startswith(_ZIP_MARK):
        raise Refusal(PEOPLE_FILE_OF_ANOTHER_KIND)
    return read_upload(content, WORKBOOK_LIMITS, ROWS_MAX)


def write_people_template(members: Sequence[Member], language: Literal["fa", "en"]) -> bytes:
    """An XLSX workbook with the headings and one row for each of `members`; what it holds can be imported again."""
    import xlsxwriter  # noqa: PLC0415 - only a template needs it

    target = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(target, options) as book:
        heading = book.add_format({"bold": True, "text_wrap": True, "bg_color": "#E8EEF7", "border": 1})
        required = book.add_format({"bold": True, "text_wrap": True, "bg_color": "#FFF2CC", "border": 1})
        text = book.add_format({"num_format": "@"})  # a mobile number keeps its leading zero
        sheet = book.add_worksheet(_SHEET_NAMES[language])
        if language == "fa":
            sheet.right_to_left()
        sheet.set_column(0, len(TEMPLATE_COLUMNS) - 1, COLUMN_CHARACTERS, text)
        for place, column in enumerate(TEMPLATE_COLUMNS):
            spelling = HEADINGS[column][0 if language == "fa" else 1]
            sheet.write_string(0, place, spelling, required if column in REQUIRED else heading)
        for number, member in enumerate(members, 1):
            for place, column in enumerate(TEMPLATE_COLUMNS):
                sheet.write_string(number, place, _cell_of(member, column, language), text)
        place = TEMPLATE_COLUMNS.index(PeopleColumn.LANGUAGE)
        choice = {"validate": "list", "source": list(_LANGUAGE_WORDS[language].values())}
        sheet.data_validation(1, place, TEMPLATE_ROWS, place, choice)
        sheet.freeze_panes(1, 0)
    return target.getvalue()


def _cell_of(member: Member, column: PeopleColumn, language: str) -> str:
    if column in _ADDRESS_COLUMNS:
        channel = _ADDRESS_COLUMNS[column]
        return ADDRESS_SEPARATOR.join(contact.address for contact in member.contacts if contact.channel is channel)
    values = {
        PeopleColumn.GROUP: _group_label(member.working_group, language),
        PeopleColumn.POSITION: str(member.position),
        PeopleColumn.NAME: member.name,
        PeopleColumn.ROLE: member.role,
        PeopleColumn.LANGUAGE: _LANGUAGE_WORDS[language][member.language],
        PeopleColumn.EMAIL: ADDRESS_SEPARATOR.join(dict.fromkeys([member.email, *_emails(member)])),
        PeopleColumn.ORDER: ", ".join(dict.fromkeys(contact.channel.value for contact in member.contacts)),
        PeopleColumn.SUBJECT: member.subject or "",
    }
    return values[column]


def _emails(member: Member) -> list[str]:
    return [contact.address for contact in member.contacts if contact.channel is Channel.EMAIL]


def _group_label(working_group: str, language: str) -> str:
    return working_group if language == "en" else group_label_fa(working_group)

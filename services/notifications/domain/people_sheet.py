"""A file of people: the members of one or more offices, whole or not at all. Pure."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import isfinite
from typing import Final

from services.notifications.domain.channels import Channel, Contact
from services.notifications.domain.contacts import AddressError, normal_address, require_endpoint, with_email
from services.notifications.domain.members import (
    CONTACTS_MAX,
    MEMBERS_MAX,
    NAME_CHARACTERS_MAX,
    POSITION_MAX,
    ROLE_PATTERN,
    SUBJECT_CHARACTERS_MAX,
)
from services.notifications.domain.offices import GroupName
from services.notifications.domain.people_columns import (
    HEADINGS,
    PeopleColumn,
    PeopleTable,
    find_table,
    read_channel,
    read_group,
    read_language,
    read_role,
)
from services.notifications.domain.row_reasons import (
    CELL_NOT_TEXT,
    CHANNEL_UNKNOWN,
    CHANNEL_WITHOUT_ADDRESS,
    CONTACTS_TOO_MANY,
    EMAIL_REPEATED,
    FILE_EMPTY,
    GROUP_OUTSIDE,
    GROUP_TOO_LARGE,
    GROUP_UNKNOWN,
    LANGUAGE_UNKNOWN,
    POSITION_INVALID,
    POSITION_MISSING,
    POSITION_REPEATED,
    ROLE_UNKNOWN,
    TEXT_TOO_LONG,
    refuse_file,
)
from shared.persian.numbers import NumberUnreadableError, read_number
from shared.persian.text import display_text, plain_text
from shared.spreadsheet.rows import (
    CELL_FORMULA,
    COLUMN_UNKNOWN,
    REQUIRED_BLANK,
    Formula,
    RowProblem,
    RowReason,
    SheetRow,
    column_letters,
)

LANGUAGE_WHERE_BLANK: Final = "fa"

_ROLE: Final = re.compile(ROLE_PATTERN, re.ASCII)
_BETWEEN_CHANNELS: Final = re.compile(r"[,،;؛/>\n+]+")
_BETWEEN_ADDRESSES: Final = re.compile(r"[,،;؛]+")
_ADDRESS_COLUMNS: Final[Mapping[Channel, PeopleColumn]] = {
    Channel.EMAIL: PeopleColumn.EMAIL,
    Channel.SMS: PeopleColumn.MOBILE,
    Channel.CHAT: PeopleColumn.CHAT,
    Channel.WEBHOOK: PeopleColumn.WEBHOOK,
}


@dataclass(frozen=True, slots=True)
class Person:
    """A member as a file describes one. `position` -1: the file gives no order, so that of its rows is taken."""

    group: GroupName
    name: str
    role: str
    language: str
    email: str
    position: int
    subject: str | None
    contacts: tuple[Contact, ...]


def read_people(
    rows: Sequence[SheetRow], allowed: Collection[GroupName], endpoints: Collection[str]
) -> dict[GroupName, list[Person]]:
    """The people of every office that the file names, in their order. `endpoints`: what webhook contacts may name.

    Raises Refusal with every row, column and reason; then nothing of the file is believed.
    """
    problems: list[RowProblem] = []
    table = find_table(rows, problems)
    people: list[tuple[int, Person]] = []
    if table is not None and table.is_complete:
        if not table.rows:
            problems.append(RowProblem(None, None, FILE_EMPTY))
        for row in table.rows:
            person = _RowReader(row, table, problems, endpoints).read(allowed)
            if person is not None:
                people.append((row.number, person))
    offices: dict[GroupName, list[tuple[int, Person]]] = {}
    for number, person in people:
        offices.setdefault(person.group, []).append((number, person))
    read: dict[GroupName, list[Person]] = {}
    for group, numbered in offices.items():
        read[group] = _in_order(numbered, problems)
    refuse_file(sorted(problems, key=lambda problem: problem.row or 0))
    return read


def _in_order(numbered: Sequence[tuple[int, Person]], problems: list[RowProblem]) -> list[Person]:
    """One office's people by their places; what two of them cannot both have is added to `problems`."""
    has_places = any(person.position >= 0 for _, person in numbered)
    people: list[Person] = []
    emails: Counter[str] = Counter()
    places: Counter[int] = Counter()
    for at, (number, person) in enumerate(numbered):
        place = person.position if has_places else at
        emails[person.email] += 1
        places[place] += 1
        if emails[person.email] > 1:
            problems.append(_problem(number, PeopleColumn.EMAIL, EMAIL_REPEATED))
        if place < 0:
            problems.append(_problem(number, PeopleColumn.POSITION, POSITION_MISSING))
        elif places[place] > 1:
            problems.append(_problem(number, PeopleColumn.POSITION, POSITION_REPEATED))
        people.append(replace(person, position=place))
    if len(people) > MEMBERS_MAX:
        problems.append(_problem(numbered[MEMBERS_MAX][0], PeopleColumn.GROUP, GROUP_TOO_LARGE))
    return sorted(people, key=lambda person: person.position)


class _RowReader:
    """Reads one row; every reason against it is added to `problems`."""

    def __init__(
        self, row: SheetRow, table: PeopleTable, problems: list[RowProblem], endpoints: Collection[str]
    ) -> None:
        self._row = row
        self._endpoints = endpoints
        self._places = table.places
        self._problems = problems

    def read(self, allowed: Collection[GroupName]) -> Person | None:
        before = len(self._problems)
        self._look_beyond()
        group = self._group(allowed)
        contacts = self._contacts()
        email = next((contact.address for contact in contacts if contact.channel is Channel.EMAIL), "")
        name = self._required(PeopleColumn.NAME, NAME_CHARACTERS_MAX)
        role, language, position = self._role(), self._language(), self._position()
        subject = self._text(PeopleColumn.SUBJECT, SUBJECT_CHARACTERS_MAX)
        if group is None or len(self._problems) > before:
            return None
        return Person(
            group=group,
            name=name,
            role=role,
            language=language,
            email=email,
            position=position,
            subject=plain_text(subject) or None,
            contacts=with_email(email, contacts),
        )

    def _group(self, allowed: Collection[GroupName]) -> GroupName | None:
        written = self._required(PeopleColumn.GROUP)
        group = read_group(written) if written else None
        if group is None:
            if written:
                self._refuse(PeopleColumn.GROUP, GROUP_UNKNOWN)
        elif group not in allowed:
            self._refuse(PeopleColumn.GROUP, GROUP_OUTSIDE)
        return group

    def _role(self) -> str:
        written = self._required(PeopleColumn.ROLE)
        role = read_role(written) or plain_text(written).lower()
        if written and not _ROLE.fullmatch(role):
            self._refuse(PeopleColumn.ROLE, ROLE_UNKNOWN)
        return role

    def _language(self) -> str:
        written = self._text(PeopleColumn.LANGUAGE)
        language = read_language(written) if written else LANGUAGE_WHERE_BLANK
        if language is None:
            self._refuse(PeopleColumn.LANGUAGE, LANGUAGE_UNKNOWN)
        return language or LANGUAGE_WHERE_BLANK

    def _position(self) -> int:
        written = self._text(PeopleColumn.POSITION)
        if not written:
            return -1
        try:
            number = read_number(written)
        except NumberUnreadableError:
            number = None
        if number is None or number != number.to_integral_value() or not 0 <= number <= POSITION_MAX:
            self._refuse(PeopleColumn.POSITION, POSITION_INVALID)
            return -1
        return int(number)

    def _contacts(self) -> list[Contact]:
        """The addresses of the row, in the order of channels that it asks for and then in that of the template."""
        found: dict[Channel, list[Contact]] = {}
        for channel, column in _ADDRESS_COLUMNS.items():
            written = self._required(column) if channel is Channel.EMAIL else self._text(column)
            for address in filter(str.strip, _BETWEEN_ADDRESSES.split(written)):
                try:
                    contact = Contact(channel, normal_address(channel, address))
                    require_endpoint(contact, self._endpoints)
                except AddressError as error:
                    reason = error.reason
                    self._refuse(column, RowReason(reason.code, reason.text_en, reason.text_fa))
                    continue
                if contact not in found.setdefault(channel, []):
                    found[channel].append(contact)
        contacts = [contact for channel in (*self._wanted_order(found), *found) for contact in found[channel]]
        if len(set(contacts)) > CONTACTS_MAX:
            self._refuse(PeopleColumn.ORDER, CONTACTS_TOO_MANY)
        return list(dict.fromkeys(contacts))

    def _wanted_order(self, found: Collection[Channel]) -> list[Channel]:
        order: list[Channel] = []
        for word in filter(str.strip, _BETWEEN_CHANNELS.split(self._text(PeopleColumn.ORDER))):
            channel = read_channel(word)
            if channel is None:
                self._refuse(PeopleColumn.ORDER, CHANNEL_UNKNOWN)
                return []
            if channel not in found or channel in order:
                self._refuse(PeopleColumn.ORDER, CHANNEL_WITHOUT_ADDRESS)
                return []
            order.append(channel)
        return order

    def _required(self, column: PeopleColumn, characters_max: int | None = None) -> str:
        before = len(self._problems)
        text = self._text(column, characters_max)
        if not text and len(self._problems) == before:
            self._refuse(column, REQUIRED_BLANK)
        return text

    def _text(self, column: PeopleColumn, characters_max: int | None = None) -> str:
        """What the cell says; nothing where it is blank or refused. A number is written without decimals."""
        place = self._places.get(column, -1)
        cell = self._row.cells[place] if 0 <= place < len(self._row.cells) else None
        if cell is None:
            return ""
        if isinstance(cell, Formula):
            self._refuse(column, CELL_FORMULA)
            return ""
        if isinstance(cell, bool | date) or (isinstance(cell, float) and not isfinite(cell)):
            self._refuse(column, CELL_NOT_TEXT)
            return ""
        text = display_text(cell) if isinstance(cell, str) else _plain_number(cell)
        if characters_max is not None and len(text) > characters_max:
            self._refuse(column, TEXT_TOO_LONG)
            return ""
        return text

    def _look_beyond(self) -> None:
        """Refuse what stands in columns without a heading: nothing of a file is passed over in silence."""
        taken = frozenset(self._places.values())
        for place, cell in enumerate(self._row.cells):
            if place not in taken and cell is not None:
                self._problems.append(RowProblem(self._row.number, column_letters(place), COLUMN_UNKNOWN))

    def _refuse(self, column: PeopleColumn, reason: RowReason) -> None:
        self._problems.append(_problem(self._row.number, column, reason))


def _problem(row: int, column: PeopleColumn, reason: RowReason) -> RowProblem:
    return RowProblem(row, HEADINGS[column][0], reason)


def _plain_number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)

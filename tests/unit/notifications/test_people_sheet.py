"""Files of people as they really come: both languages, dirt, and everything that is refused with its row and column."""

import io
import zipfile
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.channels import Channel, Contact
from services.notifications.domain.members import Member
from services.notifications.domain.offices import OFFICES, GroupName
from services.notifications.domain.people_columns import HEADINGS, OFFICE_LABELS, PeopleColumn, read_group
from services.notifications.domain.people_sheet import Person, read_people
from services.notifications.people_file import read_people_file, write_people_template
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.spreadsheet.rows import Formula, SheetRow
from tests.support.people_file import HEADINGS_EN, HEADINGS_FA, workbook

EVERYBODY: frozenset[GroupName] = frozenset((*County, *OFFICES))
ENDPOINTS = frozenset({"hook-1"})
GOOD = ("شهر ری", "۰", "علی رضایی", "فرماندار", "فارسی", "ali@rey.example", "۰۹۱۲۱۲۳۴۵۶۷", "پیامک، رایانامه")


def read(content: bytes, allowed: frozenset[GroupName] = EVERYBODY) -> dict[GroupName, list[Person]]:
    return read_people(read_people_file(content).rows, allowed, ENDPOINTS)


def problems(*rows: Sequence[Any], headings: Sequence[str] = HEADINGS_FA, **allowed: Any) -> list[tuple[Any, Any, Any]]:
    """(row, column, code) of every problem."""
    with pytest.raises(Refusal) as refused:
        read(workbook(*rows, headings=headings), **allowed)
    assert refused.value.reason.code == "notifications.people_file.refused"
    told: Any = refused.value.details["rows"]
    assert all(one["text_fa"] and one["text_en"] for one in told)
    return [(one["row"], one["column"], one["code"]) for one in told]


def but(column: int, value: Any) -> tuple[Any, ...]:
    return tuple(value if place == column else cell for place, cell in enumerate(GOOD))


def test_a_persian_file_with_the_dirt_of_real_ones_is_read() -> None:
    rows = [
        ("شهرستان شهر ري", 1.0, "  زهرا\u200c  کريمي ", "كارشناس", "", " Zahra@Rey.Example ", 9121234567, None),
        (None, None, "  ", None, None, None, None, None),
        ("ری", "٠", "علی رضایی", "فرماندار", "انگلیسی", "ali@rey.example", "+98 912-765 4321", "پیامک، رایانامه"),
    ]
    people = read(workbook(*rows, above=["فهرست اعضای کارگروه", "بهروز شده در ۱۴۰۵/۰۹/۰۱"]))
    sms, email = Contact(Channel.SMS, "+989127654321"), Contact(Channel.EMAIL, "ali@rey.example")
    assert people == {
        County.REY: [
            Person(County.REY, "علی رضایی", "chair", "en", "ali@rey.example", 0, None, (sms, email)),
            Person(
                County.REY,
                "زهرا کریمی",
                "expert",
                "fa",
                "zahra@rey.example",
                1,
                None,
                (Contact(Channel.EMAIL, "zahra@rey.example"), Contact(Channel.SMS, "+989121234567")),
            ),
        ]
    }


def test_an_english_file_without_an_order_takes_that_of_its_rows() -> None:
    rows = [
        ("legal_office", None, "A", "legal_counsel", "English", "a@x.example", None, None),
        ("Rey", None, "B", "Chair", "fa", "b@x.example", None, "e-mail"),
        ("legal_office", None, "C", "expert", None, "c@x.example", None, None),
    ]
    people = read(workbook(*rows, headings=HEADINGS_EN))
    assert {group: [(one.name, one.position) for one in found] for group, found in people.items()} == {
        read_group("legal_office"): [("A", 0), ("C", 1)],
        County.REY: [("B", 0)],
    }


def test_several_addresses_of_a_channel_stand_in_one_cell() -> None:
    [person] = read(workbook(but(6, "09121234567، 09351234567")))[County.REY]
    assert [contact.address for contact in person.contacts] == ["+989121234567", "+989351234567", "ali@rey.example"]


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        (0, "آتلانتیس", "group_unknown"),
        (0, None, "required_blank"),
        (0, date(2026, 11, 22), "cell_not_text"),
        (1, "دوم", "position_invalid"),
        (1, "-1", "position_invalid"),
        (1, 1.5, "position_invalid"),
        (1, 1001, "position_invalid"),
        (2, "", "required_blank"),
        (2, "ن" * 121, "text_too_long"),
        (2, True, "cell_not_text"),
        (3, "همه‌کاره", "role_unknown"),
        (4, "آلمانی", "language_unknown"),
        (5, "ali at rey", "email_invalid"),
        (5, None, "required_blank"),
        (6, "021-33445566", "phone_invalid"),
        (7, "کبوتر", "channel_unknown"),
        (7, "پیام‌رسان", "channel_without_address"),
        (7, "پیامک، پیامک", "channel_without_address"),
    ],
)
def test_a_cell_that_cannot_be_is_refused_by_its_row_and_column(column: int, value: Any, code: str) -> None:
    expected = [(3, HEADINGS_FA[column], code)]
    if column == 5:
        expected.append((3, HEADINGS_FA[7], "channel_without_address"))
    if column == 6:
        expected.append((3, HEADINGS_FA[7], "channel_without_address"))
    other = ("ورامین", "0", "رضا", "رئیس", None, "reza@varamin.example", None, None)
    assert problems(other, but(column, value)) == expected


def test_a_formula_is_not_believed() -> None:
    assert problems(but(2, '="علی"')) == [(2, HEADINGS_FA[2], "cell_formula")]


def test_every_problem_of_a_file_is_told_at_once_and_none_of_the_values() -> None:
    with pytest.raises(Refusal) as refused:
        read(workbook(but(5, "hidden-value"), but(0, "hidden-value"), GOOD))
    assert refused.value.details["refused_count"] == 3
    assert "hidden-value" not in str(refused.value.details)


def test_two_rows_of_one_office_cannot_have_one_place_or_one_address() -> None:
    second = but(2, "دیگری")
    assert problems(GOOD, second) == [
        (3, HEADINGS_FA[5], "email_repeated"),
        (3, HEADINGS_FA[1], "position_repeated"),
    ]
    third = tuple("سوم" if place == 2 else cell for place, cell in enumerate(but(5, "c@x.example")))
    without = tuple(None if place == 1 else cell for place, cell in enumerate(third))
    assert problems(GOOD, without) == [(3, HEADINGS_FA[1], "position_missing")]


def test_an_office_that_is_not_the_callers_is_refused() -> None:
    allowed: frozenset[GroupName] = frozenset({County.VARAMIN})
    assert problems(GOOD, allowed=allowed) == [(2, HEADINGS_FA[0], "group_outside")]


def test_more_people_than_an_office_has_are_refused() -> None:
    rows = [("ری", None, f"عضو {number}", "کارشناس", None, f"m{number}@x.example", None, None) for number in range(101)]
    assert problems(*rows) == [(102, HEADINGS_FA[0], "group_too_large")]


def test_headings_that_are_missing_unknown_or_twice_are_refused() -> None:
    assert problems(GOOD, headings=("a", "b")) == [(None, None, "headings_missing")]
    twice = (*HEADINGS_FA[:7], "موبایل")
    assert problems(GOOD, headings=twice) == [(1, "تلفن همراه", "column_repeated"), (2, "H", "column_unknown")]
    other = (*HEADINGS_FA[:6], "کد ملی", HEADINGS_FA[7])
    assert (1, "G", "column_unknown") in problems(GOOD, headings=other)
    assert problems(GOOD, headings=("ری", "نوبت", *HEADINGS_FA[2:]))[-1] == (1, HEADINGS_FA[0], "column_missing")
    assert problems() == [(None, None, "file_empty")]


def test_a_row_longer_than_the_headings_is_refused() -> None:
    assert problems((*GOOD, "یادداشت")) == [(2, "I", "column_unknown")]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "of_another_kind"),
        ("نام,سمت\n".encode(), "of_another_kind"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(2000), "of_another_kind"),
        (b"PK\x03\x04 not a workbook", "unreadable"),
    ],
    ids=["nothing", "CSV", "XLS", "a container"],
)
def test_what_is_no_workbook_is_refused_with_what_to_do(content: bytes, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_people_file(content)
    assert refused.value.reason.code == f"notifications.people_file.{code}"
    assert "as XLSX" in refused.value.text("en")
    assert "damaged" not in refused.value.text("fa")


def test_a_bomb_is_refused_before_it_unpacks() -> None:
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook(GOOD))) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for name in source.namelist():
            content = source.read(name)
            if name == "xl/worksheets/sheet1.xml":
                content = content.replace(b"<sheetData>", b"<sheetData>" + b" " * (40 * 1024 * 1024))
            bomb.writestr(name, content)
    with pytest.raises(Refusal) as refused:
        read_people_file(target.getvalue())
    assert refused.value.reason.code == "notifications.people_file.too_large"
    assert refused.value.text("fa") == "فایل بیش از ۳۳۵۵۴۴۳۲ بایت پس از بازشدن دارد."


CELLS = st.one_of(
    st.none(), st.text(max_size=30), st.floats(), st.booleans(), st.dates(), st.just(Formula()), st.sampled_from(GOOD)
)


@given(st.lists(st.lists(CELLS, max_size=9), max_size=5))
def test_whatever_stands_in_the_cells_is_read_or_refused(rows: list[list[Any]]) -> None:
    sheet = [SheetRow(1, HEADINGS_FA), *(SheetRow(number, row) for number, row in enumerate(rows, 2))]
    try:
        people = read_people(sheet, EVERYBODY, ENDPOINTS)
    except Refusal as refused:
        assert refused.details["rows"]  # noqa: PT017 - either outcome is right
    else:
        assert sum(map(len, people.values())) == len(rows)


def member(group: str, position: int, role: str, *contacts: Contact) -> Member:
    email = f"m{position}@{group.replace('_', '-')}.example"
    own = Contact(Channel.EMAIL, email)
    return Member(
        uuid4(), group, f"عضو {position}", role, "fa", email, position, f"m{position}.{group}", (*contacts, own)
    )


@pytest.mark.parametrize("language", ["fa", "en"])
def test_the_template_with_people_reads_back_as_those_people(language: Any) -> None:
    members = [
        member("rey", 0, "chair", Contact(Channel.SMS, "+989121234567"), Contact(Channel.SMS, "+989351234567")),
        member("rey", 4, "some_role", Contact(Channel.CHAT, "telegram:@x"), Contact(Channel.WEBHOOK, "hook-1")),
        *(member(office, 0, "expert") for office in OFFICES),
    ]
    people = read(write_people_template(members, language))
    read_back = [
        (one.group, one.name, one.role, one.language, one.email, one.position, one.subject, one.contacts)
        for group in dict.fromkeys(one.working_group for one in members)
        for one in people[read_group(group) or County.REY]
    ]
    assert read_back == [
        (one.working_group, one.name, one.role, one.language, one.email, one.position, one.subject, one.contacts)
        for one in members
    ]


def test_a_webhook_that_is_no_endpoint_is_told_by_its_row_and_column() -> None:
    content = workbook(
        ("ری", "عضو یکم", "کارشناس", "m0@rey.example", "hook-1"),
        ("ری", "عضو دوم", "کارشناس", "m1@rey.example", "hook-9"),
        headings=("شهرستان یا دفتر", "نام", "سمت", "رایانامه", "وب‌هوک"),
    )
    with pytest.raises(Refusal) as refused:
        read(content)
    told: Any = refused.value.details["rows"]
    assert [(one["row"], one["column"], one["code"]) for one in told] == [(3, "وب‌هوک", "endpoint_unknown")]


def test_the_empty_template_has_every_heading_and_nobody() -> None:
    with pytest.raises(Refusal) as refused:
        read(write_people_template([], "fa"))
    told: Any = refused.value.details["rows"]
    assert [one["code"] for one in told] == ["file_empty"]


def test_every_county_and_office_is_known_by_its_names_and_no_two_share_one() -> None:
    for county in County:
        assert read_group(county.label_fa) == read_group(county.value) == county
    for office in OFFICES:
        assert {read_group(text) for text in (office.value, *OFFICE_LABELS[office])} == {office}
    spellings = [text for texts in HEADINGS.values() for text in texts]
    assert len(spellings) == len(set(spellings))
    assert set(HEADINGS) == set(PeopleColumn)

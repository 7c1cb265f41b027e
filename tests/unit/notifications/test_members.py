"""Who is told: places in the order, deputies, who stands in when nobody is left; addresses; loops of deputies."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.domain.absences import find_deputy_loop, require_absences
from services.notifications.domain.channels import Channel, Contact
from services.notifications.domain.contacts import AddressError, normal_address, with_email
from services.notifications.domain.members import (
    Absence,
    Member,
    Office,
    OnDuty,
    deputies_on,
    member_at,
    next_on_duty,
    on_duty,
    readdressed,
)
from services.notifications.domain.working_calendar import DEFAULT_HOURS, WorkingCalendar
from shared.contracts.refusals import Refusal

DAY = date(2026, 11, 22)
CALENDAR = WorkingCalendar(DEFAULT_HOURS, frozenset())


def member(position: int, role: str = "expert") -> Member:
    email = f"m{position}@x.ir"
    contacts = (Contact(Channel.EMAIL, email),)
    return Member(UUID(int=position), "rey", f"name {position}", role, "fa", email, position, None, contacts)


def away(who: int, deputy: int, first: int = 0, last: int = 0) -> Absence:
    """Days are counted from DAY."""
    return Absence(UUID(int=who), DAY + timedelta(days=first), DAY + timedelta(days=last), UUID(int=deputy))


def office(members: tuple[Member, ...], *absences: Absence) -> Office:
    return Office("rey", members, absences, CALENDAR)


GROUP = (member(7), member(3), member(5, "chair"))


def told(place: int | str, *absences: Absence, day: date = DAY) -> tuple[int, int | None]:
    found = on_duty("chair" if place == "chair" else int(place), office(GROUP, *absences), day)
    assert found is not None
    return found.member.position, found.instead_of.position if found.instead_of else None


@pytest.mark.parametrize(("place", "position"), [(0, 3), (1, 5), (2, 7), (3, 5), ("chair", 5)])
def test_a_step_tells_the_member_at_its_place_or_else_the_chair(place: int | str, position: int) -> None:
    assert told(place) == (position, None)


def test_without_a_chair_the_last_member_stands_in_and_an_empty_group_has_nobody() -> None:
    assert member_at("chair", (member(1), member(2))) == member(2)
    assert member_at("chair", ()) is None
    assert on_duty(0, office(()), DAY) is None


def test_the_deputy_is_told_on_the_days_given_and_not_a_day_longer() -> None:
    absence = away(3, 7, first=-1, last=1)
    assert told(0, absence) == (7, 3)
    assert told(0, absence, day=DAY - timedelta(days=1)) == (7, 3)
    assert told(0, absence, day=DAY + timedelta(days=1)) == (7, 3)
    assert told(0, absence, day=DAY - timedelta(days=2)) == (3, None)
    assert told(0, absence, day=DAY + timedelta(days=2)) == (3, None)


def test_the_deputy_of_a_deputy_who_is_away_too_is_told() -> None:
    assert told(0, away(3, 7), away(7, 5)) == (5, 3)


def test_a_deputy_who_left_the_office_gives_way_to_the_next_in_the_order_and_the_last_to_the_first() -> None:
    assert told(0, away(3, 99)) == (5, 3)
    assert told(2, away(7, 99)) == (3, 7)
    assert told(0, away(3, 99), away(5, 99)) == (7, 3)


def test_where_nobody_is_there_the_one_whose_place_it_is_is_told_all_the_same() -> None:
    assert told(0, away(3, 99), away(5, 99), away(7, 99)) == (3, None)


def told_next(place: int | str, before: set[int], *absences: Absence) -> tuple[int, int | None] | None:
    """`before`: places of those of the office whom earlier steps told."""
    names = {UUID(int=one): "rey" for one in before}
    found = next_on_duty("chair" if place == "chair" else int(place), office(GROUP, *absences), DAY, names)
    if found is None:
        return None
    return found.member.position, found.instead_of.position if found.instead_of else None


def test_who_was_told_already_gives_way_to_the_next_who_was_not_and_the_chair_comes_last() -> None:
    assert told_next(0, {3}) == (7, None)
    assert told_next(2, {7}) == (3, None)
    assert told_next(1, {5}) == (7, None)
    assert told_next(0, {3, 7}) == (5, None)
    assert told_next("chair", {3, 5}) == (7, None)
    assert told_next(0, {3, 5, 7}) is None
    assert told_next(0, set()) == (3, None)


def test_a_deputy_who_was_told_for_somebody_else_is_not_told_as_the_next_again() -> None:
    assert told_next(1, {5}, away(3, 5)) == (7, None)
    assert told_next(2, {7}, away(3, 99), away(5, 7)) is None
    assert told_next(0, {3}, away(7, 5)) == (5, 7)


def test_a_place_counts_those_who_were_told_and_have_left() -> None:
    assert told_next(1, {1}) == (3, None)
    assert told_next(2, {1}) == (5, None)
    assert told_next(0, {1, 2}) == (3, None)
    elsewhere = next_on_duty(1, office(GROUP), DAY, {UUID(int=1): "province_office"})
    assert elsewhere is not None
    assert elsewhere.member.position == 5


def test_a_loop_that_got_in_all_the_same_is_passed_by() -> None:
    assert told(0, away(3, 7), away(7, 3)) == (5, 3)


POSITIONS = st.lists(st.integers(0, 9), unique=True, min_size=1, max_size=6)
ABSENCES = st.lists(
    st.builds(away, st.integers(0, 9), st.integers(0, 11), st.integers(-3, 3), st.integers(-3, 6)), max_size=12
)


@given(POSITIONS, ABSENCES, st.lists(st.integers(0, 8) | st.just("chair"), min_size=8, max_size=8))
def test_everybody_who_is_there_is_told_before_anybody_is_told_twice(
    positions: list[int], absences: list[Absence], places: list[int | str]
) -> None:
    group = tuple(member(position) for position in positions)
    absent = {absence.member_id for absence in absences if absence.covers(DAY)}
    there = {one.member_id for one in group} - absent
    before: dict[UUID, str] = {}
    for place in places:
        found = next_on_duty("chair" if place == "chair" else int(place), office(group, *absences), DAY, before)
        if found is None:
            break
        assert found.member.member_id not in before
        before[found.member.member_id] = "rey"
    assert there <= before.keys()


@given(POSITIONS, ABSENCES, st.integers(0, 8) | st.just("chair"))
def test_whoever_is_there_is_told_if_anybody_is(
    positions: list[int], absences: list[Absence], place: int | str
) -> None:
    group = tuple(member(position) for position in positions)
    found = on_duty("chair" if place == "chair" else int(place), office(group, *absences), DAY)
    assert isinstance(found, OnDuty)
    absent = {absence.member_id for absence in absences if absence.covers(DAY)}
    if any(one.member_id not in absent for one in group):
        assert found.member.member_id not in absent
    assert found.member in group
    assert found.instead_of != found.member


def loops_on(absences: list[Absence], day: date) -> bool:
    """By walking from everybody, as long as there are people."""
    deputies = deputies_on(absences, day)
    for start in deputies:
        at: UUID | None = start
        for _ in range(len(deputies) + 1):
            at = deputies.get(at) if at is not None else None
        if at is not None:
            return True
    return False


@given(ABSENCES)
def test_absences_saved_one_after_the_other_never_hold_a_loop_and_none_is_refused_without_one(
    drawn: list[Absence],
) -> None:
    days = [DAY + timedelta(days=number) for number in range(-4, 8)]
    saved: list[Absence] = []
    for absence in drawn:
        own = [one for one in saved if one.member_id == absence.member_id]
        if absence.first_day > absence.last_day or any(
            one.first_day <= absence.last_day and absence.first_day <= one.last_day for one in own
        ):
            continue
        loop = find_deputy_loop(absence, [one for one in saved if one.member_id != absence.member_id])
        assert (loop is not None) == any(loops_on([*saved, absence], day) for day in days)
        if loop is None:
            saved.append(absence)
        else:
            for day in (loop.first_day, loop.last_day):
                away_then = {one.member_id for one in [*saved, absence] if one.covers(day)}
                assert away_then.issuperset(loop.member_ids)


NAMES = {UUID(int=number): f"person {number}" for number in (1, 2, 3)}


def refusal_of(absences: list[Absence], *others: Absence) -> Refusal:
    with pytest.raises(Refusal) as refused:
        require_absences(absences, others, NAMES)
    assert "{" not in refused.value.text("fa") + refused.value.text("en")
    return refused.value


def test_a_day_written_in_the_jalali_calendar_is_refused_with_its_place() -> None:
    for days in ((date(1405, 12, 1), date(1405, 12, 10)), (date(1405, 12, 1), date(2027, 3, 1))):
        refused = refusal_of([Absence(UUID(int=1), *days, UUID(int=2))])
        assert refused.reason.code == "notifications.day_not_gregorian"
        assert (refused.details["place"], refused.details["day"]) == ("absences.0.first_day", "1405-12-01")


def test_a_loop_is_refused_with_its_people_and_the_days_on_which_all_are_away() -> None:
    refused = refusal_of([away(1, 2, 0, 9)], away(2, 3, 4, 20), away(3, 1, 6, 7))
    assert refused.reason.code == "notifications.absence.deputy_loop"
    assert refused.details["people"] == "person 1 ← person 2 ← person 3 ← person 1"
    assert (refused.details["first_day"], refused.details["last_day"]) == ("2026-11-28", "2026-11-29")
    assert refused.details["first_day_fa"] == "1405/09/07"


def test_the_same_people_on_other_days_are_no_loop() -> None:
    require_absences([away(1, 2, 0, 3)], [away(2, 3, 4, 20), away(3, 1, 1, 1)], NAMES)


def test_nobody_is_their_own_deputy() -> None:
    assert refusal_of([away(1, 1)]).details["people"] == "person 1 ← person 1"


@pytest.mark.parametrize(
    ("absences", "code", "place"),
    [
        ([away(1, 2, 3, 2)], "days_reversed", "absences.0"),
        ([away(1, 9)], "deputy_not_in_group", "absences.0.deputy_id"),
        ([away(1, 2, 0, 5), away(1, 3, 5, 6)], "overlapping", "absences.1"),
        ([away(1, 2, 5, 6), away(1, 3, 0, 9)], "overlapping", "absences.1"),
    ],
)
def test_absences_that_cannot_be_are_refused_by_their_place(absences: list[Absence], code: str, place: str) -> None:
    refused = refusal_of(absences)
    assert refused.reason.code == f"notifications.absence.{code}"
    assert refused.details["place"] == place


PHONES = [
    "09121234567",
    "۰۹۱۲۱۲۳۴۵۶۷",
    "٠٩١٢١٢٣٤٥٦٧",
    "+98 912 123 4567",
    "0098-912-123-4567",
    "98 (0)912 123 45 67",
    "9121234567",
    "\u202a+98\u200e912 123\u00a04567\u202c",
    "۰۹۱۲.۱۲۳.۴۵۶۷",
]


@pytest.mark.parametrize("written", PHONES)
def test_a_mobile_number_in_any_usual_spelling_is_kept_in_e164(written: str) -> None:
    assert normal_address(Channel.SMS, written) == "+989121234567"


GOOD = [
    (Channel.EMAIL, " Ali.Rezaei@Rey.Gov.IR ", "ali.rezaei@rey.gov.ir"),
    (Channel.EMAIL, "mailto:a+b@x-y.example", "a+b@x-y.example"),
    (Channel.CHAT, "telegram:@rey_desk", "telegram:@rey_desk"),
    (Channel.CHAT, "telegram:۱۲۳", "telegram:123"),
    (Channel.CHAT, "matrix:!abc:matrix.example", "matrix:!abc:matrix.example"),
    (Channel.WEBHOOK, "rey-desk", "rey-desk"),
]
BAD = [
    (Channel.SMS, "02133445566"),
    (Channel.SMS, "0912123456"),
    (Channel.SMS, "091212345678"),
    (Channel.SMS, "+4915112345678"),
    (Channel.SMS, "0912 123 456x"),
    (Channel.SMS, ""),
    (Channel.EMAIL, "nobody"),
    (Channel.EMAIL, "a@b"),
    (Channel.EMAIL, "a..b@x.ir"),
    (Channel.EMAIL, ".a@x.ir"),
    (Channel.EMAIL, "a@x..ir"),
    (Channel.EMAIL, "a@-x.ir"),
    (Channel.EMAIL, "a@x.ir, b@x.ir"),
    (Channel.EMAIL, "a@x.ir\r\nBcc: b@x.ir"),
    (Channel.EMAIL, "علی@x.ir"),
    (Channel.EMAIL, "a@1.2.3.4"),
    (Channel.EMAIL, "a" * 65 + "@x.ir"),
    (Channel.CHAT, "@rey_desk"),
    (Channel.CHAT, "telegram:"),
    (Channel.CHAT, "tgram://123:secret/456"),
    (Channel.CHAT, "telegram:@a b"),
    (Channel.WEBHOOK, "https://x.example/hook"),
    (Channel.WEBHOOK, "Rey"),
    (Channel.INBOX, "m0.rey"),
]


@pytest.mark.parametrize(("channel", "written", "kept"), GOOD)
def test_addresses_are_kept_in_one_form(channel: Channel, written: str, kept: str) -> None:
    assert normal_address(channel, written) == kept
    assert normal_address(channel, kept) == kept


@pytest.mark.parametrize(("channel", "written"), BAD)
def test_what_is_no_address_is_refused(channel: Channel, written: str) -> None:
    with pytest.raises(AddressError) as refused:
        normal_address(channel, written)
    assert refused.value.reason.text_fa


@given(st.sampled_from(list(Channel)), st.text(max_size=60))
def test_whatever_is_written_is_an_address_or_refused(channel: Channel, written: str) -> None:
    try:
        kept = normal_address(channel, written)
    except AddressError:
        return
    assert normal_address(channel, kept) == kept
    assert kept.isascii()
    assert kept.isprintable()
    assert " " not in kept


def test_the_email_address_is_always_a_contact_and_keeps_its_place_in_the_order() -> None:
    sms, email = Contact(Channel.SMS, "+989121234567"), Contact(Channel.EMAIL, "a@x.ir")
    assert with_email("a@x.ir", [sms]) == (sms, email)
    assert with_email("a@x.ir", [email, sms]) == (email, sms)
    assert with_email("a@x.ir", []) == (email,)


ELSEWHERE = "elsewhere@x.ir"


def known_as(one: Member, subject: str | None, **changes: str | int) -> Member:
    return replace(one, subject=subject, **changes)


@pytest.mark.parametrize(
    ("before", "after", "is_same"),
    [
        (known_as(member(1), "a"), known_as(member(1), "a", email=ELSEWHERE, name="other", position=9), True),
        (known_as(member(1), None), known_as(member(1), None, email=ELSEWHERE), True),
        (known_as(member(1), "a"), known_as(member(1), None, email=ELSEWHERE), True),
        (known_as(member(1), "a"), known_as(member(1), "b", email=ELSEWHERE), False),
        (known_as(member(1), None), known_as(member(1), None, email=ELSEWHERE, name="other"), False),
        (known_as(member(1), None), known_as(member(1), None, email=ELSEWHERE, position=2), False),
        (known_as(member(1), "a"), known_as(member(1), "a"), False),
    ],
    ids=["sign-in name", "name and place", "without the sign-in name", "successor", "name", "place", "same address"],
)
def test_who_is_the_same_person_under_another_address(before: Member, after: Member, is_same: bool) -> None:
    assert readdressed((before, member(2)), (member(2), after)) == ([(before, after)] if is_same else [])


def test_two_who_could_be_one_person_are_nobody_and_addresses_that_change_hands_stay_where_they_are() -> None:
    one, other = known_as(member(1), "a"), known_as(member(2), "a")
    assert readdressed((one, other), (known_as(member(3), "a"),)) == []
    assert readdressed((one,), (known_as(member(3), "a"), known_as(member(4), "a"))) == []
    first, second = known_as(member(1), "a"), known_as(member(2), "b")
    assert readdressed((first, second), (replace(first, email=second.email), replace(second, email=first.email))) == []

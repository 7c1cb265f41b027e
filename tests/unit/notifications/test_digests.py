"""When a digest is due, and what its letter says."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest

from services.notifications.domain.digests import (
    LISTED_MAX,
    SUMMARISED_TYPES,
    CountyFigures,
    DigestContent,
    DigestLine,
    Period,
    due_after,
)
from services.notifications.domain.office_hours import DEFAULT, OfficeHours, OpeningHours
from services.notifications.domain.samples import sample_of
from services.notifications.domain.working_calendar import Weekday
from services.notifications.letters.digest_letters import render_digest
from services.notifications.letters.previews import SampleNotice
from services.notifications.routing_rules import RULES
from shared.contracts.counties import County
from shared.persian.calendar import OFFICE_ZONE

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
"""A Sunday, half past eleven in Tehran."""
ALL_WEEK = dict.fromkeys(Weekday, OpeningHours(opens=time(8), closes=time(16)))
STOP = "https://payesh.example/digests/stop/a.b.c"
LINE = DigestLine(
    county=County.REY, kind="discrepancy_found", severity="warning", state="open", subject_id="x", raised_at=NOW
)
CONTENT = DigestContent(
    county=None,
    period=Period.WEEKLY,
    since=NOW,
    until=NOW,
    figures={County.REY: CountyFigures(raised=12, open=3)},
    open=(LINE,) * LISTED_MAX,
    open_total=LISTED_MAX + 5,
    told_here=(),
    told_here_total=0,
)


def notice(language: str, content: DigestContent = CONTENT) -> SampleNotice:
    sample = SampleNotice.of(sample_of(RULES.rules[0]), language)
    return replace(sample, kind="digest", details=content.model_dump(mode="json"))


@pytest.mark.parametrize(
    ("now", "period", "due"),
    [
        (NOW, Period.DAILY, datetime(2026, 11, 23, 4, 0, tzinfo=UTC)),
        (datetime(2026, 11, 22, 3, 59, tzinfo=UTC), Period.DAILY, datetime(2026, 11, 22, 4, 0, tzinfo=UTC)),
        (datetime(2026, 11, 22, 4, 0, tzinfo=UTC), Period.DAILY, datetime(2026, 11, 23, 4, 0, tzinfo=UTC)),
        (NOW, Period.WEEKLY, datetime(2026, 11, 28, 4, 0, tzinfo=UTC)),
        (datetime(2026, 11, 28, 3, 0, tzinfo=UTC), Period.WEEKLY, datetime(2026, 11, 28, 4, 0, tzinfo=UTC)),
    ],
)
def test_a_digest_is_due_in_the_morning_of_the_province(now: datetime, period: Period, due: datetime) -> None:
    assert due_after(now, period, OfficeHours(hours=ALL_WEEK).calendar(())) == due


def tehran(day: int, hour: int = 7, minute: int = 30) -> datetime:
    """A moment of Azar's first days: 27 November 2026 is a Friday, a Saturday follows."""
    return datetime(2026, 11, day, hour, minute, tzinfo=OFFICE_ZONE)


@pytest.mark.parametrize(
    ("now", "period", "closed", "due"),
    [
        (tehran(25, 8), Period.DAILY, [], tehran(28)),
        (tehran(25, 7, 0), Period.DAILY, [], tehran(25)),
        (tehran(27), Period.DAILY, [28, 29], tehran(30)),
        (tehran(25), Period.WEEKLY, [], tehran(28)),
        (tehran(25), Period.WEEKLY, [28], tehran(29)),
        (tehran(28), Period.WEEKLY, [28], tehran(29)),
        (tehran(28, 7, 0), Period.WEEKLY, [], tehran(28)),
        (tehran(22), Period.WEEKLY, [21], tehran(28)),
        (tehran(14), Period.WEEKLY, range(14, 29), tehran(29)),
        (tehran(29, 7, 0), Period.WEEKLY, range(14, 29), tehran(29)),
    ],
    ids=[
        "weekend", "today", "after the weekend closed too", "Saturday", "Saturday closed", "on the closed Saturday",
        "this Saturday", "after the day that stood in", "two weeks closed", "on the day after two weeks",
    ],
)  # fmt: skip
def test_a_digest_is_due_on_a_day_on_which_the_office_is_open(
    now: datetime, period: Period, closed: Iterable[int], due: datetime
) -> None:
    days = [date(2026, 11, day) for day in closed]
    assert due_after(now, period, DEFAULT.calendar(days)) == due


def test_the_provinces_letter_has_every_county_and_persian_digits_alone() -> None:
    letter = render_digest(notice("fa"), STOP)
    assert letter.subject == "خلاصهٔ هفتگی هشدارها: استان تهران"
    assert all(county.label_fa in letter.html for county in County)
    assert "ری: تازه ۱۲" in letter.text
    assert "و ۵ هشدار دیگر" in letter.text
    assert 'dir="rtl"' in letter.html
    assert not re.search(r"[0-9]", letter.text.replace(STOP, ""))
    assert letter.unsubscribe_url == STOP
    assert f'href="{STOP}"' in letter.html


def test_a_countys_letter_is_about_it_alone_in_english() -> None:
    content = CONTENT.model_copy(update={"county": County.REY, "period": Period.DAILY})
    letter = render_digest(notice("en", content), STOP)
    assert letter.subject == "Daily summary of alerts: Rey"
    assert "Rey: new 12, acknowledged 0" in letter.text
    assert "Qods" not in letter.text
    assert "Nothing." in letter.text


def test_nothing_about_cases_and_complaints_is_summarised() -> None:
    restricted = {rule.source.event_type.type_name() for rule in RULES.rules if rule.is_restricted}
    assert restricted
    assert restricted.isdisjoint(SUMMARISED_TYPES)

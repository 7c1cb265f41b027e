"""A digest as a letter: figures by county, what waits longest, and what is told nowhere else."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from services.notifications.domain.digests import CountyFigures, DigestContent, DigestLine
from services.notifications.domain.terms import county_label, term
from services.notifications.letters.letter import Letter, Notice
from services.notifications.letters.links import DigestLink
from services.notifications.letters.texts import environment_of, moment, number
from services.notifications.store.deliveries import LeasedDelivery
from shared.contracts.counties import County

LINK_VALID_FOR: Final = timedelta(days=90)
FIGURES: Final = tuple(CountyFigures.model_fields)
WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "fa": {
        "title_daily": "خلاصهٔ روزانهٔ هشدارها: {office}",
        "title_weekly": "خلاصهٔ هفتگی هشدارها: {office}",
        "province": "استان تهران",
        "covers": "از {since} تا {until}",
        "figures": "شمار هشدارها",
        "county": "شهرستان",
        "raised": "تازه",
        "acknowledged": "تأییدشده",
        "escalated": "ارجاع‌شده",
        "resolved": "برطرف‌شده",
        "open": "باز",
        "held_back": "نگه‌داشته",
        "waiting": "آنچه از همه بیشتر در انتظار است",
        "told_here": "آنچه تنها در این خلاصه گفته می‌شود",
        "rest": "و {number} هشدار دیگر",
        "nothing": "چیزی نیست.",
        "stop": "دیگر این خلاصه را نمی‌خواهم",
        "stop_title": "پایان خلاصهٔ هشدارها",
        "stop_question": "با زدن دکمه دیگر خلاصه‌ای برای شما فرستاده نمی‌شود. هشدارها مانند پیش فرستاده می‌شوند.",
        "stop_done": "ثبت شد. دیگر خلاصه‌ای برای شما فرستاده نمی‌شود.",
    },
    "en": {
        "title_daily": "Daily summary of alerts: {office}",
        "title_weekly": "Weekly summary of alerts: {office}",
        "province": "Tehran province",
        "covers": "From {since} to {until}",
        "figures": "Alerts in figures",
        "county": "County",
        "raised": "new",
        "acknowledged": "acknowledged",
        "escalated": "escalated",
        "resolved": "resolved",
        "open": "open",
        "held_back": "held back",
        "waiting": "What has waited longest",
        "told_here": "What only this summary tells",
        "rest": "and {number} more",
        "nothing": "Nothing.",
        "stop": "I want no more of these summaries",
        "stop_title": "No more summaries",
        "stop_question": "When you press the button, no further summary is sent to you. Alerts are sent as before.",
        "stop_done": "Recorded. No further summary is sent to you.",
    },
}


def digest_link(delivery: LeasedDelivery) -> DigestLink:
    """The link by which the reader of a digest ends them."""
    content = DigestContent.model_validate(delivery.details)
    return DigestLink(delivery.member_id, content.county, delivery.created_at + LINK_VALID_FOR)


def render_digest(delivery: Notice, unsubscribe_url: str) -> Letter:
    """The letter of a digest, whose content is in the delivery's details. Raises ValueError if it is no digest."""
    digest, language = DigestContent.model_validate(delivery.details), delivery.language
    words = WORDS[language]
    office = words["province"] if digest.county is None else county_label(digest.county, language)
    title = words[f"title_{digest.period}"].format(office=office)
    values: dict[str, Any] = {
        "language": language,
        "title": title,
        "words": words,
        "covers": words["covers"].format(since=moment(digest.since, language), until=moment(digest.until, language)),
        "headings": (words["county"], *(words[figure] for figure in FIGURES)),
        "separator": "، " if language == "fa" else ", ",
        "rows": _rows(digest, language),
        "lists": [
            _list(words["waiting"], digest.open, digest.open_total, language),
            _list(words["told_here"], digest.told_here, digest.told_here_total, language),
        ],
        "unsubscribe_url": unsubscribe_url,
    }
    environment = environment_of(language)
    return Letter(
        subject=title,
        lines=(),
        text=environment.get_template("digest.txt.j2").render(values),
        html=environment.get_template("digest.html.j2").render(values),
        short=title,
        unsubscribe_url=unsubscribe_url,
    )


def _rows(digest: DigestContent, language: str) -> list[tuple[str, ...]]:
    """A row for each county of the office, with nothing where nothing was."""
    counties = tuple(County) if digest.county is None else (digest.county,)
    rows: list[tuple[str, ...]] = []
    for county in counties:
        figures = digest.figures.get(county, CountyFigures()).model_dump()
        values = (number(figures[name], language) for name in FIGURES)
        rows.append((county_label(county, language), *values))
    return rows


def _list(title: str, lines: Sequence[DigestLine], total: int, language: str) -> dict[str, Any]:
    words = WORDS[language]
    shown = [
        f"{term(line.kind, language)} · {county_label(line.county, language)} · {moment(line.raised_at, language)}"
        for line in lines
    ]
    if total > len(lines):
        shown.append(words["rest"].format(number=number(total - len(lines), language)))
    return {"title": title, "lines": shown or [words["nothing"]]}

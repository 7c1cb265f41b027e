"""How texts are made: the sandbox that templates run in, its filters, and the words around every letter.

Each alert kind has one template per language with three blocks: `subject`, `short` (for SMS) and `body`, whose plain lines
the layouts set as text and as HTML. The sandbox lets templates reach nothing but the values given here.
"""

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from persiantools import digits
from persiantools.jdatetime import JalaliDate, JalaliDateTime

from services.notifications.domain.terms import term
from shared.persian.calendar import OFFICE_ZONE, jalali_text, office_date

TEMPLATES_DIRECTORY: Final = Path(__file__).parent / "templates"
LANGUAGES: Final = ("fa", "en")
DECIMAL_SEPARATOR_FA: Final = "٫"
BLOCKS: Final = ("subject", "short", "body")
OWN_FILTERS: Final = ("moment", "day", "short_moment", "short_day", "number", "period", "term")
WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "fa": {
        "acknowledge": "دیدم و پیگیری می‌کنم",
        "open_case": "گشودن پرونده",
        "footer": "سامانه پایش · شناسه هشدار:",
        "critical": "بحرانی: ",
        "plain": "هشدار تازه",
        "grouped": "این هشدارهای دیگر همین گروه هنوز برطرف نشده‌اند:",
        "grouped_rest": "و {number} هشدار دیگر",
        "grouped_short": " (+{number} هشدار دیگر)",
        "page_title": "تأیید هشدار",
        "page_question": "با زدن دکمه، شما پیگیری این هشدار را بر عهده می‌گیرید و برای نفر بعد فرستاده نمی‌شود.",
        "page_number": "شمار هشدارهایی که این دکمه به آن‌ها پاسخ می‌دهد: {number}",
        "page_done": "ثبت شد. سپاس از پیگیری شما.",
        "page_already": "این هشدار پیش‌تر تأیید شده است.",
    },
    "en": {
        "acknowledge": "I have seen it and am acting on it",
        "open_case": "Open the case",
        "footer": "Payesh · alert:",
        "critical": "Critical: ",
        "plain": "New alert",
        "grouped": "These other alerts of the same group are not resolved either:",
        "grouped_rest": "and {number} more",
        "grouped_short": " (+{number} more)",
        "page_title": "Acknowledge the alert",
        "page_question": "By pressing the button you take charge of this alert; the next person is not told.",
        "page_number": "Alerts that this button answers: {number}",
        "page_done": "Recorded. Thank you for acting on it.",
        "page_already": "This alert has already been acknowledged.",
    },
}


def moment(value: datetime, language: str) -> str:
    """Date and time in Asia/Tehran: Jalali with Persian digits, or Gregorian in English."""
    local = value.astimezone(OFFICE_ZONE)
    if language == "fa":
        return JalaliDateTime.to_jalali(local).strftime("%A %d %B %Y، ساعت %H:%M", locale="fa")
    return local.strftime("%A %d %B %Y, %H:%M (Tehran)")


def day(value: date, language: str) -> str:
    """A date without a time: Jalali with Persian digits, or Gregorian in English."""
    if language == "fa":
        return JalaliDate.to_jalali(value).strftime("%A %d %B %Y", locale="fa")
    return value.strftime("%A %d %B %Y")


def short_day(value: date, language: str) -> str:
    """As few characters as name a day: ``۱۴۰۵/۰۹/۰۱``, or ISO 8601 in English. A moment counts as its day in Asia/Tehran."""
    on = office_date(value) if isinstance(value, datetime) else value
    return number(jalali_text(on), language) if language == "fa" else on.isoformat()


def short_moment(value: datetime, language: str) -> str:
    """`short_day` with hours and minutes in Asia/Tehran."""
    return f"{short_day(value, language)} {number(value.astimezone(OFFICE_ZONE).strftime('%H:%M'), language)}"


def number(value: float | str, language: str) -> str:
    """`value` with the digits of the language, and its decimal separator."""
    if language != "fa":
        return str(value)
    written = str(value).replace(".", DECIMAL_SEPARATOR_FA) if isinstance(value, float) else str(value)
    return digits.en_to_fa(written)


def site_code(registry_id: str, language: str) -> str:
    """A site's id in the register: one of digits alone with those of the language, any other as it is."""
    return number(registry_id, language) if registry_id.isdecimal() else registry_id


def period(value: str, language: str) -> str:
    """A Jalali month ``1405-07`` or quarter ``1405-Q2`` in words."""
    year, _, part = value.partition("-")
    if part.startswith("Q"):
        words = "سه‌ماههٔ {part} سال {year}" if language == "fa" else "quarter {part} of {year}"
        return number(words.format(part=part[1:], year=year), language)
    return JalaliDate(int(year), int(part), 1).strftime("%B %Y", locale="fa" if language == "fa" else "en")


@cache
def environment_of(language: str) -> ImmutableSandboxedEnvironment:
    """The sandbox of one language; its loader finds what ships with the service."""
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(TEMPLATES_DIRECTORY),
        undefined=StrictUndefined,
        autoescape=_is_html,
        auto_reload=False,
        keep_trailing_newline=True,
    )

    def show_moment(value: datetime | str) -> str:
        return moment(_moment(value), language)

    def show_day(value: date | str) -> str:
        return day(_day(value), language)

    def show_short_moment(value: datetime | str) -> str:
        return short_moment(_moment(value), language)

    def show_short_day(value: date | str) -> str:
        return short_day(_day(value), language)

    def show_number(value: float | str) -> str:
        return number(value, language)

    def show_period(value: str) -> str:
        return period(value, language)

    def show_term(key: str) -> str:
        return term(key, language)

    shown = (show_moment, show_day, show_short_moment, show_short_day, show_number, show_period, show_term)
    environment.filters |= dict(zip(OWN_FILTERS, shown, strict=True))
    return environment


@cache
def known_kinds() -> frozenset[str]:
    """Kinds of alerts that have a text in every language."""
    first, *others = ({path.stem for path in (TEMPLATES_DIRECTORY / one).glob("*.j2")} for one in LANGUAGES)
    return frozenset(first.intersection(*others))


def shipped_source(kind: str, language: str) -> str:
    """The template that ships with the service; `kind` is one of `known_kinds()`."""
    return (TEMPLATES_DIRECTORY / language / f"{kind}.j2").read_text(encoding="utf-8")


def _moment(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _day(value: date | str) -> date:
    if not isinstance(value, str):
        return value
    return datetime.fromisoformat(value) if "T" in value else date.fromisoformat(value)


def _is_html(template_name: str | None) -> bool:
    return template_name is not None and template_name.endswith(".html.j2")

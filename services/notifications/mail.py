"""Mail in the recipient's language: right-to-left HTML with plain text, Jalali dates and Persian digits, or English.

Each alert kind has one template per language with two blocks, `subject` and `body`; the body is plain lines, which the
layouts set as text and as HTML. The sandbox lets templates reach nothing but the values given here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from persiantools import digits
from persiantools.jdatetime import JalaliDate, JalaliDateTime

from services.notifications.domain.terms import county_label, term
from services.notifications.store.deliveries import LeasedDelivery
from shared.kit.logging import get_logger
from shared.kit.telemetry import current_traceparent

TEMPLATES_DIRECTORY: Final = Path(__file__).parent / "templates"
DISPLAY_ZONE: Final = ZoneInfo("Asia/Tehran")
LANGUAGES: Final = ("fa", "en")
SUBJECT_CHARACTERS_MAX: Final = 200
WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "fa": {
        "acknowledge": "دیدم و پیگیری می‌کنم",
        "open_case": "گشودن پرونده",
        "footer": "سامانه پایش · شناسه هشدار:",
        "critical": "بحرانی: ",
        "plain": "هشدار تازه",
        "page_title": "تأیید هشدار",
        "page_question": "با زدن دکمه، شما پیگیری این هشدار را بر عهده می‌گیرید و برای نفر بعد فرستاده نمی‌شود.",
        "page_done": "ثبت شد. سپاس از پیگیری شما.",
        "page_already": "این هشدار پیش‌تر تأیید شده است.",
    },
    "en": {
        "acknowledge": "I have seen it and am acting on it",
        "open_case": "Open the case",
        "footer": "Payesh · alert:",
        "critical": "Critical: ",
        "plain": "New alert",
        "page_title": "Acknowledge the alert",
        "page_question": "By pressing the button you take charge of this alert; the next person is not told.",
        "page_done": "Recorded. Thank you for acting on it.",
        "page_already": "This alert has already been acknowledged.",
    },
}

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Letter:
    """What a recipient reads."""

    subject: str
    lines: tuple[str, ...]
    text: str
    html: str


class MissingTemplateError(Exception):
    """A routing rule's kind of alert has no usable template in one of the languages; the service does not start."""


class Letters:
    """Renders letters; holds the compiled templates."""

    def __init__(self) -> None:
        self._environments = {language: _environment(language) for language in LANGUAGES}

    def require(self, kinds: frozenset[str]) -> None:
        """Compile both languages of every kind. Raises MissingTemplateError."""
        for kind in sorted(kinds):
            for language in LANGUAGES:
                try:
                    template = self._environments[language].get_template(f"{language}/{kind}.j2")
                except TemplateError as error:
                    raise MissingTemplateError(f"templates/{language}/{kind}.j2: {error!r}") from error
                if not {"subject", "body"} <= template.blocks.keys():
                    raise MissingTemplateError(f"templates/{language}/{kind}.j2: needs the blocks subject and body")

    def render(self, delivery: LeasedDelivery, acknowledge_url: str, case_url: str | None = None) -> Letter:
        """The letter of a delivery. A template that fails gives way to a plain safe letter; the failure is logged."""
        language = delivery.language
        try:
            subject, lines = self._render_kind(delivery)
        except Exception as error:
            _log.error("template_failed", kind=delivery.kind, language=language, error=repr(error))
            subject = f"{WORDS[language]['plain']}: {term(delivery.kind, language)}"
            lines = (subject, county_label(delivery.county, language), delivery.subject_id)
        subject = " ".join(subject.split())[:SUBJECT_CHARACTERS_MAX]
        values: dict[str, Any] = {
            "language": language,
            "subject": subject,
            "lines": lines,
            "words": WORDS[language],
            "alert_id": str(delivery.alert_id),
            "acknowledge_url": acknowledge_url,
            "case_url": case_url,
        }
        environment = self._environments[language]
        return Letter(
            subject=subject,
            lines=lines,
            text=environment.get_template("layout.txt.j2").render(values),
            html=environment.get_template("layout.html.j2").render(values),
        )

    def render_page(self, language: str, title: str, lines: tuple[str, ...], button: str | None) -> str:
        """The acknowledgement page; without `button` it can only be read."""
        template = self._environments[language].get_template("page.html.j2")
        return template.render(language=language, title=title, lines=lines, button=button)

    def _render_kind(self, delivery: LeasedDelivery) -> tuple[str, tuple[str, ...]]:
        language = delivery.language
        template = self._environments[language].get_template(f"{language}/{delivery.kind}.j2")
        values: dict[str, Any] = {
            "county": county_label(delivery.county, language),
            "severity_mark": WORDS[language]["critical"] if delivery.severity == "critical" else "",
            "recipient_name": delivery.recipient_name,
            "subject_id": delivery.subject_id,
            "raised_at": delivery.raised_at,
            "details": dict(delivery.details),
        }
        subject = _render_block(template, "subject", values)
        lines = tuple(line.strip() for line in _render_block(template, "body", values).splitlines() if line.strip())
        return subject, lines


def compose(delivery: LeasedDelivery, letter: Letter, sender: str) -> EmailMessage:
    """The MIME message. Its Message-ID is the delivery's id, so that a receiver can drop one that comes twice."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address("Payesh", addr_spec=sender)
    message["To"] = Address(delivery.recipient_name, addr_spec=delivery.recipient)
    message["Subject"] = letter.subject
    message["Date"] = delivery.created_at
    message["Message-ID"] = f"<{delivery.delivery_id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Payesh-Delivery-Id"] = str(delivery.delivery_id)
    message["X-Payesh-Alert-Id"] = str(delivery.alert_id)
    message["X-Payesh-Alert-Kind"] = delivery.kind
    message["X-Payesh-Step"] = str(delivery.step)
    message["X-Correlation-Id"] = delivery.correlation_id
    if traceparent := current_traceparent():
        message["traceparent"] = traceparent
    message.set_content(letter.text, cte="base64")
    message.add_alternative(letter.html, subtype="html", cte="base64")
    message["Content-Language"] = delivery.language  # last: setting the content takes Content-* headers away
    return message


def moment(value: datetime, language: str) -> str:
    """Date and time in Asia/Tehran: Jalali with Persian digits, or Gregorian in English."""
    local = value.astimezone(DISPLAY_ZONE)
    if language == "fa":
        return JalaliDateTime.to_jalali(local).strftime("%A %d %B %Y، ساعت %H:%M", locale="fa")
    return local.strftime("%A %d %B %Y, %H:%M (Tehran)")


def day(value: date, language: str) -> str:
    """A date without a time: Jalali with Persian digits, or Gregorian in English."""
    if language == "fa":
        return JalaliDate.to_jalali(value).strftime("%A %d %B %Y", locale="fa")
    return value.strftime("%A %d %B %Y")


def number(value: int | str, language: str) -> str:
    return digits.en_to_fa(str(value)) if language == "fa" else str(value)


def _environment(language: str) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(TEMPLATES_DIRECTORY),
        undefined=StrictUndefined,
        autoescape=_is_html,
        auto_reload=False,
        keep_trailing_newline=True,
    )

    def show_moment(value: datetime | str) -> str:
        return moment(datetime.fromisoformat(value) if isinstance(value, str) else value, language)

    def show_day(value: date | str) -> str:
        return day(date.fromisoformat(value) if isinstance(value, str) else value, language)

    def show_number(value: int | str) -> str:
        return number(value, language)

    def show_term(key: str) -> str:
        return term(key, language)

    environment.filters |= {"moment": show_moment, "day": show_day, "number": show_number, "term": show_term}
    return environment


def _is_html(template_name: str | None) -> bool:
    return template_name is not None and template_name.endswith(".html.j2")


def _render_block(template: Template, name: str, values: Mapping[str, Any]) -> str:
    return "".join(template.blocks[name](template.new_context(dict(values))))

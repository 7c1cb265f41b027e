"""What a recipient reads: letters in the recipient's language, made from the template in force, or a plain safe form."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, Final, Protocol
from uuid import UUID

from jinja2 import Template, TemplateError
from pydantic import JsonValue

from services.notifications.domain.terms import county_label, term
from services.notifications.letters.texts import BLOCKS, LANGUAGES, WORDS, environment_of, moment, number, site_code
from shared.contracts.counties import County
from shared.kit.logging import get_logger

SUBJECT_CHARACTERS_MAX: Final = 200
SMS_UNITS_MAX: Final = 201
"""Three parts of 67 UTF-16 units each (3GPP TS 23.040, UCS-2), as Persian is sent."""
LINK_CHARACTERS_MAX: Final = 90
SHORT_UNITS_MAX: Final = SMS_UNITS_MAX - LINK_CHARACTERS_MAX - 1
GROUPED_SUFFIX_UNITS_MAX: Final = 22
SHORT_BLOCK_UNITS_MAX: Final = SHORT_UNITS_MAX - GROUPED_SUFFIX_UNITS_MAX
"""What the block `short` itself may take, so that a link and the number of grouped alerts always find room."""
GROUPED_SHOWN_MAX: Final = 20
SHOWN_ITEMS_MAX: Final = 20
SHOWN_CHARACTERS_MAX: Final = 200
"""Items of one list, and characters of one text, that a template gets to see; with `text_checks` they bound what rendering
can cost."""

_log = get_logger(__name__)


class Grouped(Protocol):
    """Another unresolved alert of the same group."""

    @property
    def subject_id(self) -> str: ...
    @property
    def raised_at(self) -> datetime: ...
    @property
    def details(self) -> Mapping[str, JsonValue]: ...
    @property
    def registry_id(self) -> str | None: ...


class Notice(Protocol):
    """What a letter needs to know of a delivery. `grouped`: the first other alerts of its group, of `grouped_total`."""

    @property
    def alert_id(self) -> UUID: ...
    @property
    def county(self) -> County: ...
    @property
    def recipient_name(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def subject_id(self) -> str: ...
    @property
    def raised_at(self) -> datetime: ...
    @property
    def details(self) -> Mapping[str, JsonValue]: ...
    @property
    def registry_id(self) -> str | None: ...
    @property
    def grouped(self) -> Sequence[Grouped]: ...
    @property
    def grouped_total(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Letter:
    """What a recipient reads. `short` is one SMS with its link. `template_error`: why this is only the plain safe form.
    `text_version`: the saved version that it was made from, 0: what ships; None: of no template."""

    subject: str
    lines: tuple[str, ...]
    text: str
    html: str
    short: str
    unsubscribe_url: str | None = None
    template_error: str | None = None
    text_version: int | None = None


@dataclass(frozen=True, slots=True)
class SavedText:
    """A template that replaces the shipped one of its kind and language."""

    kind: str
    language: str
    version: int
    source: str


class MissingTemplateError(Exception):
    """A routing rule's kind of alert has no usable template in one of the languages; the service does not start."""


class Letters:
    """Renders letters; holds the compiled templates."""

    def __init__(self, saved: Iterable[SavedText] = ()) -> None:
        self._saved: dict[tuple[str, str], Template] = {}
        self._versions: dict[tuple[str, str], int] = {}
        self.use(saved)

    def use(self, saved: Iterable[SavedText]) -> None:
        """Let `saved` replace what ships, and nothing else. One that does not compile is left out and logged."""
        compiled: dict[tuple[str, str], Template] = {}
        versions: dict[tuple[str, str], int] = {}
        for one in saved:
            try:
                compiled[one.kind, one.language] = environment_of(one.language).from_string(one.source)
                versions[one.kind, one.language] = one.version
            except (TemplateError, SyntaxError, RecursionError, ValueError) as error:
                _log.error(
                    "saved_template_unusable",
                    kind=one.kind,
                    language=one.language,
                    version=one.version,
                    error=repr(error),
                    next_step="the shipped template is used; save a new version",
                )
        self._saved, self._versions = compiled, versions

    def require(self, kinds: frozenset[str]) -> None:
        """Compile both languages of every kind. Raises MissingTemplateError."""
        for kind in sorted(kinds):
            for language in LANGUAGES:
                try:
                    template = self._template(kind, language)
                except TemplateError as error:
                    raise MissingTemplateError(f"templates/{language}/{kind}.j2: {error!r}") from error
                if missing := set(BLOCKS) - template.blocks.keys():
                    raise MissingTemplateError(f"templates/{language}/{kind}.j2: needs the blocks {sorted(missing)}")

    def render(
        self, delivery: Notice, acknowledge_url: str, case_url: str | None = None, *, short_url: str | None = None
    ) -> Letter:
        """The letter of a delivery. A template that fails gives way to a plain safe letter, which says so.

        Without `short_url` the SMS has no link.
        """
        language, failure = delivery.language, None
        try:
            subject, block, lines = self._render_kind(delivery)
        except Exception as error:
            failure = repr(error)
            _log.error("template_failed", kind=delivery.kind, language=language, error=failure)
            subject = block = f"{WORDS[language]['plain']}: {term(delivery.kind, language)}"
            lines = (subject, county_label(delivery.county, language), delivery.subject_id)
        subject = " ".join(subject.split())[:SUBJECT_CHARACTERS_MAX]
        values: dict[str, Any] = {
            "language": language,
            "subject": subject,
            "lines": lines,
            "grouped": self._grouped_lines(delivery),
            "words": WORDS[language],
            "alert_id": str(delivery.alert_id),
            "acknowledge_url": acknowledge_url,
            "case_url": case_url,
        }
        environment = environment_of(language)
        return Letter(
            subject=subject,
            lines=lines,
            text=environment.get_template("layout.txt.j2").render(values),
            html=environment.get_template("layout.html.j2").render(values),
            short=_short(delivery, block, subject, short_url),
            template_error=failure,
            text_version=None if failure else self._versions.get((delivery.kind, language), 0),
        )

    def render_page(self, language: str, title: str, lines: tuple[str, ...], button: str | None) -> str:
        """The page behind a link; without `button` it can only be read."""
        template = environment_of(language).get_template("page.html.j2")
        return template.render(language=language, title=title, lines=lines, button=button)

    def render_blocks(self, delivery: Notice) -> tuple[str, str, str]:
        """Subject, short and body as the template in force writes them. Raises whatever the template raises."""
        return blocks_of(self._template(delivery.kind, delivery.language), delivery)

    def _template(self, kind: str, language: str) -> Template:
        saved = self._saved.get((kind, language))
        return saved or environment_of(language).get_template(f"{language}/{kind}.j2")

    def _render_kind(self, delivery: Notice) -> tuple[str, str, tuple[str, ...]]:
        subject, short, body = self.render_blocks(delivery)
        return subject, short, tuple(line.strip() for line in body.splitlines() if line.strip())

    def _grouped_lines(self, delivery: Notice) -> tuple[str, ...]:
        """A line for each of the first alerts of the group: what, when, its id; then how many more there are."""
        language = delivery.language
        lines: list[str] = []
        for one in delivery.grouped[:GROUPED_SHOWN_MAX]:
            try:
                values = values_of(delivery) | _about(one, language)
                about = render_block(self._template(delivery.kind, language), "subject", values).strip()
            except Exception as error:
                _log.warning("grouped_alert_plain", kind=delivery.kind, language=language, error=repr(error))
                about = term(delivery.kind, language)
            site = () if one.registry_id is None else (site_code(one.registry_id, language),)
            lines.append(" · ".join((about, moment(one.raised_at, language), *site, one.subject_id)))
        if (rest := delivery.grouped_total - len(lines)) > 0:
            lines.append(WORDS[language]["grouped_rest"].format(number=number(rest, language)))
        return tuple(lines)


def sms_units(text: str) -> int:
    """UTF-16 units that `text` takes in an SMS written in Persian."""
    return len(text.encode("utf-16-le")) // 2


def values_of(notice: Notice) -> dict[str, Any]:
    """The values that templates see; `text_checks.NAMES` lists them."""
    language = notice.language
    return {
        "county": county_label(notice.county, language),
        "severity_mark": WORDS[language]["critical"] if notice.severity == "critical" else "",
        "recipient_name": notice.recipient_name,
        "raised_at": notice.raised_at,
        **_about(notice, language),
    }


def _about(alert: Notice | Grouped, language: str) -> dict[str, Any]:
    registry_id = "" if alert.registry_id is None else site_code(alert.registry_id, language)
    return {"subject_id": alert.subject_id, "registry_id": _shown(registry_id), "details": _details(alert.details)}


def blocks_of(template: Template, notice: Notice) -> tuple[str, str, str]:
    """The blocks `subject`, `short` and `body`. Raises whatever the template raises."""
    values = values_of(notice)
    return (
        render_block(template, "subject", values),
        render_block(template, "short", values),
        render_block(template, "body", values),
    )


def render_block(template: Template, name: str, values: Mapping[str, Any]) -> str:
    return "".join(template.blocks[name](template.new_context(dict(values))))


def _details(details: Mapping[str, JsonValue]) -> SimpleNamespace:
    """Fields as attributes and nothing else: a mapping's own methods would hide a field named `items`."""
    return SimpleNamespace(**{name: _shown(value) for name, value in details.items()})


def _shown(value: JsonValue) -> Any:
    if isinstance(value, str):
        return value[:SHOWN_CHARACTERS_MAX]
    return tuple(_shown(item) for item in value[:SHOWN_ITEMS_MAX]) if isinstance(value, list) else value


def _short(delivery: Notice, block: str, subject: str, url: str | None) -> str:
    """The fullest form that fits, shortened by what it says and never inside a word."""
    words, language = WORDS[delivery.language], delivery.language
    link = "" if url is None else f"\n{url}"
    total = delivery.grouped_total
    more = words["grouped_short"].format(number=number(total, language)) if total else ""
    kind = term(delivery.kind, language)
    told = (" ".join(block.split()), subject, f"{kind}، {county_label(delivery.county, language)}", kind)
    forms = (*(one + more for one in told), *told, words["plain"])
    fitting = (form + link for form in forms if sms_units(form + link) <= SMS_UNITS_MAX)
    return next(fitting, words["plain"])

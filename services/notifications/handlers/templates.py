"""Texts of alerts are saved by people, as new versions that were tried with sample events before."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.notifications.domain.rules import Rule, RuleBook
from services.notifications.domain.samples import sample_of, samples_of
from services.notifications.domain.text_refusals import (
    TEMPLATE_KIND_UNKNOWN,
    TEMPLATE_RULE_UNKNOWN,
    TEMPLATE_VERSION_CHANGED,
)
from services.notifications.letters.letter import Letter, Letters, SavedText
from services.notifications.letters.previews import SampleNotice
from services.notifications.letters.text_checks import SOURCE_CHARACTERS_MAX, check_source
from services.notifications.letters.texts import known_kinds, shipped_source
from services.notifications.routing_rules import rules_in_force
from services.notifications.store import templates as store
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Transaction

Language = Literal["fa", "en"]
Source = Annotated[str, Field(min_length=1, max_length=SOURCE_CHARACTERS_MAX)]

SAMPLE_LINK = "https://payesh.example/acknowledge/sample"
SAMPLE_SHORT_LINK = "https://payesh.example/a/sample"


class SaveTemplate(BaseModel):
    """`follows`: the version that was read before; if another one is in force by now, nothing is saved."""

    model_config = ConfigDict(extra="forbid")

    kind: str
    language: Language
    source: Source
    follows: Annotated[int | None, Field(ge=0)] = None


class SavedVersion(BaseModel):
    kind: str
    language: Language
    version: int


async def save_template(command: SaveTemplate, tx: Transaction) -> SavedVersion:
    """Try a text with every sample event of its kind and save it as the next version. Raises Refusal with the line."""
    rules = rules_of_kind(await rules_in_force(tx.connection), command.kind)
    try_source(command.source, command.language, rules)
    version = await store.newest_version(tx.connection, command.kind, command.language)
    if command.follows not in (None, version):
        raise Refusal(TEMPLATE_VERSION_CHANGED, version=version)
    template = store.StoredTemplate(
        command.kind, command.language, version + 1, command.source, tx.principal.subject, tx.now
    )
    await store.insert_template(tx.connection, template)
    return SavedVersion(kind=command.kind, language=command.language, version=version + 1)


def rules_of_kind(book: RuleBook, kind: str) -> list[Rule]:
    """Rules that raise alerts of `kind`. Raises Refusal if there is none."""
    rules = [rule for rule in book.rules if rule.kind == kind]
    if not rules:
        raise Refusal(TEMPLATE_KIND_UNKNOWN, kind=kind, known=", ".join(sorted({rule.kind for rule in book.rules})))
    return rules


def try_source(source: str, language: str, rules: Sequence[Rule]) -> None:
    """Raises Refusal unless the text suits every sample event of every one of `rules`."""
    shown = frozenset(rules[0].show).intersection(*(rule.show for rule in rules))
    samples = [SampleNotice.of(sample, language) for rule in rules for sample in samples_of(rule)]
    check_source(source, language, shown, samples)


def shipped_or_refused(kind: str, language: str) -> str:
    """The text that ships. Raises Refusal if none does."""
    if kind not in known_kinds():
        raise Refusal(TEMPLATE_KIND_UNKNOWN, kind=kind, known=", ".join(sorted(known_kinds())))
    return shipped_source(kind, language)


def rule_to_show(rules: Sequence[Rule], rule_id: str | None) -> Rule:
    """The rule of that name among `rules`, those of one kind; the first one where none is named. Raises Refusal."""
    if rule_id is None:
        return rules[0]
    for rule in rules:
        if rule.rule_id == rule_id:
            return rule
    known = ", ".join(rule.rule_id for rule in rules)
    raise Refusal(TEMPLATE_RULE_UNKNOWN, rule_id=rule_id, kind=rules[0].kind, known=known)


def preview(source: str, language: str, rule: Rule) -> Letter:
    """A tried text as a person would get it, from the rule's typical sample event."""
    letters = Letters([SavedText(rule.kind, language, 0, source)])
    notice = SampleNotice.of(sample_of(rule), language)
    return letters.render(notice, SAMPLE_LINK, short_url=SAMPLE_SHORT_LINK)

"""Routing rules are checked and saved by people; each save is a version of its own."""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from services.notifications.domain.rule_documents import DOCUMENT_CHARACTERS_MAX
from services.notifications.domain.rule_faults import RuleFault, RulesError
from services.notifications.domain.rule_reading import read_complete_rules
from services.notifications.domain.rule_refusals import (
    RULES_CHANGED,
    RULES_LEAVE_ALERTS,
    RULES_NEED_PROVINCE,
    RULES_REFUSED,
)
from services.notifications.domain.rules import RuleBook
from services.notifications.letters.letter_needs import letter_needs
from services.notifications.store import groups, templates
from services.notifications.store import rules as store
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Connection, Transaction

FAULTS_SHOWN_MAX: Final = 200
NOTE_CHARACTERS_MIN: Final = 3
NOTE_CHARACTERS_MAX: Final = 500
_SOURCE_NAME: Final = "routing-rules"

DocumentText = Annotated[str, Field(min_length=1, max_length=DOCUMENT_CHARACTERS_MAX)]


class SaveRules(BaseModel):
    """`expected_version`: the version that the change was made from, 0 for the rules that ship. `note`: why."""

    model_config = ConfigDict(extra="forbid")

    document: DocumentText
    expected_version: Annotated[int, Field(ge=0)]
    note: Annotated[str, Field(min_length=NOTE_CHARACTERS_MIN, max_length=NOTE_CHARACTERS_MAX)]


class SavedRules(BaseModel):
    """`version` is in force for events that are applied from now on; alerts that run keep what they were raised with."""

    version: int
    rules: int


async def save_rules(command: SaveRules, tx: Transaction) -> SavedRules:
    """Check the whole document and put it in force as the next version. Raises Refusal; then nothing was saved.

    To go back, save an older version's text again.
    """
    if tx.principal.counties != frozenset(County):
        raise Refusal(RULES_NEED_PROVINCE)
    await groups.lock_policies(tx.connection)
    newest = await store.find_version(tx.connection)
    version = 0 if newest is None else newest.version
    if version != command.expected_version:
        raise Refusal(RULES_CHANGED, version=version, expected_version=command.expected_version)
    book = await read_sound_rules(tx.connection, command.document)
    await _refuse_stranding(tx.connection, book)
    saved = await store.insert_version(tx.connection, version + 1, command.document, command.note, tx.principal.subject)
    if not saved:
        raise Refusal(RULES_CHANGED, version=version + 1, expected_version=command.expected_version)
    return SavedRules(version=version + 1, rules=len(book.rules))


async def _refuse_stranding(connection: Connection, book: RuleBook) -> None:
    """An alert is resolved by the rule that raised it: a rule stays as long as it has one that is not resolved."""
    left = await store.count_unresolved(connection, [rule.rule_id for rule in book.rules])
    if left:
        raise Refusal(RULES_LEAVE_ALERTS, rules=", ".join(f"{rule_id} ({number})" for rule_id, number in left))


async def read_sound_rules(connection: Connection, document: str) -> RuleBook:
    """The rules of a document that may be put in force, its letters included. Raises Refusal with every fault."""
    try:
        return await check_rules(connection, document)
    except RulesError as error:
        faults: list[JsonValue] = [dict(shown_fault(fault)) for fault in error.faults[:FAULTS_SHOWN_MAX]]
        raise Refusal(RULES_REFUSED, faults_count=len(error.faults), faults=faults) from error


async def check_rules(connection: Connection, document: str) -> RuleBook:
    """As `read_sound_rules`, but raises RulesError."""
    saved = await templates.list_in_force(connection)
    needs = letter_needs((one.kind, one.language, one.source) for one in saved)
    policies = {name: policy for name, (_, policy) in (await groups.list_policies(connection)).items()}
    return read_complete_rules(document, _SOURCE_NAME, letters=needs, saved_policies=policies)


def shown_fault(fault: RuleFault) -> Mapping[str, JsonValue]:
    return {"line": fault.line, "place": fault.place, "text_en": fault.text_en, "text_fa": fault.text_fa}

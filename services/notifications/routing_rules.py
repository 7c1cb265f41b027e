"""The routing rules in force: those that ship with the service, read and checked at start, until others are saved."""

from collections import OrderedDict
from pathlib import Path
from typing import Final

from services.notifications.domain.rule_faults import RulesError
from services.notifications.domain.rule_reading import read_complete_rules
from services.notifications.domain.rules import RULEABLE_EVENT_TYPES, RuleBook
from services.notifications.store import rules as store
from services.notifications.store.rules import SavedVersion
from shared.kit.logging import get_logger
from shared.kit.transaction import Connection

BOOKS_KEPT_MAX: Final = 8
RULES_FILE: Final = Path(__file__).parent / "rules.yaml"
RULES: Final[RuleBook] = read_complete_rules(RULES_FILE.read_text(encoding="utf-8"), RULES_FILE.name)
EVENT_TYPES: Final = RULEABLE_EVENT_TYPES

_log = get_logger(__name__)
_books: OrderedDict[SavedVersion, RuleBook | None] = OrderedDict()
"""What saved texts say, the last used at the end; None: refused today."""


async def rules_in_force(connection: Connection) -> RuleBook:
    """The newest saved rules, or those that ship. One cheap query; a text is read and compiled once.

    Rules that were sound when they were saved and are refused today (a release took an event type away) give way to the
    newest older ones that still stand, so that no alert waits for a person to mend them; the log says so.
    """
    saved = await store.find_version(connection)
    while saved is not None:
        book = await book_of(connection, saved)
        if book is not None:
            return book
        saved = await store.find_version(connection, saved.version - 1)
    return RULES


async def book_of(connection: Connection, saved: SavedVersion) -> RuleBook | None:
    """The rules of a saved version; None if they are refused today."""
    if saved not in _books:
        text = await store.find_document(connection, saved.version)
        try:
            _books[saved] = read_complete_rules(text or "", f"version {saved.version}", saved.version)
        except RulesError as error:
            _books[saved] = None
            _log.error(
                "routing_rules_refused",
                version=saved.version,
                error=str(error),
                next_step="older rules are in force until new ones are saved",
            )
        while len(_books) > BOOKS_KEPT_MAX:
            _books.popitem(last=False)
    _books.move_to_end(saved)
    return _books[saved]

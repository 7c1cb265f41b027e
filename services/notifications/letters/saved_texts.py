"""Keeps a process's letters with the templates in force."""

from weakref import WeakKeyDictionary

from services.notifications.letters.letter import Letters, SavedText
from services.notifications.store import templates as store
from shared.kit.transaction import Connection

_counted: WeakKeyDictionary[Letters, int] = WeakKeyDictionary()


async def refresh_letters(letters: Letters, connection: Connection) -> None:
    """Take on what was saved since the last time; one short query where nothing was."""
    number = await store.count_versions(connection)
    if _counted.get(letters, 0) == number:
        return
    saved = await store.list_in_force(connection)
    letters.use(SavedText(one.kind, one.language, one.version, one.source) for one in saved)
    _counted[letters] = number

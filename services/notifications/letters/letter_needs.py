"""Which fields of an alert the letters of its kind name."""

from collections.abc import Iterable
from functools import lru_cache

from jinja2 import TemplateSyntaxError, nodes

from services.notifications.letters.texts import LANGUAGES, environment_of, known_kinds, shipped_source

Needs = dict[str, frozenset[str]]
_SOURCES_CACHED_MAX = 512


def letter_needs(saved: Iterable[tuple[str, str, str]] = ()) -> Needs:
    """Fields that the letters of each kind with a text in both languages need; `saved`: kind, language, template in force."""
    sources = {(kind, language): shipped_source(kind, language) for kind in known_kinds() for language in LANGUAGES}
    sources |= {(kind, language): source for kind, language, source in saved}
    needs: Needs = {}
    for (kind, language), source in sources.items():
        needs[kind] = needs.get(kind, frozenset()) | _fields_of(source, language)
    return {
        kind: fields for kind, fields in needs.items() if all((kind, language) in sources for language in LANGUAGES)
    }


@lru_cache(maxsize=_SOURCES_CACHED_MAX)
def _fields_of(source: str, language: str) -> frozenset[str]:
    try:
        tree = environment_of(language).parse(source)
    except TemplateSyntaxError:
        return frozenset()  # a letter in the plain safe form needs nothing
    return frozenset(
        found.attr
        for found in tree.find_all(nodes.Getattr)
        if isinstance(found.node, nodes.Name) and found.node.name == "details"
    )

"""Names of the province's counties as real files spell them, read through one comparison key."""

from collections.abc import Mapping
from typing import Final

from shared.contracts.counties import County
from shared.persian.text import comparison_key

_SPELLINGS: Final[Mapping[County, tuple[str, ...]]] = {
    County.TEHRAN: ("طهران", "teheran"),
    County.SHEMIRANAT: ("shemiran",),
    County.REY: ("شهر ری", "ray", "rayy"),
    County.ESLAMSHAHR: ("islamshahr",),
    County.SHAHRIAR: ("shahryar",),
    County.QODS: ("شهر قدس", "quds", "ghods"),
    County.QARCHAK: ("gharchak",),
    County.FIRUZKUH: ("firoozkooh", "firuzkooh"),
}
_PREFIXES: Final = ("شهرستان", "countyof", "shahrestan")
_SUFFIX: Final = "county"

_COUNTIES: Final = {
    comparison_key(spelling): county
    for county in County
    for spelling in (county.value, county.label_fa, *_SPELLINGS.get(county, ()))
}


def read_county(written: str) -> County | None:
    """The county that is written, with or without the word for county; None if it is none of the province's."""
    key = comparison_key(written)
    for prefix in _PREFIXES:
        key = key.removeprefix(prefix)
    return _COUNTIES.get(key) or _COUNTIES.get(key.removesuffix(_SUFFIX))

"""Names of counties, kinds and states as real files spell them, read through one comparison key."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from shared.contracts.warehouse import WarehouseKind
from shared.persian import county_names
from shared.persian.text import comparison_key

REMEMBERED_WORDS = 16_384


class SiteStatus(StrEnum):
    """State of a site in the national register."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    CLOSED = "closed"


EnumT = TypeVar("EnumT", bound=StrEnum)

known_key = lru_cache(REMEMBERED_WORDS)(comparison_key)
"""The key of a word that comes again in every row of a registry."""
read_county = lru_cache(REMEMBERED_WORDS)(county_names.read_county)
"""The county that a registry names; None if it is none of the province's."""

_PROVINCE_PREFIXES = ("استان", "provinceof", "ostan")
_PROVINCE_SUFFIXES = ("province",)
_PROVINCE_KEYS = frozenset({comparison_key("تهران"), "tehran"})

_KIND_SPELLINGS: dict[WarehouseKind, tuple[str, ...]] = {
    WarehouseKind.GENERAL: ("عمومی", "انبار عمومی", "انبار سرپوشیده", "معمولی"),
    WarehouseKind.COLD_STORE: ("سردخانه", "سرد خانه", "انبار سرد", "سردخانه ای", "cold storage"),
    WarehouseKind.SILO: ("سیلو", "سیلوی غلات"),
    WarehouseKind.TANK: ("مخزن", "تانک", "مخازن", "مخزن مایعات"),
    WarehouseKind.HAZARDOUS: ("خطرناک", "مواد خطرناک", "کالای خطرناک", "انبار مواد خطرناک", "hazmat"),
    WarehouseKind.BONDED: ("گمرکی", "انبار گمرکی", "bonded warehouse"),
    WarehouseKind.PHARMACEUTICAL: ("دارویی", "داروئی", "انبار دارویی", "دارو"),
    WarehouseKind.DISTRIBUTION_CENTRE: ("مرکز توزیع", "مرکز پخش", "پخش", "distribution center"),
    WarehouseKind.OPEN_YARD: ("روباز", "رو باز", "انبار روباز", "محوطه روباز", "محوطه"),
}

_STATUS_SPELLINGS: dict[SiteStatus, tuple[str, ...]] = {
    SiteStatus.ACTIVE: ("فعال", "دایر"),
    SiteStatus.INACTIVE: ("غیرفعال", "غیر فعال"),
    SiteStatus.CLOSED: ("تعطیل", "تعطیل شده"),
}


def _by_key(spellings: Mapping[EnumT, Iterable[str]]) -> dict[str, EnumT]:
    keys: dict[str, EnumT] = {}
    for member, words in spellings.items():
        for word in (member.value, *words):
            if keys.setdefault(comparison_key(word), member) is not member:
                raise ValueError(f"{word!r} would name both {keys[comparison_key(word)]} and {member}")
    return keys


_KINDS = _by_key(_KIND_SPELLINGS)
_STATUSES = _by_key(_STATUS_SPELLINGS)


def read_kind(text: str) -> WarehouseKind | None:
    """The kind that `text` names; None if unknown."""
    return _KINDS.get(known_key(text))


def read_status(text: str) -> SiteStatus | None:
    """The state that `text` names; None if unknown."""
    return _STATUSES.get(known_key(text))


def is_tehran_province(text: str) -> bool:
    """Whether `text` names Tehran province."""
    return _stripped(known_key(text), _PROVINCE_PREFIXES, _PROVINCE_SUFFIXES) in _PROVINCE_KEYS


def _stripped(key: str, prefixes: Iterable[str], suffixes: Iterable[str]) -> str:
    for prefix in prefixes:
        key = key.removeprefix(prefix)
    for suffix in suffixes:
        key = key.removesuffix(suffix)
    return key


def label_fa(value: WarehouseKind | SiteStatus) -> str:
    """The Persian word for a kind or a state, as reports write it."""
    return _KIND_SPELLINGS[value][0] if isinstance(value, WarehouseKind) else _STATUS_SPELLINGS[value][0]

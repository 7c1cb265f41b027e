"""Names of counties, kinds and states as real files spell them, read through one comparison key."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

from services.warehouse.domain.persian import comparison_key
from shared.contracts.counties import County
from shared.contracts.warehouse import WarehouseKind


class SiteStatus(StrEnum):
    """State of a site in the national register."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    CLOSED = "closed"


EnumT = TypeVar("EnumT", bound=StrEnum)

_COUNTY_PREFIXES = ("شهرستان", "countyof", "shahrestan")
_COUNTY_SUFFIXES = ("county",)
_PROVINCE_PREFIXES = ("استان", "provinceof", "ostan")
_PROVINCE_SUFFIXES = ("province",)
_PROVINCE_KEYS = frozenset({comparison_key("تهران"), "tehran"})

_COUNTY_SPELLINGS: dict[County, tuple[str, ...]] = {
    County.TEHRAN: ("تهران", "طهران", "teheran"),
    County.SHEMIRANAT: ("شمیرانات", "شميرانات", "shemiranat", "shemiran"),
    County.REY: ("ری", "شهر ری", "ray", "rayy"),
    County.ESLAMSHAHR: ("اسلامشهر", "اسلام شهر", "islamshahr"),
    County.SHAHRIAR: ("شهریار", "shahryar"),
    County.QODS: ("قدس", "شهر قدس", "quds", "ghods"),
    County.MALARD: ("ملارد",),
    County.ROBAT_KARIM: ("رباط کریم", "robatkarim"),
    County.BAHARESTAN: ("بهارستان", "baharestan"),
    County.VARAMIN: ("ورامین",),
    County.PAKDASHT: ("پاکدشت", "پاک دشت"),
    County.PISHVA: ("پیشوا",),
    County.QARCHAK: ("قرچک", "gharchak"),
    County.DAMAVAND: ("دماوند",),
    County.FIRUZKUH: ("فیروزکوه", "فیروز کوه", "firoozkooh", "firuzkooh"),
    County.PARDIS: ("پردیس",),
}

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


_COUNTIES = _by_key(_COUNTY_SPELLINGS)
_KINDS = _by_key(_KIND_SPELLINGS)
_STATUSES = _by_key(_STATUS_SPELLINGS)


def read_county(text: str) -> County | None:
    """The county that `text` names, with or without the word for county; None if it names none of the sixteen."""
    key = comparison_key(text)
    return _COUNTIES.get(key) or _COUNTIES.get(_stripped(key, _COUNTY_PREFIXES, _COUNTY_SUFFIXES))


def read_kind(text: str) -> WarehouseKind | None:
    """The kind that `text` names; None if unknown."""
    return _KINDS.get(comparison_key(text))


def read_status(text: str) -> SiteStatus | None:
    """The state that `text` names; None if unknown."""
    return _STATUSES.get(comparison_key(text))


def is_tehran_province(text: str) -> bool:
    """Whether `text` names Tehran province."""
    return _stripped(comparison_key(text), _PROVINCE_PREFIXES, _PROVINCE_SUFFIXES) in _PROVINCE_KEYS


def _stripped(key: str, prefixes: Iterable[str], suffixes: Iterable[str]) -> str:
    for prefix in prefixes:
        key = key.removeprefix(prefix)
    for suffix in suffixes:
        key = key.removesuffix(suffix)
    return key


def label_fa(value: WarehouseKind | SiteStatus) -> str:
    """The Persian word for a kind or a state, as reports write it."""
    return _KIND_SPELLINGS[value][0] if isinstance(value, WarehouseKind) else _STATUS_SPELLINGS[value][0]

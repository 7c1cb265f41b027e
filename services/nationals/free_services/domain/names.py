"""Names of counties and services as real files spell them, read through one comparison key."""

from collections.abc import Mapping
from typing import Final

from services.nationals.free_services.domain.persian import comparison_key
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService

SERVICE_LABELS_FA: Final[Mapping[FreeService, str]] = {
    FreeService.ADMINISTRATIVE: "اداری",
    FreeService.EDUCATION: "آموزش",
    FreeService.LIVELIHOOD: "معیشت",
    FreeService.HEALTH_REFERRAL: "ارجاع سلامت",
    FreeService.LEGAL_AID: "یاری حقوقی",
}

_COUNTY_SPELLINGS: Final[Mapping[County, tuple[str, ...]]] = {
    County.TEHRAN: ("طهران", "teheran"),
    County.SHEMIRANAT: ("shemiran",),
    County.REY: ("شهر ری", "ray", "rayy"),
    County.ESLAMSHAHR: ("islamshahr",),
    County.SHAHRIAR: ("shahryar",),
    County.QODS: ("شهر قدس", "quds", "ghods"),
    County.QARCHAK: ("gharchak",),
    County.FIRUZKUH: ("firoozkooh", "firuzkooh"),
}
_SERVICE_SPELLINGS: Final[Mapping[FreeService, tuple[str, ...]]] = {
    FreeService.ADMINISTRATIVE: ("خدمات اداری", "امور اداری"),
    FreeService.EDUCATION: ("آموزشی", "خدمات آموزشی", "آموزش و پرورش"),
    FreeService.LIVELIHOOD: ("معیشتی", "خدمات معیشتی", "اشتغال و معیشت"),
    FreeService.HEALTH_REFERRAL: ("ارجاع درمانی", "ارجاع بهداشتی", "سلامت", "health"),
    FreeService.LEGAL_AID: ("مشاوره حقوقی", "کمک حقوقی", "حقوقی", "معاضدت حقوقی", "legal"),
}
_COUNTY_PREFIXES: Final = ("شهرستان", "countyof", "shahrestan")
_COUNTY_SUFFIX: Final = "county"

_COUNTIES: Final = {
    comparison_key(spelling): county
    for county in County
    for spelling in (county.value, county.label_fa, *_COUNTY_SPELLINGS.get(county, ()))
}
_SERVICES: Final = {
    comparison_key(spelling): service
    for service in FreeService
    for spelling in (service.value, SERVICE_LABELS_FA[service], *_SERVICE_SPELLINGS[service])
}


def read_county(written: str) -> County | None:
    """The county that is written, in any usual spelling; None if it is none of the province's."""
    key = comparison_key(written)
    for prefix in _COUNTY_PREFIXES:
        key = key.removeprefix(prefix)
    return _COUNTIES.get(key) or _COUNTIES.get(key.removesuffix(_COUNTY_SUFFIX))


def read_service(written: str) -> FreeService | None:
    """The service that is written, in any usual spelling; None if it is none of ours."""
    return _SERVICES.get(comparison_key(written))

"""Names of services as real files spell them, read through one comparison key."""

from collections.abc import Mapping
from typing import Final

from shared.contracts.free_services import FreeService
from shared.persian.text import comparison_key

SERVICE_LABELS_FA: Final[Mapping[FreeService, str]] = {
    FreeService.ADMINISTRATIVE: "اداری",
    FreeService.EDUCATION: "آموزش",
    FreeService.LIVELIHOOD: "معیشت",
    FreeService.HEALTH_REFERRAL: "ارجاع سلامت",
    FreeService.LEGAL_AID: "یاری حقوقی",
}

_SERVICE_SPELLINGS: Final[Mapping[FreeService, tuple[str, ...]]] = {
    FreeService.ADMINISTRATIVE: ("خدمات اداری", "امور اداری"),
    FreeService.EDUCATION: ("آموزشی", "خدمات آموزشی", "آموزش و پرورش"),
    FreeService.LIVELIHOOD: ("معیشتی", "خدمات معیشتی", "اشتغال و معیشت"),
    FreeService.HEALTH_REFERRAL: ("ارجاع درمانی", "ارجاع بهداشتی", "سلامت", "health"),
    FreeService.LEGAL_AID: ("مشاوره حقوقی", "کمک حقوقی", "حقوقی", "معاضدت حقوقی", "legal"),
}

_SERVICES: Final = {
    comparison_key(spelling): service
    for service in FreeService
    for spelling in (service.value, SERVICE_LABELS_FA[service], *_SERVICE_SPELLINGS[service])
}


def read_service(written: str) -> FreeService | None:
    """The service that is written, in any usual spelling; None if it is none of ours."""
    return _SERVICES.get(comparison_key(written))

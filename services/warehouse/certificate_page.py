"""The certificate of compliance as a page that prints on A4, and the page behind its code. They load nothing from anywhere."""

from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from persiantools.digits import en_to_fa
from persiantools.jdatetime import JalaliDate

from services.warehouse.certificate_words import WORDS
from services.warehouse.domain.names import label_fa
from services.warehouse.handlers.compliance_messages import Certificate
from services.warehouse.store.compliance import SiteOfRecords
from shared.contracts.counties import County
from shared.persian.calendar import office_date

if TYPE_CHECKING:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

TEMPLATES_DIRECTORY: Final = Path(__file__).parent / "templates"
QR_ERROR_LEVEL: Final = "m"
PAGE_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "vary": "accept-language",
}


def certificate_page(certificate: Certificate, site: SiteOfRecords, address: str, language: str) -> str:
    """The certificate; `address`: where its code is verified."""
    import segno  # noqa: PLC0415 - only a certificate needs it
    from markupsafe import Markup  # noqa: PLC0415

    words = WORDS[language]
    qr = segno.make(address, error=QR_ERROR_LEVEL, micro=False).svg_inline(omitsize=True, border=0)
    return (
        _environment()
        .get_template("certificate.html.j2")
        .render(
            language=language,
            title=words["title"],
            words=words,
            state=certificate.state.value,
            rows=_rows(certificate, site, language),
            code=certificate.code,
            address=address,
            qr=Markup(qr),  # noqa: S704 - segno's own drawing, nothing of a person's in it
        )
    )


def verification_page(state: str, name: str | None, county: County | None, language: str) -> str:
    """What everybody may see of a certificate: the site's name, its county, its state today; `unknown` shows no more."""
    words = WORDS[language]
    return (
        _environment()
        .get_template("verification.html.j2")
        .render(
            language=language,
            title=words["verification"],
            words=words,
            state=state,
            name=name,
            county=_county(county, language) if county else None,
        )
    )


def shown_day(day: date, language: str) -> str:
    """Jalali in words with Persian digits; in English the Gregorian day with the Jalali one beside it."""
    jalali = JalaliDate(day)
    if language == "fa":
        return en_to_fa(f"{jalali.day} {jalali.strftime('%B', locale='fa')} {jalali.year}")
    return f"{day.day} {day:%B %Y} ({jalali:%Y/%m/%d})"


def _rows(certificate: Certificate, site: SiteOfRecords, language: str) -> list[tuple[str, str, bool]]:
    """Label, value, and whether the value is a code to be read from left to right."""
    kind = label_fa(site.kind) if language == "fa" else site.kind.value.replace("_", " ").capitalize()
    rows = [
        ("site", site.name, False),
        ("registry_id", site.registry_id, True),
        ("county", _county(site.county, language), False),
        ("kind", kind, False),
        ("risk_class", site.risk_class.value, True),
        ("operator", site.operator, False),
        ("address", site.address, False),
        ("issued_by", certificate.issued_by, True),
        ("issued_on", shown_day(office_date(certificate.issued_at), language), False),
        ("valid_until", shown_day(certificate.valid_until, language), False),
    ]
    return [(WORDS[language][key], value, is_code) for key, value, is_code in rows if value]


def _county(county: County, language: str) -> str:
    return county.label_fa if language == "fa" else county.value.replace("_", " ").title()


@cache
def _environment() -> "ImmutableSandboxedEnvironment":
    from jinja2 import FileSystemLoader, StrictUndefined  # noqa: PLC0415 - only pages need it
    from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: PLC0415

    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(TEMPLATES_DIRECTORY), undefined=StrictUndefined, autoescape=True, auto_reload=False
    )

"""Sites as files: CSV and XLSX that the registry import reads back, and GeoJSON (RFC 7946). Written page by page."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from datetime import date

import orjson

from services.warehouse.domain.names import SiteStatus, label_fa
from services.warehouse.store.views import RegisteredSite, WarehouseLine
from shared.contracts.counties import County
from shared.contracts.warehouse import WarehouseKind
from shared.persian.calendar import jalali_text
from shared.spreadsheet import export

GEOJSON_MEDIA_TYPE = "application/geo+json"
SHEET_NAME = "انبارها"

_PROVINCE = "تهران"
_COLUMNS: tuple[tuple[str, Callable[[RegisteredSite], str | float | None]], ...] = (
    ("شناسه انبار", lambda site: site.registry_id),
    ("نام انبار", lambda site: site.name),
    ("نوع انبار", lambda site: label_fa(WarehouseKind(site.kind))),
    ("استان", lambda _: _PROVINCE),
    ("شهرستان", lambda site: County(site.county).label_fa),
    ("نشانی", lambda site: site.address),
    ("کد پستی", lambda site: site.postal_code),
    ("مساحت (متر مربع)", lambda site: site.floor_area_m2),
    ("ظرفیت (تن)", lambda site: site.capacity_tonnes),
    ("عرض جغرافیایی", lambda site: site.latitude),
    ("طول جغرافیایی", lambda site: site.longitude),
    ("نام بهره‌بردار", lambda site: site.operator),
    ("شناسه ملی بهره‌بردار", lambda site: site.operator_id),
    ("وضعیت", lambda site: label_fa(SiteStatus(site.status))),
    ("تاریخ به‌روزرسانی", lambda site: _jalali(site.registry_updated_on)),
    ("ردهٔ خطر", lambda site: site.risk_class),
    ("سررسید بازرسی بعدی", lambda site: _jalali(site.next_due_on)),
    ("ظرفیت راستی‌آزمایی‌شده (تن)", lambda site: site.verified_capacity_tonnes),
    ("ظرفیت در حال استفاده (تن)", lambda site: site.in_use_capacity_tonnes),
)

_HEADINGS = tuple(heading for heading, _ in _COLUMNS)

Pages = AsyncIterator[Sequence[RegisteredSite]]


def as_csv(pages: Pages) -> AsyncGenerator[bytes]:
    """See `shared.spreadsheet.export`."""
    return export.as_csv(_HEADINGS, _rows(pages))


def as_xlsx(pages: Pages) -> AsyncGenerator[bytes]:
    """See `shared.spreadsheet.export`."""
    return export.as_xlsx(SHEET_NAME, _HEADINGS, _rows(pages))


async def as_geojson(pages: AsyncIterator[Sequence[WarehouseLine]]) -> AsyncGenerator[bytes]:
    """A FeatureCollection with a point per site that has coordinates; WGS 84, longitude first."""
    yield b'{"type":"FeatureCollection","features":['
    separator = b""
    async for sites in pages:
        features = [orjson.dumps(_feature(site)) for site in sites if site.longitude is not None]
        if features:
            yield separator + b",".join(features)
            separator = b","
    yield b"]}"


async def _rows(pages: Pages) -> AsyncGenerator[export.Rows]:
    async for sites in pages:
        yield [[value(site) for _, value in _COLUMNS] for site in sites]


def _jalali(day: date | None) -> str | None:
    return jalali_text(day) if day else None


def _feature(site: WarehouseLine) -> dict[str, object]:
    return {
        "type": "Feature",
        "id": str(site.warehouse_id),
        "geometry": {"type": "Point", "coordinates": [site.longitude, site.latitude]},
        "properties": {
            "registry_id": site.registry_id,
            "name": site.name,
            "county": site.county,
            "kind": site.kind,
            "status": site.status,
            "risk_class": site.risk_class,
            "capacity_tonnes": site.capacity_tonnes,
            "on_hold": site.on_hold,
            "next_due_on": site.next_due_on.isoformat(),
            "verdict": site.verdict,
        },
    }

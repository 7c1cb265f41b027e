"""Sites as files: CSV and XLSX that the registry import reads back, and GeoJSON (RFC 7946). Written page by page."""

import asyncio
import csv
import io
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from datetime import date
from typing import IO, Any

import orjson

from services.warehouse.domain.names import SiteStatus, label_fa
from services.warehouse.store.views import RegisteredSite, WarehouseLine
from shared.contracts.counties import County
from shared.contracts.warehouse import WarehouseKind
from shared.persian.calendar import jalali_text

CSV_MEDIA_TYPE = "text/csv; charset=utf-8"
XLSX_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
GEOJSON_MEDIA_TYPE = "application/geo+json"
FILE_CHUNK_BYTES = 64 * 1024
SHEET_NAME = "انبارها"
COLUMN_CHARACTERS = 18
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
SHIELD = "\u200e"
"""A direction mark before what a spreadsheet would run as a formula: it shows nothing, and the import takes it off."""

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

Pages = AsyncIterator[Sequence[RegisteredSite]]


async def as_csv(pages: Pages) -> AsyncGenerator[bytes]:
    """UTF-8 with a byte order mark, as spreadsheets want it; rows end in CR LF (RFC 4180)."""
    yield BYTE_ORDER_MARK + _csv_rows([[heading for heading, _ in _COLUMNS]])
    async for sites in pages:
        yield _csv_rows([[_shielded(value(site)) for _, value in _COLUMNS] for site in sites])


async def as_xlsx(pages: Pages) -> AsyncGenerator[bytes]:
    """A workbook from right to left in which text is text and never a formula; made on disk, then sent."""
    with tempfile.TemporaryFile() as file:
        workbook = await asyncio.to_thread(_Workbook, file)
        async for sites in pages:
            await asyncio.to_thread(workbook.add, sites)
        await asyncio.to_thread(workbook.close)
        file.seek(0)
        while chunk := await asyncio.to_thread(file.read, FILE_CHUNK_BYTES):
            yield chunk


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


class _Workbook:
    """A sheet that keeps one row in memory."""

    def __init__(self, file: IO[bytes]) -> None:
        import xlsxwriter  # noqa: PLC0415 - only an export needs it

        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        self._book = xlsxwriter.Workbook(file, options)
        self._sheet = self._book.add_worksheet(SHEET_NAME)
        self._sheet.right_to_left()
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_column(0, len(_COLUMNS) - 1, COLUMN_CHARACTERS)
        bold = self._book.add_format({"bold": True})
        for place, (heading, _) in enumerate(_COLUMNS):
            self._sheet.write_string(0, place, heading, bold)
        self._rows = 1

    def add(self, sites: Sequence[RegisteredSite]) -> None:
        for site in sites:
            for place, (_, value_of) in enumerate(_COLUMNS):
                value = value_of(site)
                if isinstance(value, str):
                    self._sheet.write_string(self._rows, place, _shielded(value))
                elif value is not None:
                    self._sheet.write_number(self._rows, place, value)
            self._rows += 1

    def close(self) -> None:
        self._book.close()


def _csv_rows(rows: Sequence[Sequence[object]]) -> bytes:
    target = io.StringIO(newline="")
    csv.writer(target).writerows(rows)
    return target.getvalue().encode()


def _shielded(value: Any) -> Any:
    return SHIELD + value if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


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

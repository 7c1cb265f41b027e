"""The documents of OpenRosa 1.0: form list, manifest, the response to a submission, and the list of assigned sites."""

import csv
import hashlib
import io
from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

import orjson

from services.warehouse.openrosa.filled_form import FORM_ID, FormVersion
from services.warehouse.store.assignments import AssignedSite

SITES_CSV: Final = "sites.csv"
SITES_GEOJSON: Final = "sites.geojson"
FORM_NAME: Final = "بازرسی انبار"
FORM_DESCRIPTION: Final = "بازرسی میدانی انبار بدون نمایش اعداد ثبت‌شده"


def form_list(versions: Sequence[FormVersion], base_url: str, *, verbose: bool) -> bytes:
    """The forms a phone may fetch. `base_url` is the address of the OpenRosa routes, without a slash at its end."""
    root = Element("xforms", {"xmlns": "http://openrosa.org/xforms/xformsList"})
    for version in versions:
        form_url = f"{base_url}/forms/{FORM_ID}/{version.version}"
        form = SubElement(root, "xform")
        _add(form, "formID", FORM_ID)
        _add(form, "name", FORM_NAME)
        _add(form, "version", version.version)
        _add(form, "hash", md5(version.xform.read_bytes()))
        if verbose:
            _add(form, "descriptionText", FORM_DESCRIPTION)
        _add(form, "downloadUrl", f"{form_url}/form.xml")
        _add(form, "manifestUrl", f"{form_url}/manifest")
    return _document(root)


def manifest(version: FormVersion, files: dict[str, bytes], base_url: str) -> bytes:
    """The files that belong to a form, with the hash of what the caller would be given now."""
    root = Element("manifest", {"xmlns": "http://openrosa.org/xforms/xformsManifest"})
    for name, content in files.items():
        file = SubElement(root, "mediaFile")
        _add(file, "filename", name)
        _add(file, "hash", md5(content))
        _add(file, "downloadUrl", f"{base_url}/forms/{FORM_ID}/{version.version}/media/{name}")
    return _document(root)


def response(message: str, nature: str) -> bytes:
    """What a phone shows its user after a submission, or instead of one."""
    root = Element("OpenRosaResponse", {"xmlns": "http://openrosa.org/http/response"})
    _add(root, "message", message, nature=nature)
    return _document(root)


def media_files(sites: Sequence[AssignedSite]) -> dict[str, bytes]:
    """Content by name. Blind: no registered figure is in them, only what leads to the site."""
    return {SITES_CSV: _as_csv(sites), SITES_GEOJSON: _as_geojson(sites)}


def md5(content: bytes) -> str:
    """The only hash that OpenRosa knows; it tells versions of a file apart and protects nothing."""
    return f"md5:{hashlib.md5(content, usedforsecurity=False).hexdigest()}"


def _as_csv(sites: Sequence[AssignedSite]) -> bytes:
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(("id", "name", "county", "address", "location"))
    for site in sites:
        location = "" if site.latitude is None else f"{site.latitude} {site.longitude} 0 0"
        writer.writerow((site.inspection_id, site.name, site.county.label_fa, site.address or "", location))
    return target.getvalue().encode()


def _as_geojson(sites: Sequence[AssignedSite]) -> bytes:
    """RFC 7946; a site whose place is not recorded is left out, because a phone cannot show it on a map."""
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [float(site.longitude), float(site.latitude)]},
            "properties": {
                "id": str(site.inspection_id),
                "title": site.name,
                "name": site.name,
                "county": site.county.label_fa,
                "address": site.address or "",
            },
        }
        for site in sites
        if site.latitude is not None and site.longitude is not None
    ]
    return orjson.dumps({"type": "FeatureCollection", "features": features})


def _add(parent: Element, name: str, text: str, **attributes: str) -> None:
    SubElement(parent, name, attributes).text = text


def _document(root: Element) -> bytes:
    content: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return content

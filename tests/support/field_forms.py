"""Filled forms for tests: the published one, a second version of it, and the same as a KoboToolbox hook posts it."""

import functools
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from services.warehouse.forms.__main__ import compile_form
from services.warehouse.openrosa.filled_form import FORM_DIRECTORY, FormVersion
from shared.contracts.warehouse import ChecklistItem
from tests.support.form_filler import FormFiller

INSPECTION_1 = FORM_DIRECTORY / "inspection_1.md"
INSPECTION_2 = Path(__file__).parent / "forms" / "inspection_2.md"
VERSION_2 = FormVersion(
    version="2",
    xform=INSPECTION_2.with_suffix(".xml"),
    item_photo="checks/{item}_photos/{item}_photo",
    site_photo="ending/site_photos/site_photo",
)


@functools.cache
def form_filler(source: Path = INSPECTION_1) -> FormFiller:
    """A filler of the form as pyxform compiles it now."""
    return FormFiller(compile_form(source))


def answers_of_site(inspection_id: str, **changes: Any) -> dict[str, Any]:
    """Answers by question that confirm `province.site_row`; `failed` names failed items with their severity."""
    failed: dict[str, str] = changes.pop("failed", {})
    answers: dict[str, Any] = {
        "inspection": inspection_id,
        "inspected_at": "2025-11-22T10:00:00.000+03:30",
        "kind": "general",
        "operating": "yes",
        "floor_area_m2": "500",
        "capacity_tonnes": "1000",
        "in_use_capacity_tonnes": "400.5",
    }
    for item in ChecklistItem:
        answers[item.value] = "fail" if item in failed else "pass"
        if item in failed:
            answers |= {f"{item}_severity": failed[item], f"{item}_photo": f"{item}.jpg"}
    return answers | changes


def as_kobo_payload(filled: bytes, submitted_by: str | None) -> dict[str, Any]:
    """The same submission in the shape of a KoboToolbox REST service (JSON, groups by slashes, Kobo's own fields)."""
    root = ET.fromstring(filled)  # noqa: S314 - filled by the tests themselves
    payload: dict[str, Any] = {
        "_id": 4211,
        "formhub/uuid": "d7f0a1f6b6a94d0f8d3f3c1a2b4c5d6e",
        "__version__": "vX3kQ9aBcDeFgHiJkLmNoP",
        "_xform_id_string": "aTbCdEfGhIjKlMnOpQrStU",
        "_uuid": "85cb9aff-005e-4edd-9739-dc9c1a829c44",
        "_attachments": [
            {
                "download_url": "http://127.0.0.1:9/media/original?media_file=structure.jpg",
                "mimetype": "image/jpeg",
                "filename": "payesh/attachments/d7f0/85cb/structure.jpg",
                "question_xpath": "checks/structure_photo",
            }
        ],
        "_geolocation": [35.58, 51.43],
        "_tags": [],
        "_notes": [],
        "_validation_status": {},
        "_submission_time": "2025-11-22T06:31:00",
        "_submitted_by": submitted_by,
        "_status": "submitted_via_web",
    }
    _flatten(root, (), payload)
    return payload


def _flatten(node: ET.Element, path: tuple[str, ...], payload: dict[str, Any]) -> None:
    for child in node:
        name = child.tag.rpartition("}")[2]
        if len(child):
            _flatten(child, (*path, name), payload)
        elif child.text:
            payload["/".join((*path, name))] = child.text

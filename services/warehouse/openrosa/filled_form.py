"""A filled form, from XML or from a KoboToolbox hook, read into the one command that takes submissions.

`PUBLISHED` is the table of every version of the form that was ever given out. A phone keeps the version that it has, so a
version is never taken out of the table, and its paths never change.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from services.warehouse.domain import submission_refusals as refusals
from services.warehouse.domain.submission import Channel
from services.warehouse.handlers.messages import SubmitInspection
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import ChecklistItem
from shared.persian.text import ascii_digits

FORM_ID: Final = "payesh_inspection"
FORM_DIRECTORY: Final = Path(__file__).parent.parent / "forms"

_YES_NO: Final = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class FilledForm:
    """`answers`: texts by path under the form's root, several where a question repeats; unanswered ones are left out."""

    form_id: str
    version: str
    answers: Mapping[str, list[str]]

    def one(self, path: str) -> str | None:
        """The answer to a question that does not repeat; None where there is none."""
        texts = self.answers.get(path, [])
        return texts[0] if texts else None


@dataclass(frozen=True, slots=True)
class FormVersion:
    """Where a version of the form keeps what we ask. ``{item}`` in a path stands for an item of the checklist."""

    version: str
    xform: Path
    checklist_version: int = 1
    inspection_id: str = "site/inspection"
    inspected_at: str = "visit/inspected_at"
    location: str = "visit/location"
    kind: str = "figures/kind"
    operating: str = "figures/operating"
    floor_area_m2: str = "figures/floor_area_m2"
    capacity_tonnes: str = "figures/capacity_tonnes"
    in_use_capacity_tonnes: str = "figures/in_use_capacity_tonnes"
    operator_id: str = "figures/operator_id"
    item_result: str = "checks/{item}"
    item_severity: str = "checks/{item}_severity"
    item_photo: str = "checks/{item}_photo"
    suspicion: str = "ending/suspicion"
    site_photo: str = "ending/site_photo"
    instance_id: str = "meta/instanceID"
    deprecated_id: str = "meta/deprecatedID"
    checklist: tuple[ChecklistItem, ...] = field(default=tuple(ChecklistItem))

    def required(self) -> list[str]:
        """Paths of the questions that every filled form answers."""
        own = (
            self.instance_id,
            self.inspection_id,
            self.inspected_at,
            self.kind,
            self.operating,
            self.floor_area_m2,
            self.capacity_tonnes,
            self.in_use_capacity_tonnes,
        )
        return [*own, *(self.item_result.format(item=item) for item in self.checklist)]


PUBLISHED: dict[str, FormVersion] = {
    "1": FormVersion(version="1", xform=FORM_DIRECTORY / "inspection_1.xml"),
}


def newest() -> FormVersion:
    """The version that phones are given now: the last one of the table."""
    return list(PUBLISHED.values())[-1]


def published(form_id: str, version: str) -> FormVersion:
    """The version of our form. Raises Refusal `warehouse.form.unknown`."""
    if form_id != FORM_ID or version not in PUBLISHED:
        raise Refusal(refusals.FORM_UNKNOWN, form=form_id[:64], version=version[:64])
    return PUBLISHED[version]


def command_of(form: FilledForm, channel: Channel, on_behalf_of: str | None = None) -> SubmitInspection:
    """The command that a filled form makes. Questions that the version does not know are ignored.

    Raises Refusal: unknown form or version, required answers missing, answers that cannot be.
    """
    version = published(form.form_id, form.version)
    missing = [path for path in version.required() if form.one(path) is None]
    if missing:
        raise Refusal(refusals.FORM_ANSWER_MISSING, questions=", ".join(missing))
    content = _content(form, version) | {
        "channel": channel,
        "form_version": version.version,
        "checklist_version": version.checklist_version,
        "on_behalf_of": on_behalf_of,
    }
    try:
        return SubmitInspection.model_validate(content)
    except ValidationError as error:
        wrong = {_path_of(problem["loc"], version, content) for problem in error.errors()}
        raise Refusal(refusals.FORM_ANSWER_WRONG, questions=", ".join(sorted(wrong))) from None


def _content(form: FilledForm, version: FormVersion) -> dict[str, Any]:
    suspicion = form.one(version.suspicion)
    return {
        "inspection_id": form.one(version.inspection_id),
        "instance_id": form.one(version.instance_id),
        "deprecated_id": form.one(version.deprecated_id),
        "inspected_at": form.one(version.inspected_at),
        "found": {
            "kind": form.one(version.kind),
            "operating": _YES_NO.get(form.one(version.operating) or ""),
            "floor_area_m2": _number(form.one(version.floor_area_m2)),
            "capacity_tonnes": _number(form.one(version.capacity_tonnes)),
            "in_use_capacity_tonnes": _number(form.one(version.in_use_capacity_tonnes)),
            "operator_id": _number(form.one(version.operator_id)),
        }
        | _location(form.one(version.location)),
        "items": [
            {
                "item": item,
                "result": form.one(version.item_result.format(item=item)),
                "severity": form.one(version.item_severity.format(item=item)),
                "photos": form.answers.get(version.item_photo.format(item=item), []),
            }
            for item in version.checklist
        ],
        "suspicion": None if suspicion in (None, "none") else suspicion,
        "photos": form.answers.get(version.site_photo, []),
    }


def _number(text: str | None) -> str | None:
    """The text with ASCII digits: some keyboards write ۱۲۳."""
    return None if text is None else ascii_digits(text).replace("٫", ".")


def _location(text: str | None) -> dict[str, str]:
    """Latitude and longitude of a geopoint: ``latitude longitude altitude accuracy``, decimal degrees and metres."""
    if text is None:
        return {}
    parts = ascii_digits(text).split()
    return {"latitude": parts[0], "longitude": parts[1] if len(parts) > 1 else ""}


def _path_of(location: tuple[int | str, ...], version: FormVersion, content: dict[str, Any]) -> str:
    """The path of the question whose answer is wrong, as the form names it."""
    first, *rest = location
    if first == "items" and len(rest) > 1:
        item = content["items"][rest[0]]["item"]
        name = {"result": version.item_result, "severity": version.item_severity}.get(str(rest[1]), version.item_photo)
        return name.format(item=item)
    if first == "photos":
        return version.site_photo
    name = str(rest[0]) if first == "found" and rest else str(first)
    return version.location if name in ("latitude", "longitude") else str(getattr(version, name, name))

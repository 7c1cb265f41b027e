"""compliance.yaml, read once: what a site of which class or kind must have, and whose training."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from services.warehouse.domain.compliance import Course, Element, Needs, Requirements
from services.warehouse.domain.risk import RiskClass
from shared.contracts.warehouse import WarehouseKind

PATH = Path(__file__).with_name("compliance.yaml")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Needs(_Strict):
    classes: frozenset[RiskClass] = frozenset()
    kinds: frozenset[WarehouseKind] = frozenset()


class _Labelled(_Strict):
    label_fa: str = Field(min_length=1)
    label_en: str = Field(min_length=1)


class _Element(_Labelled):
    needs: Literal["all"] | _Needs


class _Course(_Element):
    staff_min: int = Field(ge=1)


class _Document(_Strict):
    elements: Mapping[str, _Element]
    courses: Mapping[str, _Course]
    staff_roles: Mapping[str, _Labelled]


@cache
def read_requirements() -> Requirements:
    """Raises pydantic.ValidationError, which names the entry that is wrong, and OSError."""
    import yaml  # noqa: PLC0415 - read once, and not by every command

    document = _Document.model_validate(yaml.safe_load(PATH.read_text("utf-8")))
    return Requirements(
        elements={
            key: Element(key, item.label_fa, item.label_en, _needs(item)) for key, item in document.elements.items()
        },
        courses={
            key: Course(key, item.label_fa, item.label_en, _needs(item), item.staff_min)
            for key, item in document.courses.items()
        },
        staff_roles={key: (item.label_fa, item.label_en) for key, item in document.staff_roles.items()},
    )


def _needs(item: _Element) -> Needs:
    if item.needs == "all":
        return Needs(frozenset(RiskClass), frozenset(WarehouseKind))
    return Needs(item.needs.classes, item.needs.kinds)

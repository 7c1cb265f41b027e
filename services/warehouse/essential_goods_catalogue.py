"""The catalogue of essential goods: shipped as data, replaced by a setting, read and checked once.

A file that cannot be used refuses the start.
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.warehouse.domain.essential_goods import UNITS_OF_EVERY_COMMODITY, Commodity

SHIPPED_FILE: Final = Path(__file__).with_name("essential_goods.yaml")
KILOGRAMS_MAX: Final = 100_000
"""Heaviest unit: a barge load; anything above is a slip of the pen."""

_Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
_Kilograms = Annotated[Decimal, Field(gt=0, le=KILOGRAMS_MAX, decimal_places=3)]
_Label = Annotated[str, Field(min_length=1, max_length=100)]


class CatalogueSettings(BaseSettings):
    """`PAYESH_WAREHOUSE_ESSENTIAL_GOODS_FILE`: another file of the form of essential_goods.yaml."""

    model_config = SettingsConfigDict(env_prefix="PAYESH_WAREHOUSE_", frozen=True, extra="ignore")

    essential_goods_file: Path = SHIPPED_FILE


class CatalogueError(Exception):
    """The catalogue cannot be used; the message says why. The service does not start."""


class _CommodityDocument(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    fa: _Label
    en: _Label
    kilograms: dict[_Key, _Kilograms] = {}


class _CatalogueDocument(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[int, Field(ge=1)]
    commodities: Annotated[dict[_Key, _CommodityDocument], Field(min_length=1)]


def read_catalogue(file: Path) -> Mapping[str, Commodity]:
    """The commodities in the file by key. Raises CatalogueError."""
    try:
        raw: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        document = _CatalogueDocument.model_validate(raw)
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise CatalogueError(f"{file.name}: {error}") from error
    return {
        key: Commodity(key, commodity.fa, commodity.en, {**UNITS_OF_EVERY_COMMODITY, **commodity.kilograms})
        for key, commodity in document.commodities.items()
    }


CATALOGUE: Final = read_catalogue(CatalogueSettings().essential_goods_file)

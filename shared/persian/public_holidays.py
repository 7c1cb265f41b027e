"""The public holidays of the province's offices: shipped as data; each service lets a setting of its own replace them."""

from datetime import date
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.persian.calendar import read_holidays

SHIPPED_FILE: Final = Path(__file__).with_suffix(".yaml")


class HolidaysError(Exception):
    """The file of public holidays cannot be used; the message says why. The service does not start."""


class _HolidaysDocument(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: int
    holidays: dict[str, str]


def read_public_holidays(file: Path) -> frozenset[date]:
    """The days in the file. Raises HolidaysError."""
    try:
        raw: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        return read_holidays(_HolidaysDocument.model_validate(raw).holidays)
    except (OSError, yaml.YAMLError, ValidationError, ValueError) as error:
        raise HolidaysError(f"{file.name}: {error}") from error

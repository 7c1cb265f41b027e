"""The public holidays on which no slot is planned: shipped as data, replaced by a setting, read and checked once.

A file that cannot be used refuses the start.
"""

from datetime import date
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.nationals.free_services.domain.calendar import read_holidays

SHIPPED_FILE: Final = Path(__file__).with_suffix(".yaml")


class HolidaySettings(BaseSettings):
    """`PAYESH_FREE_SERVICES_PUBLIC_HOLIDAYS_FILE`: another file of the form of public_holidays.yaml."""

    model_config = SettingsConfigDict(env_prefix="PAYESH_FREE_SERVICES_", frozen=True, extra="ignore")

    public_holidays_file: Path = SHIPPED_FILE


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


PUBLIC_HOLIDAYS: Final = read_public_holidays(HolidaySettings().public_holidays_file)

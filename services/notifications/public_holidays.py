"""The public holidays on which offices are closed, read and checked once; a file that cannot be used refuses the start."""

from pathlib import Path
from typing import Final

from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.persian.public_holidays import SHIPPED_FILE, read_public_holidays


class HolidaySettings(BaseSettings):
    """`PAYESH_NOTIFICATIONS_PUBLIC_HOLIDAYS_FILE`: another file of the form of the shipped public_holidays.yaml."""

    model_config = SettingsConfigDict(env_prefix="PAYESH_NOTIFICATIONS_", frozen=True, extra="ignore")

    public_holidays_file: Path = SHIPPED_FILE


PUBLIC_HOLIDAYS: Final = read_public_holidays(HolidaySettings().public_holidays_file)

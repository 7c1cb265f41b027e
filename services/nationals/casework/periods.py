"""Periods of the casework. Every period is domain time: the kit alone turns it into wall time."""

from datetime import timedelta
from functools import cache

from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ReviewPolicy(BaseModel, frozen=True):
    """How a review is chased, copied into its timer: reminders every `interval_days`, then it stays listed."""

    interval_days: int
    reminders_max: int

    @property
    def interval(self) -> timedelta:
        return timedelta(days=self.interval_days)


class CaseworkPeriods(BaseSettings):
    """Periods of the casework (environment prefix ``PAYESH_CASEWORK_``).

    The defaults are placeholders for what the province's lawyers and protection staff must set before real use.
    """

    model_config = SettingsConfigDict(env_prefix="PAYESH_CASEWORK_", frozen=True, extra="ignore")

    voluntary_period_days: int = Field(default=30, ge=1, le=3650)
    booking_hold_hours: int = Field(default=72, ge=1, le=720)
    screening_valid_days: int = Field(default=30, ge=1, le=90)
    pause_review_days: int = Field(default=7, ge=1, le=30)
    legal_review_days: int = Field(default=14, ge=1, le=90)
    review_reminders_max: int = Field(default=3, ge=1, le=52)

    @property
    def voluntary_period(self) -> timedelta:
        return timedelta(days=self.voluntary_period_days)

    @property
    def booking_hold(self) -> timedelta:
        return timedelta(hours=self.booking_hold_hours)

    @property
    def pause_policy(self) -> ReviewPolicy:
        return ReviewPolicy(interval_days=self.pause_review_days, reminders_max=self.review_reminders_max)

    @property
    def legal_review_policy(self) -> ReviewPolicy:
        return ReviewPolicy(interval_days=self.legal_review_days, reminders_max=self.review_reminders_max)


@cache
def casework_periods() -> CaseworkPeriods:
    """The periods of this process, read from the environment once."""
    return CaseworkPeriods()

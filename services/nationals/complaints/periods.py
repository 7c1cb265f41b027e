"""Periods of the complaints office. Every period is domain time: the kit alone turns it into wall time."""

from datetime import timedelta
from functools import cache

from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DeadlinePolicy(BaseModel, frozen=True):
    """How a deadline is chased once it passed, copied into its timer: a reminder every `reminder_interval_days`."""

    reminder_interval_days: int
    reminders_max: int

    @property
    def reminder_interval(self) -> timedelta:
        return timedelta(days=self.reminder_interval_days)


class ComplaintPeriods(BaseSettings):
    """Periods of the complaints office (environment prefix ``PAYESH_COMPLAINTS_``).

    The defaults are placeholders for what the province must set before real use.
    """

    model_config = SettingsConfigDict(env_prefix="PAYESH_COMPLAINTS_", frozen=True, extra="ignore")

    acknowledge_days: int = Field(default=5, ge=1, le=30)
    answer_days: int = Field(default=30, ge=1, le=180)
    reminder_interval_days: int = Field(default=3, ge=1, le=30)
    reminders_max: int = Field(default=10, ge=1, le=100)
    retention_days: int = Field(default=365, ge=30, le=3650)
    hold_review_days: int = Field(default=30, ge=1, le=365)
    colleague_known_days: int = Field(default=90, ge=1, le=365)

    @property
    def acknowledge(self) -> timedelta:
        return timedelta(days=self.acknowledge_days)

    @property
    def answer(self) -> timedelta:
        return timedelta(days=self.answer_days)

    @property
    def retention(self) -> timedelta:
        return timedelta(days=self.retention_days)

    @property
    def hold_review(self) -> timedelta:
        return timedelta(days=self.hold_review_days)

    @property
    def colleague_known(self) -> timedelta:
        return timedelta(days=self.colleague_known_days)

    @property
    def deadline_policy(self) -> DeadlinePolicy:
        return DeadlinePolicy(reminder_interval_days=self.reminder_interval_days, reminders_max=self.reminders_max)


@cache
def complaint_periods() -> ComplaintPeriods:
    """The periods of this process, read from the environment once."""
    return ComplaintPeriods()

"""Periods of the casework. Every period is domain time: the kit alone turns it into wall time."""

from datetime import timedelta
from functools import cache
from typing import Self

from pydantic import BaseModel, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.nationals.casework.domain.contacts import RetentionPurpose


class ReviewPolicy(BaseModel, frozen=True):
    """How a review is chased, copied into its timer: reminders every `interval_days`, then it stays listed."""

    interval_days: int
    reminders_max: int

    @property
    def interval(self) -> timedelta:
        return timedelta(days=self.interval_days)


class AppealWindowPolicy(BaseModel, frozen=True):
    """The appeal window of one decision, copied into its timer: the days that the written decision names."""

    appeal_window_days: int

    @property
    def appeal_window(self) -> timedelta:
        return timedelta(days=self.appeal_window_days)


class RetentionPolicy(BaseModel, frozen=True):
    """How long what is kept of one case after its end, copied into its timer; `purpose` is whose date comes next."""

    contact_days: int
    case_days: int
    purpose: RetentionPurpose = RetentionPurpose.CONTACTS

    @property
    def contact_retention(self) -> timedelta:
        return timedelta(days=self.contact_days)

    @property
    def case_retention(self) -> timedelta:
        return timedelta(days=self.case_days)

    def for_purpose(self, purpose: RetentionPurpose) -> Self:
        return self.model_copy(update={"purpose": purpose})


class CaseworkPeriods(BaseSettings):
    """Periods of the casework (environment prefix ``PAYESH_CASEWORK_``).

    The defaults are placeholders for what the province's lawyers and protection staff must set before real use.
    """

    model_config = SettingsConfigDict(env_prefix="PAYESH_CASEWORK_", frozen=True, extra="ignore")

    voluntary_period_days: int = Field(default=30, ge=1, le=3650)
    reconfirmation_valid_hours: int = Field(default=72, ge=1, le=168)
    screening_warning_days: int = Field(default=5, ge=1, le=30)
    booking_hold_hours: int = Field(default=72, ge=1, le=720)
    offer_hold_hours: int = Field(default=24, ge=1, le=168)
    waiting_list_review_hours: int = Field(default=1, ge=1, le=168)
    screening_valid_days: int = Field(default=30, ge=1, le=90)
    pause_review_days: int = Field(default=7, ge=1, le=30)
    legal_review_days: int = Field(default=14, ge=1, le=90)
    appeal_window_days: int = Field(default=30, ge=1, le=3650)
    appeal_review_days: int = Field(default=14, ge=1, le=90)
    review_reminders_max: int = Field(default=3, ge=1, le=52)
    break_glass_minutes: int = Field(default=60, ge=5, le=1440)
    break_glass_review_days: int = Field(default=2, ge=1, le=14)
    contact_retention_days: int = Field(default=90, ge=1, le=3650)
    case_retention_days: int = Field(default=1825, ge=1, le=36_500)
    retention_hold_review_days: int = Field(default=90, ge=1, le=365)

    @model_validator(mode="after")
    def _contacts_go_first(self) -> Self:
        if self.contact_retention_days > self.case_retention_days:
            raise ValueError("contact_retention_days must not be more than case_retention_days")
        return self

    @property
    def voluntary_period(self) -> timedelta:
        return timedelta(days=self.voluntary_period_days)

    @property
    def reconfirmation_valid(self) -> timedelta:
        return timedelta(hours=self.reconfirmation_valid_hours)

    @property
    def screening_warning(self) -> timedelta:
        return timedelta(days=self.screening_warning_days)

    @property
    def booking_hold(self) -> timedelta:
        return timedelta(hours=self.booking_hold_hours)

    @property
    def offer_hold(self) -> timedelta:
        return timedelta(hours=self.offer_hold_hours)

    @property
    def waiting_list_review(self) -> timedelta:
        return timedelta(hours=self.waiting_list_review_hours)

    @property
    def pause_policy(self) -> ReviewPolicy:
        return ReviewPolicy(interval_days=self.pause_review_days, reminders_max=self.review_reminders_max)

    @property
    def break_glass(self) -> timedelta:
        return timedelta(minutes=self.break_glass_minutes)

    @property
    def break_glass_policy(self) -> ReviewPolicy:
        return ReviewPolicy(interval_days=self.break_glass_review_days, reminders_max=self.review_reminders_max)

    @property
    def legal_review_policy(self) -> ReviewPolicy:
        return ReviewPolicy(interval_days=self.legal_review_days, reminders_max=self.review_reminders_max)

    @property
    def appeal_review_policy(self) -> ReviewPolicy:
        return ReviewPolicy(interval_days=self.appeal_review_days, reminders_max=self.review_reminders_max)

    @property
    def retention_policy(self) -> RetentionPolicy:
        return RetentionPolicy(contact_days=self.contact_retention_days, case_days=self.case_retention_days)

    @property
    def retention_hold_policy(self) -> ReviewPolicy:
        return ReviewPolicy(interval_days=self.retention_hold_review_days, reminders_max=self.review_reminders_max)


@cache
def casework_periods() -> CaseworkPeriods:
    """The periods of this process, read from the environment once."""
    return CaseworkPeriods()

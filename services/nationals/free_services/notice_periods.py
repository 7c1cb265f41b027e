"""When the free services remind people. Every period is domain time: the kit alone turns it into wall time."""

from datetime import timedelta
from functools import cache

from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class NoticePolicy(BaseModel, frozen=True):
    """How long before its last day the end of something is noticed; copied into its timer."""

    notice_days: int

    @property
    def notice(self) -> timedelta:
        return timedelta(days=self.notice_days)


class NoticePeriods(BaseSettings):
    """Periods of partners, support requests and work permits (environment prefix ``PAYESH_FREE_SERVICES_``).

    The defaults are placeholders for what the province's office must set before real use.
    """

    model_config = SettingsConfigDict(env_prefix="PAYESH_FREE_SERVICES_", frozen=True, extra="ignore")

    report_grace_days: int = Field(default=10, ge=0, le=90)
    agreement_notice_days: int = Field(default=60, ge=1, le=366)
    support_answer_days: int = Field(default=7, ge=1, le=90)
    permit_notice_days: int = Field(default=30, ge=1, le=366)

    @property
    def agreement_notice(self) -> NoticePolicy:
        return NoticePolicy(notice_days=self.agreement_notice_days)

    @property
    def permit_notice(self) -> NoticePolicy:
        return NoticePolicy(notice_days=self.permit_notice_days)

    @property
    def support_answer(self) -> timedelta:
        return timedelta(days=self.support_answer_days)


@cache
def notice_periods() -> NoticePeriods:
    """The periods of this process, read from the environment once."""
    return NoticePeriods()

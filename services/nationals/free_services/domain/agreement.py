"""Partners and their agreements: what an agreement may say, which reports it owes, and until when."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from services.nationals.free_services.domain import partner_refusals as refusals
from services.nationals.free_services.domain.report_period import Cadence, ReportPeriod, period_on, read_key
from shared.contracts.counties import County
from shared.contracts.free_services import FreeService
from shared.contracts.refusals import Refusal
from shared.persian.calendar import end_of, jalali_text

AGREEMENT_YEARS_MAX: Final = 10
_DAYS_MAX: Final = AGREEMENT_YEARS_MAX * 366


class PartnerState(StrEnum):
    """Whether a partner works with the province."""

    ACTIVE = "active"
    ENDED = "ended"


class AgreementState(StrEnum):
    """`EXPIRING`: its end was noticed."""

    IN_FORCE = "in_force"
    EXPIRING = "expiring"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Terms:
    """What of an agreement decides over its reports; days are calendar days in the province."""

    cadence: Cadence
    valid_from: date
    valid_until: date
    report_grace_days: int

    def due_on(self, period: ReportPeriod) -> date:
        """The last day on which the report of `period` is not late."""
        return period.last_on + timedelta(days=self.report_grace_days)

    def owes(self, period: ReportPeriod) -> bool:
        """Whether `period` has a day on which the agreement is in force."""
        starts_in_time = period.first_on <= self.valid_until
        return period.cadence is self.cadence and starts_in_time and period.last_on >= self.valid_from

    def first_owed(self, now: datetime) -> ReportPeriod | None:
        """The first period whose report is not overdue at `now`; None if there is none."""
        period = period_on(self.cadence, self.valid_from)
        while self.owes(period) and end_of(self.due_on(period)) <= now:
            period = period.next
        return period if self.owes(period) else None

    def next_owed(self, period: ReportPeriod) -> ReportPeriod | None:
        """The period after `period`; None if the agreement does not reach it."""
        return period.next if self.owes(period.next) else None

    def resumed(self, valid_until_before: date) -> ReportPeriod | None:
        """The first period that a renewal adds to what was owed until `valid_until_before`."""
        return self.next_owed(period_on(self.cadence, valid_until_before))


def check_within(
    counties: Collection[County],
    services: Collection[FreeService],
    partner_counties: Collection[County],
    partner_services: Collection[FreeService],
) -> None:
    """Raises Refusal naming what an agreement covers and the partner does not."""
    beyond = sorted({*counties} - {*partner_counties}) + sorted({*services} - {*partner_services})
    if beyond:
        raise Refusal(refusals.AGREEMENT_BEYOND_PARTNER, beyond=", ".join(beyond))


def check_dates(valid_from: date, valid_until: date, today: date) -> None:
    """Raises Refusal for an agreement that ends before it begins, has ended, or lasts too long."""
    if not timedelta(0) <= valid_until - valid_from <= timedelta(days=_DAYS_MAX) or valid_until < today:
        raise Refusal(refusals.AGREEMENT_DATES, years_max=AGREEMENT_YEARS_MAX)


def check_renewal(valid_from: date, valid_until_before: date, valid_until: date, today: date) -> None:
    """Raises Refusal unless the new end is later than the old one, in the future, and not too far."""
    if valid_until <= valid_until_before or valid_until < today:
        raise Refusal(refusals.RENEWAL_NOT_LATER, valid_until=jalali_text(valid_until_before))
    check_dates(valid_from, valid_until, today)


def require_period(terms: Terms, key: str) -> ReportPeriod:
    """The period of `key`. Raises Refusal if the agreement owes no report for it."""
    period = read_key(key)
    if period is None or not terms.owes(period):
        example = period_on(terms.cadence, terms.valid_from).key
        raise Refusal(refusals.REPORT_PERIOD_UNKNOWN, period=key[:20], cadence=terms.cadence.value, example=example)
    return period


def require_ended(period: ReportPeriod, today: date) -> None:
    """Raises Refusal while the period lasts: its figures are not complete."""
    if period.last_on >= today:
        raise Refusal(refusals.REPORT_PERIOD_NOT_ENDED, last_on=jalali_text(period.last_on))

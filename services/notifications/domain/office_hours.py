"""The hours of an office as people set them: by weekday, with or without the public holidays. Pure."""

from collections.abc import Collection
from datetime import date, time
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.notifications.domain.days import require_gregorian
from services.notifications.domain.people_refusals import CALENDAR_NEVER_OPEN, HOURS_REVERSED
from services.notifications.domain.working_calendar import DEFAULT_HOURS, OPEN_MIN, Weekday, WorkingCalendar, open_for
from shared.contracts.refusals import Refusal

CLOSED_DAYS_MAX: Final = 400


def _minute_of_day(value: time) -> time:
    if value.tzinfo is not None or value.second or value.microsecond:
        raise ValueError("must be hours and minutes, without a zone: office hours are in Asia/Tehran")
    return value


TimeOfDay = Annotated[time, AfterValidator(_minute_of_day)]


class OpeningHours(BaseModel):
    """Of one weekday. `closes` 00:00: at the end of the day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    opens: TimeOfDay
    closes: TimeOfDay


class OfficeHours(BaseModel):
    """A weekday that `hours` leaves out is closed. `closed_days`: closed besides the public holidays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hours: dict[Weekday, OpeningHours]
    keeps_public_holidays: bool = True
    closed_days: Annotated[tuple[date, ...], Field(max_length=CLOSED_DAYS_MAX)] = ()

    def calendar(self, public_holidays: Collection[date]) -> WorkingCalendar:
        closed = frozenset(self.closed_days)
        return WorkingCalendar(
            {weekday: (each.opens, each.closes) for weekday, each in self.hours.items()},
            closed.union(public_holidays) if self.keeps_public_holidays else closed,
        )


DEFAULT: Final = OfficeHours(
    hours={weekday: OpeningHours(opens=opens, closes=closes) for weekday, (opens, closes) in DEFAULT_HOURS.items()}
)


def require_open(hours: OfficeHours) -> None:
    """Raises Refusal where a weekday would close before it opens, where nothing could ever wait by these hours, and for a
    closed day that was written in the Jalali calendar."""
    for place, day in enumerate(hours.closed_days):
        require_gregorian(day, f"closed_days.{place}")
    for weekday, each in hours.hours.items():
        if not open_for(each.opens, each.closes):
            raise Refusal(HOURS_REVERSED, weekday=weekday, opens=f"{each.opens:%H:%M}", closes=f"{each.closes:%H:%M}")
    if hours.calendar(()).open_in_a_week < OPEN_MIN:
        raise Refusal(CALENDAR_NEVER_OPEN)

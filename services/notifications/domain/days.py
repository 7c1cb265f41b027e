"""Days that people write: one of the Jalali calendar is a day of the Gregorian one too, six centuries ago. Pure."""

from datetime import date
from typing import Final

from services.notifications.domain.people_refusals import DAY_NOT_GREGORIAN
from shared.contracts.refusals import Refusal

YEAR_MIN: Final = 1900


def require_gregorian(day: date, place: str) -> None:
    """Raises Refusal, naming `place`, for a day that can only be meant in the Jalali calendar."""
    if day.year < YEAR_MIN:
        raise Refusal(DAY_NOT_GREGORIAN, place=place, day=day.isoformat())

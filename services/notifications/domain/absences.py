"""What absences must never be: reversed, double, without a deputy in the office, or a loop of deputies. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.notifications.domain.days import require_gregorian
from services.notifications.domain.members import Absence
from services.notifications.domain.people_refusals import (
    ABSENCE_DAYS_REVERSED,
    ABSENCES_OVERLAP,
    DEPUTY_LOOP,
    DEPUTY_NOT_IN_GROUP,
)
from shared.contracts.refusals import Refusal
from shared.persian.calendar import jalali_text


@dataclass(frozen=True, slots=True)
class DeputyLoop:
    """People who would stand in for each other, in order, and the days (both included) on which all of them are away."""

    member_ids: tuple[UUID, ...]
    first_day: date
    last_day: date


def require_absences(absences: Sequence[Absence], others: Sequence[Absence], active: Mapping[UUID, str]) -> None:
    """Check one member's absences beside `others`, those of everybody else in the office. Raises Refusal.

    `active`: names of the office's active members, by id.
    """
    for place, absence in enumerate(absences):
        require_gregorian(absence.first_day, f"absences.{place}.first_day")
        require_gregorian(absence.last_day, f"absences.{place}.last_day")
        if absence.first_day > absence.last_day:
            raise Refusal(
                ABSENCE_DAYS_REVERSED, place=f"absences.{place}", **_days(absence.first_day, absence.last_day)
            )
        if absence.deputy_id not in active:
            raise Refusal(DEPUTY_NOT_IN_GROUP, place=f"absences.{place}.deputy_id", deputy_id=str(absence.deputy_id))
        for earlier, known in enumerate(absences[:place]):
            if known.first_day <= absence.last_day and absence.first_day <= known.last_day:
                raise Refusal(ABSENCES_OVERLAP, place=f"absences.{place}", other=f"absences.{earlier}")
    for place, absence in enumerate(absences):
        loop = find_deputy_loop(absence, others)
        if loop is not None:
            names = [active.get(member_id, str(member_id)) for member_id in loop.member_ids]
            raise Refusal(
                DEPUTY_LOOP,
                place=f"absences.{place}",
                people=" ← ".join([*names, names[0]]),
                member_ids=[str(member_id) for member_id in loop.member_ids],
                **_days(loop.first_day, loop.last_day),
            )


def find_deputy_loop(absence: Absence, others: Collection[Absence]) -> DeputyLoop | None:
    """The loop of deputies that `absence` closes on some day; None if there is none.

    The days of a loop begin with the first day of one of its absences, so no other day has to be looked at.
    """
    beside = [other for other in others if other.first_day <= absence.last_day and absence.first_day <= other.last_day]
    days = {absence.first_day, *(other.first_day for other in beside if other.first_day > absence.first_day)}
    for day in sorted(days):
        away = {other.member_id: other for other in beside if other.covers(day)} | {absence.member_id: absence}
        path: dict[UUID, Absence] = {}
        at = absence.member_id
        while at in away and at not in path:
            path[at] = away[at]
            at = away[at].deputy_id
        if at == absence.member_id:
            first_day = max(each.first_day for each in path.values())
            return DeputyLoop(tuple(path), first_day, min(each.last_day for each in path.values()))
    return None


def _days(first_day: date, last_day: date) -> dict[str, str]:
    return {
        "first_day": first_day.isoformat(),
        "last_day": last_day.isoformat(),
        "first_day_fa": jalali_text(first_day),
        "last_day_fa": jalali_text(last_day),
    }

"""A legal basis for the one adverse outcome: dated, entered by one registrar of the legal office, confirmed by another."""

from dataclasses import dataclass
from datetime import date, datetime

from services.nationals.casework.domain import legal_review_refusals as refusals
from shared.contracts.refusals import Refusal
from shared.persian.calendar import office_date


@dataclass(frozen=True, slots=True)
class LegalBasis:
    """One record. `in_force_from` and `in_force_until` are days in the province, both included."""

    in_force_from: date
    in_force_until: date
    entered_by: str
    confirmed_by: str | None = None
    ended_by: str | None = None

    def is_in_force(self, now: datetime) -> bool:
        """Whether two people entered it, nobody ended it, and `now` (aware) falls on one of its days."""
        if self.confirmed_by is None or self.confirmed_by == self.entered_by or self.ended_by is not None:
            return False
        return self.in_force_from <= office_date(now) <= self.in_force_until


def check_dates(in_force_from: date, in_force_until: date) -> None:
    """Raises Refusal if the last day lies before the first."""
    if in_force_until < in_force_from:
        raise Refusal(refusals.LEGAL_BASIS_DATES)


def check_confirmation(basis: LegalBasis, confirmed_by: str) -> None:
    """Raises Refusal if the record is settled already, or who confirms it entered it (safeguards 6, 10)."""
    if basis.confirmed_by is not None or basis.ended_by is not None:
        raise Refusal(refusals.LEGAL_BASIS_CONFIRMED, satisfied_by="a_new_record")
    if confirmed_by == basis.entered_by:
        raise Refusal(refusals.LEGAL_BASIS_SAME_PERSON, satisfied_by="another_registrar")


def check_end(basis: LegalBasis) -> None:
    """Raises Refusal if the record has been ended before."""
    if basis.ended_by is not None:
        raise Refusal(refusals.LEGAL_BASIS_CONFIRMED, satisfied_by="a_new_record")

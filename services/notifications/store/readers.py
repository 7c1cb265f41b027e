"""Who reads, and what of alerts is shown to whom.

Alerts of working groups show in their county. Those of provincial offices show to who was told of them and to who counts
deliveries; what is about a case or a complaint shows its subject and details to who was told alone (safeguards).
"""

from dataclasses import dataclass
from typing import Any, Final

from services.notifications.domain.rules import UNRESTRICTED_TYPES

OPEN_TYPES: Final = sorted(UNRESTRICTED_TYPES)


@dataclass(frozen=True, slots=True)
class Reader:
    """`sees_offices`: also alerts of provincial offices, whoever was told. `sees_cases`: of alerts about cases and
    complaints also what they are about."""

    subject: str
    sees_offices: bool
    sees_cases: bool = False


def without_case(row: dict[str, Any], reader: Reader) -> dict[str, Any]:
    """An alert of `reading` as `reader` may see it; `was_told` says whether that is one of those who were told."""
    was_told, hidden = row.pop("was_told"), row["source_type"] not in UNRESTRICTED_TYPES
    if was_told or not hidden:
        return row
    about = row["subject_id"] if reader.sees_cases else ""
    return row | {"subject_id": about, "source_aggregate_id": "", "details": {}}

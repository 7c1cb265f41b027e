"""What a fold claims: counters by county, and alerts by what they are about."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from shared.contracts.counties import County

Counters = dict[str, dict[str, Decimal]]
"""Value by county and counter."""


@dataclass(frozen=True, slots=True)
class AlertKey:
    """One alert: the routing rule and what it is about. `turn` tells repeated alerts about one subject apart."""

    rule_id: str
    subject_id: str
    turn: int = 0


@dataclass(slots=True)
class ExpectedAlert:
    """Whether it must be resolved at the end; else it is acknowledged or escalates to its last step."""

    county: str
    resolved: bool = False


Alerts = dict[AlertKey, ExpectedAlert]


def no_counters() -> Counters:
    """Every counter of every county at zero."""
    return {county.value: defaultdict(Decimal) for county in County}

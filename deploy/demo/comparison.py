"""What differs between the fold and the platform."""

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(slots=True)
class Comparison:
    """What differs between the fold and the platform. Nothing may."""

    lost: list[str] = field(default_factory=list[str])
    doubled: list[str] = field(default_factory=list[str])
    left_over: list[str] = field(default_factory=list[str])
    letters_resent: int = 0

    @property
    def ok(self) -> bool:
        return not (self.lost or self.doubled or self.left_over)

    def count(self, what: str, expected: Decimal | int, actual: Decimal | int) -> None:
        """Note a difference: less is lost, more is doubled."""
        if actual != expected:
            side = self.lost if actual < expected else self.doubled
            side.append(f"{what}: {_plain(actual)} instead of {_plain(expected)}")


def _plain(value: Decimal | int) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)

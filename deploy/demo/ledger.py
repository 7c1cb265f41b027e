"""What the demo asked for and what the services answered: append-only, in memory and as JSON Lines on disk.

The fold reads nothing else. An entry is written after the definite answer, so an entry is a fact and never a hope.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

OBSERVED = "observed"
"""Kind of an entry that is no command: what somebody was shown, beside what must be shown."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One settled command. `intent` is what the actor meant (the plan's own words), `answer` the server's JSON body."""

    kind: str
    actor: str
    intent: dict[str, Any]
    status: int
    answer: dict[str, Any]
    refusal_code: str | None = None
    expected_refusal: str | None = None
    tolerated: list[str] = field(default_factory=list[str])
    refused_until_s: float | None = None
    attempts: int = 1
    at_s: float = 0.0
    """Seconds since the day began."""

    @property
    def accepted(self) -> bool:
        return self.refusal_code is None

    @property
    def as_expected(self) -> bool:
        came_late = self.refused_until_s is not None and self.at_s >= self.refused_until_s
        return (
            self.refusal_code == self.expected_refusal
            or self.refusal_code in self.tolerated
            or (self.accepted and came_late)
        )


@dataclass(slots=True)
class Ledger:
    """All entries of one day. Pass no path to keep it in memory only."""

    path: Path | None = None
    entries: list[Entry] = field(default_factory=list[Entry])
    _written: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text("", "utf-8")

    def append(self, entry: Entry) -> None:
        self.entries.append(entry)
        if self.path is not None:
            self._write(self.path)

    def _write(self, path: Path) -> None:
        """Write every entry that is not on disk yet; on a full disk they wait for the next one, for the fold reads memory."""
        lines = "".join(
            json.dumps(asdict(entry), ensure_ascii=False, default=str) + "\n" for entry in self.entries[self._written :]
        ).encode()
        with suppress(OSError), path.open("ab", buffering=0) as file:
            end = file.tell()
            if file.write(lines) == len(lines):
                self._written = len(self.entries)
            else:
                file.truncate(end)

    def accepted(self, kind: str) -> Iterator[Entry]:
        """Accepted commands of one kind, in the order in which they were answered."""
        return (entry for entry in self.entries if entry.kind == kind and entry.accepted)

    def commands_accepted(self) -> int:
        """How many commands were accepted."""
        return sum(entry.accepted and entry.kind != OBSERVED for entry in self.entries)

    def refusals(self) -> Counter[str]:
        """Refused commands by code."""
        return Counter(entry.refusal_code for entry in self.entries if entry.refusal_code is not None)

    def unexpected(self) -> list[Entry]:
        """Commands whose answer was not the one the plan foresaw."""
        return [entry for entry in self.entries if not entry.as_expected]

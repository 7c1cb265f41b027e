"""Troubles of the platform itself: the words by which events may name them, and what the monitoring's labels mean. Pure."""

import re
from collections.abc import Mapping
from typing import Final

from shared.contracts.counties import County
from shared.contracts.notifications import AlertSeverity

PROVINCE_SEAT: Final = County.TEHRAN
"""Where a trouble stands that is of no county: an alert has a county, and row-level security knows no other place."""
WORD_CHARACTERS_MAX: Final = 128
UNNAMED: Final = "unnamed"

_NO_WORD: Final = re.compile(r"[^A-Za-z0-9_.:/-]+")
_SEVERITIES: Final[Mapping[str, AlertSeverity]] = {
    "critical": AlertSeverity.CRITICAL,
    "page": AlertSeverity.CRITICAL,
    "info": AlertSeverity.INFO,
    "none": AlertSeverity.INFO,
}


def dead_digest_name(working_group: str) -> str:
    """Name of the trouble that a letter of this office's digest was taken by nobody."""
    return f"digest/{working_group}"


def nobody_there_name(working_group: str) -> str:
    """Name of the trouble that this office, and whoever stands in for it, has nobody to be told."""
    return f"nobody/{working_group}"


def machine_word(text: str) -> str:
    """`text` as a name that an event may carry: what free text is made of becomes underscores."""
    return _NO_WORD.sub("_", text)[:WORD_CHARACTERS_MAX] or UNNAMED


def severity_of(labels: Mapping[str, str]) -> AlertSeverity:
    """The label `severity`, as Prometheus rules use it; anything unknown is a warning."""
    return _SEVERITIES.get(labels.get("severity", "").lower(), AlertSeverity.WARNING)


def county_of_labels(labels: Mapping[str, str]) -> County:
    """The label `county`; the province's seat where there is none that is a county."""
    named = labels.get("county")
    return County(named) if named in set(County) else PROVINCE_SEAT

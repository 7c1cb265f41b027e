"""How far an import has come."""

import time
from dataclasses import dataclass, field
from typing import Literal

from services.warehouse.registry_file.limits import READING_S_MAX, too_large


@dataclass(slots=True)
class Progress:
    """`share` of the stage that is done, 0..1. Who works sets it; others look."""

    stage: Literal["reading", "applying"] = "reading"
    share: float = 0.0
    began_s: float = field(default_factory=time.monotonic)

    def begin_reading(self) -> None:
        """The file's turn has come."""
        self.began_s = time.monotonic()

    def begin_applying(self) -> None:
        """The file is read; its rows are taken up now."""
        self.stage, self.share = "applying", 0.0

    def check_deadline(self) -> None:
        """Raises Refusal once the reading has taken `READING_S_MAX`."""
        if time.monotonic() - self.began_s > READING_S_MAX:
            raise too_large("seconds of reading", round(READING_S_MAX))

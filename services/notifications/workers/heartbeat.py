"""Tells an outside service that the auditor's rounds are sound, so that somebody notices when the auditor itself is dead.

The outside service (Healthchecks, self-hosted or not, or anything that takes the same requests) alarms its own people
when a ping does not come in time, and at once when one comes to ``/fail``. Nothing about any alert leaves: counts alone.
"""

import time
from typing import TYPE_CHECKING, Final

from shared.kit import metrics
from shared.kit.logging import get_logger

if TYPE_CHECKING:
    import httpx

TIMEOUT_S: Final = 5.0
INTERVAL_S: Final = 60.0
"""Between two pings that say the same: Healthchecks takes five a minute and drops the rest."""

_log = get_logger(__name__)


class Heartbeat:
    """Pings `url` after sound rounds and its ``/fail`` after others; does nothing where `url` is None. Never raises."""

    def __init__(self, url: str | None, interval_s: float = INTERVAL_S, timeout_s: float = TIMEOUT_S) -> None:
        self._url = None if url is None else url.rstrip("/")
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._said: bool | None = None
        self._said_at_s = 0.0
        self._client: httpx.AsyncClient | None = None

    async def tell(self, *, is_sound: bool, late_chains: int) -> None:
        """Say how the last round went, unless the same was said within the interval. What did not arrive is said again."""
        now_s = time.monotonic()
        if self._url is None or (is_sound is self._said and now_s - self._said_at_s < self._interval_s):
            return
        try:
            await self._post(self._url if is_sound else f"{self._url}/fail", f"late chains: {late_chains}")
        except Exception as error:
            metrics.HEARTBEATS_FAILED.inc()
            _log.warning("heartbeat_failed", error=repr(error), next_step="again after the next round")
        else:
            self._said, self._said_at_s = is_sound, now_s

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _post(self, url: str, body: str) -> None:
        if self._client is None:
            import httpx  # noqa: PLC0415 - a service without a heartbeat is spared its memory

            self._client = httpx.AsyncClient(timeout=self._timeout_s, follow_redirects=False)
        (await self._client.post(url, content=body)).raise_for_status()

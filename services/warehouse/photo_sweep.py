"""What nobody will ask for is removed: half-sent photos, photos that no submission named, pictures without a row.

A picture is put before its row is written and under a name of its own, so one without a row that is older than any
request can last belongs to nothing, and nothing will ever belong to it.
"""

import asyncio
import contextlib
from datetime import timedelta

from services.warehouse.photo_store import PhotoStore, configured_store
from services.warehouse.settings import WarehouseSettings
from services.warehouse.store import photos as store
from shared.kit.logging import get_logger
from shared.kit.service import WorkerContext

SWEEP_INTERVAL_S = 24 * 3600.0
SWEEP_DELAY_S = 60.0
"""After the start, so that processes that come and go do not all list the store at once."""
PARTS_KEPT = timedelta(days=7)
PENDING_KEPT = timedelta(days=90)
"""A phone may lie in a drawer for a season before its submission comes."""
ORPHANS_KEPT = timedelta(days=1)

_log = get_logger(__name__)


async def sweep_photos(context: WorkerContext[WarehouseSettings]) -> None:
    """Sweep once a day until the process stops; a sweep that fails is tried again the next day."""
    delay_s = SWEEP_DELAY_S
    while not context.stopping.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(context.stopping.wait(), delay_s)
            return
        delay_s = SWEEP_INTERVAL_S
        try:
            await sweep_once(context, configured_store())
        except Exception as error:
            _log.error("photo_sweep_failed", error=repr(error), next_step=f"again in {SWEEP_INTERVAL_S:.0f} s")


async def sweep_once(context: WorkerContext[WarehouseSettings], photo_store: PhotoStore) -> None:
    """One sweep: rows first, so that their pictures go with this or the next one."""
    async with context.begin() as tx:
        now = tx.now
        parts, pending = await store.delete_stale(tx.connection, now - PARTS_KEPT, now - PENDING_KEPT)
    orphans = 0
    async for page in photo_store.list_pages(now - ORPHANS_KEPT):
        async with context.begin() as tx:
            known = await store.list_known(tx.connection, list(page))
        orphaned = [path for photo_id, path in page.items() if photo_id not in known]
        await photo_store.delete(orphaned)
        orphans += len(orphaned)
    _log.info("photos_swept", half_sent=parts, never_named=pending, pictures_without_row=orphans)

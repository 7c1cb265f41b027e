"""What the calendar alone brings: the day after a site's inspection was due, and after a training expired."""

from services.warehouse.store import compliance as compliance_store
from services.warehouse.store import history as history_store
from shared.contracts.warehouse import SiteIntervalLapsed, TrainingExpired
from shared.kit.transaction import Transaction
from shared.persian.calendar import office_date

ANNOUNCED_AT_ONCE_MAX = 500


async def announce_lapsed_intervals(tx: Transaction) -> int:
    """Announce, once each, sites whose inspection has become too old; returns how many (`ANNOUNCED_AT_ONCE_MAX` at most)."""
    lapsed = await history_store.end_intervals(tx.connection, office_date(tx.now), ANNOUNCED_AT_ONCE_MAX)
    await tx.publish_many(
        [
            SiteIntervalLapsed(warehouse_id=warehouse_id, county=county, due_on=due_on)
            for warehouse_id, county, due_on in lapsed
        ]
    )
    return len(lapsed)


async def announce_expired_trainings(tx: Transaction) -> int:
    """Notice trainings that have expired, and announce each unless its holder has a newer one; returns how many."""
    expired = await compliance_store.notice_expired_trainings(
        tx.connection, office_date(tx.now), tx.now, ANNOUNCED_AT_ONCE_MAX
    )
    await tx.publish_many(
        [
            TrainingExpired(
                warehouse_id=record.warehouse_id,
                county=county,
                record_id=record.record_id,
                course=record.course,
                expires_on=record.expires_on,
            )
            for record, county, renewed in expired
            if not renewed
        ]
    )
    return len(expired)

"""Due timers of the warehouse service; each one calls a handler."""

from uuid import UUID

from services.warehouse import handlers
from services.warehouse.handlers.essential_goods import NEED_STARTS, STOCK_EXPIRES
from services.warehouse.handlers.follow_ups import ACTION_OVERDUE
from shared.kit.routing import DueTimer, timer
from shared.kit.transaction import Transaction


@timer(ACTION_OVERDUE)
async def mark_action_overdue(due: DueTimer, tx: Transaction) -> None:
    """The due time of a corrective action has come."""
    await handlers.mark_action_overdue(UUID(due.subject_id), due.fence, tx)


@timer(STOCK_EXPIRES)
async def expire_stock(due: DueTimer, tx: Transaction) -> None:
    """A stock declaration was not renewed in time."""
    await handlers.expire_stock(due.subject_id, due.fence, tx)


@timer(NEED_STARTS)
async def start_need(due: DueTimer, tx: Transaction) -> None:
    """The first day of a county's need has come."""
    await handlers.start_need(UUID(due.subject_id), tx)

"""Due timers of the warehouse service; each one calls a handler."""

from uuid import UUID

from services.warehouse import handlers
from services.warehouse.handlers.follow_ups import ACTION_OVERDUE
from shared.kit.routing import DueTimer, timer
from shared.kit.transaction import Transaction


@timer(ACTION_OVERDUE)
async def mark_action_overdue(due: DueTimer, tx: Transaction) -> None:
    """The due time of a corrective action has come."""
    await handlers.mark_action_overdue(UUID(due.subject_id), due.fence, tx)

"""Every use case of the warehouse service: ``async def verb_noun(message, tx)``."""

from services.warehouse.handlers.counting import fold_county_counters
from services.warehouse.handlers.follow_ups import lift_hold, mark_action_overdue, resolve_action, resolve_discrepancy
from services.warehouse.handlers.inspections import schedule_inspection, submit_inspection
from services.warehouse.handlers.registry import import_registry
from services.warehouse.handlers.reviews import review_inspection

__all__ = [
    "fold_county_counters",
    "import_registry",
    "lift_hold",
    "mark_action_overdue",
    "resolve_action",
    "resolve_discrepancy",
    "review_inspection",
    "schedule_inspection",
    "submit_inspection",
]

"""Every use case of the warehouse service: ``async def verb_noun(message, tx)``."""

from services.warehouse.handlers.compliance import (
    issue_certificate,
    record_elements,
    record_training,
    revoke_certificate,
    withdraw_training,
)
from services.warehouse.handlers.counting import fold_county_counters
from services.warehouse.handlers.day_end import announce_expired_trainings, announce_lapsed_intervals
from services.warehouse.handlers.essential_goods import (
    declare_stock,
    expire_stock,
    judge_moved_stock,
    set_need,
    start_need,
)
from services.warehouse.handlers.follow_ups import (
    extend_action,
    hand_over_action,
    mark_action_overdue,
    reopen_action,
    resolve_action,
    resolve_discrepancy,
)
from services.warehouse.handlers.found_sites import decide_found_site, report_found_site
from services.warehouse.handlers.inspections import postpone_inspection, reassign_inspection, schedule_inspection
from services.warehouse.handlers.photos import drop_photo_parts, receive_photo, receive_photo_part
from services.warehouse.handlers.planning import accept_plan, plan_inspections
from services.warehouse.handlers.proposals import decide_proposal, give_registry_id
from services.warehouse.handlers.referrals import answer_referral, lift_hold, place_hold, receive_referral
from services.warehouse.handlers.registry import import_registry
from services.warehouse.handlers.reviews import decide_recount, review_inspection
from services.warehouse.handlers.submission_conflicts import resolve_submission_conflict
from services.warehouse.handlers.submissions import submit_inspection

__all__ = [
    "accept_plan",
    "announce_expired_trainings",
    "announce_lapsed_intervals",
    "answer_referral",
    "decide_found_site",
    "decide_proposal",
    "decide_recount",
    "declare_stock",
    "drop_photo_parts",
    "expire_stock",
    "extend_action",
    "fold_county_counters",
    "give_registry_id",
    "hand_over_action",
    "import_registry",
    "issue_certificate",
    "judge_moved_stock",
    "lift_hold",
    "mark_action_overdue",
    "place_hold",
    "plan_inspections",
    "postpone_inspection",
    "reassign_inspection",
    "receive_photo",
    "receive_photo_part",
    "receive_referral",
    "record_elements",
    "record_training",
    "reopen_action",
    "report_found_site",
    "resolve_action",
    "resolve_discrepancy",
    "resolve_submission_conflict",
    "review_inspection",
    "revoke_certificate",
    "schedule_inspection",
    "set_need",
    "start_need",
    "submit_inspection",
    "withdraw_training",
]

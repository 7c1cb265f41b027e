"""Why the warehouse service says no to a plan, or to a change of an assignment. Codes are stable; texts are for people."""

from shared.contracts.refusals import RefusalType

PLAN_NOT_FOUND = RefusalType(
    "warehouse.plan.not_found",
    404,
    "There is no such inspection plan in your counties.",
    "چنین برنامهٔ بازرسی در شهرستان‌های شما نیست.",
)
PLAN_PERIOD_IMPOSSIBLE = RefusalType(
    "warehouse.plan.period_impossible",
    422,
    "A plan begins today ({today}) at the earliest, ends no earlier than it begins and spans at most {days_max} days.",
    "برنامه زودتر از امروز ({today}) آغاز نمی‌شود، پیش از آغازش پایان نمی‌یابد و حداکثر {days_max} روز است.",
)
PLAN_INSPECTOR_REPEATED = RefusalType(
    "warehouse.plan.inspector_repeated",
    422,
    "The plan names an inspector more than once: {inspectors}.",
    "نام بازرس بیش از یک بار آمده است: {inspectors}.",
)
PLAN_OUTDATED = RefusalType(
    "warehouse.plan.outdated",
    409,
    "Since this plan was made, {count} of its visits have become impossible (first: {sites}). Nothing was assigned; "
    "make a new plan.",
    "پس از ساخت این برنامه {count} بازدید آن ناممکن شده است (نخستین‌ها: {sites}). چیزی سپرده نشد؛ برنامهٔ تازه بسازید.",
)
PLAN_EMPTY = RefusalType(
    "warehouse.plan.empty",
    409,
    "The plan has no visit to assign; see why at its lines.",
    "برنامه بازدیدی برای سپردن ندارد؛ دلیل در سطرهای آن است.",
)
POSTPONED_TO_EARLIER = RefusalType(
    "warehouse.inspection.postponed_to_earlier",
    422,
    "A postponement goes to a later day than {due_on}.",
    "تعویق باید به روزی پس از {due_on} باشد.",
)
POSTPONED_TOO_FAR = RefusalType(
    "warehouse.inspection.postponed_too_far",
    422,
    "An inspection is postponed to {latest} at the latest.",
    "بازرسی حداکثر تا {latest} به تعویق می‌افتد.",
)

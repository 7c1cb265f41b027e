"""How access to a case is refused, in Persian and English, and what would open it."""

from shared.contracts.refusals import RefusalType

NOT_ASSIGNED = RefusalType(
    "nationals.case.not_assigned",
    403,
    "You are not assigned to this case. Ask the casework supervisor of the county for an assignment; in an emergency open it "
    "for a limited time with POST /cases/{case_id}/break-glass, of which the supervisor is told at once. A withdrawal of the "
    "household can be recorded without either.",
    "این پرونده به شما سپرده نشده است. از سرپرست مددکاری شهرستان بخواهید آن را به شما بسپارد؛ در موقعیت اضطراری با "
    "POST /cases/{case_id}/break-glass برای مدتی محدود دسترسی بگیرید که سرپرست بی‌درنگ از آن آگاه می‌شود. ثبت انصراف خانوار به "
    "هیچ‌یک نیاز ندارد.",
)
OWN_ASSIGNMENT = RefusalType(
    "nationals.assignment.own",
    409,
    "Nobody gives a case to themselves or hands back their own; another supervisor must do it.",
    "هیچ‌کس پرونده را به خود نمی‌سپارد یا سپردن آن به خود را پایان نمی‌دهد؛ این کار با سرپرستی دیگر است.",
    safeguard=6,
)
OPENING_ASSIGNS = RefusalType(
    "nationals.assignment.opening_only",
    422,
    "Only the opening of a case gives this reason; choose another one.",
    "این دلیل تنها هنگام گشودن پرونده ثبت می‌شود؛ دلیل دیگری برگزینید.",
)
ALREADY_ASSIGNED = RefusalType(
    "nationals.assignment.exists",
    409,
    "The case is assigned to this person already.",
    "این پرونده هم‌اکنون به این شخص سپرده شده است.",
)
ASSIGNMENT_NOT_FOUND = RefusalType(
    "nationals.assignment.not_found",
    404,
    "The case has no such running assignment.",
    "این پرونده چنین سپردنِ در جریانی ندارد.",
)
ACCESS_NOT_NEEDED = RefusalType(
    "nationals.break_glass.not_needed",
    409,
    "You have access to this case already; no break-glass is needed, and a running one is not prolonged.",
    "شما هم‌اکنون به این پرونده دسترسی دارید؛ به دسترسی اضطراری نیازی نیست و دسترسیِ در جریان تمدید نمی‌شود.",
)
BREAK_GLASS_NOT_FOUND = RefusalType(
    "nationals.break_glass.not_found",
    404,
    "There is no such break-glass in the counties of your role.",
    "چنین دسترسی اضطراری‌ای در شهرستان‌های حوزهٔ نقش شما نیست.",
)
OWN_BREAK_GLASS = RefusalType(
    "nationals.break_glass.own_review",
    409,
    "Nobody reviews their own break-glass; a second person must.",
    "هیچ‌کس دسترسی اضطراری خود را بررسی نمی‌کند؛ نفر دوم باید بررسی کند.",
    safeguard=6,
)
BREAK_GLASS_REVIEWED = RefusalType(
    "nationals.break_glass.reviewed",
    409,
    "This break-glass was reviewed before; a review is recorded once.",
    "این دسترسی اضطراری پیش‌تر بررسی شده است؛ نتیجهٔ بررسی یک بار ثبت می‌شود.",
    safeguard=6,
)

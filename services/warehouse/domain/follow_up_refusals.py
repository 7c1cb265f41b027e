"""Why corrective actions, holds and referrals are refused. Codes are stable; texts are for people."""

from shared.contracts.refusals import RefusalType

ACTION_NOT_RESOLVED = RefusalType(
    "warehouse.action.not_resolved",
    409,
    "This corrective action is not resolved, so there is nothing to reopen.",
    "این اقدام اصلاحی پایان نیافته است و بازگشایی ندارد.",
)
ACTION_REOPENED_BY_RESOLVER = RefusalType(
    "warehouse.action.reopened_by_resolver",
    403,
    "Whoever resolved a corrective action does not reopen it; a colleague must look.",
    "کسی که اقدام اصلاحی را پایان داده است آن را بازگشایی نمی‌کند؛ همکار دیگری باید ببیند.",
)
EXTENSION_TOO_EARLY = RefusalType(
    "warehouse.action.extension_too_early",
    422,
    "An extension must end after the present due time ({due_at}) and after now ({now}).",
    "مهلت تازه باید پس از مهلت کنونی ({due_at}) و پس از اکنون ({now}) باشد.",
)
EXTENSION_TOO_LATE = RefusalType(
    "warehouse.action.extension_too_late",
    422,
    "An extension ends at most {days_max} days from today.",
    "مهلت تازه حداکثر {days_max} روز پس از امروز است.",
)
EXTENSION_DAY_OFF = RefusalType(
    "warehouse.action.extension_day_off",
    422,
    "Offices are closed on {due_on}. The next working day is {next_working_day}.",
    "ادارات در {due_on} تعطیل‌اند. روز کاری بعدی {next_working_day} است.",
)
HOLD_LIFTED_BY_SOFTWARE = RefusalType(
    "warehouse.hold.lifted_by_software",
    403,
    "A hold is lifted by a named person, never by software.",
    "توقیف را تنها شخصی با نام برمی‌دارد، نه نرم‌افزار.",
)
HOLD_LIFTED_BY_PLACER = RefusalType(
    "warehouse.hold.lifted_by_placer",
    403,
    "Whoever placed a hold does not lift it; somebody else must.",
    "کسی که توقیف را گذاشته است آن را برنمی‌دارد؛ شخص دیگری باید بردارد.",
)
HOLD_NOT_ANSWERED = RefusalType(
    "warehouse.hold.not_answered",
    409,
    "The authority has not answered the referral. Wait for it, or send without_answer with a reason that says why.",
    "مرجع هنوز به ارجاع پاسخ نداده است. منتظر بمانید، یا without_answer را با دلیل آن بفرستید.",
)
REFERRAL_NOT_FOUND = RefusalType(
    "warehouse.referral.not_found",
    404,
    "There is no such referral in your counties.",
    "چنین ارجاعی در شهرستان‌های شما نیست.",
)
REFERRAL_OF_ANOTHER_AUTHORITY = RefusalType(
    "warehouse.referral.another_authority",
    403,
    "This referral is addressed to another authority.",
    "این ارجاع به مرجع دیگری است.",
)
REFERRAL_BY_SOFTWARE = RefusalType(
    "warehouse.referral.by_software",
    403,
    "A referral is received and answered by a named person, never by software.",
    "ارجاع را تنها شخصی با نام دریافت و پاسخ می‌دهد، نه نرم‌افزار.",
)
REFERRAL_NOT_RECEIVED = RefusalType(
    "warehouse.referral.not_received",
    409,
    "The referral must be received before it is answered.",
    "پیش از پاسخ، ارجاع باید دریافت شود.",
)
REFERRAL_RECEIVED = RefusalType(
    "warehouse.referral.already_received",
    409,
    "This referral was already received by {received_by}.",
    "این ارجاع را پیش‌تر {received_by} دریافت کرده است.",
)
REFERRAL_ANSWERED = RefusalType(
    "warehouse.referral.already_answered",
    409,
    "This referral was already answered, with other words. Nothing was overwritten.",
    "به این ارجاع پیش‌تر پاسخ دیگری داده شده است. چیزی بازنویسی نشد.",
)

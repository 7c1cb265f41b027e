"""Why a step with a slot is refused, in Persian and English."""

from shared.contracts.refusals import RefusalType

SLOT_NOT_FOUND = RefusalType(
    "nationals.slot.not_found",
    404,
    "There is no such slot in the counties of your role.",
    "چنین نوبتی در شهرستان‌های حوزهٔ نقش شما نیست.",
)
SLOT_FULL = RefusalType(
    "nationals.slot.full",
    409,
    "All {capacity} places of this slot are taken; another slot, or one that is given back, would do.",
    "هر {capacity} جای این نوبت گرفته شده است؛ نوبتی دیگر یا جایی که پس داده شود پذیرفته می‌شود.",
)
SLOT_BEGUN = RefusalType(
    "nationals.slot.begun",
    409,
    "This slot has begun; choose a later one.",
    "این نوبت آغاز شده است؛ نوبت دیرتری برگزینید.",
)
SLOT_OVER = RefusalType(
    "nationals.slot.over",
    409,
    "This slot is over; what was not used cannot be given back.",
    "زمان این نوبت گذشته است؛ نوبتی که به کار نرفته پس داده نمی‌شود.",
)
SLOT_NOT_OVER = RefusalType(
    "nationals.slot.not_over",
    409,
    "This slot is not over yet: who has not come may still come.",
    "زمان این نوبت نگذشته است: کسی که نیامده هنوز می‌تواند بیاید.",
)
NOT_THE_TIME_TO_CHECK_IN = RefusalType(
    "nationals.slot.not_the_time_to_check_in",
    409,
    "Visitors are received from one hour before their slot until the end of its day.",
    "مراجعه‌کننده از یک ساعت پیش از نوبت تا پایان همان روز پذیرفته می‌شود.",
)
CLAIM_CODE_UNREADABLE = RefusalType(
    "nationals.slot.claim_code_unreadable",
    422,
    "This is no claim code: twelve letters and digits, as printed for the visitor.",
    "این کد نوبت نیست: دوازده حرف و رقم، چنان که برای مراجعه‌کننده چاپ شده است.",
)
CLAIM_CODE_UNKNOWN = RefusalType(
    "nationals.slot.claim_code_unknown",
    404,
    "No booking in the counties of your role has this claim code.",
    "هیچ نوبتی در شهرستان‌های حوزهٔ نقش شما با این کد گرفته نشده است.",
)
BOOKING_ENDED = RefusalType(
    "nationals.slot.booking_ended",
    409,
    "This booking has ended ({state}); a new one is free.",
    "این نوبت پایان یافته است ({state})؛ می‌توانید نوبت تازه‌ای بگیرید.",
)

"""Why a tally, an estimate or a publication is refused, in Persian and English."""

from shared.contracts.refusals import RefusalType

TALLY_EXISTS = RefusalType(
    "nationals.tally.exists",
    409,
    "This day's count is recorded already; correct it and say why.",
    "شمار این روز پیش‌تر ثبت شده است؛ آن را با ذکر دلیل اصلاح کنید.",
)
TALLY_NOT_FOUND = RefusalType(
    "nationals.tally.not_found",
    404,
    "There is no count of this day to correct.",
    "برای این روز شماری ثبت نشده است که اصلاح شود.",
)
TALLY_IN_FUTURE = RefusalType(
    "nationals.tally.in_future",
    422,
    "A day that has not come cannot be counted.",
    "روزی که نیامده شمردنی نیست.",
)
SOURCE_NOT_A_DOCUMENT = RefusalType(
    "nationals.need_estimate.source_not_a_document",
    422,
    "The source must be the number of a document: capital letters and one or two groups of up to six digits, nine digits "
    "at most, such as NRC-1405-12. Names, national ids and telephone numbers are refused.",
    "منبع باید شمارهٔ سند باشد: حروف بزرگ لاتین و یک یا دو گروه رقم (هر گروه تا شش رقم، جمعاً تا نه رقم)، مانند "
    "NRC-1405-12. نام، کد ملی و شمارهٔ تلفن پذیرفته نمی‌شود.",
)
MONTH_UNKNOWN = RefusalType(
    "nationals.figures.month_unknown",
    422,
    "Years run from {year_min} to {year_max}, months from 1 to 12.",
    "سال از {year_min} تا {year_max} و ماه از ۱ تا ۱۲ است.",
)
MONTH_NOT_OVER = RefusalType(
    "nationals.figures.month_not_over",
    409,
    "A month is published once it is over: figures that grow day by day would tell of single visits.",
    "ماه پس از پایانش منتشر می‌شود: شماری که روزبه‌روز می‌افزاید از تک‌تک مراجعه‌ها خبر می‌دهد.",
)
MONTH_PUBLISHED = RefusalType(
    "nationals.figures.month_published",
    409,
    "This month is published already. Published figures stay as they are: the difference of two versions would tell "
    "of single visits.",
    "این ماه منتشر شده است. رقم منتشرشده تغییر نمی‌کند: تفاوت دو نسخه از تک‌تک مراجعه‌ها خبر می‌دهد.",
)
MONTH_NOT_PUBLISHED = RefusalType(
    "nationals.figures.month_not_published",
    404,
    "Nothing is published for this time.",
    "برای این زمان رقمی منتشر نشده است.",
)
PROVINCE_ONLY = RefusalType(
    "nationals.figures.province_only",
    403,
    "Publishing takes the figures of every county; your role grants some of them only.",
    "انتشار به رقم‌های همهٔ شهرستان‌ها نیاز دارد و نقش شما تنها بخشی از آن‌ها را در بر می‌گیرد.",
)

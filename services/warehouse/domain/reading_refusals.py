"""Why a question is not answered. Codes are stable; texts are for people."""

from shared.contracts.refusals import RefusalType

CURSOR_UNREADABLE = RefusalType(
    "warehouse.query.cursor_unreadable",
    422,
    "`after` is not a cursor of this list with these filters; begin again without it.",
    "«after» نشانگر این فهرست با این صافی‌ها نیست؛ بدون آن از آغاز بخوانید.",
)
DATE_UNREADABLE = RefusalType(
    "warehouse.query.date_unreadable",
    422,
    "{field} is neither a Jalali date (1404-09-01) nor an ISO date (2025-11-22).",
    "{field} نه تاریخ شمسی (1404-09-01) است و نه میلادی (2025-11-22).",
)
DATE_IN_FUTURE = RefusalType(
    "warehouse.query.date_in_future",
    422,
    "{field} lies in the future; counters are known up to {today}.",
    "{field} در آینده است؛ شمارنده‌ها تا {today} دانسته‌اند.",
)
PERIOD_NOT_VALID = RefusalType(
    "warehouse.query.period_not_valid",
    422,
    "`from` lies after `to`, or there are more than {days_max} days between them.",
    "«from» پس از «to» است یا بیش از {days_max} روز میان آن‌هاست.",
)
PROVINCE_TOTALS = RefusalType(
    "warehouse.query.province_totals",
    403,
    "Totals of the province need an account that covers all its counties; name a county.",
    "جمع استان حسابی می‌خواهد که همهٔ شهرستان‌ها را دربر گیرد؛ یک شهرستان را نام ببرید.",
)
BOX_NOT_VALID = RefusalType(
    "warehouse.query.bbox_not_valid",
    422,
    "`bbox` is west,south,east,north in degrees, west below east and south below north.",
    "«bbox» چهار عدد غرب، جنوب، شرق، شمال به درجه است؛ غرب کمتر از شرق و جنوب کمتر از شمال.",
)

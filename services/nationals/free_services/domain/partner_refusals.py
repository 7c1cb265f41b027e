"""Why the free services refuse a step about partners, their reports, support requests and work permits."""

from shared.contracts.refusals import RefusalType

TEXT_PERSON_DATA = RefusalType(
    "nationals.text.person_data",
    422,
    "The field {field} looks like data of a person (an identity number, a phone, an e-mail). It was not kept.",
    "فیلد {field} مانند دادهٔ یک شخص است (شمارهٔ هویتی، تلفن یا رایانامه) و نگهداری نشد.",
)
PARTNER_NOT_FOUND = RefusalType(
    "nationals.partner.not_found",
    404,
    "There is no such partner in your counties.",
    "چنین سازمان همکاری در شهرستان‌های شما نیست.",
)
PARTNER_EXISTS = RefusalType(
    "nationals.partner.exists", 409, "A partner has this name already.", "سازمانی با همین نام ثبت است."
)
PARTNER_ENDED = RefusalType(
    "nationals.partner.ended",
    409,
    "The co-operation with this partner has ended.",
    "همکاری با این سازمان پایان یافته است.",
)
PARTNER_HOME_COUNTY = RefusalType(
    "nationals.partner.home_county",
    422,
    "The home county is one of the partner's counties.",
    "شهرستان دفتر سازمان باید یکی از شهرستان‌های آن باشد.",
)
PARTNER_IN_USE = RefusalType(
    "nationals.partner.in_use",
    409,
    "An agreement in force needs this county or service, or keeps the partner: {needed}.",
    "توافق‌نامه‌ای که برقرار است به این شهرستان یا خدمت، یا به ماندن سازمان نیاز دارد: {needed}.",
)
ACCOUNT_TAKEN = RefusalType(
    "nationals.partner.account_taken",
    409,
    "This account reports for another partner.",
    "این حساب برای سازمان دیگری گزارش می‌دهد.",
)
ACCOUNT_NOT_FOUND = RefusalType(
    "nationals.partner.account_not_found",
    404,
    "This account does not report for the partner.",
    "این حساب برای این سازمان گزارش نمی‌دهد.",
)
ACCOUNT_WITHOUT_PARTNER = RefusalType(
    "nationals.partner.account_without_partner",
    403,
    "Your account reports for no partner. The services manager can say for which.",
    "حساب شما برای هیچ سازمانی گزارش نمی‌دهد. مدیر خدمات می‌تواند آن را مشخص کند.",
)
AGREEMENT_NOT_FOUND = RefusalType(
    "nationals.agreement.not_found",
    404,
    "There is no such agreement in your counties.",
    "چنین توافق‌نامه‌ای در شهرستان‌های شما نیست.",
)
AGREEMENT_BEYOND_PARTNER = RefusalType(
    "nationals.agreement.beyond_partner",
    422,
    "The partner does not work there or does not offer it: {beyond}.",
    "سازمان در این شهرستان کار نمی‌کند یا این خدمت را ندارد: {beyond}.",
)
AGREEMENT_DATES = RefusalType(
    "nationals.agreement.dates",
    422,
    "An agreement lasts from one day to {years_max} years and ends in the future.",
    "توافق‌نامه از یک روز تا {years_max} سال است و پایان آن در آینده است.",
)
AGREEMENT_ENDED = RefusalType(
    "nationals.agreement.ended",
    409,
    "The agreement has ended; make a new one.",
    "این توافق‌نامه پایان یافته است؛ توافق‌نامهٔ تازه‌ای ثبت کنید.",
)
RENEWAL_NOT_LATER = RefusalType(
    "nationals.renewal.not_later",
    422,
    "A renewal ends later than {valid_until}, and in the future.",
    "تمدید باید پس از {valid_until} و در آینده پایان یابد.",
)
PERMIT_DATE_TOO_FAR = RefusalType(
    "nationals.permit.date_too_far",
    422,
    "The last day of a permit is not more than three years away.",
    "پایان اعتبار پروانه بیش از سه سال با امروز فاصله ندارد.",
)
REPORT_PERIOD_UNKNOWN = RefusalType(
    "nationals.report.period_unknown",
    422,
    "The agreement owes no report for {period}; its periods are {cadence} and look like {example}.",
    "این توافق‌نامه برای {period} گزارشی ندارد؛ نمونهٔ دوره‌های آن {example} است.",
)
REPORT_PERIOD_NOT_ENDED = RefusalType(
    "nationals.report.period_not_ended",
    409,
    "The period ends on {last_on}; its report can come from the day after.",
    "دوره در {last_on} پایان می‌یابد؛ گزارش آن از روز پس از آن پذیرفته می‌شود.",
)
REPORT_NOT_FOUND = RefusalType(
    "nationals.report.not_found",
    404,
    "No report of this period has come.",
    "گزارشی از این دوره نرسیده است.",
)
SUPPORT_NOT_FOUND = RefusalType(
    "nationals.support.not_found",
    404,
    "There is no such support request in your counties.",
    "چنین درخواست پشتیبانی در شهرستان‌های شما نیست.",
)
SUPPORT_COUNTY = RefusalType(
    "nationals.support.county",
    422,
    "The partner does not work in this county.",
    "سازمان در این شهرستان کار نمی‌کند.",
)
SUPPORT_STEP_NOT_ALLOWED = RefusalType(
    "nationals.support.step_not_allowed",
    409,
    "A request that is {state} cannot become {to_state}; it can become: {possible}.",
    "درخواستی که {state} است {to_state} نمی‌شود؛ می‌تواند این‌ها بشود: {possible}.",
)
SUPPORT_STEP_OF_OTHER_SIDE = RefusalType(
    "nationals.support.step_of_other_side",
    403,
    "This step is the {side}'s to take.",
    "این گام با طرف دیگر است ({side}).",
)
SUPPORT_DECLINE_REASON = RefusalType(
    "nationals.support.decline_reason",
    422,
    "Declining takes a reason; nothing else does.",
    "رد درخواست دلیل می‌خواهد و گام‌های دیگر دلیل ندارند.",
)
SUPPORT_NEEDED_BY = RefusalType(
    "nationals.support.needed_by",
    422,
    "The day by which it is needed lies between today and two years from now.",
    "روز نیاز باید میان امروز و دو سال آینده باشد.",
)
PERMIT_NOT_FOUND = RefusalType(
    "nationals.permit.not_found",
    404,
    "There is no such work permit in your counties.",
    "چنین پروانهٔ کاری در شهرستان‌های شما نیست.",
)
PERMIT_EXISTS = RefusalType(
    "nationals.permit.exists",
    409,
    "A permit with this number is recorded already; renew it.",
    "پروانه‌ای با این شماره ثبت است؛ آن را تمدید کنید.",
)
PERMIT_REFERENCE = RefusalType(
    "nationals.permit.reference",
    422,
    "The field {field} is refused: {text_en}",
    "فیلد {field} پذیرفته نیست: {text_fa}",
)
PERMIT_LIST_UNBOUNDED = RefusalType(
    "nationals.permit.list_unbounded",
    422,
    "Permits are listed by permit number, by employer reference, or by a window of expiry of at most {days_max} days: give "
    "exactly one of these.",
    "پروانه‌ها تنها با شمارهٔ پروانه، شمارهٔ ثبت کارفرما یا بازهٔ پایان اعتبار (حداکثر {days_max} روز) فهرست می‌شوند: تنها "
    "یکی را بدهید.",
)

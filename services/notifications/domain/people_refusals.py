"""Every reason for which people, their absences and the hours of an office are refused."""

from shared.contracts.refusals import RefusalType

CONTACTS_REFUSED = RefusalType(
    code="notifications.working_group.contacts_refused",
    status=422,
    text_en="{refused_count} addresses are refused, so nothing was saved; see the list.",
    text_fa="{refused_count} نشانی پذیرفته نیست و چیزی ثبت نشد؛ فهرست را ببینید.",
)
MEMBER_NOT_FOUND = RefusalType(
    code="notifications.member.not_found",
    status=404,
    text_en="There is no active member {member_id} in your offices.",
    text_fa="عضو فعالی با شناسه {member_id} در دفترهای شما نیست.",
)
ABSENCE_OF_ANOTHER = RefusalType(
    code="notifications.absence.of_another",
    status=403,
    text_en="Only an administrator sets the absences of another person.",
    text_fa="غیبت دیگران را تنها مدیر سامانه ثبت می‌کند.",
)
ABSENCE_DAYS_REVERSED = RefusalType(
    code="notifications.absence.days_reversed",
    status=422,
    text_en="{place}: the last day {last_day} lies before the first day {first_day}.",
    text_fa="{place}: روز پایان {last_day_fa} پیش از روز آغاز {first_day_fa} است.",
)
DAY_NOT_GREGORIAN = RefusalType(
    code="notifications.day_not_gregorian",
    status=422,
    text_en="{place}: {day} is no day of our time. Days are Gregorian here: 1405/01/01 is written 2026-03-21.",
    text_fa="{place}: {day} روزی از زمان ما نیست. روزها اینجا میلادی نوشته می‌شود: ۱۴۰۵/۰۱/۰۱ یعنی 2026-03-21.",
)
ABSENCES_OVERLAP = RefusalType(
    code="notifications.absence.overlapping",
    status=422,
    text_en="{place} has days in common with {other}; one day has one deputy.",
    text_fa="{place} با {other} روز مشترک دارد؛ هر روز یک جانشین دارد.",
)
DEPUTY_NOT_IN_GROUP = RefusalType(
    code="notifications.absence.deputy_not_in_group",
    status=422,
    text_en="{place}: the deputy {deputy_id} is not an active member of the same office.",
    text_fa="{place}: جانشین {deputy_id} عضو فعال همین دفتر نیست.",
)
DEPUTY_LOOP = RefusalType(
    code="notifications.absence.deputy_loop",
    status=422,
    text_en="{place}: from {first_day} to {last_day} these people would only stand in for each other: {people}.",
    text_fa="{place}: از {first_day_fa} تا {last_day_fa} این افراد تنها جانشین یکدیگر می‌شوند: {people}.",
)
HOURS_REVERSED = RefusalType(
    code="notifications.calendar.hours_reversed",
    status=422,
    text_en="hours.{weekday}: closing at {closes} is not after opening at {opens} (00:00 closes at the end of the day).",
    text_fa="hours.{weekday}: ساعت پایان {closes} پس از ساعت آغاز {opens} نیست (۰۰:۰۰ یعنی پایان روز).",
)
CALENDAR_NEVER_OPEN = RefusalType(
    code="notifications.calendar.never_open",
    status=422,
    text_en="hours: a calendar needs at least one open hour a week; nothing could wait by this one.",
    text_fa="hours: تقویم کاری دست‌کم یک ساعت کار در هفته لازم دارد؛ با این تقویم هیچ انتظاری پایان نمی‌یابد.",
)
PEOPLE_FILE_REFUSED = RefusalType(
    code="notifications.people_file.refused",
    status=422,
    text_en="{refused_count} cells or rows are refused, so nothing of the file was taken; see the list.",
    text_fa="{refused_count} خانه یا سطر پذیرفته نیست و چیزی از فایل ثبت نشد؛ فهرست را ببینید.",
)
PEOPLE_FILE_TOO_LARGE = RefusalType(
    code="notifications.people_file.too_large",
    status=413,
    text_en="The file holds more than {limit}.",
    text_fa="فایل بیش از {limit_fa} دارد.",
)
PEOPLE_FILE_UNREADABLE = RefusalType(
    code="notifications.people_file.unreadable",
    status=422,
    text_en="The file cannot be read as an XLSX workbook: {problem}. Save it anew as XLSX, or begin from the template.",
    text_fa="این کارپوشهٔ XLSX آسیب دیده یا نامعمول است. آن را دوباره به صورت XLSX ذخیره کنید یا از قالب آغاز کنید.",
)
PEOPLE_FILE_OF_ANOTHER_KIND = RefusalType(
    code="notifications.people_file.of_another_kind",
    status=422,
    text_en="This is no XLSX workbook (perhaps an XLS, a CSV, or one with a password). Save it as XLSX, without a password.",
    text_fa="این فایل کارپوشهٔ XLSX نیست (شاید XLS، CSV یا رمزدار است). آن را به صورت XLSX و بی‌رمز ذخیره کنید.",
)
PEOPLE_PLAN_CHANGED = RefusalType(
    code="notifications.people_file.plan_changed",
    status=409,
    text_en="The file or the offices are not those of the dry run {plan}. Nothing was saved; look at a new dry run first.",
    text_fa="فایل یا دفترها همان‌های اجرای آزمایشی {plan} نیست. چیزی ثبت نشد؛ نخست اجرای آزمایشی تازه‌ای ببینید.",
)

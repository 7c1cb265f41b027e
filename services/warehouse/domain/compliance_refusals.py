"""Why passive defence, training and certificates say no. Codes are stable; texts are for people."""

from shared.contracts.refusals import RefusalType

ELEMENT_UNKNOWN = RefusalType(
    "warehouse.passive_defence.element_unknown",
    422,
    "There is no such passive-defence element: {elements}.",
    "چنین عنصر پدافند غیرعاملی نیست: {elements}.",
)
ELEMENT_REASON = RefusalType(
    "warehouse.passive_defence.reason",
    422,
    "«not required» needs a reason, and nothing else takes one: {elements}.",
    "«لازم نیست» دلیل می‌خواهد و حالت‌های دیگر دلیل نمی‌گیرند: {elements}.",
)
WAIVER_BY_OFFICER = RefusalType(
    "warehouse.passive_defence.waiver_by_officer",
    403,
    "Only a reviewer or the county's chair may say that an element is not required: {elements}.",
    "تنها بازبین یا رئیس کارگروه شهرستان می‌تواند عنصری را غیرلازم بداند: {elements}.",
)
INSPECTION_OF_CALLER_MISSING = RefusalType(
    "warehouse.passive_defence.inspection_missing",
    403,
    "An inspector records only in an inspection of this site that is assigned to them and not completed.",
    "بازرس تنها در بازرسی ناتمام همین انبار که به او سپرده شده ثبت می‌کند.",
)
COURSE_UNKNOWN = RefusalType(
    "warehouse.training.course_unknown",
    422,
    "There is no such course: {course}.",
    "چنین دوره‌ای نیست: {course}.",
)
STAFF_ROLE_UNKNOWN = RefusalType(
    "warehouse.training.staff_role_unknown",
    422,
    "There is no such staff role: {staff_role}.",
    "چنین سمتی نیست: {staff_role}.",
)
TRAINING_PERSONAL_ID = RefusalType(
    "warehouse.training.personal_id",
    422,
    "The field {field} looks like a natural person's national id, which is not kept. Use the site's own staff number.",
    "فیلد {field} مانند کد ملی شخص حقیقی است که نگهداری نمی‌شود. شمارهٔ داخلی کارکنان انبار را بنویسید.",
)
TRAINING_DATES = RefusalType(
    "warehouse.training.dates",
    422,
    "A training lies in the past and expires after it, at most {years} years later.",
    "تاریخ آموزش در گذشته و پایان اعتبار پس از آن و حداکثر {years} سال بعد است.",
)
TRAINING_CONFLICT = RefusalType(
    "warehouse.training.conflict",
    409,
    "This certificate is already recorded with other content. Nothing was overwritten; withdraw the record first.",
    "این گواهی پیش‌تر با محتوای دیگری ثبت شده است. چیزی بازنویسی نشد؛ نخست آن را پس بگیرید.",
)
TRAINING_NOT_FOUND = RefusalType(
    "warehouse.training.not_found",
    404,
    "There is no such training record in your counties.",
    "چنین سابقهٔ آموزشی در شهرستان‌های شما نیست.",
)
TRAINING_WITHDRAWN = RefusalType(
    "warehouse.training.already_withdrawn",
    409,
    "This training record is already withdrawn.",
    "این سابقهٔ آموزشی پیش‌تر پس گرفته شده است.",
)
CERTIFICATE_NOT_COMPLIANT = RefusalType(
    "warehouse.certificate.not_compliant",
    409,
    "The site does not comply, so no certificate was issued: {reasons}.",
    "انبار شرایط را ندارد و گواهی صادر نشد: {reasons}.",
)
CERTIFICATE_DATES = RefusalType(
    "warehouse.certificate.dates",
    422,
    "A certificate is valid from tomorrow at the earliest to {last} at the latest.",
    "گواهی دست‌کم تا فردا و حداکثر تا {last} اعتبار دارد.",
)
CERTIFICATE_NOT_FOUND = RefusalType(
    "warehouse.certificate.not_found",
    404,
    "There is no such certificate in your counties.",
    "چنین گواهی در شهرستان‌های شما نیست.",
)
CERTIFICATE_REVOKED = RefusalType(
    "warehouse.certificate.already_revoked",
    409,
    "This certificate is already revoked.",
    "این گواهی پیش‌تر باطل شده است.",
)

"""Every reason for which the warehouse service says no. Codes are stable; texts are for people."""

from shared.contracts.refusals import RefusalType

IMPORT_FILE_TOO_LARGE = RefusalType(
    "warehouse.import.file_too_large",
    413,
    "The file holds more than an import takes ({limit}). Split it and send the parts.",
    "فایل بزرگ‌تر از حد مجاز است ({limit}). آن را به چند بخش تقسیم و جداگانه ارسال کنید.",
)
IMPORT_FILE_UNREADABLE = RefusalType(
    "warehouse.import.file_unreadable",
    422,
    "The file cannot be read as XLSX, XLS or CSV ({problem}). Save it again as XLSX and send it anew.",
    "فایل به‌عنوان XLSX یا XLS یا CSV خوانده نمی‌شود ({problem}). آن را دوباره به صورت XLSX ذخیره و ارسال کنید.",
)
IMPORT_EMPTY = RefusalType(
    "warehouse.import.empty",
    422,
    "The sheet has no rows under its header row.",
    "برگه زیر سطر عنوان هیچ سطری ندارد.",
)
IMPORT_COLUMN_MISSING = RefusalType(
    "warehouse.import.column_missing",
    422,
    "Row {row} does not head these columns: {columns}. Nothing was imported.",
    "سطر {row} این ستون‌ها را ندارد: {columns}. چیزی وارد نشد.",
)
IMPORT_MAPPING_INVALID = RefusalType(
    "warehouse.import.mapping_invalid",
    422,
    "The mapping file is not valid: {problem}. The file was not read.",
    "فایل نگاشت معتبر نیست: {problem}. فایل خوانده نشد.",
)
IMPORT_MAPPING_HEADER_MISSING = RefusalType(
    "warehouse.import.mapping_header_missing",
    422,
    "The mapping names headings that row {row} does not have: {headers}.",
    "نگاشت عنوان‌هایی را نام می‌برد که سطر {row} ندارد: {headers}.",
)
IMPORT_SHEET_MISSING = RefusalType(
    "warehouse.import.sheet_missing",
    422,
    "The workbook has no sheet {sheet}.",
    "کارپوشه برگهٔ {sheet} را ندارد.",
)
IMPORT_NOT_FOUND = RefusalType(
    "warehouse.import.not_found",
    404,
    "There is no such registry import, or its report is no longer kept.",
    "چنین ورود فایلی نیست یا گزارش آن دیگر نگهداری نمی‌شود.",
)
IMPORT_COLUMN_REPEATED = RefusalType(
    "warehouse.import.column_repeated",
    422,
    "Two columns both say {column}: «{first}» and «{second}». Keep one of them.",
    "دو ستون یک چیز را می‌گویند ({column}): «{first}» و «{second}». یکی را نگه دارید.",
)
IMPORT_UNIT_UNKNOWN = RefusalType(
    "warehouse.import.unit_unknown",
    422,
    "The column «{column}» is not in tonnes or square metres. Convert it; software does not guess units.",
    "واحد ستون «{column}» تن یا متر مربع نیست. آن را تبدیل کنید؛ واحد حدس زده نمی‌شود.",
)
IMPORT_PERSONAL_ID_COLUMN = RefusalType(
    "warehouse.import.personal_id_column",
    422,
    "The column «{column}» holds national ids of natural persons. Remove it; nothing of the file was kept.",
    "ستون «{column}» کد ملی اشخاص حقیقی است. آن را حذف کنید؛ چیزی از فایل نگهداری نشد.",
)
IMPORT_PROVINCE_WIDE = RefusalType(
    "warehouse.import.province_wide",
    403,
    "A registry file covers the whole province; your account covers only some of its counties.",
    "فایل ثبت همهٔ استان را دربر می‌گیرد؛ حساب شما تنها برای بخشی از شهرستان‌هاست.",
)
IMPORT_IN_PROGRESS = RefusalType(
    "warehouse.import.in_progress",
    409,
    "Another registry file is being imported now. Send this one again when it is done.",
    "اکنون فایل دیگری در حال ورود است. پس از پایان آن دوباره ارسال کنید.",
)
WAREHOUSE_NOT_FOUND = RefusalType(
    "warehouse.site.not_found",
    404,
    "There is no such warehouse in your counties.",
    "چنین انباری در شهرستان‌های شما نیست.",
)
INSPECTION_NOT_FOUND = RefusalType(
    "warehouse.inspection.not_found",
    404,
    "There is no such inspection in your counties.",
    "چنین بازرسی‌ای در شهرستان‌های شما نیست.",
)
INSPECTION_ALREADY_OPEN = RefusalType(
    "warehouse.inspection.already_open",
    409,
    "This warehouse already has an inspection that is not finished.",
    "این انبار بازرسی ناتمام دارد.",
)
INSPECTION_WRONG_STATE = RefusalType(
    "warehouse.inspection.wrong_state",
    409,
    "The inspection is {state}; this step is not possible from there.",
    "وضعیت بازرسی {state} است و این گام از آن ممکن نیست.",
)
INSPECTION_DUE_IN_PAST = RefusalType(
    "warehouse.inspection.due_in_past",
    422,
    "An inspection cannot fall due before today ({today}).",
    "سررسید بازرسی نمی‌تواند پیش از امروز ({today}) باشد.",
)
RECOUNT_BY_ANOTHER = RefusalType(
    "warehouse.inspection.recount_by_another",
    409,
    "This site needs a recount, and a recount is made by a different inspector.",
    "این انبار نیازمند بازشماری است و بازشماری را باید بازرس دیگری انجام دهد.",
)
SUBMISSION_NOT_ASSIGNED = RefusalType(
    "warehouse.submission.not_assigned",
    403,
    "The inspection is assigned to another inspector.",
    "این بازرسی به بازرس دیگری سپرده شده است.",
)
SUBMISSION_IN_FUTURE = RefusalType(
    "warehouse.submission.inspected_in_future",
    422,
    "The inspection would have been made in the future; set the phone's clock and send it again.",
    "زمان بازرسی در آینده است؛ ساعت گوشی را درست و دوباره ارسال کنید.",
)
SUBMISSION_IN_USE_OVER_CAPACITY = RefusalType(
    "warehouse.submission.in_use_over_capacity",
    422,
    "The capacity in use is larger than the capacity.",
    "ظرفیت در حال استفاده از کل ظرفیت بیشتر است.",
)
SUBMISSION_CHECKLIST_INCOMPLETE = RefusalType(
    "warehouse.submission.checklist_incomplete",
    422,
    "Every item of the checklist needs exactly one answer; look at: {items}.",
    "هر مورد فهرست بررسی باید درست یک پاسخ داشته باشد؛ این موارد را ببینید: {items}.",
)
SUBMISSION_SEVERITY_MISSING = RefusalType(
    "warehouse.submission.severity_missing",
    422,
    "A failed item needs a severity: {items}.",
    "مورد مردود باید شدت داشته باشد: {items}.",
)
SUBMISSION_PHOTO_MISSING = RefusalType(
    "warehouse.submission.photo_missing",
    422,
    "A failed item needs a photo: {items}.",
    "مورد مردود باید عکس داشته باشد: {items}.",
)
SUBMISSION_PHOTO_REPEATED = RefusalType(
    "warehouse.submission.photo_repeated",
    422,
    "Two photos of one submission have the same name: {names}.",
    "دو عکس یک ارسال نام یکسان دارند: {names}.",
)
SUBMISSION_PHOTOS_TOO_MANY = RefusalType(
    "warehouse.submission.photos_too_many",
    422,
    "A submission names at most {photos_max} photos.",
    "هر ارسال حداکثر {photos_max} عکس دارد.",
)
SUBMISSION_COORDINATE_INCOMPLETE = RefusalType(
    "warehouse.submission.coordinate_incomplete",
    422,
    "Give both latitude and longitude or neither.",
    "عرض و طول جغرافیایی را با هم بدهید یا هیچ‌کدام را.",
)
REVIEW_OWN_INSPECTION = RefusalType(
    "warehouse.review.own_inspection",
    403,
    "Whoever inspected does not review the same inspection.",
    "بازرس نمی‌تواند بازرسی خود را بازبینی کند.",
)
REVIEW_REASONS_MISSING = RefusalType(
    "warehouse.review.reasons_missing",
    422,
    "Returning an inspection needs at least one reason.",
    "برگرداندن بازرسی دست‌کم یک دلیل می‌خواهد.",
)
ACTION_NOT_FOUND = RefusalType(
    "warehouse.action.not_found",
    404,
    "There is no such corrective action in your counties.",
    "چنین اقدام اصلاحی در شهرستان‌های شما نیست.",
)
ACTION_RESOLVED = RefusalType(
    "warehouse.action.already_resolved",
    409,
    "This corrective action is already resolved.",
    "این اقدام اصلاحی پیش‌تر پایان یافته است.",
)
DISCREPANCY_NOT_FOUND = RefusalType(
    "warehouse.discrepancy.not_found",
    404,
    "There is no such discrepancy in your counties.",
    "چنین مغایرتی در شهرستان‌های شما نیست.",
)
DISCREPANCY_RESOLVED = RefusalType(
    "warehouse.discrepancy.already_resolved",
    409,
    "This discrepancy is already resolved.",
    "این مغایرت پیش‌تر رفع شده است.",
)
HOLD_NOT_FOUND = RefusalType(
    "warehouse.hold.not_found",
    404,
    "There is no such hold in your counties.",
    "چنین توقیفی در شهرستان‌های شما نیست.",
)
HOLD_LIFTED = RefusalType(
    "warehouse.hold.already_lifted",
    409,
    "This hold is already lifted.",
    "این توقیف پیش‌تر برداشته شده است.",
)

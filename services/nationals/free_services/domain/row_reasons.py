"""Why a row of a partner's report or of permits, or a whole file, is refused."""

from shared.contracts.refusals import RefusalType
from shared.spreadsheet.rows import RowReason

PERSON_DATA_COLUMN = RowReason(
    "person_data_column",
    "This column would hold data of persons. Remove it: counts alone are taken, and nothing of the file was kept.",
    "این ستون داده‌های اشخاص است. آن را حذف کنید: تنها شمارش‌ها پذیرفته می‌شود و چیزی از فایل نگهداری نشد.",
)
PERSON_DATA_CELL = RowReason(
    "person_data_cell",
    "This cell looks like data of a person (an identity number, a phone, an e-mail). Nothing of the file was kept.",
    "این خانه مانند دادهٔ یک شخص است (شمارهٔ هویتی، تلفن یا رایانامه). چیزی از فایل نگهداری نشد.",
)
CELL_BLANK = RowReason(
    "cell_blank", "The cell is blank; where there was nothing, write 0.", "خانه خالی است؛ برای هیچ، ۰ بنویسید."
)
COUNT_UNREADABLE = RowReason("count_unreadable", "This is not a whole number.", "این یک عدد صحیح نیست.")
COUNT_NEGATIVE = RowReason("count_negative", "A count is not below 0.", "شمارش منفی نمی‌شود.")
COUNT_FRACTION = RowReason("count_fraction", "A count is a whole number.", "شمارش باید عدد صحیح باشد، نه کسری.")
COUNT_TOO_LARGE = RowReason(
    "count_too_large", "The count is too large to be true.", "این شمارش بیش از اندازه بزرگ است."
)
COUNTY_UNKNOWN = RowReason(
    "county_unknown", "No county of the province is written so.", "شهرستانی با این نوشتار در استان نیست."
)
SERVICE_UNKNOWN = RowReason("service_unknown", "No service is written so.", "خدمتی با این نوشتار نیست.")
COUNTY_OUTSIDE = RowReason(
    "county_outside", "The agreement does not cover this county.", "توافق‌نامه این شهرستان را در بر نمی‌گیرد."
)
SERVICE_OUTSIDE = RowReason(
    "service_outside", "The agreement does not cover this service.", "توافق‌نامه این خدمت را در بر نمی‌گیرد."
)
PAIR_REPEATED = RowReason(
    "pair_repeated",
    "An earlier row is of the same county and service.",
    "سطری پیش از این برای همین شهرستان و خدمت آمده است.",
)
PAIR_MISSING = RowReason(
    "pair_missing",
    "The file has no row for a county and service of the agreement.",
    "فایل برای یک شهرستان و خدمت توافق‌نامه سطری ندارد.",
)
PERIOD_MISSING = RowReason(
    "period_missing",
    "The file does not say its period above the headings, as the template does.",
    "فایل دورهٔ خود را، چنان‌که در قالب هست، بالای عنوان‌ها نگفته است.",
)
PERIOD_OTHER = RowReason("period_other", "The file is of another period.", "این فایل برای دورهٔ دیگری است.")

AGREEMENT_OTHER = RowReason(
    "agreement_other", "The file is of another agreement.", "این فایل برای توافق‌نامهٔ دیگری است."
)

FILE_REFUSED = RefusalType(
    "nationals.file.refused",
    422,
    "{refused_count} cells or rows are refused, so nothing of the file was taken; see the list.",
    "{refused_count} خانه یا سطر پذیرفته نیست و چیزی از فایل ثبت نشد؛ فهرست را ببینید.",
)
FILE_PERSON_DATA = RefusalType(
    "nationals.file.person_data",
    422,
    "The file holds data of persons. Nothing of it was kept. Remove the columns or cells in the list.",
    "فایل داده‌های اشخاص دارد و چیزی از آن نگهداری نشد. ستون‌ها یا خانه‌های فهرست را حذف کنید.",
)
FILE_TOO_LARGE = RefusalType(
    "nationals.file.too_large",
    413,
    "The file holds more than {limit}.",
    "فایل بیش از اندازه است ({limit}).",
)
FILE_UNREADABLE = RefusalType(
    "nationals.file.unreadable",
    422,
    "The file cannot be read as an XLSX workbook: {problem}.",
    "فایل به شکل کارپوشهٔ XLSX خوانده نمی‌شود: {problem}.",
)

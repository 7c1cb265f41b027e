"""Every reason for which a photo is not taken or not shown."""

from shared.contracts.refusals import RefusalType

PHOTO_TOO_LARGE = RefusalType(
    "warehouse.photo.too_large",
    413,
    "The photo has more than {limit}. Set the camera or the form to smaller pictures and send it again.",
    "عکس از حد مجاز ({limit}) بزرگ‌تر است. اندازهٔ عکس را در دوربین یا فرم کمتر کنید و دوباره ارسال کنید.",
)
PHOTO_UNREADABLE = RefusalType(
    "warehouse.photo.unreadable",
    422,
    "The file is not a single whole picture in JPEG, PNG or WebP ({problem}). Nothing of it was kept.",
    "فایل یک تصویر کامل و تکی با قالب JPEG، PNG یا WebP نیست. چیزی از آن نگهداری نشد؛ عکس را دوباره بگیرید و ارسال کنید.",
)
PHOTO_CONFLICT = RefusalType(
    "warehouse.photo.conflict",
    409,
    "Another picture was already received under this name. Nothing was overwritten; a person must decide.",
    "پیش‌تر تصویر دیگری با همین نام رسیده است. چیزی بازنویسی نشد؛ تصمیم با یک شخص است.",
)
PHOTO_TOO_MANY = RefusalType(
    "warehouse.photo.too_many",
    409,
    "No more than {limit} photos are taken for one inspection.",
    "برای هر بازرسی بیش از {limit} عکس پذیرفته نمی‌شود.",
)
PHOTO_NOT_FOUND = RefusalType(
    "warehouse.photo.not_found",
    404,
    "There is no such photo in your counties.",
    "چنین عکسی در شهرستان‌های شما نیست.",
)
PHOTO_RANGE_INVALID = RefusalType(
    "warehouse.photo.range_invalid",
    400,
    "A part needs `Content-Range: bytes first-last/all` that fits its length, and {part_bytes_min} bytes unless it is the last.",
    "هر بخش باید سرآیند `Content-Range: bytes first-last/all` سازگار با طولش و (جز آخری) {part_bytes_min} بایت داشته باشد.",
)
PHOTO_PART_OUT_OF_ORDER = RefusalType(
    "warehouse.photo.part_out_of_order",
    409,
    "{received_bytes} bytes of this photo are here; go on from there.",
    "{received_bytes} بایت از این عکس رسیده است؛ از همان‌جا ادامه دهید.",
)
PHOTO_STORE_UNAVAILABLE = RefusalType(
    "warehouse.photo.store_unavailable",
    503,
    "The photo store does not answer now; nothing was done. Send it again.",
    "انبارهٔ عکس اکنون پاسخ نمی‌دهد و کاری انجام نشد. دوباره ارسال کنید.",
)

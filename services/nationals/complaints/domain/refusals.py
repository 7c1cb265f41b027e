"""Every way the complaints office says no, in Persian and English."""

from shared.contracts.refusals import RefusalType

COMPLAINT_NOT_FOUND = RefusalType(
    "nationals.complaint.not_found",
    404,
    "There is no such complaint in the counties of your role.",
    "چنین شکایتی در شهرستان‌های حوزهٔ نقش شما نیست.",
)
RECEIPT_NOT_FOUND = RefusalType(
    "nationals.complaint.receipt_not_found",
    404,
    "There is no complaint with this receipt.",
    "شکایتی با این رسید نیست.",
)
OFFICE_NOT_SEPARATE = RefusalType(
    "nationals.complaint.office_not_separate",
    403,
    "Who works on cases does not see complaints: a complaints officer holds no casework role.",
    "کسی که روی پرونده‌ها کار می‌کند شکایت‌ها را نمی‌بیند: کارشناس شکایات هیچ نقش مددکاری ندارد.",
    safeguard=14,
)
READ_NOT_REPEATABLE = RefusalType(
    "nationals.complaint.read_not_repeatable",
    422,
    "Every read of a complaint is logged, so a read takes no Idempotency-Key.",
    "هر خواندن شکایت ثبت می‌شود؛ برای خواندن کلید یکتایی (Idempotency-Key) پذیرفته نیست.",
)
STEP_NOT_ALLOWED = RefusalType(
    "nationals.complaint.step_not_allowed",
    409,
    "The step {step} cannot be taken from the state {state}; it is possible from: {possible_from}.",
    "گام {step} از وضعیت {state} ممکن نیست؛ از این وضعیت‌ها ممکن است: {possible_from}.",
)
EXAMINER_RECEIVED_IT = RefusalType(
    "nationals.complaint.examiner_received_it",
    409,
    "Who received a complaint does not examine it where the county has a second officer. Another officer must; where there is "
    "none, say so with no_other_officer.",
    "کسی که شکایت را دریافت کرده، آنجا که شهرستان کارشناس دیگری دارد، آن را بررسی نمی‌کند. کارشناس دیگری باید بررسی کند؛ "
    "اگر نیست، با no_other_officer اعلام کنید.",
    safeguard=6,
)
NOT_EXAMINER = RefusalType(
    "nationals.complaint.not_examiner",
    409,
    "Only who examines the complaint answers it; take over the examination first.",
    "تنها بررسی‌کنندهٔ شکایت به آن پاسخ می‌دهد؛ نخست بررسی را بر عهده بگیرید.",
)
ERASURE_NEEDS_ANSWER = RefusalType(
    "nationals.complaint.erasure_needs_answer",
    409,
    "A complaint is not erased before it is answered.",
    "شکایت پیش از پاسخ پاک نمی‌شود.",
    safeguard=14,
)
ERASER_EXAMINED_IT = RefusalType(
    "nationals.complaint.eraser_examined_it",
    409,
    "Who examined a complaint does not erase it; a second person must.",
    "بررسی‌کنندهٔ شکایت آن را پاک نمی‌کند؛ نفر دوم باید پاک کند.",
    safeguard=6,
)
TEXTS_HELD = RefusalType(
    "nationals.complaint.texts_held",
    409,
    "A person holds the texts of this complaint with a reason; they are erased once the hold has ended.",
    "متن‌های این شکایت با ذکر دلیل نگه داشته شده است؛ پس از پایان نگهداری پاک می‌شود.",
)
TEXTS_ERASED = RefusalType(
    "nationals.complaint.texts_erased",
    409,
    "The texts of this complaint are erased.",
    "متن‌های این شکایت پاک شده است.",
)
HUMAN_REQUIRED = RefusalType(
    "nationals.complaint.human_required",
    409,
    "This step is a person's; a service account cannot take it.",
    "این گام را انسان برمی‌دارد؛ حساب سرویس نمی‌تواند.",
    safeguard=6,
)

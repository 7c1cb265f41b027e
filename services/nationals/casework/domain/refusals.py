"""Every way the casework half says no, in Persian and English, with the safeguard it serves and what would satisfy it."""

from shared.contracts.refusals import RefusalType

CENTRE_NOT_FOUND = RefusalType(
    "nationals.centre.not_found",
    404,
    "There is no such centre that you may do this with.",
    "چنین مرکزی که شما مجاز به این کار در آن باشید وجود ندارد.",
)
CENTRE_EXISTS = RefusalType(
    "nationals.centre.exists",
    409,
    "This county already has a centre of that name.",
    "این شهرستان مرکزی با همین نام دارد.",
)
LOWERING_NEEDS_REASON = RefusalType(
    "nationals.centre.lowering_needs_reason",
    409,
    "Lowering a capacity needs a reason; give one.",
    "کاهش ظرفیت دلیل می‌خواهد؛ دلیل را بنویسید.",
    safeguard=11,
)
NOT_ENOUGH_PLACES = RefusalType(
    "nationals.centre.not_enough_places",
    409,
    "The centre has {free} free places of kind {place_kind}; {wanted} were asked for. "
    "Another centre, or places that become free, would satisfy it.",
    "این مرکز {free} جای خالی از نوع {place_kind} دارد و {wanted} جا خواسته شده است. "
    "مرکزی دیگر یا آزاد شدن جا این شرط را برآورده می‌کند.",
    safeguard=11,
)
CASE_NOT_FOUND = RefusalType(
    "nationals.case.not_found",
    404,
    "There is no such case in the counties of your role.",
    "چنین پرونده‌ای در شهرستان‌های حوزهٔ نقش شما نیست.",
)
BOOKING_NOT_FOUND = RefusalType(
    "nationals.booking.not_found",
    404,
    "There is no such booking in the counties of your role.",
    "چنین رزروی در شهرستان‌های حوزهٔ نقش شما نیست.",
)
REFERENCE_NOT_PSEUDONYMOUS = RefusalType(
    "nationals.case.reference_not_pseudonymous",
    422,
    "The reference must be the office's own pseudonymous one: one to four capital letters and one or two groups of up to "
    "six digits, nine digits at most, such as REY-0042. Names, national ids and telephone numbers are refused.",
    "شناسه باید شناسهٔ مستعار خود دفتر باشد: یک تا چهار حرف بزرگ لاتین و یک یا دو گروه رقم (هر گروه تا شش رقم، "
    "جمعاً تا نه رقم)، مانند REY-0042. نام، کد ملی و شمارهٔ تلفن پذیرفته نمی‌شود.",
)
REFERENCE_TAKEN = RefusalType(
    "nationals.case.reference_taken",
    409,
    "The county already has a case with this reference.",
    "این شهرستان پرونده‌ای با همین شناسه دارد.",
)
HOUSEHOLD_SIZE_OUT_OF_RANGE = RefusalType(
    "nationals.case.household_size_out_of_range",
    422,
    "A household has 1 to {size_max} persons, not {size}.",
    "خانوار ۱ تا {size_max} نفر دارد، نه {size}.",
)
CASE_CLOSED = RefusalType(
    "nationals.case.closed",
    409,
    "The case is closed; a new wish of the household is a new case.",
    "پرونده بسته است؛ خواست تازهٔ خانوار پروندهٔ تازه می‌خواهد.",
    safeguard=12,
)
AWAITING_LEGAL_REVIEW = RefusalType(
    "nationals.case.awaiting_legal_review",
    409,
    "The voluntary period has ended and the case waits for a legal review by people. Nothing moves before an individual "
    "written decision is served, understood, and its appeal window has ended.",
    "دورهٔ داوطلبانه پایان یافته و پرونده در انتظار بررسی حقوقیِ انسانی است. تا ابلاغ تصمیم کتبی فردی، فهم آن و پایان "
    "مهلت اعتراض، هیچ گامی برداشته نمی‌شود.",
    safeguard=4,
)
STEP_NOT_ALLOWED = RefusalType(
    "nationals.case.step_not_allowed",
    409,
    "The step {step} cannot be taken from the state {state}; it is possible from: {possible_from}.",
    "گام {step} از وضعیت {state} ممکن نیست؛ از این وضعیت‌ها ممکن است: {possible_from}.",
    safeguard=12,
)
PERSON_NOT_IN_HOUSEHOLD = RefusalType(
    "nationals.screening.person_not_in_household",
    422,
    "The household has {size} persons; there is no person number {person_number}.",
    "خانوار {size} نفر دارد؛ نفر شمارهٔ {person_number} در آن نیست.",
)
SCREENING_MISSING = RefusalType(
    "nationals.safeguard.screening_missing",
    409,
    "Every person needs an unexpired protection screening. Missing or expired for person numbers {persons}: "
    "a screening by a protection officer would satisfy it.",
    "هر نفر به غربالگری حمایتی معتبر نیاز دارد. برای نفرهای شمارهٔ {persons} انجام نشده یا منقضی است؛ "
    "غربالگری به دست کارشناس حمایت این شرط را برآورده می‌کند.",
    safeguard=1,
)
INFORMATION_MISSING = RefusalType(
    "nationals.safeguard.information_missing",
    409,
    "Consent must be informed: it must name the language and version of the latest information session. "
    "A session in that language and version would satisfy it.",
    "رضایت باید آگاهانه باشد: زبان و نسخهٔ آن باید همان آخرین جلسهٔ اطلاع‌رسانی باشد. "
    "برگزاری جلسه با همان زبان و نسخه این شرط را برآورده می‌کند.",
    safeguard=2,
)
INTERPRETER_NOT_INDEPENDENT = RefusalType(
    "nationals.safeguard.interpreter_not_independent",
    409,
    "The interpreter may be neither a relative nor the one who decides. An independent interpreter would satisfy it.",
    "مترجم نباید خویشاوند یا تصمیم‌گیرنده باشد. مترجم مستقل این شرط را برآورده می‌کند.",
    safeguard=2,
)
CONSENT_MISSING = RefusalType(
    "nationals.safeguard.consent_missing",
    409,
    "There is no free, informed, unwithdrawn consent that covers the latest information. "
    "Recording the household's free consent, if it gives it, would satisfy it.",
    "رضایت آزادانه، آگاهانه و پس‌گرفته‌نشده‌ای که آخرین اطلاعات را در بر گیرد ثبت نیست. "
    "ثبت رضایت آزادانهٔ خانوار، اگر بدهد، این شرط را برآورده می‌کند.",
    safeguard=2,
)
PRESSURE_RECORDED = RefusalType(
    "nationals.safeguard.pressure_recorded",
    409,
    "A sign of pressure is recorded; the case is blocked until the protection office has reviewed it.",
    "نشانهٔ فشار ثبت شده است؛ پرونده تا بررسی دفتر حمایت متوقف است.",
    safeguard=2,
)
PROTECTION_CLAIM_OPEN = RefusalType(
    "nationals.safeguard.protection_claim_open",
    409,
    "A protection need is recorded; everything is suspended until a different person has recorded its outcome.",
    "نیاز حمایتی ثبت شده است؛ تا ثبت نتیجهٔ آن به دست فردی دیگر همه‌چیز معلق است.",
    safeguard=5,
)
HOUSEHOLD_NOT_WHOLE = RefusalType(
    "nationals.safeguard.household_not_whole",
    409,
    "A household is booked whole or not at all: {size} places are needed, {places} were asked for.",
    "خانوار یا یکجا رزرو می‌شود یا هیچ: {size} جا لازم است و {places} جا خواسته شده است.",
    safeguard=7,
)
HOUSEHOLD_ALREADY_BOOKED = RefusalType(
    "nationals.safeguard.household_already_booked",
    409,
    "The household already holds a booking; releasing that one first would satisfy it.",
    "خانوار هم‌اکنون رزرو دارد؛ آزاد کردن آن رزرو این شرط را برآورده می‌کند.",
    safeguard=7,
)
UNACCOMPANIED_CHILD = RefusalType(
    "nationals.safeguard.unaccompanied_child",
    409,
    "An unaccompanied child needs a guardian, a best-interests determination and a verified reception; until all three are "
    "recorded and two people have approved them, no step towards return is possible.",
    "کودک بدون همراه به سرپرست، ارزیابی مصلحت کودک و پذیرش تأییدشده نیاز دارد؛ تا هر سه ثبت نشود و دو نفر آن‌ها را تأیید نکنند، "
    "هیچ گامی به‌سوی بازگشت ممکن نیست.",
    safeguard=8,
)
FLAG_OPEN = RefusalType(
    "nationals.safeguard.flag_open",
    409,
    "A medical or vulnerability flag holds the case until an independent clearance with a reason and a second person.",
    "پرچم پزشکی یا آسیب‌پذیری پرونده را نگه می‌دارد تا رفع مستقل آن با دلیل و تأیید نفر دوم.",
    safeguard=9,
)
TIMER_NOT_CURRENT = RefusalType(
    "nationals.safeguard.timer_not_current",
    409,
    "Only the running timer of the voluntary period can ask for a legal review; a late or repeated one changes nothing.",
    "فقط زمان‌سنج جاری دورهٔ داوطلبانه می‌تواند بررسی حقوقی بخواهد؛ دیررسیده یا تکراری چیزی را تغییر نمی‌دهد.",
    safeguard=12,
)
CLOSURE_NEEDS_WITHDRAWAL = RefusalType(
    "nationals.case.closure_needs_withdrawal",
    409,
    "A case is closed as withdrawn only after the household has withdrawn; recording the withdrawal would satisfy it.",
    "پرونده فقط پس از انصراف خانوار به‌عنوان منصرف بسته می‌شود؛ ثبت انصراف این شرط را برآورده می‌کند.",
    safeguard=3,
)
HUMAN_REQUIRED = RefusalType(
    "nationals.safeguard.human_required",
    409,
    "This step is a person's; a service account cannot take it.",
    "این گام را انسان برمی‌دارد؛ حساب سرویس نمی‌تواند.",
    safeguard=6,
)
READ_NOT_REPEATABLE = RefusalType(
    "nationals.case.read_not_repeatable",
    422,
    "Every read of a case is logged, so a read takes no Idempotency-Key.",
    "هر خواندن پرونده ثبت می‌شود؛ برای خواندن کلید یکتایی (Idempotency-Key) پذیرفته نیست.",
)

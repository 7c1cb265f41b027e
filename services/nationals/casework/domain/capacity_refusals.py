"""How the return centres say no: admission, written standards, a centre that is closed, the waiting list and its offers."""

from shared.contracts.refusals import RefusalType

ADMISSION_NOT_CLEARED = RefusalType(
    "nationals.admission.not_cleared",
    409,
    "The household cannot be admitted now: its case does not meet every safeguard at this moment. Why is not told here; "
    "the office that runs the case knows it, and its clearance would satisfy it.",
    "پذیرش خانوار اکنون ممکن نیست: پروندهٔ آن در این لحظه همهٔ تضمین‌ها را ندارد. دلیل اینجا گفته نمی‌شود؛ دفتر مسئول پرونده "
    "آن را می‌داند و تأیید آن دفتر این شرط را برآورده می‌کند.",
)
BOOKING_NOT_HELD = RefusalType(
    "nationals.booking.not_held",
    409,
    "The booking is {state}; only a held and unexpired booking can be admitted. A new booking would satisfy it.",
    "رزرو در وضعیت {state} است؛ فقط رزرو نگه‌داشته و منقضی‌نشده پذیرفته می‌شود. رزرو تازه این شرط را برآورده می‌کند.",
    safeguard=12,
)
CENTRE_NOT_MEASURED = RefusalType(
    "nationals.centre.not_measured",
    409,
    "Nothing is on record of what this centre has, so the written standards allow no place in it. Recording its floor area, "
    "toilets and staff per shift would satisfy it.",
    "از امکانات این مرکز چیزی ثبت نشده است، پس استانداردهای مکتوب هیچ جایی در آن اجازه نمی‌دهد. ثبت مساحت، شمار سرویس بهداشتی و "
    "کارکنان هر نوبت این شرط را برآورده می‌کند.",
)
CAPACITY_ABOVE_STANDARDS = RefusalType(
    "nationals.centre.above_standards",
    409,
    "{places} places of all kinds together are more than the {places_allowed} that the written standards "
    "({standards_version}) allow for what the centre has. Lacking: {floor_area_m2_lacking} m2 of floor, {toilets_lacking} "
    "toilets, {staff_per_shift_lacking} staff per shift.",
    "{places} جا از همهٔ انواع بیش از {places_allowed} جایی است که استانداردهای مکتوب ({standards_version}) برای امکانات این مرکز "
    "اجازه می‌دهد. کمبود: {floor_area_m2_lacking} متر مربع مساحت، {toilets_lacking} سرویس بهداشتی، {staff_per_shift_lacking} نفر "
    "در هر نوبت.",
)
RECORD_BELOW_CAPACITY = RefusalType(
    "nationals.centre.record_below_capacity",
    409,
    "What is to be recorded allows {places_allowed} places, but {places} are set. Lower the capacities first, with the reason: "
    "that is always possible, and nobody who has a place loses it.",
    "آنچه ثبت می‌شود {places_allowed} جا اجازه می‌دهد ولی {places} جا تعیین شده است. نخست ظرفیت‌ها را با ذکر دلیل کاهش دهید؛ این "
    "کار همیشه ممکن است و کسی جای خود را از دست نمی‌دهد.",
)
CENTRE_KIND_CLOSED = RefusalType(
    "nationals.centre.closed_for_bookings",
    409,
    "The centre takes nobody for places of kind {place_kind} now: its capacity was lowered. It opens again when {places_over} "
    "more places have been given back.",
    "این مرکز اکنون برای جای نوع {place_kind} کسی را نمی‌پذیرد، چون ظرفیت آن کاهش یافته است. پس از بازگشت {places_over} جای دیگر "
    "دوباره باز می‌شود.",
    safeguard=11,
)
WAITING_LIST_FIRST = RefusalType(
    "nationals.centre.waiting_list_first",
    409,
    "Households of the waiting list come first for places of kind {place_kind} in this centre. A place on its waiting list, or "
    "another centre, would satisfy it.",
    "برای جای نوع {place_kind} در این مرکز نوبت با خانوارهای فهرست انتظار است. ثبت در فهرست انتظار یا مرکزی دیگر این شرط را "
    "برآورده می‌کند.",
)
PLACES_ARE_FREE = RefusalType(
    "nationals.waiting_list.places_are_free",
    409,
    "The centre has these places free now, so there is nothing to wait for: book them.",
    "این مرکز همین حالا این جاها را خالی دارد و انتظار لازم نیست: رزرو کنید.",
)
LARGER_THAN_CENTRE = RefusalType(
    "nationals.waiting_list.larger_than_centre",
    409,
    "The centre has {capacity} places of kind {place_kind} in all; {wanted} would never become free. Another centre, or other "
    "kinds of places, would satisfy it.",
    "این مرکز در کل {capacity} جای نوع {place_kind} دارد و {wanted} جا هرگز خالی نخواهد شد. مرکزی دیگر یا انواع دیگر جا این شرط "
    "را برآورده می‌کند.",
)
ALREADY_WAITING = RefusalType(
    "nationals.waiting_list.already_waiting",
    409,
    "The household already waits on a list, or has an open offer. Leaving that list first would satisfy it.",
    "این خانوار هم‌اکنون در فهرست انتظار است یا پیشنهاد باز دارد. خروج از آن فهرست این شرط را برآورده می‌کند.",
)
OFFER_NOT_OPEN = RefusalType(
    "nationals.offer.not_open",
    409,
    "There is no open offer under this number: it was answered, it has expired, or the booking is none. Entering the list again "
    "would satisfy it; a household that did not answer keeps its place in the order.",
    "پیشنهاد بازی با این شماره نیست: پاسخ داده شده، منقضی شده یا اصلاً پیشنهاد نبوده است. ثبت دوباره در فهرست این شرط را برآورده "
    "می‌کند؛ خانواری که پاسخ نداده باشد نوبت خود را نگه می‌دارد.",
)

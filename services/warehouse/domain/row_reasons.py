"""What each reason against a registry row says to the clerk who sent the file."""

from shared.contracts.warehouse import RowReason

TEXTS_FA_EN: dict[RowReason, tuple[str, str]] = {
    RowReason.VALUE_MISSING: ("این خانه نباید خالی باشد.", "This cell must not be blank."),
    RowReason.VALUE_TOO_LONG: ("متن این خانه بیش از حد بلند است.", "The text of this cell is too long."),
    RowReason.NOT_TEXT: (
        "این خانه باید متن باشد (عدد بلند را به صورت متن وارد کنید).",
        "This cell must be text (write a long number as text).",
    ),
    RowReason.NOT_A_NUMBER: ("این مقدار یک عدد خوانا نیست.", "This is not a legible number."),
    RowReason.NEGATIVE: ("مقدار منفی ممکن نیست.", "A negative figure is impossible."),
    RowReason.TOO_LARGE: ("این مقدار از بزرگ‌ترین مقدار ممکن بیشتر است.", "The figure is larger than any real one."),
    RowReason.AREA_ZERO_WITH_CAPACITY: (
        "مساحت صفر است ولی ظرفیت دارد.",
        "The floor area is zero although there is capacity.",
    ),
    RowReason.COUNTY_UNKNOWN: (
        "نام هیچ‌یک از شانزده شهرستان استان تهران نیست.",
        "This names none of the sixteen counties of Tehran province.",
    ),
    RowReason.KIND_UNKNOWN: ("نوع انبار ناشناخته است.", "The kind of warehouse is unknown."),
    RowReason.STATUS_UNKNOWN: (
        "وضعیت باید فعال، غیرفعال یا تعطیل باشد.",
        "The status must be active, inactive or closed.",
    ),
    RowReason.PROVINCE_NOT_TEHRAN: ("استان باید تهران باشد.", "The province must be Tehran."),
    RowReason.POSTAL_CODE_NOT_TEN_DIGITS: ("کد پستی باید ده رقم باشد.", "A postal code has ten digits."),
    RowReason.OPERATOR_ID_NOT_ELEVEN_DIGITS: (
        "شناسهٔ ملی شخص حقوقی باید یازده رقم باشد.",
        "The national id of a legal entity has eleven digits.",
    ),
    RowReason.COORDINATE_INCOMPLETE: (
        "عرض و طول جغرافیایی باید هر دو باشند یا هیچ‌کدام.",
        "Latitude and longitude must both be given or neither.",
    ),
    RowReason.COORDINATE_OUTSIDE_PROVINCE: (
        "این مختصات بیرون از استان تهران است.",
        "This coordinate lies outside Tehran province.",
    ),
    RowReason.DATE_UNREADABLE: (
        "تاریخ باید شمسی (۱۴۰۴/۰۹/۰۱) یا میلادی (2025-11-22) باشد.",
        "The date must be Jalali (1404/09/01) or ISO (2025-11-22).",
    ),
    RowReason.DATE_IN_FUTURE: ("این تاریخ در آینده است.", "This date lies in the future."),
    RowReason.REGISTRY_ID_REPEATED: (
        "همین سطر پیش‌تر در فایل آمده است.",
        "The same row came earlier in the file.",
    ),
    RowReason.REGISTRY_ID_CONFLICT: (
        "چند سطر متفاوت همین شناسه را دارند؛ هیچ‌یک وارد نشد.",
        "Several differing rows claim this id; none of them is taken.",
    ),
    RowReason.OPEN_WORK_IN_COUNTY: (
        "این سطر شهرستان انبار را عوض می‌کند، ولی شهرستان کنونی کار باز بر آن دارد.",
        "The row moves the site to another county while its present county has open work on it.",
    ),
    RowReason.OLDER_THAN_STORED: (
        "تاریخ به‌روزرسانی این سطر از آنچه ثبت شده قدیمی‌تر است؛ چیزی بازنویسی نشد.",
        "The row's registry update is older than the one already recorded; nothing is overwritten.",
    ),
    RowReason.CELL_ERROR: (
        "این خانه به جای مقدار، خطای فرمول دارد.",
        "This cell holds a formula's error instead of a value.",
    ),
    RowReason.TOO_MANY_CELLS: (
        "این سطر بیش از عنوان‌ها خانه دارد؛ شاید جداکننده‌ای بیرون از گیومه مانده است.",
        "The row has more cells than the header: perhaps a delimiter is not inside quotes.",
    ),
    RowReason.PERSONAL_ID: (
        "این خانه کد ملی شخص حقیقی دارد؛ نگهداری نمی‌شود.",
        "This cell holds a natural person's national id, which is not kept.",
    ),
}

"""How people who keep registers write the same county, kind, word and number."""

from decimal import Decimal
from random import Random

from shared.contracts.counties import County
from shared.contracts.warehouse import WarehouseKind

ZWNJ = "\u200c"
TATWEEL = "\u0640"
_ARABIC_LETTERS = str.maketrans("یک", "يك")
_PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
_ARABIC_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")

COUNTY_SPELLINGS: dict[County, tuple[str, ...]] = {
    county: (county.label_fa, f"شهرستان {county.label_fa}") for county in County
} | {
    County.ESLAMSHAHR: ("اسلامشهر", "اسلام شهر", f"اسلام{ZWNJ}شهر", "شهرستان اسلامشهر"),
    County.ROBAT_KARIM: ("رباط کریم", f"رباط{ZWNJ}کریم", "رباطکریم", "شهرستان رباط کریم"),
    County.FIRUZKUH: ("فیروزکوه", "فیروز کوه", f"فیروز{ZWNJ}کوه"),
    County.PAKDASHT: ("پاکدشت", "پاک دشت", "Pakdasht"),
    County.REY: ("ری", "شهرستان ری", "Rey"),
}

KIND_SPELLINGS: dict[WarehouseKind, tuple[str, ...]] = {
    WarehouseKind.GENERAL: ("عمومی", "انبار عمومی"),
    WarehouseKind.COLD_STORE: ("سردخانه", f"سرد{ZWNJ}خانه", "سرد خانه"),
    WarehouseKind.SILO: ("سیلو",),
    WarehouseKind.TANK: ("مخزن",),
    WarehouseKind.HAZARDOUS: ("مواد خطرناک", "کالای خطرناک"),
    WarehouseKind.BONDED: ("گمرکی", "انبار گمرکی"),
    WarehouseKind.PHARMACEUTICAL: ("دارویی", "انبار دارویی"),
    WarehouseKind.DISTRIBUTION_CENTRE: ("مرکز توزیع", "مرکز پخش"),
    WarehouseKind.OPEN_YARD: ("روباز", f"رو{ZWNJ}باز", "محوطه روباز"),
}

STATUS_SPELLINGS: dict[str, tuple[str, ...]] = {
    "active": ("فعال", "فعال"),
    "inactive": ("غیرفعال", f"غیر{ZWNJ}فعال", "غیر فعال"),
    "closed": ("تعطیل",),
}


def arabic_letters(text: str, random: Random) -> str:
    """`text`, half of the times with the Arabic forms of ی and ک."""
    return text.translate(_ARABIC_LETTERS) if random.random() < 0.5 else text


def spell_word(text: str, random: Random) -> str:
    """`text` as one of many hands writes it: Arabic letters, a tatweel, spaces around."""
    spelt = arabic_letters(text, random)
    if random.random() < 0.1:
        middle = len(spelt) // 2
        spelt = spelt[:middle] + TATWEEL + spelt[middle:]
    return f" {spelt} " if random.random() < 0.1 else spelt


def spell_number(number: Decimal, random: Random, *, grouped: bool = True) -> str | float:
    """`number` as a numeric cell or as text in Latin, Persian or Arabic digits, with thousands where `grouped`."""
    way = random.randrange(5)
    if way == 0:
        return float(number)
    digits = (_PERSIAN_DIGITS, _ARABIC_DIGITS)[way % 2] if way > 1 else {}
    text = f"{number:,}" if grouped and random.random() < 0.5 else f"{number}"
    if digits:
        text = text.replace(",", "٬").replace(".", "٫")
    return text.translate(digits)

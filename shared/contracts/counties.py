"""The sixteen counties of Tehran province, by the key used in every event, row and token."""

from enum import StrEnum


class County(StrEnum):
    """County key; `label_fa` is the Persian name as shown to people."""

    __hash__ = str.__hash__  # an Enum's own hash is computed in Python, and every counter is looked up by county

    TEHRAN = "tehran"
    SHEMIRANAT = "shemiranat"
    REY = "rey"
    ESLAMSHAHR = "eslamshahr"
    SHAHRIAR = "shahriar"
    QODS = "qods"
    MALARD = "malard"
    ROBAT_KARIM = "robat_karim"
    BAHARESTAN = "baharestan"
    VARAMIN = "varamin"
    PAKDASHT = "pakdasht"
    PISHVA = "pishva"
    QARCHAK = "qarchak"
    DAMAVAND = "damavand"
    FIRUZKUH = "firuzkuh"
    PARDIS = "pardis"

    @property
    def label_fa(self) -> str:
        return _LABELS_FA[self]


_LABELS_FA: dict[County, str] = {
    County.TEHRAN: "تهران",
    County.SHEMIRANAT: "شمیرانات",
    County.REY: "ری",
    County.ESLAMSHAHR: "اسلامشهر",
    County.SHAHRIAR: "شهریار",
    County.QODS: "قدس",
    County.MALARD: "ملارد",
    County.ROBAT_KARIM: "رباط‌کریم",
    County.BAHARESTAN: "بهارستان",
    County.VARAMIN: "ورامین",
    County.PAKDASHT: "پاکدشت",
    County.PISHVA: "پیشوا",
    County.QARCHAK: "قرچک",
    County.DAMAVAND: "دماوند",
    County.FIRUZKUH: "فیروزکوه",
    County.PARDIS: "پردیس",
}

"""Nothing about a person enters: columns and cells that look like a person's data are known before anything is kept."""

import re
from typing import Final

from shared.persian.personal_id import DIGITS, DIGITS_WITHOUT_ZEROS_MIN, is_personal_id, is_personal_id_without_zeros
from shared.persian.text import comparison_key, plain_text

FOREIGNER_ID_DIGITS: Final = range(12, 15)
"""Identity numbers given to foreign nationals have twelve to fourteen digits; no reference of an employer has."""

_WORDS: Final = tuple(
    map(
        comparison_key,
        (
            "کد ملی",
            "شماره ملی",
            "کد فراگیر",
            "شناسه فراگیر",
            "شناسه اختصاصی",
            "کد اتباع",
            "کد یکتا",
            "کارت آمایش",
            "گذرنامه",
            "پاسپورت",
            "شناسنامه",
            "تلفن",
            "موبایل",
            "همراه",
            "تماس",
            "رایانامه",
            "ایمیل",
            "خانوادگی",
            "فامیل",
            "نام پدر",
            "نام مادر",
            "نام کارگر",
            "نام دارنده",
            "نام فرد",
            "نام شخص",
            "نام متقاضی",
            "نام مددجو",
            "نام مراجع",
            "متولد",
            "تولد",
            "ملیت",
            "تابعیت",
            "قومیت",
            "مذهب",
            "جنسیت",
            "سن",
            "نشانی",
            "آدرس",
            "محل سکونت",
            "کد پستی",
            "national id",
            "national code",
            "national no",
            "passport",
            "phone",
            "mobile",
            "e-mail",
            "surname",
            "last name",
            "first name",
            "family name",
            "full name",
            "father name",
            "worker name",
            "holder name",
            "beneficiary name",
            "date of birth",
            "birth date",
            "birthday",
            "nationality",
            "citizenship",
            "ethnicity",
            "religion",
            "gender",
            "postal code",
            "amayesh",
        ),
    )
)
_SHORT_WORDS: Final = frozenset(
    map(comparison_key, ("نام", "اسم", "دین", "سن", "name", "names", "age", "sex", "tel", "address", "dob", "holder"))
)
"""Words so short that others contain them: they count only as a whole heading, or with ``و`` between them."""
_LONG_WORDS: Final = tuple(word for word in _WORDS if word not in _SHORT_WORDS)

_RUN = re.compile(r"\d+", re.ASCII)
_SEPARATED = re.compile(r"(?<=\d)[\s\-/.]+(?=\d)")
_MOBILE = re.compile(r"(?<!\d)(?:\+?98|0098|0)?9\d{9}(?!\d)", re.ASCII)
_EMAIL = re.compile(r"\S@\S+\.\S")


def names_person_data(heading: str) -> bool:
    """Whether a column of this heading would hold data of persons."""
    key = comparison_key(heading)
    parts = {comparison_key(part) for part in re.split(r"[\s/()،,:_\-]+|\bو\b", plain_text(heading)) if part}
    return any(word in key for word in _LONG_WORDS) or bool(parts & _SHORT_WORDS)


def holds_person_data(value: str | float) -> bool:
    """Whether a cell is, or contains, a natural person's national id, a foreigner's id, a mobile phone or an e-mail."""
    if isinstance(value, str):
        text = plain_text(value)
        digits = _SEPARATED.sub("", text)
        if _MOBILE.search(digits) or _EMAIL.search(text):
            return True
        return is_personal_id_without_zeros(digits) or any(
            is_personal_id(run) or len(run) in FOREIGNER_ID_DIGITS
            for run in (*_RUN.findall(text), *_RUN.findall(digits))
        )
    if isinstance(value, bool) or value != value or not 10 ** (DIGITS_WITHOUT_ZEROS_MIN - 1) <= value < 10**15:  # noqa: PLR0124
        return False
    return float(value).is_integer() and holds_person_data(str(int(value)))


def refers_to_person(reference: str) -> bool:
    """Whether a reference (letters, digits, ``/`` and ``-``) is, or contains, the number of a person.

    Separators count here: ``1404/123456`` is a number of an office, though its digits in a row may pass for a person's.
    """
    if reference.isdecimal() and len(reference) <= DIGITS:
        return is_personal_id_without_zeros(reference)
    runs = _RUN.findall(reference)
    return any(is_personal_id(run) or len(run) in FOREIGNER_ID_DIGITS or _MOBILE.fullmatch(run) for run in runs)

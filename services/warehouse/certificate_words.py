"""The words of the certificate and of its verification page, in Persian and English."""

from typing import Any, Final

WORDS: Final[dict[str, dict[str, Any]]] = {
    "fa": {
        "office": "استان تهران · کارگروه انبارهای شهرستان · سامانهٔ پایش",
        "title": "گواهی انطباق انبار",
        "statement": "گواهی می‌شود که این انبار در تاریخ صدور الزامات پدافند غیرعامل و آموزش کارکنان را برای ردهٔ خطر و نوع"
        " خود داشته، در موعد بازرسی شده و اقدام اصلاحی بحرانی باز یا توقیف نداشته است.",
        "site": "نام انبار",
        "registry_id": "شناسهٔ انبار",
        "county": "شهرستان",
        "kind": "نوع انبار",
        "risk_class": "ردهٔ خطر",
        "operator": "بهره‌بردار",
        "address": "نشانی",
        "issued_by": "صادرکننده",
        "issued_on": "تاریخ صدور",
        "valid_until": "معتبر تا پایان روز",
        "verify": "درستی و اعتبار امروز این گواهی را با این کد یا با پویش نشان ببینید:",
        "foot": "اعتبار گواهی هر روز از نو سنجیده می‌شود: با توقیف انبار یا پایان اعتبار آموزش‌ها تعلیق می‌شود و تنها یک شخص"
        " با ذکر دلیل آن را باطل می‌کند. نسخهٔ چاپی نشان‌دهندهٔ وضعیت روز چاپ است.",
        "states": {
            "valid": "معتبر",
            "suspended": "تعلیق‌شده",
            "expired": "منقضی",
            "revoked": "باطل‌شده",
            "unknown": "چنین گواهی نیست",
        },
        "verification": "بررسی گواهی انطباق انبار",
        "meanings": {
            "valid": "این گواهی امروز معتبر است.",
            "suspended": "این گواهی اکنون اعتبار ندارد؛ با رفع علت دوباره معتبر می‌شود.",
            "expired": "مدت این گواهی پایان یافته است.",
            "revoked": "این گواهی باطل شده است.",
            "unknown": "این کد به هیچ گواهی تعلق ندارد. کد را دوباره بخوانید.",
        },
        "other_language": "en",
        "other_label": "English",
    },
    "en": {
        "office": "Tehran province · county warehouse working group · Payesh",
        "title": "Certificate of compliance",
        "statement": "On the day of issue this warehouse had the passive-defence elements and the trained staff that its risk"
        " class and kind require, had been inspected within its interval, and had no open critical action and no hold.",
        "site": "Warehouse",
        "registry_id": "Registry id",
        "county": "County",
        "kind": "Kind",
        "risk_class": "Risk class",
        "operator": "Operator",
        "address": "Address",
        "issued_by": "Issued by",
        "issued_on": "Issued on",
        "valid_until": "Valid until the end of",
        "verify": "See whether this certificate is genuine and valid today, by this code or by scanning the mark:",
        "foot": "Validity is judged anew every day: a hold or expired training suspends the certificate, and only a person"
        " revokes it, with a reason. A printed copy shows the state on the day it was printed.",
        "states": {
            "valid": "Valid",
            "suspended": "Suspended",
            "expired": "Expired",
            "revoked": "Revoked",
            "unknown": "No such certificate",
        },
        "verification": "Certificate of compliance: verification",
        "meanings": {
            "valid": "This certificate is valid today.",
            "suspended": "This certificate does not count at present; it will again when the cause is gone.",
            "expired": "The time of this certificate is over.",
            "revoked": "This certificate has been revoked.",
            "unknown": "This code belongs to no certificate. Read the code again.",
        },
        "other_language": "fa",
        "other_label": "فارسی",
    },
}

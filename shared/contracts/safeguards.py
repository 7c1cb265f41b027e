"""The rules of the nationals service that must always hold, by number, as refusals quote them.

They restate the project's safeguards page in one sentence each; that page is the source and outranks this text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Safeguard:
    """One rule: its number and its text in both languages."""

    number: int
    en: str
    fa: str


_RULES = (
    Safeguard(
        1,
        "No step towards return without an unexpired protection screening for every person of the household.",
        "بدون غربالگری حمایتیِ معتبر برای تک‌تک افراد خانوار هیچ گامی به‌سوی بازگشت برداشته نمی‌شود.",
    ),
    Safeguard(
        2,
        "Consent is free, informed and express: language, independent interpreter, version of the information given, and "
        "a reconfirmation before departure. A recorded sign of pressure blocks the case.",
        "رضایت آزادانه، آگاهانه و صریح است: زبان، مترجم مستقل، نسخهٔ اطلاعات داده‌شده و تأیید دوباره پیش از عزیمت. "
        "نشانهٔ ثبت‌شدهٔ فشار پرونده را متوقف می‌کند.",
    ),
    Safeguard(
        3,
        "Withdrawal of consent before departure always succeeds, has no penalty, and releases every booking.",
        "انصراف پیش از عزیمت همیشه پذیرفته می‌شود، پیامد منفی ندارد و هر رزروی را آزاد می‌کند.",
    ),
    Safeguard(
        4,
        "After the voluntary stage nothing moves before an individual written decision is served and understood and its "
        "appeal window has ended on the database's clock.",
        "پس از مرحلهٔ داوطلبانه، پیش از ابلاغ و فهم تصمیم کتبی فردی و پایان مهلت اعتراض به ساعت پایگاه داده، هیچ گامی "
        "برداشته نمی‌شود.",
    ),
    Safeguard(
        5,
        "An open appeal or a new protection claim suspends everything until its outcome is recorded by a different person.",
        "اعتراض باز یا درخواست حمایت تازه همه‌چیز را تا ثبت نتیجهٔ آن به دست فردی دیگر معلق می‌کند.",
    ),
    Safeguard(
        6,
        "Two different humans for every adverse decision; no service account; nobody approves their own request.",
        "هر تصمیم نامساعد دو انسان متفاوت می‌خواهد؛ نه حساب سرویس، و هیچ‌کس درخواست خود را تأیید نمی‌کند.",
    ),
    Safeguard(
        7,
        "A household is booked and moves together or not at all; adults are heard privately; a split happens only at a "
        "protected request with child safeguards.",
        "خانوار با هم رزرو و جابه‌جا می‌شود یا هیچ؛ بزرگسالان خصوصی شنیده می‌شوند؛ جدایی فقط به درخواست حمایت‌شده و با "
        "حفاظت از کودکان است.",
    ),
    Safeguard(
        8,
        "An unaccompanied child needs a guardian, a best-interests record and a verified reception; else no step.",
        "کودک بدون همراه به سرپرست، گزارش مصلحت کودک و پذیرش تأییدشده نیاز دارد؛ وگرنه هیچ گامی برداشته نمی‌شود.",
    ),
    Safeguard(
        9,
        "A medical or vulnerability flag holds the case until an independent clearance; removing it needs a reason and a "
        "second person.",
        "پرچم پزشکی یا آسیب‌پذیری پرونده را تا رفع مستقل آن نگه می‌دارد؛ برداشتن آن دلیل و نفر دوم می‌خواهد.",
    ),
    Safeguard(
        10,
        "The outcome to refer to the competent authority is refused unless a dated legal-basis record, entered by the "
        "legal office, is in force for it. Not viable, regularised and protection referral are always open.",
        "نتیجهٔ «ارجاع به مرجع صالح» بدون سند مبنای قانونیِ تاریخ‌دار و معتبری که دفتر حقوقی ثبت کرده باشد پذیرفته نیست. "
        "«غیرعملی»، «قانونی‌شدن» و «ارجاع حمایتی» همیشه باز است.",
    ),
    Safeguard(
        11,
        "0 ≤ held + used ≤ capacity, for every centre and kind, at every moment.",
        "برای هر مرکز و هر نوع جا، در هر لحظه: ۰ ≤ رزروشده + استفاده‌شده ≤ ظرفیت.",
    ),
    Safeguard(
        12,
        "Unknown, late or repeated events never advance a case.",
        "رویداد ناشناخته، دیررسیده یا تکراری هرگز پرونده‌ای را پیش نمی‌برد.",
    ),
    Safeguard(
        13,
        "Every pause has an owner, a review date and an escalation, so that nobody waits forgotten.",
        "هر توقف مسئول، تاریخ بازبینی و مسیر پیگیری دارد تا کسی در انتظار فراموش نشود.",
    ),
    Safeguard(
        14,
        "A complaint goes to a separate office whose records the caseworkers cannot see, and it never slows the case of "
        "who complains.",
        "شکایت به دفتری جدا می‌رود که کارشناسان پرونده اسناد آن را نمی‌بینند، و هرگز پروندهٔ شاکی را کند نمی‌کند.",
    ),
)

SAFEGUARDS: Final[Mapping[int, Safeguard]] = {rule.number: rule for rule in _RULES}

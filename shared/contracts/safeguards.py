"""The rules of the nationals service that must always hold, by number, as refusals quote them and lawyers read them.

They restate the project's safeguards page, which is their source and outranks this text.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple


class Safeguard(NamedTuple):
    """The text of one rule in both languages."""

    en: str
    fa: str


_TEXTS: Mapping[int, tuple[str, str]] = {
    1: (
        "No step towards return without an unexpired protection screening for every person of the household.",
        "هیچ گامی به‌سوی بازگشت بدون غربالگری حمایتی معتبر برای هر عضو خانوار برداشته نمی‌شود.",
    ),
    2: (
        "Consent is free, informed and express: language, interpreter (neither a relative nor the decider), version of the "
        "information given, and a reconfirmation before departure. A recorded sign of pressure blocks the case.",
        "رضایت آزادانه، آگاهانه و صریح است: زبان، مترجم (نه خویشاوند و نه تصمیم‌گیرنده)، نسخهٔ اطلاعات داده‌شده و تأیید دوباره "
        "پیش از عزیمت. ثبت نشانهٔ فشار پرونده را متوقف می‌کند.",
    ),
    3: (
        "Withdrawal of consent before departure always succeeds, has no penalty, and releases every booking.",
        "پس گرفتن رضایت پیش از عزیمت همیشه پذیرفته است، هیچ پیامدی ندارد و همهٔ رزروها را آزاد می‌کند.",
    ),
    4: (
        "After the voluntary stage nothing moves before an individual written decision is served and understood and its appeal "
        "window has ended on the database's clock.",
        "پس از مرحلهٔ داوطلبانه، تا ابلاغ و فهم تصمیم کتبی فردی و پایان مهلت اعتراض آن بر پایهٔ ساعت پایگاه داده، هیچ‌چیز پیش "
        "نمی‌رود.",
    ),
    5: (
        "An open appeal or a new protection claim suspends everything until its outcome is recorded by a different person.",
        "اعتراض باز یا درخواست حمایتی تازه همه‌چیز را معلق می‌کند تا فردی دیگر نتیجهٔ آن را ثبت کند.",
    ),
    6: (
        "Two different humans for every adverse decision; no service account; nobody approves their own request.",
        "هر تصمیم نامساعد دو انسان متفاوت می‌خواهد؛ حساب سرویس نمی‌تواند؛ هیچ‌کس درخواست خود را تأیید نمی‌کند.",
    ),
    7: (
        "A household is booked and moves together or not at all; adults are heard privately; a split happens only at a protected "
        "request with child safeguards.",
        "خانوار یا با هم رزرو می‌شود و می‌رود یا هیچ؛ بزرگسالان به‌تنهایی شنیده می‌شوند؛ جدایی فقط به درخواست محافظت‌شده و با "
        "تضمین‌های کودک انجام می‌شود.",
    ),
    8: (
        "An unaccompanied child needs a guardian, a best-interests record and a verified reception; else no step.",
        "کودک بدون همراه به سرپرست، گزارش مصلحت کودک و پذیرش تأییدشده نیاز دارد؛ وگرنه هیچ گامی برداشته نمی‌شود.",
    ),
    9: (
        "A medical or vulnerability flag holds the case until an independent clearance; removing it needs a reason and a second "
        "person.",
        "پرچم پزشکی یا آسیب‌پذیری پرونده را تا رفع مستقل نگه می‌دارد؛ برداشتن آن دلیل و نفر دوم می‌خواهد.",
    ),
    10: (
        'The outcome "refer to the competent authority" is refused unless a dated legal-basis record, entered by the legal '
        'office, is in force for it. None ships with the software. Outcomes "not viable", "regularised" and "protection '
        'referral" are always open and end the case.',
        "نتیجهٔ «ارجاع به مرجع صالح» رد می‌شود مگر سند مبنای قانونیِ تاریخ‌داری که دفتر حقوقی ثبت کرده باشد برای آن نافذ باشد. "
        "هیچ سندی همراه نرم‌افزار نیست. نتیجه‌های «ناممکن»، «قانونی‌شده» و «ارجاع حمایتی» همیشه باز است و پرونده را پایان می‌دهد.",
    ),
    11: (
        "0 ≤ held + used ≤ capacity, for every centre and kind, in every snapshot.",
        "در هر مرکز و هر نوع و در هر لحظه: ۰ ≤ رزروشده + اشغال‌شده ≤ ظرفیت.",
    ),
    12: (
        "Unknown, late or repeated events never advance a case.",
        "رویداد ناشناخته، دیررسیده یا تکراری هرگز پرونده را پیش نمی‌برد.",
    ),
    13: (
        "Every pause has an owner, a review date and an escalation, so that nobody waits forgotten.",
        "هر توقف صاحب، تاریخ بازبینی و ارجاع به بالا دارد تا هیچ‌کس فراموش‌شده منتظر نماند.",
    ),
    14: (
        "A complaint goes to a separate office whose records the caseworkers cannot see, and it never slows the case of who "
        "complains.",
        "شکایت به دفتری جداگانه می‌رود که مددکاران پرونده‌هایش را نمی‌بینند، و هرگز پروندهٔ شاکی را کند نمی‌کند.",
    ),
}

SAFEGUARDS: Final[Mapping[int, Safeguard]] = {number: Safeguard(*texts) for number, texts in _TEXTS.items()}

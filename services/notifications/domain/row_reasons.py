"""Why a row of a file of people is refused."""

from collections.abc import Sequence

from services.notifications.domain.people_refusals import PEOPLE_FILE_REFUSED
from shared.contracts.refusals import Refusal
from shared.spreadsheet.rows import PROBLEMS_SHOWN_MAX, RowProblem, RowReason

FILE_EMPTY = RowReason("file_empty", "No row follows the headings.", "پس از عنوان‌ها سطری نیست.")
CELL_NOT_TEXT = RowReason(
    "cell_not_text", "The cell holds a date or a logical value.", "خانه تاریخ یا مقدار منطقی دارد."
)
TEXT_TOO_LONG = RowReason("text_too_long", "The text is too long.", "این نوشته بیش از اندازه بلند است.")
GROUP_UNKNOWN = RowReason(
    "group_unknown",
    "No county and no provincial office is written so.",
    "شهرستان یا دفتر استانی با این نوشتار نیست.",
)
GROUP_OUTSIDE = RowReason(
    "group_outside",
    "You may not change the people of this office.",
    "شما اجازهٔ تغییر اعضای این دفتر را ندارید.",
)
GROUP_TOO_LARGE = RowReason(
    "group_too_large", "The office would have too many members.", "شمار اعضای این دفتر بیش از اندازه می‌شود."
)
ROLE_UNKNOWN = RowReason(
    "role_unknown",
    "The role is neither a known one nor small Latin letters, digits and _.",
    "این سمت نه از سمت‌های شناخته‌شده است و نه حروف کوچک لاتین، رقم و _.",
)
LANGUAGE_UNKNOWN = RowReason("language_unknown", "The language is Persian or English.", "زبان، فارسی یا انگلیسی است.")
POSITION_INVALID = RowReason(
    "position_invalid", "A place in the order is a whole number from 0 on.", "نوبت، عدد صحیح از صفر به بالا است."
)
POSITION_MISSING = RowReason(
    "position_missing",
    "Other rows of this office have a place in the order; this one has none.",
    "سطرهای دیگر این دفتر نوبت دارند و این سطر ندارد.",
)
POSITION_REPEATED = RowReason(
    "position_repeated",
    "An earlier row of this office has the same place in the order.",
    "سطری پیش از این در همین دفتر همین نوبت را دارد.",
)
EMAIL_REPEATED = RowReason(
    "email_repeated",
    "An earlier row of this office has the same e-mail address.",
    "سطری پیش از این در همین دفتر همین رایانامه را دارد.",
)
CHANNEL_UNKNOWN = RowReason(
    "channel_unknown",
    "Channels are e-mail, SMS, chat and webhook, in order, with commas between.",
    "راه‌ها رایانامه، پیامک، پیام‌رسان و وب‌هوک است، به ترتیب و با ویرگول میان آنها.",
)
CHANNEL_WITHOUT_ADDRESS = RowReason(
    "channel_without_address",
    "A channel is named that has no address in this row, or is named twice.",
    "راهی نام برده شده که در این سطر نشانی ندارد، یا دو بار آمده است.",
)
CONTACTS_TOO_MANY = RowReason("contacts_too_many", "The row has too many addresses.", "شمار نشانی‌های این سطر زیاد است.")


def refuse_file(problems: Sequence[RowProblem]) -> None:
    """Raises Refusal if there is any problem; nothing of the file is taken then."""
    if problems:
        raise Refusal(
            PEOPLE_FILE_REFUSED,
            refused_count=len(problems),
            rows=[problem.document() for problem in problems[:PROBLEMS_SHOWN_MAX]],
        )

"""Why the warehouse service says no to a review or to a decision on two counts. Codes are stable; texts are for people."""

from shared.contracts.refusals import RefusalType

REVIEW_PHOTOS_MISSING = RefusalType(
    "warehouse.review.photos_missing",
    409,
    "Photos that the submission names have not arrived yet: {names}. It can be returned, not approved.",
    "عکس‌هایی که ارسال نام برده هنوز نرسیده است: {names}. می‌توان آن را برگرداند، نه تأیید کرد.",
)
REVIEW_DUPLICATE_OF_ITSELF = RefusalType(
    "warehouse.review.duplicate_of_itself",
    422,
    "A site is not a duplicate of itself.",
    "انبار نمی‌تواند تکراری خودش باشد.",
)
REVIEW_DUPLICATE_OF_UNKNOWN = RefusalType(
    "warehouse.review.duplicate_of_unknown",
    422,
    "The site that this one would duplicate is not registered in the same county.",
    "انباری که این یکی تکراری آن باشد در همین شهرستان ثبت نیست.",
)
RECOUNT_NOT_FOUND = RefusalType(
    "warehouse.recount.not_found",
    404,
    "There is no such recount in your counties.",
    "چنین بازشماری‌ای در شهرستان‌های شما نیست.",
)
RECOUNT_UNDECIDED = RefusalType(
    "warehouse.recount.undecided",
    409,
    "The two counts of this site disagree; a person decides which one holds.",
    "دو شمارش این انبار یکی نیست؛ یک شخص تصمیم می‌گیرد کدام درست است.",
)
RECOUNT_NOT_IN_DISPUTE = RefusalType(
    "warehouse.recount.not_in_dispute",
    409,
    "There is nothing to decide: the two counts are not both in, or they agree, or it is decided.",
    "چیزی برای تصمیم نیست: هر دو شمارش نرسیده، یا هم‌خوان است، یا تصمیم گرفته شده است.",
)
RECOUNT_OWN_COUNT = RefusalType(
    "warehouse.recount.own_count",
    403,
    "Whoever counted does not decide between the counts.",
    "شمارنده میان شمارش‌ها تصمیم نمی‌گیرد.",
)

"""Why the warehouse service says no to a proposed change of the record, or to a site found in the field."""

from shared.contracts.refusals import RefusalType

PROPOSAL_NOT_FOUND = RefusalType(
    "warehouse.proposal.not_found",
    404,
    "There is no such proposal in your counties.",
    "چنین پیشنهادی در شهرستان‌های شما نیست.",
)
PROPOSAL_DECIDED = RefusalType(
    "warehouse.proposal.already_decided",
    409,
    "This proposal is {state}; it is not decided twice.",
    "وضعیت این پیشنهاد {state} است و دوباره دربارهٔ آن تصمیم گرفته نمی‌شود.",
)
PROPOSAL_OWN_FINDING = RefusalType(
    "warehouse.proposal.own_finding",
    403,
    "Whoever found it in the field does not decide on the record.",
    "یابندهٔ میدانی دربارهٔ پرونده تصمیم نمی‌گیرد.",
)
PROPOSAL_OUTDATED = RefusalType(
    "warehouse.proposal.outdated",
    409,
    "The record now says {now}, not {then}, as when this was proposed. Reject it, or inspect again.",
    "پرونده اکنون {now} است، نه {then} که هنگام پیشنهاد بود. آن را رد کنید یا دوباره بازرسی شود.",
)
PROPOSAL_REASON_MISSING = RefusalType(
    "warehouse.proposal.reason_missing",
    422,
    "Whoever does not accept says why.",
    "نپذیرفتن دلیل می‌خواهد.",
)
FOUND_SITE_NOT_FOUND = RefusalType(
    "warehouse.unregistered_site.not_found",
    404,
    "There is no such unregistered site in your counties.",
    "چنین انبار ثبت‌نشده‌ای در شهرستان‌های شما نیست.",
)
FOUND_SITE_CONFLICT = RefusalType(
    "warehouse.unregistered_site.conflict",
    409,
    "This instance id was already received with other content. Nothing was overwritten.",
    "این شناسهٔ ارسال پیش‌تر با محتوای دیگری رسیده است. چیزی بازنویسی نشد.",
)
FOUND_SITE_OUTSIDE_PROVINCE = RefusalType(
    "warehouse.unregistered_site.outside_province",
    422,
    "The location lies outside Tehran province.",
    "این محل بیرون از استان تهران است.",
)
FOUND_SITE_DUPLICATE_UNKNOWN = RefusalType(
    "warehouse.unregistered_site.duplicate_unknown",
    422,
    "Name the registered site of the same county that this one is (duplicate_of); only a duplicate names one.",
    "انبار ثبت‌شدهٔ همین شهرستان را که همین است نام ببرید (duplicate_of)؛ تنها «تکراری» آن را نام می‌برد.",
)
REGISTRY_ID_NOT_PROVISIONAL = RefusalType(
    "warehouse.site.registry_id_not_provisional",
    409,
    "This site has the national register's own id.",
    "این انبار شناسهٔ سامانهٔ ملی را دارد.",
)
REGISTRY_ID_TAKEN = RefusalType(
    "warehouse.site.registry_id_taken",
    409,
    "Another site has this registry id already.",
    "انبار دیگری این شناسه را دارد.",
)

"""How phase two says no, in Persian and English, with the safeguard it serves and what would satisfy it."""

from shared.contracts.refusals import RefusalType

REVIEW_NOT_OPEN = RefusalType(
    "nationals.legal_review.not_open",
    409,
    "The case has no open legal review. A review in the legal office's queue would satisfy it.",
    "این پرونده بررسی حقوقی باز ندارد. بررسی‌ای که در صف دفتر حقوقی باشد این شرط را برآورده می‌کند.",
    safeguard=12,
)
REVIEW_TAKEN = RefusalType(
    "nationals.legal_review.taken",
    409,
    "A colleague has taken this review. Naming the colleague whom you relieve would satisfy it.",
    "همکاری این بررسی را بر عهده گرفته است. نام بردن از همکاری که جای او را می‌گیرید این شرط را برآورده می‌کند.",
    safeguard=6,
)
PROPOSAL_OPEN = RefusalType(
    "nationals.legal_review.proposal_open",
    409,
    "An outcome is proposed already. A second legal officer who returns it with a reason would satisfy it.",
    "پیش‌تر نتیجه‌ای پیشنهاد شده است. بازگرداندن آن با ذکر دلیل به دست کارشناس حقوقی دوم این شرط را برآورده می‌کند.",
    safeguard=6,
)
NO_PROPOSAL = RefusalType(
    "nationals.legal_review.no_proposal",
    409,
    "This is not the proposal that is open in the review. The proposal as it stands now would satisfy it.",
    "این پیشنهادی نیست که اکنون در بررسی باز است. پیشنهاد فعلی این شرط را برآورده می‌کند.",
    safeguard=12,
)
NOT_FIRST_REVIEWER = RefusalType(
    "nationals.safeguard.not_first_reviewer",
    409,
    "Only the legal officer who took the review assesses the household and proposes. Taking the review would satisfy it.",
    "فقط کارشناس حقوقی که بررسی را بر عهده گرفته خانوار را ارزیابی و نتیجه را پیشنهاد می‌کند. بر عهده گرفتن بررسی این شرط را "
    "برآورده می‌کند.",
    safeguard=6,
)
SECOND_PERSON_REQUIRED = RefusalType(
    "nationals.safeguard.second_person_required",
    409,
    "A second legal officer decides: neither who proposed the outcome nor who opened the case. "
    "Another legal officer would satisfy it.",
    "کارشناس حقوقی دومی تصمیم می‌گیرد که نه پیشنهاددهنده است و نه بازکنندهٔ پرونده. کارشناس حقوقی دیگری این شرط را "
    "برآورده می‌کند.",
    safeguard=6,
)
DECIDED_BEFORE = RefusalType(
    "nationals.safeguard.decided_before",
    409,
    "An appeal annulled a decision of this person in this case; two others review it anew. "
    "Another legal officer would satisfy it.",
    "اعتراض، تصمیم این فرد را در همین پرونده باطل کرده است؛ دو نفر دیگر از نو بررسی می‌کنند. کارشناس حقوقی دیگری این شرط را "
    "برآورده می‌کند.",
    safeguard=6,
)
ASSESSMENT_INCOMPLETE = RefusalType(
    "nationals.safeguard.assessment_incomplete",
    409,
    "This household's own assessment has not looked at: {missing}. An assessment by the first reviewer that looks at each "
    "would satisfy it.",
    "در ارزیابی فردی همین خانوار به این موارد پرداخته نشده است: {missing}. ارزیابی همهٔ آن‌ها به دست بررسی‌کنندهٔ نخست این "
    "شرط را برآورده می‌کند.",
    safeguard=4,
)
DECISION_NOT_WRITTEN = RefusalType(
    "nationals.safeguard.decision_not_written",
    409,
    "An adverse outcome needs an individual written decision: reasons, legal basis and appeal instructions. "
    "Writing it would satisfy it.",
    "نتیجهٔ نامساعد به تصمیم کتبی فردی نیاز دارد: دلایل، مبنای قانونی و راهنمای اعتراض. نوشتن آن این شرط را برآورده می‌کند.",
    safeguard=4,
)
NO_LEGAL_BASIS = RefusalType(
    "nationals.safeguard.no_legal_basis",
    409,
    "No dated legal-basis record, entered and confirmed by two people of the legal office, is in force for this outcome. "
    "Such a record would satisfy it; none ships with the software. The favourable outcomes are open.",
    "برای این نتیجه هیچ سند مبنای قانونیِ تاریخ‌دار و نافذی که دو نفر از دفتر حقوقی ثبت و تأیید کرده باشند وجود ندارد. چنین "
    "سندی این شرط را برآورده می‌کند؛ هیچ سندی همراه نرم‌افزار نیست. نتیجه‌های مساعد باز است.",
    safeguard=10,
)
REASON_REQUIRED = RefusalType(
    "nationals.legal_review.reason_required",
    409,
    "A proposal is returned with a reason; give one.",
    "پیشنهاد با ذکر دلیل بازگردانده می‌شود؛ دلیل را بنویسید.",
    safeguard=6,
)
DECISION_NOT_CONFIRMED = RefusalType(
    "nationals.safeguard.decision_not_confirmed",
    409,
    "There is no individual written decision that two different people approved. Its confirmation by a second legal officer "
    "would satisfy it.",
    "تصمیم کتبی فردی که دو نفر متفاوت تأیید کرده باشند وجود ندارد. تأیید کارشناس حقوقی دوم این شرط را برآورده می‌کند.",
    safeguard=6,
)
NOT_UNDERSTOOD = RefusalType(
    "nationals.safeguard.decision_not_understood",
    409,
    "A decision counts as served only when the household confirms that it understood it. "
    "Service in a language it understands, with an independent interpreter, would satisfy it.",
    "تصمیم فقط وقتی ابلاغ‌شده است که خانوار فهم آن را تأیید کند. ابلاغ به زبانی که می‌فهمد، با مترجم مستقل، این شرط را "
    "برآورده می‌کند.",
    safeguard=4,
)
DECISION_NOT_SERVED = RefusalType(
    "nationals.safeguard.decision_not_served",
    409,
    "No individual written decision was served and understood. Its service would satisfy it.",
    "هیچ تصمیم کتبی فردی ابلاغ و فهمیده نشده است. ابلاغ آن این شرط را برآورده می‌کند.",
    safeguard=4,
)
WINDOW_RUNNING = RefusalType(
    "nationals.safeguard.appeal_window_running",
    409,
    "The appeal window has not ended on the database's clock. Its end, on {window_ends_at}, would satisfy it.",
    "مهلت اعتراض بر پایهٔ ساعت پایگاه داده پایان نیافته است. پایان آن در {window_ends_at} این شرط را برآورده می‌کند.",
    safeguard=4,
)
APPEAL_OPEN = RefusalType(
    "nationals.safeguard.appeal_open",
    409,
    "An appeal is open and suspends everything. Its outcome, recorded by a different person, would satisfy it.",
    "اعتراضی باز است و همه‌چیز را معلق می‌کند. ثبت نتیجهٔ آن به دست فردی دیگر این شرط را برآورده می‌کند.",
    safeguard=5,
)
LATE_NEEDS_REASON = RefusalType(
    "nationals.appeal.late_needs_reason",
    409,
    "The appeal window has ended; a late appeal suspends as well, with a reason. Give one.",
    "مهلت اعتراض پایان یافته است؛ اعتراض دیرهنگام نیز با ذکر دلیل همه‌چیز را معلق می‌کند. دلیل را بنویسید.",
    safeguard=5,
)
APPEAL_OFFICER_NOT_DIFFERENT = RefusalType(
    "nationals.safeguard.appeal_officer_not_different",
    409,
    "Whoever proposed, confirmed or served the decision, or lodged the appeal, does not decide the appeal. "
    "Another appeal officer would satisfy it.",
    "پیشنهاددهنده، تأییدکننده یا ابلاغ‌کنندهٔ تصمیم و ثبت‌کنندهٔ اعتراض دربارهٔ اعتراض تصمیم نمی‌گیرد. کارشناس دیگری این شرط را "
    "برآورده می‌کند.",
    safeguard=5,
)
CASE_REFERRED = RefusalType(
    "nationals.case.referred",
    409,
    "The legal office referred the case, and this system ended there. A new case would satisfy it.",
    "دفتر حقوقی پرونده را ارجاع داده و کار این سامانه همان‌جا پایان یافته است. پروندهٔ تازه این شرط را برآورده می‌کند.",
    safeguard=12,
)
LEGAL_BASIS_NOT_FOUND = RefusalType(
    "nationals.legal_basis.not_found",
    404,
    "There is no such legal-basis record.",
    "چنین سند مبنای قانونی وجود ندارد.",
)
LEGAL_BASIS_DATES = RefusalType(
    "nationals.legal_basis.dates",
    422,
    "A legal basis is in force from a date until the same or a later one.",
    "مبنای قانونی از یک تاریخ تا همان تاریخ یا تاریخی پس از آن نافذ است.",
)
LEGAL_BASIS_CONFIRMED = RefusalType(
    "nationals.legal_basis.settled",
    409,
    "The record is confirmed or ended already; a new record would satisfy it.",
    "این سند پیش‌تر تأیید شده یا پایان یافته است؛ سند تازه این شرط را برآورده می‌کند.",
    safeguard=10,
)
LEGAL_BASIS_SAME_PERSON = RefusalType(
    "nationals.legal_basis.same_person",
    409,
    "Whoever entered a legal basis does not confirm it. Another registrar of the legal office would satisfy it.",
    "ثبت‌کنندهٔ مبنای قانونی آن را تأیید نمی‌کند. متصدی دیگری از دفتر حقوقی این شرط را برآورده می‌کند.",
    safeguard=6,
)
DECISION_NOT_FOUND = RefusalType(
    "nationals.legal_decision.not_found",
    404,
    "There is no such decision in the counties of your role.",
    "چنین تصمیمی در شهرستان‌های حوزهٔ نقش شما نیست.",
)

"""What the voluntary stage refuses beside ``refusals``: hearings, reconfirmation, departure, pauses, children, split."""

from shared.contracts.refusals import RefusalType

NOT_AN_ADULT = RefusalType(
    "nationals.hearing.not_an_adult",
    409,
    "The household's adults are the persons 1 to {adults}; a private hearing is one of them, not person {person_number}.",
    "بزرگسالان این خانوار نفرهای ۱ تا {adults} هستند؛ گفت‌وگوی خصوصی با یکی از آنان است، نه با نفر شمارهٔ {person_number}.",
    safeguard=7,
)
HEARING_MISSING = RefusalType(
    "nationals.safeguard.private_hearing_missing",
    409,
    "Every adult is heard privately once. Not yet heard: person numbers {persons}; a private hearing of each of them would "
    "satisfy it.",
    "با هر بزرگسال یک بار خصوصی گفت‌وگو می‌شود. با نفرهای شمارهٔ {persons} هنوز نشده است؛ گفت‌وگوی خصوصی با هر یک این شرط را "
    "برآورده می‌کند.",
    safeguard=7,
)
RECONFIRMATION_MISSING = RefusalType(
    "nationals.safeguard.reconfirmation_missing",
    409,
    "Shortly before departure the household says once more, through an independent interpreter, that it wishes to go. No such "
    "reconfirmation of the consent in force is recorded, or it is too old; a new one, freely given, would satisfy it.",
    "اندکی پیش از حرکت، خانوار با مترجم مستقل بار دیگر می‌گوید که می‌خواهد برود. چنین تأییدی برای رضایت جاری ثبت نشده یا کهنه "
    "است؛ تأیید تازه، اگر خانوار بدهد، این شرط را برآورده می‌کند.",
    safeguard=2,
)
LANGUAGE_DIFFERS = RefusalType(
    "nationals.safeguard.reconfirmation_language",
    409,
    "The household reconfirms in the language of its consent. A reconfirmation in that language would satisfy it.",
    "خانوار به همان زبان رضایت خود تأیید می‌کند. تأیید به آن زبان این شرط را برآورده می‌کند.",
    safeguard=2,
)
HOUSEHOLD_DEPARTED = RefusalType(
    "nationals.case.departed",
    409,
    "The household has departed and this case has ended, so nothing can be recorded in it and it is too late to withdraw. Nobody "
    "blames the household for changing its mind: the protection office will help it further.",
    "خانوار حرکت کرده و این پرونده پایان یافته است؛ دیگر چیزی در آن ثبت نمی‌شود و برای انصراف دیر شده است. تغییر نظر هیچ ایرادی "
    "ندارد: دفتر حمایت خانوار را یاری می‌کند.",
    safeguard=3,
)
HOUSEHOLD_SPLIT = RefusalType(
    "nationals.case.split",
    409,
    "The household was split and goes on in two new cases; nothing can be recorded in this one.",
    "خانوار جدا شده و در دو پروندهٔ تازه ادامه می‌یابد؛ در این پرونده دیگر چیزی ثبت نمی‌شود.",
    safeguard=7,
)
ON_ITS_WAY = RefusalType(
    "nationals.case.on_its_way",
    409,
    "The household holds places, waits for some or has just reconfirmed its consent: its voluntary period does not lapse "
    "meanwhile.",
    "خانوار جا دارد، در نوبت جاست یا تازه رضایت خود را تأیید کرده است؛ در این میان دورهٔ داوطلبانهٔ آن پایان نمی‌یابد.",
    safeguard=4,
)
SPLIT_REQUESTED = RefusalType(
    "nationals.safeguard.protected_request_open",
    409,
    "The protection office has a protected request of this household to decide; until then nothing moves.",
    "دفتر حمایت باید دربارهٔ درخواستی محافظت‌شده از این خانوار تصمیم بگیرد؛ تا آن زمان گامی برداشته نمی‌شود.",
    safeguard=7,
)
SPLIT_NOT_TWO_PARTS = RefusalType(
    "nationals.split.not_two_parts",
    409,
    "A split names some, not all, of the persons 1 to {size}, each once.",
    "برای جدا شدن، برخی و نه همهٔ نفرهای ۱ تا {size} نام برده می‌شوند، هر کدام یک بار.",
    safeguard=7,
)
SPLIT_NOT_OPEN = RefusalType(
    "nationals.split.not_open",
    409,
    "There is no protected request of this case that waits for a decision.",
    "درخواست محافظت‌شده‌ای از این پرونده در انتظار تصمیم نیست.",
    safeguard=7,
)
SPLIT_BY_SECOND_OFFICER = RefusalType(
    "nationals.split.by_second_officer",
    409,
    "A second protection officer decides a protected request, not the one who recorded it.",
    "درخواست محافظت‌شده را کارشناس حمایت دوم تصمیم می‌گیرد، نه کسی که آن را ثبت کرده است.",
    safeguard=6,
)
NOT_UNACCOMPANIED = RefusalType(
    "nationals.child.not_unaccompanied",
    409,
    "Person {person_number} is no unaccompanied child of this case.",
    "نفر شمارهٔ {person_number} کودک بدون همراه این پرونده نیست.",
    safeguard=8,
)
CHILD_PROCEDURE_INCOMPLETE = RefusalType(
    "nationals.child.procedure_incomplete",
    409,
    "For each child a guardian, a best-interests determination and a reception verified by another person are needed. Missing: "
    "{missing}.",
    "برای هر کودک سرپرست، ارزیابی مصلحت کودک و پذیرشی که فرد دیگری تأیید کرده باشد لازم است. کم است: {missing}.",
    safeguard=8,
)
RECEPTION_BY_ANOTHER = RefusalType(
    "nationals.child.reception_by_another",
    409,
    "Who determined the child's best interests does not verify its reception, nor the other way round; another person would "
    "satisfy it.",
    "کسی که مصلحت کودک را ارزیابی کرده پذیرش او را تأیید نمی‌کند و برعکس؛ فرد دیگری این شرط را برآورده می‌کند.",
    safeguard=8,
)
CHILD_RECORD_OF_ANOTHER_OFFICE = RefusalType(
    "nationals.child.record_of_another_office",
    409,
    "A child's best interests are determined by a child protection officer.",
    "مصلحت کودک را کارشناس حمایت از کودک ارزیابی می‌کند.",
    safeguard=8,
)
PAUSE_NOT_OPEN = RefusalType(
    "nationals.pause.not_open",
    409,
    "There is no such open pause, or no proposal to end it that waits for a second person.",
    "چنین توقف بازی، یا پیشنهادی برای پایان آن که در انتظار نفر دوم باشد، نیست.",
    safeguard=13,
)
CLEARANCE_PROPOSED_ALREADY = RefusalType(
    "nationals.pause.clearance_proposed_already",
    409,
    "The end of this pause is proposed already; a second person confirms or rejects it first.",
    "پایان این توقف پیش‌تر پیشنهاد شده است؛ نخست نفر دوم آن را تأیید یا رد می‌کند.",
    safeguard=13,
)
NOT_INDEPENDENT = RefusalType(
    "nationals.pause.not_independent",
    409,
    "Two people end a pause, and neither of them opened it or recorded what it is about. Another officer would satisfy it.",
    "توقف را دو نفر پایان می‌دهند و هیچ‌یک آن را آغاز نکرده یا موضوعش را ثبت نکرده است. کارشناس دیگری این شرط را برآورده می‌کند.",
    safeguard=6,
)
RECORDED_SINCE = RefusalType(
    "nationals.pause.recorded_since",
    409,
    "Something was recorded since the proposal was made; a new proposal that takes it into account would satisfy it.",
    "پس از این پیشنهاد چیزی ثبت شده است؛ پیشنهاد تازه‌ای که آن را در نظر بگیرد این شرط را برآورده می‌کند.",
    safeguard=9,
)
_OFFICES = {
    2: ("the protection office", "دفتر حمایت"),
    5: ("the protection office", "دفتر حمایت"),
    7: (
        "the protection office, by its decision on the protected request",
        "دفتر حمایت، با تصمیم دربارهٔ درخواست محافظت‌شده",
    ),
    8: ("the child protection office", "دفتر حمایت از کودک"),
    9: (
        "the medical office for a medical flag, the protection office for a vulnerability flag",
        "دفتر پزشکی برای پرچم پزشکی و دفتر حمایت برای پرچم آسیب‌پذیری",
    ),
}
CLEARANCE_OF_ANOTHER_OFFICE = {
    safeguard: RefusalType(
        f"nationals.pause.another_office_{safeguard}",
        409,
        f"This pause is for {english} to end.",
        f"پایان این توقف با {persian} است.",
        safeguard=safeguard,
    )
    for safeguard, (english, persian) in _OFFICES.items()
}
REASON_NOT_OF_PAUSE = {
    safeguard: RefusalType(
        f"nationals.pause.reason_not_of_pause_{safeguard}",
        409,
        "A pause of this kind ends for one of these reasons: {reasons}.",
        "چنین توقفی با یکی از این دلیل‌ها پایان می‌یابد: {reasons}.",
        safeguard=safeguard,
    )
    for safeguard in (2, 5, 8, 9)
}

"""Every reason for which the notifications service says no."""

from shared.contracts.refusals import RefusalType

ALERT_NOT_FOUND = RefusalType(
    code="notifications.alert.not_found",
    status=404,
    text_en="There is no alert {alert_id} in your counties.",
    text_fa="هشداری با شناسه {alert_id} در شهرستان‌های شما نیست.",
)
ALERT_ALREADY_RESOLVED = RefusalType(
    code="notifications.alert.already_resolved",
    status=409,
    text_en="The alert is already resolved; nothing is left to do about it.",
    text_fa="این هشدار پیش‌تر برطرف شده و کاری برای آن نمانده است.",
)
ALERT_NOT_ACKNOWLEDGED = RefusalType(
    code="notifications.alert.not_acknowledged",
    status=409,
    text_en="Nobody has acknowledged the alert; there is nothing to hand back.",
    text_fa="کسی این هشدار را تأیید نکرده است و چیزی برای بازگرداندن نیست.",
)
SILENCE_NOT_FOUND = RefusalType(
    code="notifications.silence.not_found",
    status=404,
    text_en="There is no silence {silence_id} that is running in your counties.",
    text_fa="سکوت فعالی با شناسه {silence_id} در شهرستان‌های شما نیست.",
)
SILENCE_NEEDS_PROVINCE = RefusalType(
    code="notifications.silence.province_only",
    status=403,
    text_en="A silence for all counties can be set or lifted only with access to all of them.",
    text_fa="سکوت برای همه شهرستان‌ها را تنها کسی با دسترسی به همه آن‌ها می‌تواند برقرار یا لغو کند.",
)
SILENCE_OF_CASES = RefusalType(
    code="notifications.silence.of_cases",
    status=422,
    text_en="Alerts about return cases and complaints cannot be silenced.",
    text_fa="هشدارهای مربوط به پرونده‌های بازگشت و شکایت‌ها را نمی‌توان ساکت کرد.",
)
SILENCE_OF_NOTHING = RefusalType(
    code="notifications.silence.of_nothing",
    status=422,
    text_en="No routing rule in force raises an alert that this silence would hold back.",
    text_fa="هیچ قاعده‌ای هشداری پدید نمی‌آورد که این سکوت آن را نگه دارد.",
)
ALERT_OF_AN_OFFICE = RefusalType(
    code="notifications.alert.of_an_office",
    status=403,
    text_en="This alert is addressed to a provincial office; only somebody who was told of it takes charge of it.",
    text_fa="این هشدار برای یک دفتر استانی است؛ تنها کسی که آن را دریافت کرده است می‌تواند رسیدگی آن را بر عهده بگیرد.",
)
LINK_NOT_VALID = RefusalType(
    code="notifications.link.not_valid",
    status=403,
    text_en="This link is not valid. Please sign in and acknowledge the alert from your inbox.",
    text_fa="این پیوند معتبر نیست. لطفاً وارد سامانه شوید و هشدار را از صندوق خود تأیید کنید.",
)
LINK_EXPIRED = RefusalType(
    code="notifications.link.expired",
    status=403,
    text_en="This link has expired. Please sign in and acknowledge the alert from your inbox.",
    text_fa="مهلت این پیوند گذشته است. لطفاً وارد سامانه شوید و هشدار را از صندوق خود تأیید کنید.",
)
DIGEST_LINK_NOT_VALID = RefusalType(
    code="notifications.digest_link.not_valid",
    status=403,
    text_en="This link is not valid. Please ask the administrator of your office to end the summaries.",
    text_fa="این پیوند معتبر نیست. لطفاً از مدیر سامانهٔ دفتر خود بخواهید که فرستادن خلاصه را پایان دهد.",
)
DIGEST_LINK_EXPIRED = RefusalType(
    code="notifications.digest_link.expired",
    status=403,
    text_en="This link has expired. Please use the link of a newer summary.",
    text_fa="مهلت این پیوند گذشته است. لطفاً از پیوند یک خلاصهٔ تازه‌تر استفاده کنید.",
)
LINK_MEMBER_LEFT = RefusalType(
    code="notifications.link.member_left",
    status=403,
    text_en="The person this link was sent to is no longer a member of the working group.",
    text_fa="گیرنده این پیوند دیگر عضو کارگروه نیست.",
)
GROUP_MEMBER_REPEATED = RefusalType(
    code="notifications.working_group.member_repeated",
    status=422,
    text_en="Two members have the same {field}: {value}.",
    text_fa="دو عضو {field_fa} یکسان دارند: {value}.",
)
OFFICE_NEEDS_PROVINCE = RefusalType(
    code="notifications.working_group.province_only",
    status=403,
    text_en="The provincial office {working_group} can be changed only with access to all counties.",
    text_fa="اعضای {working_group_fa} را تنها کسی با دسترسی به همه شهرستان‌ها می‌تواند تغییر دهد.",
)
OFFICE_PEOPLE_HIDDEN = RefusalType(
    code="notifications.working_group.of_an_office",
    status=403,
    text_en="The people of the provincial office {working_group} show to the office itself, and with access to all counties.",
    text_fa="اعضای {working_group_fa} را تنها همان دفتر و کسی با دسترسی به همهٔ شهرستان‌ها می‌بیند.",
)
POLICY_NEEDS_PROVINCE = RefusalType(
    code="notifications.escalation_policy.province_only",
    status=403,
    text_en="Escalation policies are for the whole province: they are set only with access to all counties.",
    text_fa="سیاست‌های ارجاع برای همهٔ استان است و تنها با دسترسی به همهٔ شهرستان‌ها ثبت می‌شود.",
)
POLICY_INBOX_ALONE = RefusalType(
    code="notifications.escalation_policy.inbox_alone",
    status=422,
    text_en="{place}: the rule {rule} must reach somebody who does not look: name a channel beside the inbox, or none.",
    text_fa="{place}: قاعدهٔ {rule} باید به کسی هم برسد که صندوق را نمی‌بیند؛ راهی جز صندوق هم بنویسید یا هیچ راهی ننویسید.",
)
POLICY_UNKNOWN = RefusalType(
    code="notifications.escalation_policy.unknown",
    status=404,
    text_en="No routing rule uses an escalation policy named {name}. Known names: {known}.",
    text_fa="هیچ قاعده‌ای سیاست ارجاعی به نام {name} ندارد. نام‌های شناخته‌شده: {known}.",
)

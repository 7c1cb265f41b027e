"""Every reason for which routing rules, or a dry run of them, are refused."""

from shared.contracts.refusals import RefusalType

RULES_REFUSED = RefusalType(
    code="notifications.routing_rules.refused",
    status=422,
    text_en="The routing rules have {faults_count} faults and were not taken; see the list with its lines.",
    text_fa="قاعده‌های هشدار {faults_count} ایراد دارد و پذیرفته نشد؛ فهرست را با شمارهٔ سطرها ببینید.",
)
RULES_CHANGED = RefusalType(
    code="notifications.routing_rules.changed",
    status=409,
    text_en="Version {version} is in force by now, not {expected_version}. Look at it and save again.",
    text_fa="اکنون نسخهٔ {version} برقرار است، نه {expected_version}. آن را ببینید و دوباره ثبت کنید.",
)
RULES_NEED_PROVINCE = RefusalType(
    code="notifications.routing_rules.province_only",
    status=403,
    text_en="Routing rules are for the whole province: they are set only with access to all counties.",
    text_fa="قاعده‌های هشدار برای همهٔ استان است و تنها با دسترسی به همهٔ شهرستان‌ها ثبت می‌شود.",
)
RULES_LEAVE_ALERTS = RefusalType(
    code="notifications.routing_rules.leave_alerts",
    status=409,
    text_en="Rules are left out whose alerts are not resolved yet, and no event would resolve them: {rules}.",
    text_fa="قاعده‌هایی حذف شده‌اند که هشدارهای برطرف‌نشده دارند و دیگر رویدادی آن‌ها را برطرف نمی‌کند: {rules}.",
)
RULES_VERSION_UNKNOWN = RefusalType(
    code="notifications.routing_rules.version_unknown",
    status=404,
    text_en="There is no version {version} of the routing rules.",
    text_fa="قاعده‌های هشدار نسخهٔ {version} ندارد.",
)
DRY_RUN_BUSY = RefusalType(
    code="notifications.routing_rules.dry_run_busy",
    status=503,
    text_en="Another dry run is under way; ask again when it is done.",
    text_fa="یک اجرای آزمایشی دیگر در جریان است؛ پس از پایان آن دوباره درخواست کنید.",
)
PAST_UNAVAILABLE = RefusalType(
    code="notifications.routing_rules.past_unavailable",
    status=503,
    text_en="Past events cannot be read now, because the broker does not answer.",
    text_fa="کارگزار پیام پاسخ نمی‌دهد و رویدادهای گذشته اکنون خوانده نمی‌شود.",
)

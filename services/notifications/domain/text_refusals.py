"""Reasons for which a text, a digest or a reading of deliveries is refused."""

from shared.contracts.refusals import RefusalType

TEMPLATE_KIND_UNKNOWN = RefusalType(
    code="notifications.template.kind_unknown",
    status=404,
    text_en="No routing rule raises alerts of kind {kind}. Known kinds: {known}.",
    text_fa="هیچ قاعده‌ای هشداری از نوع {kind} نمی‌سازد. نوع‌های شناخته‌شده: {known}.",
)
TEMPLATE_RULE_UNKNOWN = RefusalType(
    code="notifications.template.rule_unknown",
    status=422,
    text_en="No routing rule {rule_id} raises alerts of kind {kind}. Those that do: {known}.",
    text_fa="قاعدهٔ {rule_id} هشداری از نوع {kind} نمی‌سازد. قاعده‌هایی که می‌سازند: {known}.",
)
TEMPLATE_VERSION_CHANGED = RefusalType(
    code="notifications.template.version_changed",
    status=409,
    text_en="Somebody else has saved version {version} meanwhile; please read it and save again.",
    text_fa="در این میان کس دیگری نسخهٔ {version} را ذخیره کرده است؛ لطفاً آن را ببینید و دوباره ذخیره کنید.",
)
TEMPLATE_DOES_NOT_PARSE = RefusalType(
    code="notifications.template.does_not_parse",
    status=422,
    text_en="Line {line}: the template does not parse: {problem}",
    text_fa="سطر {line}: قالب خوانده نمی‌شود: {problem}",
)
TEMPLATE_BLOCK_MISSING = RefusalType(
    code="notifications.template.block_missing",
    status=422,
    text_en="Line {line}: the template needs the block {block} exactly once.",
    text_fa="سطر {line}: قالب باید بلوک {block} را درست یک بار داشته باشد.",
)
TEMPLATE_CONSTRUCT_NOT_ALLOWED = RefusalType(
    code="notifications.template.construct_not_allowed",
    status=422,
    text_en="Line {line}: a template may not contain this: {construct}. It may show values, choose with if, and loop once "
    "over a field.",
    text_fa="سطر {line}: این در قالب مجاز نیست: {construct}. قالب می‌تواند مقدارها را نشان دهد، با if برگزیند و یک بار روی "
    "یک فیلد بچرخد.",
)
TEMPLATE_FILTER_UNKNOWN = RefusalType(
    code="notifications.template.filter_unknown",
    status=422,
    text_en="Line {line}: there is no filter {filter}. Known filters: {known}.",
    text_fa="سطر {line}: صافی {filter} نیست. صافی‌های شناخته‌شده: {known}.",
)
TEMPLATE_FIELD_UNKNOWN = RefusalType(
    code="notifications.template.field_unknown",
    status=422,
    text_en="Line {line}: there is no field {field} here. Known fields: {known}.",
    text_fa="سطر {line}: فیلد {field} در اینجا نیست. فیلدهای شناخته‌شده: {known}.",
)
TEMPLATE_FAILS = RefusalType(
    code="notifications.template.fails",
    status=422,
    text_en="Line {line}: the template fails with a sample event: {problem}",
    text_fa="سطر {line}: قالب با یک رویداد نمونه شکست می‌خورد: {problem}",
)
TEMPLATE_SHORT_TOO_LONG = RefusalType(
    code="notifications.template.short_too_long",
    status=422,
    text_en="Line {line}: the block short takes {units} characters with a sample event; at most {units_max} fit beside a link.",
    text_fa="سطر {line}: بلوک short با یک رویداد نمونه {units} نویسه می‌گیرد؛ در کنار پیوند تا {units_max} نویسه جا می‌شود.",
)
DIGEST_MEMBER_UNKNOWN = RefusalType(
    code="notifications.digest.member_unknown",
    status=422,
    text_en="Nobody in {working_group} has the address {email}.",
    text_fa="در {working_group_fa} کسی با نشانی {email} نیست.",
)
INBOX_STREAMS_BUSY = RefusalType(
    code="notifications.inbox.streams_busy",
    status=503,
    text_en="Too many live inboxes are open; please read the inbox page by page and try again later.",
    text_fa="صندوق‌های زندهٔ زیادی باز است؛ لطفاً صندوق را صفحه‌به‌صفحه بخوانید و دیرتر دوباره بکوشید.",
)
EXPORT_TOO_LARGE = RefusalType(
    code="notifications.deliveries.export_too_large",
    status=422,
    text_en="More than {rows_max} rows match; please narrow the search, for example by its dates.",
    text_fa="بیش از {rows_max} سطر یافت شد؛ لطفاً جست‌وجو را تنگ‌تر کنید، برای نمونه با تاریخ.",
)

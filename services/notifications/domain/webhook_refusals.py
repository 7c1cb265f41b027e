"""Every reason for which the service says no about a webhook endpoint."""

from shared.contracts.refusals import RefusalType

SECRETS_UNUSABLE = RefusalType(
    code="notifications.webhook.secrets_unusable",
    status=503,
    text_en="Webhook keys can be neither sealed nor opened on this machine: {problem}.",
    text_fa="کلیدهای وب‌هوک روی این سرور نه مهر می‌شوند و نه گشوده: {problem}.",
)
ENDPOINT_NOT_FOUND = RefusalType(
    code="notifications.webhook.not_found",
    status=404,
    text_en="There is no webhook endpoint named {name} in your counties.",
    text_fa="نقطهٔ پایانی وب‌هوک با نام {name} در شهرستان‌های شما نیست.",
)
ENDPOINT_EXISTS = RefusalType(
    code="notifications.webhook.exists",
    status=409,
    text_en="A webhook endpoint named {name} exists already.",
    text_fa="نقطهٔ پایانی وب‌هوک با نام {name} از پیش هست.",
)
ENDPOINT_NEEDS_PROVINCE = RefusalType(
    code="notifications.webhook.province_only",
    status=403,
    text_en="An endpoint of the province needs access to all counties.",
    text_fa="نقطهٔ پایانی استانی تنها با دسترسی به همهٔ شهرستان‌ها ساخته یا دگرگون می‌شود.",
)
ENDPOINT_ADDRESS_UNSAFE = RefusalType(
    code="notifications.webhook.address_unsafe",
    status=422,
    text_en="Webhooks cannot be sent to this address: {problem}.",
    text_fa="به این نشانی وب‌هوک فرستاده نمی‌شود: {problem_fa}.",
)
ENDPOINT_KEYS_TOO_MANY = RefusalType(
    code="notifications.webhook.keys_too_many",
    status=409,
    text_en="The endpoint signs with {keys_max} pairs of keys already; wait until one has ended.",
    text_fa="این نقطهٔ پایانی هم‌اکنون با {keys_max} جفت کلید امضا می‌کند؛ تا پایان یکی از آنها شکیبا باشید.",
)
ENDPOINT_IS_DISABLED = RefusalType(
    code="notifications.webhook.disabled",
    status=409,
    text_en="The endpoint is switched off; switch it on before its missed messages are sent again.",
    text_fa="این نقطهٔ پایانی خاموش است؛ پیش از فرستادن دوبارهٔ پیام‌های ازدست‌رفته آن را روشن کنید.",
)

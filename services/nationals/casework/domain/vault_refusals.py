"""How the contact vault, erasure and retention say no, in Persian and English."""

from shared.contracts.refusals import RefusalType

KEY_UNUSABLE = RefusalType(
    "nationals.vault.key_unusable",
    503,
    "Contact details can be neither written nor read, because the vault's master key is not usable ({problem}). Whoever runs the "
    "service must give it: PAYESH_CASEWORK_VAULT_KEY_FILE names a file of lines `version base64-of-32-bytes`, readable by the "
    "service's account alone (chmod 600). Nothing was done.",
    "جزئیات تماس نه ثبت می‌شود و نه خوانده، زیرا کلید اصلی گاوصندوق قابل استفاده نیست ({problem}). بهره‌بردار سامانه باید آن را "
    "فراهم کند: PAYESH_CASEWORK_VAULT_KEY_FILE پرونده‌ای را نام می‌برد با سطرهای «نسخه و base64 از ۳۲ بایت» که تنها حساب سرویس "
    "آن را می‌خواند (chmod 600). کاری انجام نشد.",
)
UNREADABLE = RefusalType(
    "nationals.vault.unreadable",
    409,
    "The contact details of this case cannot be opened: they were changed outside this software, or sealed with another master "
    "key. Tell whoever runs the service; the household can give them anew.",
    "جزئیات تماس این پرونده باز نمی‌شود: بیرون از این نرم‌افزار تغییر کرده یا با کلید اصلی دیگری بسته شده است. بهره‌بردار سامانه را "
    "آگاه کنید؛ خانوار می‌تواند آن‌ها را از نو بدهد.",
)
CASE_HAS_ENDED = RefusalType(
    "nationals.vault.case_has_ended",
    409,
    "The case has ended, and with it the purpose of contact details; none are taken any more.",
    "پرونده پایان یافته و با آن هدف نگهداری جزئیات تماس نیز؛ دیگر ثبت نمی‌شود.",
)
CASE_ERASED = RefusalType(
    "nationals.case.erased",
    409,
    "The case's texts and reference are erased; there is nothing left to hold.",
    "متن‌ها و شناسهٔ این پرونده پاک شده است؛ چیزی برای نگه داشتن نمانده است.",
)
ALREADY_HELD = RefusalType(
    "nationals.retention.held",
    409,
    "The records of this case are held already; releasing that hold first would satisfy it.",
    "سوابق این پرونده هم‌اکنون نگه داشته شده است؛ نخست برداشتن همان نگهداشت این شرط را برآورده می‌کند.",
)
HOLD_NOT_FOUND = RefusalType(
    "nationals.retention.hold_not_found",
    404,
    "There is no such running hold on the records of this case.",
    "چنین نگهداشتِ در جریانی بر سوابق این پرونده نیست.",
)

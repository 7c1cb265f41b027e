"""Why a change of a service centre is refused, in Persian and English."""

from shared.contracts.refusals import RefusalType

SERVICE_CENTRE_NOT_FOUND = RefusalType(
    "nationals.service_centre.not_found",
    404,
    "There is no such service centre in the counties of your role.",
    "چنین مرکز خدماتی در شهرستان‌های حوزهٔ نقش شما نیست.",
)
SERVICE_CENTRE_EXISTS = RefusalType(
    "nationals.service_centre.exists",
    409,
    "The county already has a service centre of that name.",
    "این شهرستان مرکز خدماتی با همین نام دارد.",
)
WEEKDAY_REPEATED = RefusalType(
    "nationals.service_centre.weekday_repeated",
    422,
    "A weekday has one line of opening hours; give each weekday once.",
    "هر روز هفته یک سطر ساعت کار دارد؛ هر روز را یک بار بنویسید.",
)
CLOSES_BEFORE_OPENING = RefusalType(
    "nationals.service_centre.closes_before_opening",
    422,
    "On {weekday} the closing time is not after the opening time.",
    "در روز {weekday} ساعت پایان کار پس از ساعت آغاز نیست.",
)
SERVICE_NOT_OFFERED = RefusalType(
    "nationals.service_centre.service_not_offered",
    409,
    "This centre does not offer the service {service}; add it to the centre first.",
    "این مرکز خدمت {service} را ارائه نمی‌کند؛ نخست آن را به مرکز بیفزایید.",
)

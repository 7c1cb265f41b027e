"""Why stock declarations and needs are refused. Codes are stable; texts are for people."""

from shared.contracts.refusals import RefusalType

COMMODITY_UNKNOWN = RefusalType(
    "warehouse.stock.commodity_unknown",
    422,
    "«{commodity}» is not an essential good here. Known are: {commodities}.",
    "«{commodity}» در فهرست کالاهای اساسی نیست. فهرست: {commodities}.",
)
UNIT_UNKNOWN = RefusalType(
    "warehouse.stock.unit_unknown",
    422,
    "{commodity} is not counted in «{unit}». Its units are: {units}.",
    "واحد «{unit}» برای {commodity} شناخته نیست. واحدهای آن: {units}.",
)
DECLARED_IN_FUTURE = RefusalType(
    "warehouse.stock.declared_in_future",
    422,
    "A stock cannot be declared for a day after today ({today}).",
    "موجودی را نمی‌توان برای روزی پس از امروز ({today}) اظهار کرد.",
)
STOCK_TOO_LARGE = RefusalType(
    "warehouse.stock.too_large",
    422,
    "No site holds more than {tonnes_max} tonnes; check the unit.",
    "هیچ انباری بیش از {tonnes_max} تن جا ندارد؛ واحد را بررسی کنید.",
)
NEED_WITHOUT_GAP = RefusalType(
    "warehouse.need.without_gap",
    422,
    "A stock must recover above ({recovered_above_days} days) where it is low ({low_below_days} days).",
    "مرز بازگشت ({recovered_above_days} روز) باید بالاتر از مرز کمبود ({low_below_days} روز) باشد.",
)

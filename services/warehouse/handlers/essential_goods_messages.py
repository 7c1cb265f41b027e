"""What stock declarations and needs are asked and what they answer."""

from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from services.warehouse.handlers.messages import Message
from shared.contracts.counties import County

QUANTITY_MAX = 1_000_000_000
COVER_DAYS_MAX = 1_000
TONNES_PER_DAY_MAX = 1_000_000

Quantity = Annotated[Decimal, Field(ge=0, le=QUANTITY_MAX, decimal_places=3, allow_inf_nan=False)]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Days = Annotated[Decimal, Field(gt=0, le=COVER_DAYS_MAX, decimal_places=3, allow_inf_nan=False)]
TonnesPerDay = Annotated[Decimal, Field(gt=0, le=TONNES_PER_DAY_MAX, decimal_places=3, allow_inf_nan=False)]


class DeclarationBody(Message):
    """What is in a site on a day. A figure of more than three decimals is refused, never rounded."""

    commodity: Key
    quantity: Quantity
    unit: Key
    declared_on: date


class DeclareStock(DeclarationBody):
    warehouse_id: UUID


class StockDeclared(BaseModel):
    """`newest`: no declaration of the site is for a later day, so this one is what counts; unless it has `expired`."""

    declaration_id: UUID
    tonnes: float
    newest: bool
    expired: bool


class NeedBody(Message):
    """What a county needs a day from `valid_from` on, and the days of cover between which its state stays as it is."""

    tonnes_per_day: TonnesPerDay
    low_below_days: Days
    recovered_above_days: Days
    valid_from: date


class SetEssentialNeed(NeedBody):
    county: County
    commodity: Key


class EssentialNeedSet(BaseModel):
    """`in_force`: it applies now; else it starts on its day, or a later one has replaced it already."""

    need_id: UUID
    in_force: bool

"""Deliveries as a file in Persian, for offices that keep or print who was told what."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Final

from services.notifications.domain.terms import term
from services.notifications.store.searching import DeliveryLine
from shared.persian.calendar import OFFICE_ZONE, jalali_text
from shared.spreadsheet import export

SHEET_NAME: Final = "پیام‌ها"
_COLUMNS: Final[tuple[tuple[str, Callable[[DeliveryLine], str | float | None]], ...]] = (
    ("زمان", lambda line: _moment(line.created_at)),
    ("شهرستان", lambda line: line.county.label_fa),
    ("نوع هشدار", lambda line: term(line.kind, "fa")),
    ("اهمیت", lambda line: term(line.severity, "fa")),
    ("دربارهٔ", lambda line: line.subject_id),
    ("شناسه انبار", lambda line: line.registry_id),
    ("گیرنده", lambda line: line.recipient_name),
    ("نشانی گیرنده", lambda line: line.recipient),
    ("راه ارسال", lambda line: term(line.channel, "fa")),
    ("گام", lambda line: line.step + 1),
    ("نتیجه", lambda line: term(line.state, "fa")),
    ("شمار تلاش", lambda line: line.attempts),
    ("زمان نتیجه", lambda line: _moment(line.settled_at)),
    ("خطا", lambda line: line.last_error),
    ("نسخهٔ متن", lambda line: line.text_version),
    ("وضعیت هشدار", lambda line: None if line.alert_state is None else term(line.alert_state, "fa")),
    ("تأییدکننده", lambda line: line.acknowledged_by),
    ("زمان تأیید", lambda line: _moment(line.acknowledged_at)),
    ("شناسه هشدار", lambda line: None if line.alert_id is None else str(line.alert_id)),
    ("شناسه ارسال", lambda line: str(line.delivery_id)),
)
_HEADINGS: Final = tuple(heading for heading, _ in _COLUMNS)

Pages = AsyncIterator[Sequence[DeliveryLine]]


def as_csv(pages: Pages) -> AsyncGenerator[bytes]:
    """See `shared.spreadsheet.export`; times are Jalali, in Asia/Tehran."""
    return export.as_csv(_HEADINGS, _rows(pages))


def as_xlsx(pages: Pages) -> AsyncGenerator[bytes]:
    """See `shared.spreadsheet.export`; times are Jalali, in Asia/Tehran."""
    return export.as_xlsx(SHEET_NAME, _HEADINGS, _rows(pages))


async def _rows(pages: Pages) -> AsyncGenerator[export.Rows]:
    async for lines in pages:
        yield [[value(line) for _, value in _COLUMNS] for line in lines]


def _moment(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    local = moment.astimezone(OFFICE_ZONE)
    return f"{jalali_text(local.date())} {local:%H:%M:%S}"

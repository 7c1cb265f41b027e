"""Counting visits without identity, estimating need, and publishing a month once it is over."""

import re
from datetime import date, time
from uuid import UUID

from pydantic import BaseModel

from services.nationals.free_services.domain import figure_refusals as refusals
from services.nationals.free_services.domain.calendar import YEAR_MAX, YEAR_MIN, JalaliMonth
from services.nationals.free_services.domain.centre_refusals import SERVICE_NOT_OFFERED
from services.nationals.free_services.domain.figures import (
    TOTAL,
    CorrectionReason,
    EstimateSource,
    Position,
    PublishedCell,
    TallyMeasure,
    publish,
)
from services.nationals.free_services.handlers.service_centres import require_centre
from services.nationals.free_services.store import figures as store
from services.nationals.free_services.store import service_centres as centre_store
from services.nationals.free_services.store.figures import TallyKey
from shared.contracts.counties import County
from shared.contracts.free_services import (
    FreeService,
    ServiceDemandRecorded,
    ServiceGapClosed,
    ServiceGapFound,
)
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Transaction
from shared.persian.calendar import office_date, office_moment

SOURCE_DIGITS_MAX = 9
_SOURCE_DOCUMENT = re.compile(r"[A-Z]{1,6}(-[0-9]{1,6}){1,2}", re.ASCII)


class RecordTally(BaseModel):
    """`reason`: of a correction; None for a day's first count."""

    service_centre_id: UUID
    service: FreeService
    counted_on: date
    measure: TallyMeasure
    count: int
    reason: CorrectionReason | None = None


class TallyRecorded(BaseModel):
    revision: int
    count: int


class EnterEstimate(BaseModel):
    county: County
    service: FreeService
    jalali_year: int
    jalali_month: int
    visits: int
    source: EstimateSource
    source_document: str


class EstimateEntered(BaseModel):
    revision: int


class PublishMonth(BaseModel):
    jalali_year: int
    jalali_month: int


class MonthPublished(BaseModel):
    jalali_year: int
    jalali_month: int
    figures_shown: int
    figures_hidden: int


async def record_tally(command: RecordTally, tx: Transaction) -> TallyRecorded:
    """Record a day's count, or with a reason correct it; nothing is overwritten. Raises Refusal: 404, 409, 422."""
    centre = await require_centre(command.service_centre_id, tx)
    offers = (await centre_store.read_offers(tx.connection, [centre.service_centre_id])).get(
        centre.service_centre_id, []
    )
    if all(offer.service is not command.service for offer in offers):
        raise Refusal(SERVICE_NOT_OFFERED, service=command.service.value)
    if command.counted_on > office_date(tx.now):
        raise Refusal(refusals.TALLY_IN_FUTURE)
    key = TallyKey(centre.service_centre_id, command.service, command.counted_on, command.measure)
    revision = await store.latest_revision(tx.connection, key)
    if command.reason is None and revision > 0:
        raise Refusal(refusals.TALLY_EXISTS)
    if command.reason is not None and revision == 0:
        raise Refusal(refusals.TALLY_NOT_FOUND)
    await store.insert_tally(
        tx.connection, key, centre.county, revision + 1, command.count, command.reason, tx.principal.subject
    )
    await tx.publish(
        ServiceDemandRecorded(
            service_centre_id=centre.service_centre_id,
            county=centre.county,
            service=command.service,
            counted_on=command.counted_on,
            corrected=command.reason is not None,
        )
    )
    return TallyRecorded(revision=revision + 1, count=command.count)


async def enter_estimate(command: EnterEstimate, tx: Transaction) -> EstimateEntered:
    """Enter a county's estimated need of a service in a month, with its source; the newest counts. Raises Refusal: 422."""
    month = require_month(command.jalali_year, command.jalali_month)
    digits = sum(character.isdigit() for character in command.source_document)
    if _SOURCE_DOCUMENT.fullmatch(command.source_document) is None or digits > SOURCE_DIGITS_MAX:
        raise Refusal(refusals.SOURCE_NOT_A_DOCUMENT)
    await store.lock_estimates(tx.connection, command.county)
    revision = await store.insert_estimate(
        tx.connection,
        command.county,
        command.service,
        month,
        command.visits,
        command.source,
        command.source_document,
        tx.principal.subject,
    )
    return EstimateEntered(revision=revision)


async def publish_month(command: PublishMonth, tx: Transaction) -> MonthPublished:
    """Publish a month that is over: small cells and their complements are hidden for good. Raises Refusal: 403, 409, 422.

    Needs the whole province: hiding is only safe when every figure and every total is judged together.
    """
    month = require_month(command.jalali_year, command.jalali_month)
    if tx.principal.counties != frozenset(County):
        raise Refusal(refusals.PROVINCE_ONLY)
    if not month.is_over(tx.now):
        raise Refusal(refusals.MONTH_NOT_OVER)
    if not await store.insert_publication(tx.connection, month, tx.principal.subject):
        raise Refusal(refusals.MONTH_PUBLISHED)
    from_at, to_at = office_moment(month.first_day, time()), office_moment(month.after_last_day, time())
    figures = publish(await store.read_cells(tx.connection, month, from_at, to_at))
    await store.insert_published(tx.connection, month, figures)
    await _announce_gaps(month, figures, tx)
    hidden = sum(cell.need is None or cell.slots_used is None for cell in figures.values())
    return MonthPublished(
        jalali_year=month.year,
        jalali_month=month.month,
        figures_shown=len(figures) - hidden,
        figures_hidden=hidden,
    )


def require_month(jalali_year: int, jalali_month: int) -> JalaliMonth:
    """The month. Raises Refusal (422)."""
    try:
        return JalaliMonth(jalali_year, jalali_month)
    except ValueError as error:
        raise Refusal(refusals.MONTH_UNKNOWN, year_min=YEAR_MIN, year_max=YEAR_MAX) from error


async def _announce_gaps(month: JalaliMonth, figures: dict[Position, PublishedCell], tx: Transaction) -> None:
    """What is short now and was not when last shown, and the other way round; from published figures, in months' order."""
    if not await store.is_newest_published(tx.connection, month):
        return
    before = await store.read_earlier_shortages(tx.connection, month)
    for (area, service), cell in sorted(figures.items()):
        if TOTAL in (area, service) or cell.shortage is None:
            continue
        was_short = before.get((area, service), 0) > 0
        if was_short == (cell.shortage > 0):
            continue
        event_type = ServiceGapFound if cell.shortage else ServiceGapClosed
        await tx.publish(
            event_type(
                county=County(area),
                service=FreeService(service),
                jalali_year=month.year,
                jalali_month=month.month,
            )
        )

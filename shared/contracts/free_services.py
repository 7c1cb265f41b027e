"""Events of the free services: places, partners, permits and figures; nothing about a person, nothing in common with a case."""

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from shared.contracts.base import Event, Stream
from shared.contracts.counties import County

PARTNERS = Stream("nationals", "partners", key_field="partner_id")
SUPPORT_REQUESTS = Stream("nationals", "support-requests", key_field="request_id")
WORK_PERMITS = Stream("nationals", "work-permits", key_field="permit_id")
SERVICE_CENTRES = Stream("nationals", "service-centres", key_field="service_centre_id")
SERVICE_FIGURES = Stream("nationals", "service-figures", key_field="county")

ReportPeriodKey = Annotated[str, Field(pattern=r"^1[34][0-9]{2}-([01][0-9]|Q[1-4])$")]
"""A Jalali month, ``1405-07``, or a Jalali quarter, ``1405-Q3``."""


class FreeService(StrEnum):
    """What a service centre or a partner offers; all of it is free to everybody."""

    ADMINISTRATIVE = "administrative"
    EDUCATION = "education"
    LIVELIHOOD = "livelihood"
    HEALTH_REFERRAL = "health_referral"
    LEGAL_AID = "legal_aid"


class _PartnerEvent(Event):
    stream: ClassVar[Stream] = PARTNERS
    partner_id: UUID
    agreement_id: UUID
    county: County
    """The partner's home county; the agreement may cover more."""


class PartnerReportReceived(_PartnerEvent):
    """The report of a period came, or a corrected one (`report_version` above 1). The figures stay in the service."""

    period: ReportPeriodKey
    report_version: int


class PartnerReportLate(_PartnerEvent):
    """The report of a period has not come by its due date."""

    period: ReportPeriodKey
    due_on: date


class PartnerAgreementExpiring(_PartnerEvent):
    """The agreement ends soon: renew it, or plan without it."""

    valid_until: date


class PartnerAgreementRenewed(_PartnerEvent):
    valid_until: date


class PartnerAgreementEnded(_PartnerEvent):
    """The agreement's last day has passed without a renewal."""

    valid_until: date


class SupportKind(StrEnum):
    """What the province asks a partner for. Goods are transported; people never are."""

    SPACE = "space"
    STAFF = "staff"
    MATERIALS = "materials"
    TRAINING = "training"
    TRANSPORT_OF_GOODS = "transport_of_goods"


class SupportState(StrEnum):
    """Where a support request stands."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    UNDER_WAY = "under_way"
    DELIVERED = "delivered"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


class _SupportRequestEvent(Event):
    stream: ClassVar[Stream] = SUPPORT_REQUESTS
    request_id: UUID
    partner_id: UUID
    county: County
    support: SupportKind
    needed_by: date


class SupportRequestChanged(_SupportRequestEvent):
    """The request was made, or took a step."""

    state: SupportState


class SupportRequestUnanswered(_SupportRequestEvent):
    """The partner has neither accepted nor declined in time."""


class _WorkPermitEvent(Event):
    """Nothing of a holder is recorded anywhere, so nothing of one can be told."""

    stream: ClassVar[Stream] = WORK_PERMITS
    permit_id: UUID
    county: County
    valid_until: date


class WorkPermitExpiring(_WorkPermitEvent):
    """The permit ends soon: its employer is to be reminded to renew it."""


class WorkPermitRenewed(_WorkPermitEvent):
    """`valid_until` is the new last day."""


class WorkPermitExpired(_WorkPermitEvent):
    """The last day has passed without a renewal: the reminder ends. No step against anybody follows from it."""


class _ServiceCentreEvent(Event):
    stream: ClassVar[Stream] = SERVICE_CENTRES
    service_centre_id: UUID
    county: County


class ServiceCentreOpened(_ServiceCentreEvent):
    pass


class ServiceOfferChanged(_ServiceCentreEvent):
    """Absolute state after the change."""

    service: FreeService
    active: bool
    capacity_per_slot: int
    slot_minutes: int


class ServiceDemandRecorded(_ServiceCentreEvent):
    """A day's tally was entered or corrected. The count stays in the service: a count of one visit would be a small cell."""

    service: FreeService
    counted_on: date
    corrected: bool


class ServiceWaitingMeasured(_ServiceCentreEvent):
    """How far away the next free slot was, measured once a day. No count of persons."""

    service: FreeService
    measured_on: date
    days_until_free: int
    """Days until the next free slot; the length of the planned time where nothing in it is free."""


class _ServiceGapEvent(Event):
    stream: ClassVar[Stream] = SERVICE_FIGURES
    county: County
    service: FreeService
    jalali_year: int
    jalali_month: int
    """The month whose published figures show it; figures that are hidden raise no event."""


class ServiceGapFound(_ServiceGapEvent):
    """The published need of a county is above its supply, and was not when it was last shown."""


class ServiceGapClosed(_ServiceGapEvent):
    """The published need of a county is no longer above its supply."""

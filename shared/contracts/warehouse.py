"""Events owned by the warehouse service, and the codes that its readers and senders share.

Every figure is a finite number of 0 or more, rounded to 3 decimals: tonnes to the kilogram, square metres to the
thousandth. Sums are made in decimals, so that the order of the events never shows in them.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, Literal
from uuid import UUID

from shared.contracts.base import Event, Stream
from shared.contracts.counties import County

SITES = Stream("warehouse", "sites", key_field="warehouse_id")
INSPECTIONS = Stream("warehouse", "inspections", key_field="inspection_id")
CORRECTIVE_ACTIONS = Stream("warehouse", "corrective-actions", key_field="action_id")
ESSENTIAL_STOCK = Stream("warehouse", "essential-stock", key_field="stock_id")


class WarehouseKind(StrEnum):
    GENERAL = "general"
    COLD_STORE = "cold_store"
    SILO = "silo"
    TANK = "tank"
    HAZARDOUS = "hazardous"
    BONDED = "bonded"
    PHARMACEUTICAL = "pharmaceutical"
    DISTRIBUTION_CENTRE = "distribution_centre"
    OPEN_YARD = "open_yard"


class Verdict(StrEnum):
    """Outcome of comparing what is registered with what is there."""

    CONFIRMED = "confirmed"
    DIFFERS = "differs"
    MOVED = "moved"
    CLOSED = "closed"
    UNREGISTERED_FOUND = "unregistered_found"
    DUPLICATE = "duplicate"
    NEEDS_RECOUNT = "needs_recount"


class Severity(StrEnum):
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


class HoldGround(StrEnum):
    BIOLOGICAL_HAZARD = "biological_hazard"
    SMUGGLING_SUSPICION = "smuggling_suspicion"


class ChecklistItem(StrEnum):
    """The checklist, version 1. A submission answers every item once."""

    ACCESS_AND_COMPOUND = "access_and_compound"
    STRUCTURE = "structure"
    STORAGE_RULES = "storage_rules"
    FIRE_SAFETY = "fire_safety"
    VISUAL_MONITORING = "visual_monitoring"
    STAFF_TRAINING = "staff_training"
    PASSIVE_DEFENCE = "passive_defence"
    HYGIENE_AND_BIOLOGICAL_HAZARD = "hygiene_and_biological_hazard"
    STOCK_RECORDS = "stock_records"


class RowReason(StrEnum):
    """Why a row of a registry file is refused; stable, as clerks' tools read it."""

    VALUE_MISSING = "value_missing"
    VALUE_TOO_LONG = "value_too_long"
    NOT_TEXT = "not_text"
    NOT_A_NUMBER = "not_a_number"
    NEGATIVE = "negative"
    TOO_LARGE = "too_large"
    AREA_ZERO_WITH_CAPACITY = "area_zero_with_capacity"
    COUNTY_UNKNOWN = "county_unknown"
    KIND_UNKNOWN = "kind_unknown"
    STATUS_UNKNOWN = "status_unknown"
    PROVINCE_NOT_TEHRAN = "province_not_tehran"
    POSTAL_CODE_NOT_TEN_DIGITS = "postal_code_not_ten_digits"
    OPERATOR_ID_NOT_ELEVEN_DIGITS = "operator_id_not_eleven_digits"
    COORDINATE_INCOMPLETE = "coordinate_incomplete"
    COORDINATE_OUTSIDE_PROVINCE = "coordinate_outside_province"
    DATE_UNREADABLE = "date_unreadable"
    DATE_IN_FUTURE = "date_in_future"
    REGISTRY_ID_REPEATED = "registry_id_repeated"
    """The same row again: the first is taken, this one is not."""
    REGISTRY_ID_CONFLICT = "registry_id_conflict"
    """Several rows claim one id and differ: none of them is taken."""
    OPEN_WORK_IN_COUNTY = "open_work_in_county"
    """The row moves a site to another county while its present county has open work on it."""
    OLDER_THAN_STORED = "older_than_stored"
    """The row's registry update date lies before the one that is stored."""
    CELL_ERROR = "cell_error"
    """The cell holds a formula's error, or a formula without a result."""
    TOO_MANY_CELLS = "too_many_cells"
    """A row of a text file has more cells than its header, so its cells may have slipped."""
    PERSONAL_ID = "personal_id"
    """The cell holds a natural person's national id; its value is repeated nowhere."""


class WarehouseRegistered(Event):
    stream: ClassVar[Stream] = SITES
    warehouse_id: UUID
    registry_id: str
    county: County
    kind: WarehouseKind
    capacity_tonnes: float
    floor_area_m2: float


class WarehouseChanged(Event):
    """`*_before` lets a reader adjust sums without asking back.

    What the last completed inspection found moves with a site that changes its county; it is 0 and False where
    there was none. `registry_id`: its new one, where that changed.
    """

    stream: ClassVar[Stream] = SITES
    warehouse_id: UUID
    county: County
    county_before: County
    capacity_tonnes: float
    capacity_tonnes_before: float
    changed_fields: tuple[str, ...]
    is_inspected: bool = False
    verified_capacity_tonnes: float = 0.0
    in_use_capacity_tonnes: float = 0.0
    is_within_interval: bool = False
    caused_by_inspection_id: UUID | None = None
    """The inspection from which the change follows, where a person accepted it from the field; None: the register's own."""
    registry_id: str | None = None


class InspectionScheduled(Event):
    """`recount_of`: the inspection whose count this one repeats."""

    stream: ClassVar[Stream] = INSPECTIONS
    inspection_id: UUID
    warehouse_id: UUID
    county: County
    due_on: date
    recount_of: UUID | None = None


class InspectionReassigned(Event):
    """The inspection went to another inspector; who they are stays in the service."""

    stream: ClassVar[Stream] = INSPECTIONS
    inspection_id: UUID
    warehouse_id: UUID
    county: County
    due_on: date


class InspectionPostponed(Event):
    stream: ClassVar[Stream] = INSPECTIONS
    inspection_id: UUID
    warehouse_id: UUID
    county: County
    due_on: date
    due_on_before: date


class InspectionCompleted(Event):
    """Published when a reviewer approves. `*_before`: what the last completed inspection of the site had found (0 if none)."""

    stream: ClassVar[Stream] = INSPECTIONS
    inspection_id: UUID
    warehouse_id: UUID
    county: County
    verdict: Verdict
    is_first_of_site: bool
    verified_capacity_tonnes: float
    verified_capacity_tonnes_before: float
    in_use_capacity_tonnes: float
    in_use_capacity_tonnes_before: float
    failed_items: int
    inspected_at: datetime
    enters_interval: bool = False
    """The site was not within its inspection interval before (never inspected, or lapsed) and is now."""


class DiscrepancyFound(Event):
    stream: ClassVar[Stream] = SITES
    discrepancy_id: UUID
    warehouse_id: UUID
    inspection_id: UUID
    county: County
    verdict: Verdict
    fields: tuple[str, ...]


class DiscrepancyResolved(Event):
    stream: ClassVar[Stream] = SITES
    discrepancy_id: UUID
    warehouse_id: UUID
    county: County


class CorrectiveActionOpened(Event):
    stream: ClassVar[Stream] = CORRECTIVE_ACTIONS
    action_id: UUID
    warehouse_id: UUID
    inspection_id: UUID
    county: County
    item: str
    severity: Severity
    due_at: datetime


class CorrectiveActionOverdue(Event):
    stream: ClassVar[Stream] = CORRECTIVE_ACTIONS
    action_id: UUID
    warehouse_id: UUID
    county: County
    severity: Severity
    due_at: datetime


class CorrectiveActionExtended(Event):
    """A person gave an open action more time. `was_overdue`: it had been announced as overdue and no longer is."""

    stream: ClassVar[Stream] = CORRECTIVE_ACTIONS
    action_id: UUID
    warehouse_id: UUID
    county: County
    severity: Severity
    due_at: datetime
    was_overdue: bool


class CorrectiveActionReopened(Event):
    """What was closed with evidence is not mended; it is open again, with a new due time."""

    stream: ClassVar[Stream] = CORRECTIVE_ACTIONS
    action_id: UUID
    warehouse_id: UUID
    county: County
    severity: Severity
    due_at: datetime


class CorrectiveActionResolved(Event):
    stream: ClassVar[Stream] = CORRECTIVE_ACTIONS
    action_id: UUID
    warehouse_id: UUID
    county: County
    was_overdue: bool


class WarehousePutOnHold(Event):
    stream: ClassVar[Stream] = SITES
    hold_id: UUID
    warehouse_id: UUID
    county: County
    ground: HoldGround
    referred_to: Literal["health_authority", "anti_smuggling_commission"]


class EssentialStockLow(Event):
    """A county's declared stock of a commodity covers fewer days than `low_below_days`. Alternates with Recovered.

    `stock_id` is ``county:commodity``; `commodity` a key of the service's catalogue. `cover_days` is rounded down.
    """

    stream: ClassVar[Stream] = ESSENTIAL_STOCK
    stock_id: str
    county: County
    commodity: str
    stock_tonnes: float
    cover_days: float
    low_below_days: float


class EssentialStockRecovered(Event):
    """A stock that was low covers more days than `recovered_above_days`, which lies above `low_below_days`."""

    stream: ClassVar[Stream] = ESSENTIAL_STOCK
    stock_id: str
    county: County
    commodity: str
    stock_tonnes: float
    cover_days: float
    recovered_above_days: float


class WarehouseHoldLifted(Event):
    stream: ClassVar[Stream] = SITES
    hold_id: UUID
    warehouse_id: UUID
    county: County
    ground: HoldGround


class SiteIntervalLapsed(Event):
    """The day on which an inspected site's next inspection was due (`due_on`) has passed without one."""

    stream: ClassVar[Stream] = SITES
    warehouse_id: UUID
    county: County
    due_on: date


class TrainingExpired(Event):
    """A training of one of the site's staff ended with `expires_on` and was not renewed; of whom is not told."""

    stream: ClassVar[Stream] = SITES
    warehouse_id: UUID
    county: County
    record_id: UUID
    course: str
    expires_on: date


class ComplianceCertificateIssued(Event):
    stream: ClassVar[Stream] = SITES
    certificate_id: UUID
    warehouse_id: UUID
    county: County
    valid_until: date


class ComplianceCertificateRevoked(Event):
    stream: ClassVar[Stream] = SITES
    certificate_id: UUID
    warehouse_id: UUID
    county: County

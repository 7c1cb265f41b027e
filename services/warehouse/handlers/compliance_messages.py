"""What passive defence, training and certificates are asked and what they answer."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from services.warehouse.domain.compliance import CertificateState, ComplianceReason, ElementState
from services.warehouse.handlers.messages import Message, ReasonBody, ReasonText
from shared.contracts.counties import County
from shared.persian.text import ascii_digits

ELEMENTS_MAX = 100

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,64}$")]


def _plain(value: object) -> object:
    return ascii_digits(value).strip().upper() if isinstance(value, str) else value


StaffReference = Annotated[
    str,
    BeforeValidator(_plain),
    StringConstraints(pattern=r"^[A-Z]{0,4}-?[0-9]{1,10}$"),
    Field(description="The site's own staff number, such as K-017; never a name or a national id."),
]
CertificateNumber = Annotated[str, BeforeValidator(_plain), StringConstraints(pattern=r"^[A-Z0-9./-]{1,40}$")]


class ElementRecord(Message):
    """What was seen of one element; `reason` only, and always, with `not_required`."""

    element: Key
    state: ElementState
    reason: ReasonText | None = None


class ElementsBody(Message):
    """Elements that are not named stay as they are. An inspector names the inspection; an officer need not."""

    elements: list[ElementRecord] = Field(min_length=1, max_length=ELEMENTS_MAX)
    inspection_id: UUID | None = None


class RecordElements(ElementsBody):
    warehouse_id: UUID


class ElementStatus(BaseModel):
    """One element of a site. `state` is None where nothing is recorded of it."""

    element: str
    label_fa: str
    label_en: str
    required: bool
    state: ElementState | None = None
    reason: str | None = None
    inspection_id: UUID | None = None
    recorded_by: str | None = None
    recorded_at: datetime | None = None


class PassiveDefence(BaseModel):
    """Every element that the site's class or kind requires, or of which something is recorded."""

    warehouse_id: UUID
    elements: list[ElementStatus]


class TrainingBody(Message):
    """One training of one member of staff, whom only the site can name."""

    staff_reference: StaffReference
    staff_role: Key
    course: Key
    certificate_number: CertificateNumber
    trained_on: date
    expires_on: date


class RecordTraining(TrainingBody):
    warehouse_id: UUID


class TrainingRecord(BaseModel):
    record_id: UUID
    warehouse_id: UUID
    staff_reference: str
    staff_role: str
    course: str
    certificate_number: str
    trained_on: date
    expires_on: date
    recorded_by: str
    recorded_at: datetime
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = None
    withdrawal_reason: str | None = None


class WithdrawTraining(ReasonBody):
    record_id: UUID


class ComplianceShortcoming(BaseModel):
    """One reason against compliance; the labels name the element or course that it is about."""

    reason: ComplianceReason
    subject: str | None = None
    label_fa: str | None = None
    label_en: str | None = None


class ComplianceStatus(BaseModel):
    warehouse_id: UUID
    compliant: bool
    shortcomings: list[ComplianceShortcoming]
    critical_actions_open: int
    holds_open: int


class CertificateBody(Message):
    """Until when a certificate shall be valid, in the calendar of the province."""

    valid_until: date


class IssueCertificate(CertificateBody):
    warehouse_id: UUID


class Certificate(BaseModel):
    """A certificate of compliance; `code` as printed, `state` today."""

    certificate_id: UUID
    code: str
    warehouse_id: UUID
    county: County
    state: CertificateState
    issued_by: str
    issued_at: datetime
    valid_until: date
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    revocation_reason: str | None = None


class RevokeCertificate(ReasonBody):
    warehouse_id: UUID
    certificate_id: UUID

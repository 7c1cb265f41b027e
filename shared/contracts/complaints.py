"""Events of the complaints office: that there is something to do, and when; never who complains or about which case."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from shared.contracts.base import DataClassification, Event, Stream
from shared.contracts.counties import County

COMPLAINTS = Stream("nationals", "complaints", key_field="complaint_id")


class ComplaintDeadline(StrEnum):
    """What the complaints office owes by a date."""

    ACKNOWLEDGEMENT = "acknowledgement"
    ANSWER = "answer"


class _ComplaintEvent(Event):
    stream: ClassVar[Stream] = COMPLAINTS
    data_classification: ClassVar[DataClassification] = "restricted"
    complaint_id: UUID
    county: County


class ComplaintReceived(_ComplaintEvent):
    acknowledge_by: datetime
    answer_by: datetime


class ComplaintAcknowledged(_ComplaintEvent):
    """The office confirmed that it has the complaint."""


class ComplaintAnswered(_ComplaintEvent):
    """The answer is written; it stays in the office."""


class ComplaintOverdue(_ComplaintEvent):
    """A deadline of the office passed. It is told again with every reminder."""

    deadline: ComplaintDeadline
    due_at: datetime
    reminder: int
    """1 for the first reminder."""
    next_reminder_at: datetime | None
    """None after the last reminder."""

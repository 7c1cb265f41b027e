"""What a household may leave so that it can be reached, for how long, and why a person may keep records longer."""

from enum import StrEnum

CONTACT_ENTRIES_MAX = 8
CONTACT_CHARACTERS_MAX = 300
SAFE_TIMES_CHARACTERS_MAX = 300


class ContactChannel(StrEnum):
    PHONE = "phone"
    MESSENGER = "messenger"
    ADDRESS_FOR_LETTERS = "address_for_letters"
    OTHER = "other"


class RetentionPurpose(StrEnum):
    """What a retention date is about; each has its own."""

    CONTACTS = "contacts"
    """To reach the household."""
    CASE = "case"
    """To account for what was done: reference and texts. States, times and counts stay; they lead to nobody."""


class ErasureCause(StrEnum):
    HOUSEHOLD_REQUEST = "household_request"
    RETENTION = "retention"


class HoldGround(StrEnum):
    """The only grounds on which a person keeps records beyond their date."""

    LEGAL_CLAIM = "legal_claim"
    COMPLAINT_OR_APPEAL = "complaint_or_appeal"
    PROTECTION_FOLLOW_UP = "protection_follow_up"
    SUPERVISION = "supervision"
    HOUSEHOLD_WISH = "household_wish"

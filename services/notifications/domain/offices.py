"""Whose people are kept here: the working groups of the counties and the provincial offices. Pure."""

from typing import Final, Literal, TypeAlias, get_args

from services.notifications.domain.rules import Audience
from shared.contracts.counties import County

OfficeName: TypeAlias = Literal[
    Audience.PROVINCE_OFFICE,
    Audience.LEGAL_OFFICE,
    Audience.APPEAL_OFFICE,
    Audience.PROTECTION_OFFICE,
    Audience.CASEWORK_SUPERVISION,
    Audience.COMPLAINTS_OFFICE,
    Audience.OPS_OFFICE,
]
GroupName: TypeAlias = County | OfficeName
OFFICES: Final[tuple[OfficeName, ...]] = get_args(OfficeName)

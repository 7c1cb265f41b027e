"""Roles that the notifications service knows, what they may read, and the lengths of its pages."""

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import Query

from services.notifications.domain.offices import GroupName, OfficeName
from services.notifications.domain.people_columns import group_label_fa
from services.notifications.domain.refusals import OFFICE_PEOPLE_HIDDEN
from services.notifications.domain.rules import Audience
from services.notifications.store.readers import Reader
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.auth import Principal
from shared.kit.http import Queries

PAGE_ITEMS_DEFAULT = 100
PAGE_ITEMS_MAX = 500

ADMINISTRATORS = ("notifications_admin",)
ACTING = (
    "member",
    "county_chair",
    "legal_officer",
    "appeal_officer",
    "protection_officer",
    "province_officer",
    "casework_supervisor",
    "complaints_officer",
    "operations_officer",
)
READING = (*ACTING, *ADMINISTRATORS, "operator")
SEEING_OFFICES = frozenset({*ADMINISTRATORS, "operator"})
OFFICE_ROLES: Final[Mapping[OfficeName, str]] = {
    Audience.PROVINCE_OFFICE: "province_officer",
    Audience.LEGAL_OFFICE: "legal_officer",
    Audience.APPEAL_OFFICE: "appeal_officer",
    Audience.PROTECTION_OFFICE: "protection_officer",
    Audience.CASEWORK_SUPERVISION: "casework_supervisor",
    Audience.COMPLAINTS_OFFICE: "complaints_officer",
    Audience.OPS_OFFICE: "operations_officer",
}

Limit = Annotated[int, Query(ge=1, le=PAGE_ITEMS_MAX)]


def reader_of(principal: Principal) -> Reader:
    """What the caller may see of alerts and deliveries; an administrator of the rules also which case an alert is about."""
    return Reader(
        principal.subject,
        sees_offices=principal.has_any_role(SEEING_OFFICES),
        sees_cases=principal.has_any_role(frozenset(ADMINISTRATORS)),
    )


def require_people_of(working_group: GroupName, queries: Queries) -> None:
    """Who works in a county's group shows to its county; who works in a provincial office to administrators and operators,
    to whoever has that office's role, and to whoever has all counties. Raises Refusal."""
    if isinstance(working_group, County):
        queries.require_county(working_group)
        return
    principal = queries.principal
    sees = principal.has_any_role(SEEING_OFFICES | {OFFICE_ROLES[working_group]})
    if not sees and principal.counties != frozenset(County):
        raise Refusal(OFFICE_PEOPLE_HIDDEN, working_group=working_group, working_group_fa=group_label_fa(working_group))

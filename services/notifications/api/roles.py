"""Roles that the notifications service knows, what they may read, and the lengths of its pages."""

from typing import Annotated

from fastapi import Query

from services.notifications.store.readers import Reader
from shared.kit.auth import Principal

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

Limit = Annotated[int, Query(ge=1, le=PAGE_ITEMS_MAX)]


def reader_of(principal: Principal) -> Reader:
    """What the caller may see of alerts and deliveries; an administrator of the rules also which case an alert is about."""
    return Reader(
        principal.subject,
        sees_offices=principal.has_any_role(SEEING_OFFICES),
        sees_cases=principal.has_any_role(frozenset(ADMINISTRATORS)),
    )

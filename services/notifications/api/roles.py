"""Roles that the notifications service knows, and the lengths of its pages."""

from typing import Annotated

from fastapi import Query

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

Limit = Annotated[int, Query(ge=1, le=PAGE_ITEMS_MAX)]

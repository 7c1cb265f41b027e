"""The fields of a registry file, and what a cell of it can be."""

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeAlias

Cell: TypeAlias = str | int | float | bool | date | datetime | time | timedelta | None


class Column(StrEnum):
    """A field that a registry file can carry."""

    REGISTRY_ID = "registry_id"
    NAME = "name"
    KIND = "kind"
    COUNTY = "county"
    PROVINCE = "province"
    ADDRESS = "address"
    POSTAL_CODE = "postal_code"
    FLOOR_AREA_M2 = "floor_area_m2"
    CAPACITY_TONNES = "capacity_tonnes"
    LATITUDE = "latitude"
    LONGITUDE = "longitude"
    OPERATOR = "operator"
    OPERATOR_ID = "operator_id"
    STATUS = "status"
    UPDATED_ON = "updated_on"


REQUIRED_COLUMNS = (
    Column.REGISTRY_ID,
    Column.NAME,
    Column.KIND,
    Column.COUNTY,
    Column.FLOOR_AREA_M2,
    Column.CAPACITY_TONNES,
)
TEN_DIGIT_COLUMNS = frozenset({Column.REGISTRY_ID, Column.POSTAL_CODE, Column.ADDRESS})
"""Columns that rightly hold numbers of ten digits."""

"""HTTP of the warehouse service: a module for each kind of work, all under one router."""

from fastapi import APIRouter

from services.warehouse.api import (
    central,
    compliance,
    essential_goods,
    follow_ups,
    openrosa,
    photos,
    planning,
    proposals,
    reading,
    registry,
    reviews,
    submissions,
)

router = APIRouter()
for module in (
    registry,
    submissions,
    openrosa,
    central,
    photos,
    follow_ups,
    essential_goods,
    reading,
    compliance,
    planning,
    reviews,
    proposals,
):
    router.include_router(module.router)

"""HTTP of this compartment: one module per kind of work."""

from fastapi import APIRouter

router = APIRouter()

"""HTTP of the voluntary stage: private hearings, reconfirmation, departure. Nothing here lists, counts or compares departures."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.nationals.casework.domain.case_facts import InterpreterRelation
from services.nationals.casework.domain.household import HOUSEHOLD_SIZE_MAX
from services.nationals.casework.handlers import departures, hearings
from shared.kit.http import Commands, allow

router = APIRouter()

Caseworker = Annotated[Commands, Depends(allow("caseworker"))]
Listener = Annotated[Commands, Depends(allow("caseworker", "protection_officer"))]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$", description="ISO 639 code")]


class InterpreterBody(BaseModel):
    relation: InterpreterRelation


class HearingBody(BaseModel):
    """There is no field for what was said."""

    person_number: int = Field(ge=1, le=HOUSEHOLD_SIZE_MAX, description="1..adults are the adults")
    language: Language
    interpreter: InterpreterBody = InterpreterBody(relation=InterpreterRelation.NONE)


class ReconfirmationBody(BaseModel):
    language: Language
    interpreter: InterpreterBody


@router.post("/cases/{case_id}/private-hearings", status_code=201)
async def hear_privately(case_id: UUID, body: HearingBody, commands: Listener) -> hearings.HeardPrivately:
    """Record that one adult was heard alone (safeguard 7)."""
    command = hearings.HearPrivately(
        case_id=case_id,
        person_number=body.person_number,
        language=body.language,
        interpreter=body.interpreter.relation,
    )
    return await commands.execute(hearings.hear_privately, command)


@router.post("/cases/{case_id}/reconfirmations", status_code=201)
async def reconfirm_consent(
    case_id: UUID, body: ReconfirmationBody, commands: Caseworker
) -> hearings.ConsentReconfirmed:
    """The household says once more that it wishes to go; if it does not, its withdrawal is recorded instead (safeguards 2, 3)."""
    command = hearings.ReconfirmConsent(case_id=case_id, language=body.language, interpreter=body.interpreter.relation)
    return await commands.execute(hearings.reconfirm_consent, command)


@router.post("/cases/{case_id}/departure")
async def record_departure(case_id: UUID, commands: Caseworker) -> departures.DepartureRecorded:
    """The whole household leaves of its own will, or nobody does."""
    return await commands.execute(departures.record_departure, departures.RecordDeparture(case_id=case_id))

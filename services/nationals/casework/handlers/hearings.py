"""What the household says for itself: every adult heard alone, and its consent reconfirmed shortly before departure."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from services.nationals.casework.domain import voluntary_refusals as refusals
from services.nationals.casework.domain.case_facts import Attempt, CaseState, InterpreterRelation
from services.nationals.casework.domain.case_machine import Step, take
from services.nationals.casework.handlers.case_reading import read_facts, require_case
from services.nationals.casework.periods import casework_periods
from services.nationals.casework.store import voluntary as voluntary_store
from shared.contracts.nationals import ReturnConsentReconfirmed
from shared.contracts.refusals import Refusal
from shared.kit.auth import SYSTEM
from shared.kit.transaction import Transaction


class HearPrivately(BaseModel):
    case_id: UUID
    person_number: int
    language: str
    interpreter: InterpreterRelation


class HeardPrivately(BaseModel):
    hearing_id: UUID
    case_id: UUID
    state: CaseState
    not_yet_heard: list[int]
    """Numbers of the adults who are still to be heard."""


class ReconfirmConsent(BaseModel):
    case_id: UUID
    language: str
    interpreter: InterpreterRelation


class ConsentReconfirmed(BaseModel):
    reconfirmation_id: UUID
    case_id: UUID
    state: CaseState
    valid_until: datetime


async def hear_privately(command: HearPrivately, tx: Transaction) -> HeardPrivately:
    """Record that one adult was heard alone (safeguard 7). What was said is not recorded here.

    Raises Refusal: safeguard 7 for a person who is not an adult of the household, 2 for a dependent interpreter.
    """
    case = await require_case(command.case_id, tx)
    if command.person_number not in case.household.adult_numbers:
        raise Refusal(
            refusals.NOT_AN_ADULT,
            person_number=command.person_number,
            adults=case.household.adults,
            satisfied_by="an_adult_of_the_household",
        )
    facts = await read_facts(case, tx)
    attempt = Attempt(interpreter=command.interpreter, by_human=tx.principal.subject != SYSTEM.subject)
    state = take(Step.HEAR_PRIVATELY, facts, attempt)
    hearing_id = uuid7()
    await voluntary_store.insert_hearing(
        tx.connection,
        hearing_id,
        case,
        command.person_number,
        command.language,
        command.interpreter,
        tx.principal.subject,
    )
    heard = facts.heard_privately | {command.person_number}
    return HeardPrivately(
        hearing_id=hearing_id,
        case_id=case.case_id,
        state=state,
        not_yet_heard=[number for number in case.household.adult_numbers if number not in heard],
    )


async def reconfirm_consent(command: ReconfirmConsent, tx: Transaction) -> ConsentReconfirmed:
    """Record that the household says once more that it wishes to go (safeguard 2). It counts for a short time only.

    A household that no longer wishes to go withdraws instead. Raises Refusal (2, and those of open pauses).
    """
    case = await require_case(command.case_id, tx)
    attempt = Attempt(
        interpreter=command.interpreter, language=command.language, by_human=tx.principal.subject != SYSTEM.subject
    )
    state = take(Step.RECONFIRM, await read_facts(case, tx), attempt)
    reconfirmation_id = uuid7()
    valid_until = tx.now + casework_periods().reconfirmation_valid
    await voluntary_store.insert_reconfirmation(
        tx.connection,
        reconfirmation_id,
        case,
        command.language,
        command.interpreter,
        tx.principal.subject,
        valid_until,
    )
    await tx.publish(ReturnConsentReconfirmed(case_id=case.case_id, county=case.county, valid_until=valid_until))
    return ConsentReconfirmed(
        reconfirmation_id=reconfirmation_id, case_id=case.case_id, state=state, valid_until=valid_until
    )

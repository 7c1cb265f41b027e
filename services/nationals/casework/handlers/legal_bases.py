"""Legal bases: entered by one registrar of the legal office, confirmed by another, ended by any. None ships (safeguard 10)."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel
from uuid_utils.compat import uuid7

from services.nationals.casework.domain import legal_review_refusals as refusals
from services.nationals.casework.domain.legal_basis import check_confirmation, check_dates, check_end
from services.nationals.casework.domain.refusals import HUMAN_REQUIRED
from services.nationals.casework.handlers.legal_stage import is_human
from services.nationals.casework.store import legal_bases as basis_store
from services.nationals.casework.store.legal_bases import LegalBasisRow
from shared.contracts.refusals import Refusal
from shared.kit.transaction import Transaction


class EnterLegalBasis(BaseModel):
    title: str
    instrument_number: str
    in_force_from: date
    in_force_until: date


class SettleLegalBasis(BaseModel):
    basis_id: UUID


class LegalBasisSettled(BaseModel):
    basis_id: UUID
    confirmed: bool
    ended: bool


async def enter_legal_basis(command: EnterLegalBasis, tx: Transaction) -> LegalBasisSettled:
    """Enter a record; it is in force only once another registrar has confirmed it. Raises Refusal for impossible dates."""
    _require_human(tx)
    check_dates(command.in_force_from, command.in_force_until)
    basis_id = uuid7()
    await basis_store.insert_basis(
        tx.connection,
        basis_id,
        command.title,
        command.instrument_number,
        command.in_force_from,
        command.in_force_until,
        tx.principal.subject,
    )
    return LegalBasisSettled(basis_id=basis_id, confirmed=False, ended=False)


async def confirm_legal_basis(command: SettleLegalBasis, tx: Transaction) -> LegalBasisSettled:
    """A second registrar confirms the record. Raises Refusal: 404, or who entered it confirms it (safeguard 6)."""
    _require_human(tx)
    row = await _require_basis(command.basis_id, tx)
    check_confirmation(row.basis, tx.principal.subject)
    await basis_store.set_confirmed(tx.connection, row.basis_id, tx.principal.subject)
    return LegalBasisSettled(basis_id=row.basis_id, confirmed=True, ended=False)


async def end_legal_basis(command: SettleLegalBasis, tx: Transaction) -> LegalBasisSettled:
    """End the record now: one registrar suffices, because nothing adverse can follow. It is never revived."""
    _require_human(tx)
    row = await _require_basis(command.basis_id, tx)
    check_end(row.basis)
    await basis_store.set_ended(tx.connection, row.basis_id, tx.principal.subject)
    return LegalBasisSettled(basis_id=row.basis_id, confirmed=row.basis.confirmed_by is not None, ended=True)


def _require_human(tx: Transaction) -> None:
    if not is_human(tx):
        raise Refusal(HUMAN_REQUIRED, satisfied_by="a_person")


async def _require_basis(basis_id: UUID, tx: Transaction) -> LegalBasisRow:
    row = await basis_store.lock_basis(tx.connection, basis_id)
    if row is None:
        raise Refusal(refusals.LEGAL_BASIS_NOT_FOUND)
    return row

"""The check at the one door to a case: by assignment, by an office's role, or by a running break-glass."""

from services.nationals.casework.domain.access import ROLES_WITH_ACCESS
from services.nationals.casework.domain.access_refusals import NOT_ASSIGNED
from services.nationals.casework.store import access as access_store
from services.nationals.casework.store.cases import CaseRow
from shared.contracts.refusals import Refusal
from shared.kit.auth import SYSTEM
from shared.kit.transaction import Transaction


async def require_access(case: CaseRow, tx: Transaction) -> None:
    """Let in the offices that serve every case of the county, and a caseworker whose assignment or break-glass runs.

    Reactions and timers pass. Any other role is let in only by an assignment or a break-glass too. Raises Refusal (403).
    """
    principal = tx.principal
    if principal.has_any_role(SYSTEM.roles | ROLES_WITH_ACCESS):
        return
    if not await access_store.has_access(tx.connection, case.case_id, principal.subject):
        raise Refusal(NOT_ASSIGNED, case_id=str(case.case_id), satisfied_by="assignment_or_break_glass")

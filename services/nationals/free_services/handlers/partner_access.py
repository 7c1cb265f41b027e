"""Who may see and do what of a partner: the services manager by county, a partner's own account by its partner as well."""

from collections.abc import Collection
from uuid import UUID

from services.nationals.free_services.domain import partner_refusals as refusals
from services.nationals.free_services.domain.support import Side
from services.nationals.free_services.store import partners as partner_store
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal, RefusalType
from shared.kit.auth import Principal
from shared.kit.problems import COUNTY_NOT_GRANTED
from shared.kit.transaction import Connection

MANAGER = "services_manager"
REPORTER = "partner_reporter"


def side_of(principal: Principal) -> Side:
    """The province's side for who manages the services, even where the same account reports for a partner."""
    return Side.PROVINCE if MANAGER in principal.roles else Side.PARTNER


async def only_partner(connection: Connection, principal: Principal) -> UUID | None:
    """The one partner that the caller may see; None for the services manager, who sees all of the county's.

    Raises Refusal for an account that reports for nobody.
    """
    if side_of(principal) is Side.PROVINCE:
        return None
    partner_id = await partner_store.find_partner_of_account(connection, principal.subject)
    if partner_id is None:
        raise Refusal(refusals.ACCOUNT_WITHOUT_PARTNER)
    return partner_id


async def require_own(connection: Connection, principal: Principal, partner_id: UUID, otherwise: RefusalType) -> None:
    """Raises Refusal (`otherwise`) for an account of another partner: it does not learn that there is something."""
    only = await only_partner(connection, principal)
    if only is not None and only != partner_id:
        raise Refusal(otherwise)


def require_counties(principal: Principal, counties: Collection[County]) -> None:
    """Raises Refusal (403) unless the caller has every one of `counties`."""
    if not principal.counties.issuperset(counties):
        raise Refusal(COUNTY_NOT_GRANTED)

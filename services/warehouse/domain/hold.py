"""Holds and referrals: which authority a ground belongs to, what an authority may do, and who may lift a hold."""

from enum import StrEnum

from services.warehouse.domain import follow_up_refusals as refusals
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import HoldGround

SYSTEM_ACCOUNT = "system"
SERVICE_ACCOUNT_PREFIX = "service-account-"
"""How an OpenID Connect provider names the account of a program; the tables refuse both by the same words."""


class Authority(StrEnum):
    """Who is asked because of a hold."""

    HEALTH_AUTHORITY = "health_authority"
    ANTI_SMUGGLING_COMMISSION = "anti_smuggling_commission"


class ReferralState(StrEnum):
    """opened → received → answered."""

    OPENED = "opened"
    RECEIVED = "received"
    ANSWERED = "answered"


OFFICER_ROLES: dict[Authority, str] = {
    Authority.HEALTH_AUTHORITY: "health_officer",
    Authority.ANTI_SMUGGLING_COMMISSION: "commission_secretary",
}
"""The role of the named person who acts for each authority."""


def referred_to(ground: HoldGround) -> Authority:
    """The authority to which a hold on this ground is referred (domain: Hold)."""
    if ground is HoldGround.BIOLOGICAL_HAZARD:
        return Authority.HEALTH_AUTHORITY
    return Authority.ANTI_SMUGGLING_COMMISSION


def authorities_of(roles: frozenset[str]) -> frozenset[Authority]:
    """The authorities for which a holder of `roles` may act."""
    return frozenset(authority for authority, role in OFFICER_ROLES.items() if role in roles)


def check_officer(account: str, roles: frozenset[str], authority: Authority) -> None:
    """Refuse whoever does not act for `authority`, and software. Raises Refusal."""
    if authority not in authorities_of(roles):
        raise Refusal(refusals.REFERRAL_OF_ANOTHER_AUTHORITY)
    if is_software(account):
        raise Refusal(refusals.REFERRAL_BY_SOFTWARE)


def is_software(account: str) -> bool:
    """Whether the account is that of a program."""
    return account == SYSTEM_ACCOUNT or account.startswith(SERVICE_ACCOUNT_PREFIX)


def check_lifting(placed_by: str, lifted_by: str, answered: bool, without_answer: bool) -> None:
    """Refuse to lift by software, by who placed the hold, or before the authority's answer unless expressly so.

    Raises Refusal.
    """
    if is_software(lifted_by):
        raise Refusal(refusals.HOLD_LIFTED_BY_SOFTWARE)
    if lifted_by == placed_by:
        raise Refusal(refusals.HOLD_LIFTED_BY_PLACER)
    if not answered and not without_answer:
        raise Refusal(refusals.HOLD_NOT_ANSWERED)

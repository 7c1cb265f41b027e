"""What the guards of phase two look at: the review, its assessment, the written decision and the appeal of one case."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ReviewOutcome(StrEnum):
    """What a legal review can come to. All but the last are favourable and always open (safeguard 10)."""

    NOT_VIABLE = "not_viable"
    REGULARISED = "regularised"
    PROTECTION_REFERRAL = "protection_referral"
    RENEWED_VOLUNTARY_PERIOD = "renewed_voluntary_period"
    REFER_TO_COMPETENT_AUTHORITY = "refer_to_competent_authority"

    @property
    def is_adverse(self) -> bool:
        return self is ReviewOutcome.REFER_TO_COMPETENT_AUTHORITY


class Consideration(StrEnum):
    """What the reviewer looks at in this household's own case, one by one, before an adverse outcome may be proposed."""

    PROTECTION = "protection"
    CHILDREN = "children"
    HEALTH = "health"
    FAMILY_UNITY = "family_unity"
    HOUSEHOLD_HEARD = "household_heard"
    VOLUNTARY_RETURN_OFFERED_ANEW = "voluntary_return_offered_anew"


class DecisionState(StrEnum):
    """`effective`: a favourable outcome was confirmed and took effect at once. `set_aside`: the case took another way."""

    PROPOSED = "proposed"
    RETURNED = "returned"
    CONFIRMED = "confirmed"
    EFFECTIVE = "effective"
    SERVED = "served"
    ANNULLED = "annulled"
    SET_ASIDE = "set_aside"
    REFERRED = "referred"


LIVE_DECISION_STATES = frozenset({DecisionState.PROPOSED, DecisionState.CONFIRMED, DecisionState.SERVED})


class AppealOutcome(StrEnum):
    """`moot`: the case was closed or went back to the voluntary stage before the appeal was decided."""

    ANNULLED = "annulled"
    UPHELD = "upheld"
    MOOT = "moot"


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision of a case that is proposed, confirmed or served; `basis_in_force` is that of its legal basis today."""

    outcome: ReviewOutcome
    state: DecisionState
    proposed_by: str
    confirmed_by: str | None = None
    served_by: str | None = None
    understood: bool = False
    basis_in_force: bool = False
    window_ends_at: datetime | None = None
    """When the appeal window ends on the database's clock; None before the decision is served."""


@dataclass(frozen=True, slots=True)
class LegalFacts:
    """Phase two of one case, read under the case's lock. Empty for a case that never lapsed."""

    opened_by: str = ""
    """Who opened the case."""
    review_open: bool = False
    first_reviewer: str | None = None
    considered: frozenset[Consideration] = frozenset()
    """What the first reviewer's latest assessment in the open review looked at."""
    annulled_deciders: frozenset[str] = frozenset()
    """Who proposed or confirmed a decision of this case that an appeal annulled."""
    decision: Decision | None = None
    appeal_lodged_by: str | None = None
    """Who lodged the open appeal; None if none is open."""


NO_LEGAL_FACTS = LegalFacts()

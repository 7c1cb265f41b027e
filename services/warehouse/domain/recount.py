"""A count that is made again: by whom, and who decides when the two do not agree."""

from collections.abc import Collection
from enum import StrEnum

from services.warehouse.domain import refusals, review_refusals
from shared.contracts.refusals import Refusal

DUE_WORKING_DAYS = 5
"""A recount falls due this many working days after the first count was approved. The project's own choice, to be
confirmed by the province."""


class RecountOutcome(StrEnum):
    """Settled: the two counts agree, or the site is another one registered twice. Disagreed: a person decides."""

    SETTLED = "settled"
    DISAGREED = "disagreed"


class CountDecision(StrEnum):
    """Which of two counts that disagree holds; `another`: neither, somebody else counts again."""

    FIRST = "first"
    SECOND = "second"
    ANOTHER = "another"


def check_recounter(inspector: str, not_by: Collection[str]) -> None:
    """Refuse whoever counted before. Raises Refusal `warehouse.inspection.recount_by_another`."""
    if inspector in not_by:
        raise Refusal(refusals.RECOUNT_BY_ANOTHER)


def check_count_decider(decider: str, counted_by: Collection[str]) -> None:
    """Refuse whoever made one of the counts. Raises Refusal `warehouse.recount.own_count`."""
    if decider in counted_by:
        raise Refusal(review_refusals.RECOUNT_OWN_COUNT)

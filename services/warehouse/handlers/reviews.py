"""People decide on what came from the field: a reviewer on a submission, somebody on two counts that disagree."""

from collections.abc import Sequence

from uuid_utils.compat import uuid7

from services.warehouse.domain import refusals, review_refusals
from services.warehouse.domain.inspection import InspectionState, ReviewDecision, check_review, move
from services.warehouse.domain.reconciliation import Reconciliation, counts_agree, reconcile
from services.warehouse.domain.recount import CountDecision, RecountOutcome, check_count_decider
from services.warehouse.handlers.completion import Approved, complete, hold_on_suspicion
from services.warehouse.handlers.messages import InspectionReviewed, RecountOpened, ReviewInspection
from services.warehouse.handlers.review_messages import DecideRecount
from services.warehouse.handlers.submissions import require_no_conflict, require_seen
from services.warehouse.store import inspections as store
from services.warehouse.store import photos as photo_store
from services.warehouse.store import recounts as recount_store
from services.warehouse.store import reviews as review_store
from services.warehouse.store import submissions as submission_store
from services.warehouse.store.inspections import Inspection, Review, SiteForInspection
from services.warehouse.store.recounts import Recount
from services.warehouse.store.submissions import Submission
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import Verdict
from shared.kit.transaction import Transaction


async def review_inspection(command: ReviewInspection, tx: Transaction) -> InspectionReviewed:
    """Approve a submission or return it. Raises Refusal: no such inspection, submitted for by the caller, not submitted, not
    what the caller looked at, no reason, photos that have not come, a duplicate of nothing.

    A recount whose count disagrees with the first one is approved and then waits for `decide_recount`.
    """
    inspection = await store.lock_inspection(tx.connection, command.inspection_id)
    if inspection is None:
        raise Refusal(refusals.INSPECTION_NOT_FOUND)
    counted_by = await _check_reviewer(command, inspection, tx)
    if inspection.state is InspectionState.DISPUTED:
        raise Refusal(review_refusals.RECOUNT_UNDECIDED)
    if command.submission_id is not None:
        require_seen(command.submission_id, inspection)
    approved = command.decision is ReviewDecision.APPROVE
    state = move(inspection.state, InspectionState.COMPLETED if approved else InspectionState.RETURNED)
    if approved:
        await _check_photos(inspection, tx)
        await require_no_conflict(inspection.inspection_id, tx)
    review = Review(uuid7(), command.decision, command.reasons, command.item_reasons, tx.principal.subject, tx.now)
    await store.insert_review(tx.connection, inspection, review)
    if approved:
        return await _approve(command, inspection, counted_by, tx)
    await store.set_returned(tx.connection, inspection.inspection_id)
    return InspectionReviewed(inspection_id=inspection.inspection_id, state=state)


async def decide_recount(command: DecideRecount, tx: Transaction) -> InspectionReviewed:
    """Decide which of two counts that disagree holds, or that somebody else counts again; the second inspection completes.

    Raises Refusal: no such recount, nothing in dispute, one of the counts is the caller's.
    """
    recount = await recount_store.lock_recount(tx.connection, command.recount_id)
    if recount is None:
        raise Refusal(review_refusals.RECOUNT_NOT_FOUND)
    if recount.outcome is not RecountOutcome.DISAGREED or recount.decision or recount.second_inspection_id is None:
        raise Refusal(review_refusals.RECOUNT_NOT_IN_DISPUTE)
    inspection = await store.lock_inspection(tx.connection, recount.second_inspection_id)
    if inspection is None or inspection.state is not InspectionState.DISPUTED:
        raise Refusal(review_refusals.RECOUNT_NOT_IN_DISPUTE)
    counted_by = await _counted_by(inspection, recount, tx)
    check_count_decider(tx.principal.subject, counted_by)
    await recount_store.set_decided(
        tx.connection, recount.first_inspection_id, command.decision, command.reason, tx.principal.subject, tx.now
    )
    submission, site = await _submission_of(inspection, tx), await _lock_site(inspection, tx)
    believed = submission.findings
    if command.decision is CountDecision.FIRST:
        believed = (await _first_submission(recount, tx)).findings
    outcome = reconcile(site.registered, believed, recounted=True)
    if command.decision is CountDecision.ANOTHER:
        outcome = Reconciliation(Verdict.NEEDS_RECOUNT, outcome.fields or ("capacity_tonnes",), outcome.compared)
    return await complete(Approved(inspection, submission, site, believed, outcome, counted_by, recount), tx)


async def _check_reviewer(command: ReviewInspection, inspection: Inspection, tx: Transaction) -> list[str]:
    """Everybody who counted for the inspection. Raises Refusal if the caller did, or returns it without a reason."""
    reasons = [*command.reasons, *command.item_reasons.values()]
    check_review(inspection.inspector, tx.principal.subject, command.decision, reasons)
    submitters = await review_store.submitters(tx.connection, inspection.inspection_id)
    if tx.principal.subject in submitters:
        raise Refusal(refusals.REVIEW_OWN_INSPECTION)
    return submitters


async def _check_photos(inspection: Inspection, tx: Transaction) -> None:
    if inspection.submission_id is None:
        raise LookupError(f"inspection {inspection.inspection_id} is submitted without a submission")
    missing = await photo_store.missing_photos(tx.connection, inspection.submission_id)
    if missing:
        raise Refusal(review_refusals.REVIEW_PHOTOS_MISSING, names=", ".join(missing))


async def _approve(
    command: ReviewInspection, inspection: Inspection, submitters: Sequence[str], tx: Transaction
) -> InspectionReviewed:
    submission, site = await _submission_of(inspection, tx), await _lock_site(inspection, tx)
    recount = await recount_store.lock_made_by(tx.connection, inspection.inspection_id)
    counted_by = sorted({*submitters, *(recount.not_by if recount else ())})
    outcome = reconcile(site.registered, submission.findings, recounted=recount is not None)
    if command.duplicate_of is not None:
        await _check_duplicate(command, site, tx)
        outcome = Reconciliation(Verdict.DUPLICATE, ("duplicate_of",), outcome.compared)
    elif recount:
        first = await _first_submission(recount, tx)
        if not counts_agree(first.findings, submission.findings, site.registered.kind):
            return await _dispute(inspection, submission, recount, counted_by, tx)
    if recount:
        await recount_store.set_outcome(tx.connection, recount.first_inspection_id, RecountOutcome.SETTLED)
    return await complete(Approved(inspection, submission, site, submission.findings, outcome, counted_by, recount), tx)


async def _dispute(
    inspection: Inspection, submission: Submission, recount: Recount, counted_by: list[str], tx: Transaction
) -> InspectionReviewed:
    """Nothing counts before a person has decided between the counts; a suspicion does not wait for that."""
    await recount_store.set_outcome(tx.connection, recount.first_inspection_id, RecountOutcome.DISAGREED)
    await store.set_disputed(tx.connection, inspection.inspection_id)
    return InspectionReviewed(
        inspection_id=inspection.inspection_id,
        state=InspectionState.DISPUTED,
        hold_id=await hold_on_suspicion(inspection, submission, tx),
        recount=RecountOpened(
            recount_id=recount.first_inspection_id, due_on=recount.due_on, not_by=counted_by, disputed=True
        ),
    )


async def _check_duplicate(command: ReviewInspection, site: SiteForInspection, tx: Transaction) -> None:
    if command.duplicate_of == site.warehouse_id:
        raise Refusal(review_refusals.REVIEW_DUPLICATE_OF_ITSELF)
    if command.duplicate_of and not await review_store.is_registered(tx.connection, command.duplicate_of, site.county):
        raise Refusal(review_refusals.REVIEW_DUPLICATE_OF_UNKNOWN)


async def _counted_by(inspection: Inspection, recount: Recount, tx: Transaction) -> list[str]:
    submitters = await review_store.submitters(tx.connection, inspection.inspection_id)
    return sorted({*submitters, inspection.inspector, *recount.not_by})


async def _first_submission(recount: Recount, tx: Transaction) -> Submission:
    submission_id = await review_store.find_submission_id(tx.connection, recount.first_inspection_id)
    if submission_id is None:
        raise LookupError(f"inspection {recount.first_inspection_id} is recounted without a submission")
    return await submission_store.get_submission(tx.connection, submission_id)


async def _submission_of(inspection: Inspection, tx: Transaction) -> Submission:
    if inspection.submission_id is None:
        raise LookupError(f"inspection {inspection.inspection_id} is submitted without a submission")
    return await submission_store.get_submission(tx.connection, inspection.submission_id)


async def _lock_site(inspection: Inspection, tx: Transaction) -> SiteForInspection:
    site = await store.lock_site(tx.connection, inspection.warehouse_id)
    if site is None:
        raise Refusal(refusals.WAREHOUSE_NOT_FOUND)
    return site

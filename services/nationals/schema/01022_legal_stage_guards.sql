-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- Appeals, the states of phase two, and the one adverse step: domain/legal_review_stage.py a second time.

CREATE FUNCTION casework.guard_appeal() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    found_case casework.return_case;
    decision casework.legal_decision;
    concern bigint;
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.reminders, NEW.review_by) IS DISTINCT FROM (OLD.reminders, OLD.review_by) THEN
        RETURN NEW;  -- a reminder, as for reviews; the worker may write nothing else here that matters to the outcome
    END IF;
    found_case := casework.lock_case(NEW.case_id);
    IF TG_OP = 'INSERT' THEN
        SELECT * INTO decision FROM casework.legal_decision WHERE decision_id = NEW.decision_id;
        IF found_case.state <> 'decision_served' OR decision.state IS DISTINCT FROM 'served' THEN
            RAISE EXCEPTION 'safeguard 12: no decision is served' USING ERRCODE = 'check_violation';
        ELSIF clock_timestamp() >= decision.window_due_at AND NEW.late_reason IS NULL THEN
            RAISE EXCEPTION 'safeguard 5: a late appeal names its reason' USING ERRCODE = 'check_violation';
        ELSIF NOT EXISTS (SELECT FROM public.timer
                          WHERE kind = 'nationals.appeal_reminder' AND subject_id = NEW.appeal_id::text) THEN
            RAISE EXCEPTION 'safeguard 13: an appeal opens only with its reminder armed' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    ELSIF NEW.outcome IS NOT DISTINCT FROM OLD.outcome THEN
        IF NEW.decided_by IS DISTINCT FROM OLD.decided_by
           OR ((NEW.outcome_reasons, NEW.late_reason) IS DISTINCT FROM (OLD.outcome_reasons, OLD.late_reason)
               AND NEW.texts_erased_at IS NULL)
           OR (NEW.texts_erased_at IS DISTINCT FROM OLD.texts_erased_at
               AND (OLD.texts_erased_at IS NOT NULL OR NOT casework.has_ended(found_case.state)
                    OR NEW.outcome_reasons IS NOT NULL OR NEW.late_reason IS NOT NULL)) THEN
            RAISE EXCEPTION 'safeguard 5: what a person recorded is not rewritten' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    SELECT * INTO decision FROM casework.legal_decision WHERE decision_id = NEW.decision_id;
    concern := casework.case_concern(NEW.case_id);
    IF OLD.outcome IS NOT NULL THEN
        RAISE EXCEPTION 'safeguard 5: an appeal is decided once' USING ERRCODE = 'check_violation';
    ELSIF NEW.outcome = 'moot' THEN
        IF found_case.state NOT IN ('opened', 'closed') OR NEW.decided_by IS NOT NULL THEN
            RAISE EXCEPTION 'safeguard 5: the appeal is still open' USING ERRCODE = 'check_violation';
        END IF;
    ELSIF found_case.state <> 'appealed' THEN
        RAISE EXCEPTION 'safeguard 12: the case is not appealed' USING ERRCODE = 'check_violation';
    ELSIF NEW.decided_by IN (decision.proposed_by, decision.confirmed_by, decision.served_by) THEN
        RAISE EXCEPTION 'safeguard 5: who made or served the decision does not decide the appeal'
            USING ERRCODE = 'check_violation';
    ELSIF NEW.outcome = 'upheld' AND concern IS NOT NULL THEN
        RAISE EXCEPTION 'safeguard %: the case is paused', concern USING ERRCODE = 'check_violation';
    END IF;
    NEW.ended_at := now();
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_appeal BEFORE INSERT OR UPDATE ON casework.appeal
FOR EACH ROW EXECUTE FUNCTION casework.guard_appeal();

-- The second trigger on the case: what it checks are the states of phase two. It runs after guard_case_state (by name), which has
-- refused the worker already.
CREATE FUNCTION casework.guard_legal_stage() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    decision casework.legal_decision;
    appeal_outcome text;
    appeal_is_open boolean;
BEGIN
    IF NEW.state = OLD.state
       OR NOT (ARRAY[OLD.state, NEW.state] && ARRAY['awaiting_legal_review', 'decision_served', 'appealed', 'referred'])
       OR NEW.state = 'closed' OR OLD.state NOT IN ('awaiting_legal_review', 'decision_served', 'appealed') THEN
        RETURN NEW;
    END IF;
    SELECT * INTO decision FROM casework.legal_decision WHERE case_id = NEW.case_id ORDER BY position DESC LIMIT 1;
    SELECT outcome INTO appeal_outcome FROM casework.appeal
    WHERE decision_id = decision.decision_id ORDER BY position DESC LIMIT 1;
    appeal_is_open := EXISTS (SELECT FROM casework.appeal WHERE case_id = NEW.case_id AND outcome IS NULL);
    IF NEW.state = 'opened' THEN
        SELECT due_at, fence INTO NEW.voluntary_due_at, NEW.voluntary_fence FROM public.timer
        WHERE kind = 'nationals.voluntary_period' AND subject_id = NEW.case_id::text;
        IF NOT FOUND OR NEW.voluntary_due_at <= clock_timestamp() THEN
            RAISE EXCEPTION 'safeguard 13: a voluntary period is renewed only with its timer running'
                USING ERRCODE = 'check_violation';
        ELSIF EXISTS (SELECT FROM casework.booking WHERE case_id = NEW.case_id AND ended_at IS NULL) THEN
            RAISE EXCEPTION 'safeguard 3: a booking is still held' USING ERRCODE = 'check_violation';
        END IF;
    ELSIF NEW.state = 'appealed' THEN
        IF NOT appeal_is_open THEN
            RAISE EXCEPTION 'safeguard 12: no appeal is open' USING ERRCODE = 'check_violation';
        END IF;
    ELSIF appeal_is_open THEN
        RAISE EXCEPTION 'safeguard 5: an appeal is open' USING ERRCODE = 'check_violation';
    ELSIF NEW.state = 'awaiting_legal_review' THEN
        IF decision.state IS DISTINCT FROM 'annulled' THEN
            RAISE EXCEPTION 'safeguard 12: no appeal annulled the decision' USING ERRCODE = 'check_violation';
        END IF;
    ELSIF NEW.state = 'decision_served' THEN
        IF decision.state IS DISTINCT FROM 'served' THEN
            RAISE EXCEPTION 'safeguard 4: no decision is served and understood' USING ERRCODE = 'check_violation';
        ELSIF OLD.state = 'appealed' AND (appeal_outcome IS DISTINCT FROM 'upheld' OR decision.notices <> 1 + (
                SELECT count(*) FROM casework.appeal
                WHERE decision_id = decision.decision_id AND outcome = 'upheld')) THEN
            RAISE EXCEPTION 'safeguard 5: no appeal was upheld with a fresh notice period' USING ERRCODE = 'check_violation';
        END IF;
    ELSIF NEW.state = 'referred' THEN
        PERFORM casework.check_referral(decision);
    END IF;
    RETURN NEW;
END
$$;

-- Everything that the one adverse step needs, in one place; that two different people decided, the table of decisions holds itself.
CREATE FUNCTION casework.check_referral(decision casework.legal_decision) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF decision.state IS DISTINCT FROM 'referred' OR decision.understood IS NOT TRUE THEN
        RAISE EXCEPTION 'safeguard 4: no decision was served, understood and referred by a person'
            USING ERRCODE = 'check_violation';
    ELSIF clock_timestamp() < decision.window_due_at THEN
        RAISE EXCEPTION 'safeguard 4: the appeal window has not ended on the database''s clock'
            USING ERRCODE = 'check_violation';
    END IF;
    PERFORM casework.check_adverse(decision.case_id, decision.basis_id);
    IF NOT casework.everyone_screened(decision.case_id) THEN
        RAISE EXCEPTION 'safeguard 1: a person has no unexpired screening' USING ERRCODE = 'check_violation';
    ELSIF EXISTS (SELECT FROM casework.booking WHERE case_id = decision.case_id AND ended_at IS NULL) THEN
        RAISE EXCEPTION 'safeguard 3: a booking is still held' USING ERRCODE = 'check_violation';
    END IF;
END
$$;
CREATE TRIGGER guard_legal_stage BEFORE UPDATE ON casework.return_case
FOR EACH ROW EXECUTE FUNCTION casework.guard_legal_stage();

-- When a case leaves phase two, what was open in it ends with it: nothing stale can be confirmed, served or decided later.
CREATE FUNCTION casework.legal_stage_follows_case() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW.state IN ('opened', 'closed') THEN
        UPDATE casework.appeal SET outcome = 'moot' WHERE case_id = NEW.case_id AND outcome IS NULL;
        UPDATE casework.legal_decision SET state = 'set_aside'
        WHERE case_id = NEW.case_id AND state IN ('proposed', 'confirmed', 'served');
    END IF;
    IF NEW.state IN ('opened', 'closed', 'decision_served') THEN
        UPDATE casework.legal_review
        SET state = CASE NEW.state WHEN 'closed' THEN 'case_closed' WHEN 'opened' THEN 'voluntary_again' ELSE 'decided' END,
            ended_at = now()
        WHERE case_id = NEW.case_id AND state = 'open';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER legal_stage_follows_case AFTER UPDATE OF state ON casework.return_case
FOR EACH ROW WHEN (OLD.state IN ('awaiting_legal_review', 'decision_served', 'appealed') AND NEW.state <> OLD.state)
EXECUTE FUNCTION casework.legal_stage_follows_case();

-- migrate:down
DROP TRIGGER legal_stage_follows_case ON casework.return_case;
DROP TRIGGER guard_legal_stage ON casework.return_case;
DROP TRIGGER guard_appeal ON casework.appeal;
DROP FUNCTION casework.legal_stage_follows_case(), casework.guard_legal_stage(),
    casework.check_referral(casework.legal_decision), casework.guard_appeal();

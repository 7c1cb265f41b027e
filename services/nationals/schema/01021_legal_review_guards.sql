-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- The guards of domain/legal_guards.py, a second time. They run as the caller; who did what is a name that the service takes from
-- the caller's token, so what stands here is that the names differ, not whose they are. Times are the database's clock. A review is
-- open, and a decision proposed or confirmed, only while its case awaits a legal review: legal_stage_follows_case sees to that.

-- Whether the record is in force today, as the province's offices count days.
CREATE FUNCTION casework.legal_basis_in_force(wanted_basis uuid) RETURNS boolean
LANGUAGE sql
AS $$
    SELECT EXISTS (
        SELECT FROM casework.legal_basis
        WHERE basis_id = wanted_basis AND confirmed_by IS NOT NULL AND ended_by IS NULL
          AND (clock_timestamp() AT TIME ZONE 'Asia/Tehran')::date BETWEEN in_force_from AND in_force_until
    )
$$;

-- Whether this person proposed or confirmed a decision of the case that an appeal annulled.
CREATE FUNCTION casework.was_annulled(wanted_case uuid, person text) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (
        SELECT FROM casework.legal_decision
        WHERE case_id = wanted_case AND state = 'annulled' AND person IN (proposed_by, confirmed_by)
    )
$$;

-- What every step towards the adverse outcome needs: nothing pauses the case, and the legal basis is in force and stays so until
-- this transaction ends.
CREATE FUNCTION casework.check_adverse(wanted_case uuid, wanted_basis uuid) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    concern bigint := casework.case_concern(wanted_case);
BEGIN
    PERFORM FROM casework.legal_basis WHERE basis_id = wanted_basis FOR SHARE;
    IF NOT casework.legal_basis_in_force(wanted_basis) THEN
        RAISE EXCEPTION 'safeguard 10: no legal-basis record is in force' USING ERRCODE = 'check_violation';
    ELSIF concern IS NOT NULL THEN
        RAISE EXCEPTION 'safeguard %: the case is paused', concern USING ERRCODE = 'check_violation';
    END IF;
END
$$;

CREATE FUNCTION casework.guard_legal_basis() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF OLD.ended_by IS NOT NULL OR (OLD.confirmed_by IS NOT NULL AND NEW.confirmed_by IS DISTINCT FROM OLD.confirmed_by) THEN
        RAISE EXCEPTION 'safeguard 10: a legal basis is confirmed once and ended once' USING ERRCODE = 'check_violation';
    END IF;
    NEW.confirmed_at := CASE WHEN NEW.confirmed_by IS NULL THEN NULL ELSE coalesce(OLD.confirmed_at, now()) END;
    NEW.ended_at := CASE WHEN NEW.ended_by IS NULL THEN NULL ELSE now() END;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_legal_basis BEFORE UPDATE ON casework.legal_basis
FOR EACH ROW EXECUTE FUNCTION casework.guard_legal_basis();

-- Safeguards 12 and 13 as before; a review has reviewers now, and ends with what became of its case.
CREATE OR REPLACE FUNCTION casework.guard_legal_review() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    found_case casework.return_case;
    reminder_due_at timestamptz;
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.state, NEW.first_reviewer, NEW.second_reviewer)
       IS NOT DISTINCT FROM (OLD.state, OLD.first_reviewer, OLD.second_reviewer) THEN
        RETURN NEW;  -- a reminder: it holds the review's lock, so it must not wait for the case's
    END IF;
    found_case := casework.lock_case(NEW.case_id);
    IF TG_OP = 'INSERT' THEN
        SELECT due_at INTO reminder_due_at FROM public.timer
        WHERE kind = 'nationals.legal_review_reminder' AND subject_id = NEW.review_id::text;
        IF found_case.state <> 'awaiting_legal_review' THEN
            RAISE EXCEPTION 'safeguard 12: the case does not await a legal review' USING ERRCODE = 'check_violation';
        ELSIF reminder_due_at IS NULL THEN
            RAISE EXCEPTION 'safeguard 13: a legal review opens only with its reminder armed'
                USING ERRCODE = 'check_violation';
        END IF;
        NEW.wall_day := interval '1 day';
        IF reminder_due_at > now() AND NEW.review_by > reminder_due_at THEN
            NEW.wall_day := interval '1 day' * (extract(epoch FROM reminder_due_at - now())
                                                / extract(epoch FROM NEW.review_by - now()))::float8;
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state <> 'open' OR NEW.state <> CASE found_case.state
            WHEN 'closed' THEN 'case_closed' WHEN 'opened' THEN 'voluntary_again'
            WHEN 'decision_served' THEN 'decided' ELSE 'open' END) THEN
        RAISE EXCEPTION 'safeguard 6: a legal review ends by people or with its case' USING ERRCODE = 'check_violation';
    ELSIF NEW.first_reviewer IS DISTINCT FROM OLD.first_reviewer THEN
        IF NEW.first_reviewer IS NULL OR OLD.state <> 'open' OR found_case.state <> 'awaiting_legal_review' THEN
            RAISE EXCEPTION 'safeguard 12: only an open legal review is taken' USING ERRCODE = 'check_violation';
        ELSIF EXISTS (SELECT FROM casework.legal_decision
                      WHERE case_id = NEW.case_id AND state IN ('proposed', 'confirmed', 'served')) THEN
            RAISE EXCEPTION 'safeguard 6: an outcome is proposed already' USING ERRCODE = 'check_violation';
        ELSIF casework.was_annulled(NEW.case_id, NEW.first_reviewer) THEN
            RAISE EXCEPTION 'safeguard 6: an appeal annulled a decision of this person' USING ERRCODE = 'check_violation';
        END IF;
    ELSIF NEW.second_reviewer IS DISTINCT FROM OLD.second_reviewer
          AND NOT EXISTS (SELECT FROM casework.legal_decision
                          WHERE review_id = NEW.review_id AND confirmed_by = NEW.second_reviewer
                            AND state IN ('confirmed', 'effective')) THEN
        RAISE EXCEPTION 'safeguard 6: this person confirmed no decision of the review' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE FUNCTION casework.guard_legal_assessment() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM casework.lock_case(NEW.case_id);
    IF NOT EXISTS (SELECT FROM casework.legal_review
                   WHERE review_id = NEW.review_id AND state = 'open' AND first_reviewer = NEW.assessed_by) THEN
        RAISE EXCEPTION 'safeguard 6: only the first reviewer assesses the household' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_legal_assessment BEFORE INSERT ON casework.legal_assessment
FOR EACH ROW EXECUTE FUNCTION casework.guard_legal_assessment();

CREATE FUNCTION casework.guard_proposal() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM casework.lock_case(NEW.case_id);
    IF NOT EXISTS (SELECT FROM casework.legal_review
                   WHERE review_id = NEW.review_id AND state = 'open' AND first_reviewer = NEW.proposed_by) THEN
        RAISE EXCEPTION 'safeguard 6: only the first reviewer proposes' USING ERRCODE = 'check_violation';
    ELSIF NEW.outcome <> 'refer_to_competent_authority' THEN
        RETURN NEW;
    END IF;
    PERFORM casework.check_adverse(NEW.case_id, NEW.basis_id);
    IF (SELECT considered FROM casework.legal_assessment
        WHERE review_id = NEW.review_id AND assessed_by = NEW.proposed_by ORDER BY position DESC LIMIT 1)
       @> ARRAY['protection', 'children', 'health', 'family_unity', 'household_heard', 'voluntary_return_offered_anew']
       IS NOT TRUE THEN
        RAISE EXCEPTION 'safeguard 4: this household is not assessed in full' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_proposal BEFORE INSERT ON casework.legal_decision
FOR EACH ROW EXECUTE FUNCTION casework.guard_proposal();

-- The end of the appeal window as the armed timer has it: as long as the written decision says, but for rounding.
CREATE FUNCTION casework.start_appeal_window(decision casework.legal_decision) RETURNS casework.legal_decision
LANGUAGE plpgsql
AS $$
DECLARE
    shortest interval := 0.999 * decision.appeal_window_days * coalesce(
        (SELECT wall_day FROM casework.legal_review WHERE review_id = decision.review_id), interval '1 day');
BEGIN
    SELECT due_at, fence INTO decision.window_due_at, decision.window_fence FROM public.timer
    WHERE kind = 'nationals.appeal_window' AND subject_id = decision.decision_id::text
      AND policy::jsonb ->> 'appeal_window_days' = decision.appeal_window_days::text;
    IF NOT FOUND OR decision.window_due_at < now() + shortest THEN
        RAISE EXCEPTION 'safeguard 4: a decision is served only with its whole appeal window running'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN decision;
END
$$;

CREATE FUNCTION casework.guard_decision_step() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    found_case casework.return_case := casework.lock_case(NEW.case_id);
    step text := OLD.state || ' ' || NEW.state;
BEGIN
    IF step IN ('proposed confirmed', 'proposed effective') THEN
        IF NEW.confirmed_by = found_case.opened_by THEN
            RAISE EXCEPTION 'safeguard 6: who opened the case confirms no decision' USING ERRCODE = 'check_violation';
        ELSIF casework.was_annulled(NEW.case_id, NEW.confirmed_by) THEN
            RAISE EXCEPTION 'safeguard 6: an appeal annulled a decision of this person' USING ERRCODE = 'check_violation';
        ELSIF NEW.state = 'confirmed' THEN
            PERFORM casework.check_adverse(NEW.case_id, NEW.basis_id);
        END IF;
        NEW.confirmed_at := now();
    ELSIF step IN ('proposed returned', 'confirmed returned') THEN
        IF NEW.returned_by = found_case.opened_by THEN
            RAISE EXCEPTION 'safeguard 6: who opened the case returns no decision' USING ERRCODE = 'check_violation';
        END IF;
        NEW.returned_at := now();
    ELSIF step = 'confirmed served' THEN
        PERFORM casework.check_adverse(NEW.case_id, NEW.basis_id);
        NEW.served_at := clock_timestamp();
        NEW.notices := 1;
        NEW := casework.start_appeal_window(NEW);
    ELSIF step = 'served annulled' THEN
        IF (SELECT outcome FROM casework.appeal WHERE decision_id = NEW.decision_id ORDER BY position DESC LIMIT 1)
           IS DISTINCT FROM 'annulled' THEN
            RAISE EXCEPTION 'safeguard 5: no appeal annulled the decision' USING ERRCODE = 'check_violation';
        END IF;
    ELSIF step = 'served referred' THEN
        IF found_case.state <> 'decision_served' THEN
            RAISE EXCEPTION 'safeguard 4: no decision is served' USING ERRCODE = 'check_violation';
        END IF;
        NEW.referred_at := clock_timestamp();
    ELSIF step IN ('proposed set_aside', 'confirmed set_aside', 'served set_aside') THEN
        IF found_case.state NOT IN ('opened', 'closed') THEN
            RAISE EXCEPTION 'safeguard 12: the case is still in phase two' USING ERRCODE = 'check_violation';
        END IF;
    ELSIF step = 'served served' AND NEW.notices = OLD.notices + 1 THEN
        IF NEW.notices <> 1 + (SELECT count(*) FROM casework.appeal
                               WHERE decision_id = NEW.decision_id AND outcome = 'upheld') THEN
            RAISE EXCEPTION 'safeguard 5: no appeal was upheld' USING ERRCODE = 'check_violation';
        END IF;
        NEW := casework.start_appeal_window(NEW);
    ELSIF NEW.texts_erased_at IS NOT NULL AND NEW.state = OLD.state THEN
        IF NOT casework.has_ended(found_case.state) OR NEW.reasons IS NOT NULL
           OR NEW.appeal_instructions IS NOT NULL OR NEW.return_reason IS NOT NULL THEN
            RAISE EXCEPTION 'safeguard 4: texts are erased whole, once their case has ended'
                USING ERRCODE = 'check_violation';
        END IF;
    ELSE
        RAISE EXCEPTION 'safeguard 12: a decision does not go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_decision_step BEFORE UPDATE ON casework.legal_decision
FOR EACH ROW EXECUTE FUNCTION casework.guard_decision_step();

-- Who did what is written with the step that it belongs to, and never again. It runs after the guard of the step (by name).
CREATE FUNCTION casework.keep_decision_evidence() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF ((NEW.confirmed_by, NEW.confirmed_at) IS DISTINCT FROM (OLD.confirmed_by, OLD.confirmed_at)
        AND (OLD.state <> 'proposed' OR NEW.state NOT IN ('confirmed', 'effective')))
       OR ((NEW.returned_by, NEW.returned_at) IS DISTINCT FROM (OLD.returned_by, OLD.returned_at)
           AND (OLD.state = 'returned' OR NEW.state <> 'returned'))
       OR ((NEW.served_by, NEW.served_at, NEW.service_language, NEW.service_interpreter, NEW.understood)
           IS DISTINCT FROM (OLD.served_by, OLD.served_at, OLD.service_language, OLD.service_interpreter, OLD.understood)
           AND (OLD.state <> 'confirmed' OR NEW.state <> 'served'))
       OR ((NEW.referred_by, NEW.referred_at) IS DISTINCT FROM (OLD.referred_by, OLD.referred_at)
           AND (OLD.state <> 'served' OR NEW.state <> 'referred'))
       OR (NEW.return_reason IS DISTINCT FROM OLD.return_reason AND NEW.texts_erased_at IS NULL
           AND (OLD.state = 'returned' OR NEW.state <> 'returned'))
       OR ((NEW.reasons, NEW.appeal_instructions) IS DISTINCT FROM (OLD.reasons, OLD.appeal_instructions)
           AND NEW.texts_erased_at IS NULL)
       OR (NEW.texts_erased_at IS DISTINCT FROM OLD.texts_erased_at
           AND (OLD.texts_erased_at IS NOT NULL OR NEW.state <> OLD.state))
       OR (NEW.notices <> OLD.notices AND NEW.state <> 'served') THEN
        RAISE EXCEPTION 'safeguard 6: what a person recorded is not rewritten' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER keep_decision_evidence BEFORE UPDATE ON casework.legal_decision
FOR EACH ROW EXECUTE FUNCTION casework.keep_decision_evidence();

-- migrate:down
DROP TRIGGER keep_decision_evidence ON casework.legal_decision;
DROP TRIGGER guard_decision_step ON casework.legal_decision;
DROP TRIGGER guard_proposal ON casework.legal_decision;
DROP TRIGGER guard_legal_assessment ON casework.legal_assessment;
DROP TRIGGER guard_legal_basis ON casework.legal_basis;
DROP FUNCTION casework.keep_decision_evidence(),
    casework.guard_decision_step(), casework.start_appeal_window(casework.legal_decision), casework.guard_proposal(),
    casework.guard_legal_assessment(), casework.guard_legal_basis(), casework.check_adverse(uuid, uuid),
    casework.was_annulled(uuid, text), casework.legal_basis_in_force(uuid);
CREATE OR REPLACE FUNCTION casework.guard_legal_review() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.state <> OLD.state AND (casework.lock_case(NEW.case_id)).state <> 'closed' THEN
            RAISE EXCEPTION 'safeguard 6: a legal review ends by people or with its case'
                USING ERRCODE = 'check_violation';
        END IF;
    ELSIF (casework.lock_case(NEW.case_id)).state <> 'awaiting_legal_review' THEN
        RAISE EXCEPTION 'safeguard 12: the case does not await a legal review' USING ERRCODE = 'check_violation';
    ELSIF NOT EXISTS (SELECT FROM public.timer
                      WHERE kind = 'nationals.legal_review_reminder' AND subject_id = NEW.review_id::text) THEN
        RAISE EXCEPTION 'safeguard 13: a legal review opens only with its reminder armed'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

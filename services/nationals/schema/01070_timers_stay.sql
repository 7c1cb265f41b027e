-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- Safeguards 13 and 4 on the spine's table of timers, which the service's own roles write: what waits keeps the timer that brings it
-- back to somebody's eyes. Looked at when the transaction commits, because a handler arms and deletes timers in any order. The
-- triggers run as the owner, so that no caller's counties hide from them what waits.
CREATE POLICY return_case_timers ON casework.return_case FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY case_pause_timers ON casework.case_pause FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY legal_review_timers ON casework.legal_review FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY appeal_timers ON casework.appeal FOR SELECT TO CURRENT_USER USING (true);

-- Whether `subject` still waits for a timer of this kind. After the last of `reminders_max` reminders it stays listed without one; a
-- voluntary period runs unless a pause is open. Nothing waits of a subject that nobody knows.
CREATE FUNCTION casework.waits_for_timer(timer_kind text, subject uuid, reminders_max bigint) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT CASE timer_kind
        WHEN 'nationals.pause_review' THEN EXISTS (
            SELECT FROM casework.case_pause WHERE pause_id = subject AND ended_at IS NULL AND reminders < reminders_max)
        WHEN 'nationals.legal_review_reminder' THEN EXISTS (
            SELECT FROM casework.legal_review WHERE review_id = subject AND state = 'open' AND reminders < reminders_max)
        WHEN 'nationals.appeal_reminder' THEN EXISTS (
            SELECT FROM casework.appeal WHERE appeal_id = subject AND outcome IS NULL AND reminders < reminders_max)
        WHEN 'nationals.voluntary_period' THEN EXISTS (
            SELECT FROM casework.return_case WHERE case_id = subject AND casework.is_voluntary(state))
            AND NOT EXISTS (SELECT FROM casework.case_pause WHERE case_id = subject AND ended_at IS NULL)
        ELSE false
    END
$$;

-- A timer of such a kind goes only when nothing waits for it; one that takes its place promises as many reminders. The lock keeps
-- two transactions from each relying on what the other takes away.
CREATE FUNCTION casework.keep_timer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
DECLARE
    subject uuid := CASE WHEN pg_input_is_valid(OLD.subject_id, 'uuid') THEN OLD.subject_id::uuid END;
    promised bigint := greatest((OLD.policy ->> 'reminders_max')::bigint, 1);
BEGIN
    PERFORM FROM public.timer
    WHERE kind = OLD.kind AND subject_id = OLD.subject_id AND greatest((policy ->> 'reminders_max')::bigint, 1) >= promised
    FOR SHARE;
    IF NOT FOUND AND casework.waits_for_timer(OLD.kind, subject, promised) THEN
        RAISE EXCEPTION 'safeguard 13: what waits keeps the timer that reminds of it' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER keep_timer AFTER DELETE OR UPDATE OF kind, subject_id, policy ON public.timer
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN (OLD.kind IN ('nationals.pause_review', 'nationals.legal_review_reminder', 'nationals.appeal_reminder',
                   'nationals.voluntary_period'))
EXECUTE FUNCTION casework.keep_timer();

-- When the last pause of a case in the voluntary stage ends, its period runs on, by the timer that the case knows.
CREATE FUNCTION casework.run_on_after_pause() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
    PERFORM FROM public.timer JOIN casework.return_case ON (fence, due_at) = (voluntary_fence, voluntary_due_at)
    WHERE kind = 'nationals.voluntary_period' AND subject_id = NEW.case_id::text AND case_id = NEW.case_id
    FOR SHARE OF timer;
    IF NOT FOUND AND casework.waits_for_timer('nationals.voluntary_period', NEW.case_id, 1) THEN
        RAISE EXCEPTION 'safeguard 13: the last pause ends only with the voluntary period running'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER run_on_after_pause AFTER UPDATE OF ended_at ON casework.case_pause
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
EXECUTE FUNCTION casework.run_on_after_pause();

-- As before (01002_casework_guards.sql); and a voluntary period is not over before it began.
CREATE OR REPLACE FUNCTION casework.open_case() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    SELECT due_at, fence INTO NEW.voluntary_due_at, NEW.voluntary_fence FROM public.timer
    WHERE kind = 'nationals.voluntary_period' AND subject_id = NEW.case_id::text;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'safeguard 13: a case opens only with its voluntary period timer armed'
            USING ERRCODE = 'check_violation';
    ELSIF NEW.voluntary_due_at <= clock_timestamp() THEN
        RAISE EXCEPTION 'safeguard 4: a case opens only with its voluntary period before it'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

-- migrate:down
CREATE OR REPLACE FUNCTION casework.open_case() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    SELECT due_at, fence INTO NEW.voluntary_due_at, NEW.voluntary_fence FROM public.timer
    WHERE kind = 'nationals.voluntary_period' AND subject_id = NEW.case_id::text;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'safeguard 13: a case opens only with its voluntary period timer armed'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
DROP TRIGGER run_on_after_pause ON casework.case_pause;
DROP TRIGGER keep_timer ON public.timer;
-- squawk-ignore ban-drop-function
DROP FUNCTION casework.run_on_after_pause(), casework.keep_timer(), casework.waits_for_timer(text, uuid, bigint);
DROP POLICY appeal_timers ON casework.appeal;
DROP POLICY legal_review_timers ON casework.legal_review;
DROP POLICY case_pause_timers ON casework.case_pause;
DROP POLICY return_case_timers ON casework.return_case;

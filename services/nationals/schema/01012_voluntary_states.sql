-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- States and periods of a case: domain/voluntary_stage.py a second time. What phase two adds has a trigger of its own.

CREATE OR REPLACE FUNCTION casework.guard_case_state() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    holds_booking boolean;
    concern bigint;
    lacking text;
BEGIN
    IF NEW.state = OLD.state THEN
        IF NEW.outcome IS DISTINCT FROM OLD.outcome THEN
            RAISE EXCEPTION 'safeguard 10: an outcome is recorded once, when the case is closed'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NOT EXISTS (SELECT FROM casework.case_transition WHERE from_state = OLD.state AND to_state = NEW.state) THEN
        RAISE EXCEPTION 'safeguard 12: a case does not go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    IF pg_has_role(current_user, 'payesh_worker', 'USAGE') AND NOT (NEW.state = 'awaiting_legal_review' AND casework.is_voluntary(OLD.state))
       AND NOT (OLD.state = 'booked' AND NEW.state = 'consented') THEN
        RAISE EXCEPTION 'safeguard 6: only a person takes a case from % to %', OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    holds_booking := casework.holds_booking(NEW.case_id);
    concern := casework.case_concern(NEW.case_id);
    IF NEW.state = 'informed'
       AND NOT EXISTS (SELECT FROM casework.information_session WHERE case_id = NEW.case_id) THEN
        RAISE EXCEPTION 'safeguard 2: no information session is recorded' USING ERRCODE = 'check_violation';
    ELSIF NEW.state = 'consented' AND OLD.state <> 'booked' AND concern IS NOT NULL THEN
        RAISE EXCEPTION 'safeguard %: the case is paused', concern USING ERRCODE = 'check_violation';
    ELSIF NEW.state = 'consented' AND OLD.state <> 'booked' AND NOT casework.has_consent_in_force(NEW.case_id) THEN
        RAISE EXCEPTION 'safeguard 2: no free and informed consent is in force' USING ERRCODE = 'check_violation';
    ELSIF NEW.state = 'booked' AND NOT holds_booking THEN
        RAISE EXCEPTION 'safeguard 7: no booking is held' USING ERRCODE = 'check_violation';
    ELSIF NEW.state = 'booked' AND concern IS NOT NULL THEN
        RAISE EXCEPTION 'safeguard %: the case is paused', concern USING ERRCODE = 'check_violation';
    ELSIF NEW.state = 'booked' AND NOT casework.everyone_screened(NEW.case_id) THEN
        RAISE EXCEPTION 'safeguard 1: a person has no screening in force' USING ERRCODE = 'check_violation';
    ELSIF NEW.state = 'booked' AND NOT casework.has_consent_in_force(NEW.case_id) THEN
        RAISE EXCEPTION 'safeguard 2: no free and informed consent is in force' USING ERRCODE = 'check_violation';
    ELSIF NEW.state IN ('informed', 'consented', 'withdrawn', 'closed', 'departed', 'split') AND holds_booking THEN
        RAISE EXCEPTION 'safeguard 3: a booking is still held' USING ERRCODE = 'check_violation';
    ELSIF NEW.state IN ('withdrawn', 'split')
       AND EXISTS (SELECT FROM casework.consent WHERE case_id = NEW.case_id AND withdrawn_at IS NULL) THEN
        RAISE EXCEPTION 'safeguard 3: a consent is not marked as withdrawn' USING ERRCODE = 'check_violation';
    ELSIF NEW.state = 'closed' AND NEW.outcome = 'withdrawn' AND OLD.state <> 'withdrawn' THEN
        RAISE EXCEPTION 'safeguard 3: the household has not withdrawn' USING ERRCODE = 'check_violation';
    ELSIF NEW.state = 'departed' THEN
        lacking := casework.departure_lacks(NEW.case_id);
        IF lacking IS NULL AND NOT EXISTS (
            SELECT FROM casework.booking
            WHERE case_id = NEW.case_id AND booking.state = 'departed'
              AND family_places + single_places + accessible_places + medical_places = OLD.household_size) THEN
            lacking := 'safeguard 7: the household does not depart as a whole';
        END IF;
    ELSIF NEW.state = 'split' THEN
        lacking := casework.split_lacks(OLD);
    ELSIF NEW.state = 'awaiting_legal_review' AND casework.is_voluntary(OLD.state) THEN
        IF NOT pg_has_role(current_user, 'payesh_worker', 'USAGE') OR clock_timestamp() < OLD.voluntary_due_at THEN
            lacking := 'safeguard 4: the voluntary period is not over on the database''s clock';
        ELSIF concern IS NOT NULL THEN
            lacking := format('safeguard %s: a paused case does not lapse', concern);
        ELSIF holds_booking OR casework.is_reconfirmed(NEW.case_id)
              OR EXISTS (SELECT FROM casework.waiting_entry WHERE case_id = NEW.case_id AND waiting_entry.state = 'waiting') THEN
            lacking := 'safeguard 4: a household on its way does not lapse';
        END IF;
    END IF;
    IF lacking IS NOT NULL THEN
        RAISE EXCEPTION '%', lacking USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

-- Whoever sets a new end of the voluntary period has armed its timer anew; nobody shortens it.
CREATE FUNCTION casework.guard_voluntary_period() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    SELECT due_at, fence INTO NEW.voluntary_due_at, NEW.voluntary_fence FROM public.timer
    WHERE kind = 'nationals.voluntary_period' AND subject_id = NEW.case_id::text;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'safeguard 13: a voluntary period runs only with its timer armed' USING ERRCODE = 'check_violation';
    ELSIF NEW.voluntary_due_at < OLD.voluntary_due_at OR NEW.voluntary_until < OLD.voluntary_until THEN
        RAISE EXCEPTION 'safeguard 4: a voluntary period is never shortened' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_voluntary_period BEFORE UPDATE OF voluntary_until ON casework.return_case
FOR EACH ROW EXECUTE FUNCTION casework.guard_voluntary_period();

-- Safeguard 7: a case made by a split stands on an approved request, and there are two of them.
CREATE FUNCTION casework.guard_split_case() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    divided casework.return_case := casework.lock_case(NEW.split_from);
BEGIN
    IF NOT casework.is_voluntary(divided.state) OR NEW.county <> divided.county
       OR (SELECT count(*) FROM casework.return_case WHERE split_from = NEW.split_from) >= 2
       OR NOT EXISTS (SELECT FROM casework.household_split WHERE case_id = NEW.split_from AND decision = 'approved') THEN
        RAISE EXCEPTION 'safeguard 7: a household is split only by an approved protected request'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_split_case BEFORE INSERT ON casework.return_case
FOR EACH ROW WHEN (NEW.split_from IS NOT NULL) EXECUTE FUNCTION casework.guard_split_case();

-- migrate:down
DROP TRIGGER guard_split_case ON casework.return_case;
DROP TRIGGER guard_voluntary_period ON casework.return_case;
CREATE OR REPLACE FUNCTION casework.guard_case_state() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    holds_booking boolean;
    concern bigint;
BEGIN
    IF NEW.state = OLD.state THEN
        IF NEW.outcome IS DISTINCT FROM OLD.outcome THEN
            RAISE EXCEPTION 'safeguard 10: an outcome is recorded once, when the case is closed'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NOT EXISTS (SELECT FROM casework.case_transition WHERE from_state = OLD.state AND to_state = NEW.state) THEN
        RAISE EXCEPTION 'safeguard 12: a case does not go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    IF pg_has_role(current_user, 'payesh_worker', 'USAGE') AND NEW.state <> 'awaiting_legal_review'
       AND NOT (OLD.state = 'booked' AND NEW.state = 'consented') THEN
        RAISE EXCEPTION 'safeguard 6: only a person takes a case from % to %', OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    holds_booking := EXISTS (SELECT FROM casework.booking WHERE case_id = NEW.case_id AND booking.state = 'held');
    concern := casework.case_concern(NEW.case_id);
    IF NEW.state = 'informed'
       AND NOT EXISTS (SELECT FROM casework.information_session WHERE case_id = NEW.case_id) THEN
        RAISE EXCEPTION 'safeguard 2: no information session is recorded' USING ERRCODE = 'check_violation';
    ELSIF NEW.state = 'consented' AND OLD.state <> 'booked' AND concern IS NOT NULL THEN
        RAISE EXCEPTION 'safeguard %: the case is paused', concern USING ERRCODE = 'check_violation';
    ELSIF NEW.state = 'consented' AND OLD.state <> 'booked' AND NOT casework.has_consent_in_force(NEW.case_id) THEN
        RAISE EXCEPTION 'safeguard 2: no free and informed consent is in force' USING ERRCODE = 'check_violation';
    ELSIF NEW.state = 'booked' AND NOT holds_booking THEN
        RAISE EXCEPTION 'safeguard 7: no booking is held' USING ERRCODE = 'check_violation';
    ELSIF NEW.state = 'booked' AND concern IS NOT NULL THEN
        RAISE EXCEPTION 'safeguard %: the case is paused', concern USING ERRCODE = 'check_violation';
    ELSIF NEW.state = 'booked' AND NOT casework.everyone_screened(NEW.case_id) THEN
        RAISE EXCEPTION 'safeguard 1: a person has no screening in force' USING ERRCODE = 'check_violation';
    ELSIF NEW.state = 'booked' AND NOT casework.has_consent_in_force(NEW.case_id) THEN
        RAISE EXCEPTION 'safeguard 2: no free and informed consent is in force' USING ERRCODE = 'check_violation';
    ELSIF NEW.state IN ('informed', 'consented', 'withdrawn', 'closed') AND holds_booking THEN
        RAISE EXCEPTION 'safeguard 3: a booking is still held' USING ERRCODE = 'check_violation';
    ELSIF NEW.state = 'withdrawn'
       AND EXISTS (SELECT FROM casework.consent WHERE case_id = NEW.case_id AND withdrawn_at IS NULL) THEN
        RAISE EXCEPTION 'safeguard 3: a consent is not marked as withdrawn' USING ERRCODE = 'check_violation';
    ELSIF NEW.state = 'closed' AND NEW.outcome = 'withdrawn' AND OLD.state <> 'withdrawn' THEN
        RAISE EXCEPTION 'safeguard 3: the household has not withdrawn' USING ERRCODE = 'check_violation';
    ELSIF NEW.state = 'awaiting_legal_review' THEN
        IF NOT pg_has_role(current_user, 'payesh_worker', 'USAGE') OR clock_timestamp() < OLD.voluntary_due_at THEN
            RAISE EXCEPTION 'safeguard 4: the voluntary period is not over on the database''s clock'
                USING ERRCODE = 'check_violation';
        ELSIF concern IS NOT NULL THEN
            RAISE EXCEPTION 'safeguard %: a paused case does not lapse', concern USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END
$$;
-- squawk-ignore ban-drop-function
DROP FUNCTION casework.guard_split_case(), casework.guard_voluntary_period();

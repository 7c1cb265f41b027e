-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- The guards of domain/case_machine.py, a second time: raw SQL as the service's own roles is refused too. Every error names
-- its safeguard. Functions run as the caller, so row-level security hides from a guard what it hides from the caller, and
-- what a guard does not see is missing. `casework.places_follow_booking` alone runs as the owner, because no caller may write
-- `held`.

-- The number of the safeguard that stops a case, or null. Flags cannot be cleared yet, so a recorded flag is an open one.
CREATE FUNCTION casework.case_concern(wanted_case uuid) RETURNS bigint
LANGUAGE sql STABLE
AS $$
    SELECT min(safeguard) FROM (
        SELECT 2 AS safeguard FROM casework.consent
        WHERE case_id = wanted_case AND (sign_of_pressure OR NOT given_freely)
        UNION ALL
        SELECT CASE outcome WHEN 'protection_need' THEN 5 ELSE 9 END FROM casework.screening
        WHERE case_id = wanted_case AND outcome <> 'clear'
        UNION ALL
        SELECT 8 FROM casework.return_case WHERE case_id = wanted_case AND unaccompanied_child
        UNION ALL
        SELECT safeguard FROM casework.case_pause WHERE case_id = wanted_case AND ended_at IS NULL
    ) AS concern
$$;

-- Whether a free, informed, unwithdrawn consent covers the latest information session.
CREATE FUNCTION casework.has_consent_in_force(wanted_case uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (
        SELECT FROM casework.consent
        WHERE case_id = wanted_case AND withdrawn_at IS NULL AND given_freely AND NOT sign_of_pressure
          AND interpreter NOT IN ('relative', 'decider')
          AND (language, information_version) = (
              SELECT language, information_version FROM casework.information_session
              WHERE case_id = wanted_case ORDER BY position DESC LIMIT 1)
    )
$$;

-- Whether every person has a screening whose latest one is clear and unexpired.
CREATE FUNCTION casework.everyone_screened(wanted_case uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT coalesce(bool_and(latest.outcome = 'clear' AND latest.valid_until > now()), false)
    FROM casework.return_case
    CROSS JOIN LATERAL generate_series(1, household_size) AS person (number)
    LEFT JOIN LATERAL (
        SELECT outcome, valid_until FROM casework.screening
        WHERE screening.case_id = return_case.case_id AND person_number = person.number
        ORDER BY position DESC LIMIT 1
    ) AS latest ON true
    WHERE return_case.case_id = wanted_case
      AND household_size = (
          SELECT count(DISTINCT person_number) FROM casework.screening WHERE screening.case_id = wanted_case)
$$;

CREATE FUNCTION casework.lock_case(wanted_case uuid) RETURNS casework.return_case
LANGUAGE plpgsql
AS $$
DECLARE
    found_case casework.return_case;
BEGIN
    SELECT * INTO found_case FROM casework.return_case WHERE case_id = wanted_case FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such case in the counties of the caller' USING ERRCODE = 'check_violation';
    END IF;
    RETURN found_case;
END
$$;

-- Safeguards 13 and 4: a case opens with the timer of its voluntary period already running, and remembers when it is due.
CREATE FUNCTION casework.open_case() RETURNS trigger
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
CREATE TRIGGER open_case BEFORE INSERT ON casework.return_case
FOR EACH ROW EXECUTE FUNCTION casework.open_case();

CREATE FUNCTION casework.guard_case_state() RETURNS trigger
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
CREATE TRIGGER guard_case_state BEFORE UPDATE ON casework.return_case
FOR EACH ROW EXECUTE FUNCTION casework.guard_case_state();

CREATE FUNCTION casework.guard_information() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF (casework.lock_case(NEW.case_id)).state = 'closed' THEN
        RAISE EXCEPTION 'safeguard 12: the case is closed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_information BEFORE INSERT ON casework.information_session
FOR EACH ROW EXECUTE FUNCTION casework.guard_information();

CREATE FUNCTION casework.guard_screening() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    found_case casework.return_case := casework.lock_case(NEW.case_id);
BEGIN
    IF found_case.state = 'closed' THEN
        RAISE EXCEPTION 'safeguard 12: the case is closed' USING ERRCODE = 'check_violation';
    ELSIF NEW.person_number > found_case.household_size THEN
        RAISE EXCEPTION 'safeguard 1: no such person in the household' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_screening BEFORE INSERT ON casework.screening
FOR EACH ROW EXECUTE FUNCTION casework.guard_screening();

CREATE FUNCTION casework.guard_consent() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    found_case casework.return_case := casework.lock_case(NEW.case_id);
    concern bigint;
BEGIN
    IF found_case.state = 'closed' THEN
        RAISE EXCEPTION 'safeguard 12: the case is closed' USING ERRCODE = 'check_violation';
    ELSIF NEW.sign_of_pressure OR NOT NEW.given_freely THEN
        RETURN NEW;  -- never refused: it is what stops the case
    ELSIF found_case.state = 'awaiting_legal_review' THEN
        RAISE EXCEPTION 'safeguard 4: the case awaits a legal review' USING ERRCODE = 'check_violation';
    ELSIF (NEW.language, NEW.information_version) IS DISTINCT FROM (
        SELECT (language, information_version) FROM casework.information_session
        WHERE case_id = NEW.case_id ORDER BY position DESC LIMIT 1) THEN
        RAISE EXCEPTION 'safeguard 2: the consent does not cover the latest information'
            USING ERRCODE = 'check_violation';
    END IF;
    concern := casework.case_concern(NEW.case_id);
    IF concern IS NOT NULL THEN
        RAISE EXCEPTION 'safeguard %: the case is paused', concern USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_consent BEFORE INSERT ON casework.consent
FOR EACH ROW EXECUTE FUNCTION casework.guard_consent();

CREATE FUNCTION casework.guard_consent_withdrawal() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF OLD.withdrawn_at IS NOT NULL OR NEW.withdrawn_at IS NULL THEN
        RAISE EXCEPTION 'safeguard 3: a withdrawal is recorded once and never undone' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_consent_withdrawal BEFORE UPDATE ON casework.consent
FOR EACH ROW EXECUTE FUNCTION casework.guard_consent_withdrawal();

-- Safeguards 9 and 13: a pause has a running review timer, and ends only with its case (its clearance by two people comes later).
CREATE FUNCTION casework.guard_pause() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NOT EXISTS (SELECT FROM public.timer
                       WHERE kind = 'nationals.pause_review' AND subject_id = NEW.pause_id::text) THEN
            RAISE EXCEPTION 'safeguard 13: a pause opens only with its review timer armed'
                USING ERRCODE = 'check_violation';
        END IF;
    ELSIF NEW.ended_at IS DISTINCT FROM OLD.ended_at
          AND (OLD.ended_at IS NOT NULL OR (casework.lock_case(NEW.case_id)).state <> 'closed') THEN
        RAISE EXCEPTION 'safeguard 9: a pause ends only by an independent clearance or with its case'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_pause BEFORE INSERT OR UPDATE ON casework.case_pause
FOR EACH ROW EXECUTE FUNCTION casework.guard_pause();

CREATE FUNCTION casework.guard_booking() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    found_case casework.return_case := casework.lock_case(NEW.case_id);
    concern bigint := casework.case_concern(NEW.case_id);
BEGIN
    IF found_case.state = 'awaiting_legal_review' THEN
        RAISE EXCEPTION 'safeguard 4: the case awaits a legal review' USING ERRCODE = 'check_violation';
    ELSIF concern IS NOT NULL THEN
        RAISE EXCEPTION 'safeguard %: the case is paused', concern USING ERRCODE = 'check_violation';
    ELSIF NOT casework.everyone_screened(NEW.case_id) THEN
        RAISE EXCEPTION 'safeguard 1: a person has no unexpired screening' USING ERRCODE = 'check_violation';
    ELSIF found_case.state <> 'consented' OR NOT casework.has_consent_in_force(NEW.case_id) THEN
        RAISE EXCEPTION 'safeguard 2: no free and informed consent is in force' USING ERRCODE = 'check_violation';
    ELSIF NEW.family_places + NEW.single_places + NEW.accessible_places + NEW.medical_places
          <> found_case.household_size THEN
        RAISE EXCEPTION 'safeguard 7: a household is booked whole or not at all' USING ERRCODE = 'check_violation';
    ELSIF NOT EXISTS (SELECT FROM casework.centre WHERE centre_id = NEW.centre_id) THEN
        RAISE EXCEPTION 'no such centre' USING ERRCODE = 'check_violation';
    END IF;
    SELECT due_at, fence INTO NEW.expiry_due_at, NEW.expiry_fence FROM public.timer
    WHERE kind = 'nationals.booking_expiry' AND subject_id = NEW.booking_id::text;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'safeguard 13: a booking opens only with its expiry timer armed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_booking BEFORE INSERT ON casework.booking
FOR EACH ROW EXECUTE FUNCTION casework.guard_booking();

CREATE FUNCTION casework.guard_booking_end() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF OLD.state <> 'held' OR NEW.state = 'held' THEN
        RAISE EXCEPTION 'safeguard 11: a booking is released once' USING ERRCODE = 'check_violation';
    ELSIF NEW.state = 'expired' AND clock_timestamp() < OLD.expiry_due_at THEN
        RAISE EXCEPTION 'safeguard 12: the booking has not expired on the database''s clock'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_booking_end BEFORE UPDATE ON casework.booking
FOR EACH ROW EXECUTE FUNCTION casework.guard_booking_end();

-- Safeguard 11: `held` is the sum of the held bookings, because nothing else can move it. Kinds in one order: no deadlock.
CREATE FUNCTION casework.places_follow_booking() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
DECLARE
    direction bigint := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
    moved record;
BEGIN
    FOR moved IN
        SELECT kind, places
        FROM (VALUES ('accessible', NEW.accessible_places), ('family', NEW.family_places),
                     ('medical', NEW.medical_places), ('single', NEW.single_places)) AS wanted (kind, places)
        WHERE places > 0 ORDER BY kind
    LOOP
        UPDATE casework.centre_place SET held = held + direction * moved.places
        WHERE centre_id = NEW.centre_id AND place_kind = moved.kind;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'safeguard 11: the centre has no places of kind %', moved.kind
                USING ERRCODE = 'check_violation';
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
CREATE TRIGGER places_follow_booking AFTER INSERT OR UPDATE OF state ON casework.booking
FOR EACH ROW EXECUTE FUNCTION casework.places_follow_booking();

-- Safeguard 12: only a case whose voluntary period lapsed has a legal review; safeguard 13: with its reminder running.
CREATE FUNCTION casework.guard_legal_review() RETURNS trigger
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
CREATE TRIGGER guard_legal_review BEFORE INSERT OR UPDATE ON casework.legal_review
FOR EACH ROW EXECUTE FUNCTION casework.guard_legal_review();

-- migrate:down
DROP TRIGGER guard_legal_review ON casework.legal_review;
DROP TRIGGER places_follow_booking ON casework.booking;
DROP TRIGGER guard_booking_end ON casework.booking;
DROP TRIGGER guard_booking ON casework.booking;
DROP TRIGGER guard_pause ON casework.case_pause;
DROP TRIGGER guard_consent_withdrawal ON casework.consent;
DROP TRIGGER guard_consent ON casework.consent;
DROP TRIGGER guard_screening ON casework.screening;
DROP TRIGGER guard_information ON casework.information_session;
DROP TRIGGER guard_case_state ON casework.return_case;
DROP TRIGGER open_case ON casework.return_case;
-- squawk-ignore ban-drop-function
DROP FUNCTION casework.guard_legal_review(), casework.places_follow_booking(), casework.guard_booking_end(),
    casework.guard_booking(), casework.guard_pause(), casework.guard_consent_withdrawal(), casework.guard_consent(),
    casework.guard_screening(), casework.guard_information(), casework.guard_case_state(), casework.open_case(),
    casework.lock_case(uuid), casework.everyone_screened(uuid), casework.has_consent_in_force(uuid),
    casework.case_concern(uuid);

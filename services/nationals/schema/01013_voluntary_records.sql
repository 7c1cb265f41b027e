-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- What may be recorded about a case: domain/voluntary_stage.py a second time.

CREATE OR REPLACE FUNCTION casework.guard_information() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF casework.has_ended((casework.lock_case(NEW.case_id)).state) THEN
        RAISE EXCEPTION 'safeguard 12: the case has ended' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION casework.guard_screening() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    found_case casework.return_case := casework.lock_case(NEW.case_id);
BEGIN
    IF casework.has_ended(found_case.state) THEN
        RAISE EXCEPTION 'safeguard 12: the case has ended' USING ERRCODE = 'check_violation';
    ELSIF NEW.person_number > found_case.household_size THEN
        RAISE EXCEPTION 'safeguard 1: no such person in the household' USING ERRCODE = 'check_violation';
    ELSIF NEW.carried_from IS NOT NULL AND NOT EXISTS (
        SELECT FROM casework.screening AS origin
        WHERE origin.screening_id = NEW.carried_from AND origin.case_id = found_case.split_from
          AND (origin.outcome, origin.valid_until, origin.screened_by) = (NEW.outcome, NEW.valid_until, NEW.screened_by)) THEN
        RAISE EXCEPTION 'safeguard 1: a screening is brought along as it was' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION casework.guard_consent() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    found_case casework.return_case := casework.lock_case(NEW.case_id);
    concern bigint;
BEGIN
    IF casework.has_ended(found_case.state) THEN
        RAISE EXCEPTION 'safeguard 12: the case has ended' USING ERRCODE = 'check_violation';
    ELSIF NEW.sign_of_pressure OR NOT NEW.given_freely THEN
        RETURN NEW;  -- never refused: it is what stops the case
    ELSIF NOT casework.is_voluntary(found_case.state) THEN
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

-- A pause ends by two people's clearance, by the rejection of the request it waits for, or with its case.
CREATE OR REPLACE FUNCTION casework.guard_pause() RETURNS trigger
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
          AND (OLD.ended_at IS NOT NULL OR NOT (
              casework.has_ended((casework.lock_case(NEW.case_id)).state)
              OR EXISTS (SELECT FROM casework.pause_clearance WHERE pause_id = NEW.pause_id AND decision = 'confirmed')
              OR EXISTS (SELECT FROM casework.household_split WHERE pause_id = NEW.pause_id AND decision = 'rejected'))) THEN
        RAISE EXCEPTION 'safeguard 9: a pause ends only by an independent clearance or with its case'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE FUNCTION casework.guard_hearing() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    found_case casework.return_case := casework.lock_case(NEW.case_id);
BEGIN
    IF casework.has_ended(found_case.state) THEN
        RAISE EXCEPTION 'safeguard 12: the case has ended' USING ERRCODE = 'check_violation';
    ELSIF NEW.person_number > found_case.adults THEN
        RAISE EXCEPTION 'safeguard 7: no such adult in the household' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_hearing BEFORE INSERT ON casework.private_hearing
FOR EACH ROW EXECUTE FUNCTION casework.guard_hearing();

CREATE FUNCTION casework.guard_booking_hearing() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NOT casework.everyone_heard(NEW.case_id) THEN
        RAISE EXCEPTION 'safeguard 7: an adult was not heard privately' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_booking_hearing BEFORE INSERT ON casework.booking
FOR EACH ROW EXECUTE FUNCTION casework.guard_booking_hearing();

CREATE FUNCTION casework.guard_departure() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    found_case casework.return_case := casework.lock_case(NEW.case_id);
    lacking text := casework.departure_lacks(NEW.case_id);
BEGIN
    IF found_case.state <> 'booked' THEN
        lacking := 'safeguard 12: only a booked household departs';
    ELSIF NEW.family_places + NEW.single_places + NEW.accessible_places + NEW.medical_places
          <> found_case.household_size THEN
        lacking := 'safeguard 7: a household departs as a whole or not at all';
    END IF;
    IF lacking IS NOT NULL THEN
        RAISE EXCEPTION '%', lacking USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_departure BEFORE UPDATE OF state ON casework.booking
FOR EACH ROW WHEN (NEW.state = 'departed') EXECUTE FUNCTION casework.guard_departure();

CREATE FUNCTION casework.guard_reconfirmation() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    found_case casework.return_case := casework.lock_case(NEW.case_id);
    concern bigint := casework.case_concern(NEW.case_id);
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.cancelled_at IS NOT NULL OR NEW.cancelled_at IS NULL THEN
            RAISE EXCEPTION 'safeguard 2: a reconfirmation is cancelled once' USING ERRCODE = 'check_violation';
        END IF;
    ELSIF found_case.state NOT IN ('consented', 'booked') OR NOT casework.has_consent_in_force(NEW.case_id)
       OR (NEW.consent_id, NEW.language) IS DISTINCT FROM (
           SELECT (consent_id, language) FROM casework.latest_consent(NEW.case_id)) THEN
        RAISE EXCEPTION 'safeguard 2: there is no such consent in force to reconfirm' USING ERRCODE = 'check_violation';
    ELSIF concern IS NOT NULL THEN
        RAISE EXCEPTION 'safeguard %: the case is paused', concern USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_reconfirmation BEFORE INSERT OR UPDATE ON casework.reconfirmation
FOR EACH ROW EXECUTE FUNCTION casework.guard_reconfirmation();

-- After the departure there is nothing left to withdraw from.
CREATE OR REPLACE FUNCTION casework.guard_consent_withdrawal() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF OLD.withdrawn_at IS NOT NULL OR NEW.withdrawn_at IS NULL THEN
        RAISE EXCEPTION 'safeguard 3: a withdrawal is recorded once and never undone' USING ERRCODE = 'check_violation';
    ELSIF (casework.lock_case(NEW.case_id)).state = 'departed' THEN
        RAISE EXCEPTION 'safeguard 3: the household has departed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

-- migrate:down
DROP TRIGGER guard_reconfirmation ON casework.reconfirmation;
DROP TRIGGER guard_departure ON casework.booking;
DROP TRIGGER guard_booking_hearing ON casework.booking;
DROP TRIGGER guard_hearing ON casework.private_hearing;
CREATE OR REPLACE FUNCTION casework.guard_information() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF (casework.lock_case(NEW.case_id)).state = 'closed' THEN
        RAISE EXCEPTION 'safeguard 12: the case is closed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE FUNCTION casework.guard_screening() RETURNS trigger
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
CREATE OR REPLACE FUNCTION casework.guard_consent() RETURNS trigger
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
CREATE OR REPLACE FUNCTION casework.guard_consent_withdrawal() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF OLD.withdrawn_at IS NOT NULL OR NEW.withdrawn_at IS NULL THEN
        RAISE EXCEPTION 'safeguard 3: a withdrawal is recorded once and never undone' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE FUNCTION casework.guard_pause() RETURNS trigger
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
-- squawk-ignore ban-drop-function
DROP FUNCTION casework.guard_reconfirmation(), casework.guard_departure(), casework.guard_booking_hearing(),
    casework.guard_hearing();

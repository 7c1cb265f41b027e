-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- A booking is held, then perhaps admitted (the household has arrived in the centre), and ends once: released, expired or
-- departed. Wider rules than before, so every row that is there obeys.
-- squawk-ignore ban-drop-constraint
ALTER TABLE casework.booking DROP CONSTRAINT booking_state_check;
ALTER TABLE casework.booking ADD CONSTRAINT booking_state_check
    CHECK (state IN ('held', 'admitted', 'released', 'expired', 'departed')) NOT VALID;
-- squawk-ignore ban-drop-constraint
ALTER TABLE casework.booking DROP CONSTRAINT ended_when_not_held;
ALTER TABLE casework.booking ADD CONSTRAINT ended_when_not_open
    CHECK ((state IN ('held', 'admitted')) = (ended_at IS NULL)) NOT VALID;
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX casework.safeguard_7_one_booking;
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX safeguard_7_one_booking ON casework.booking (case_id) WHERE state IN ('held', 'admitted');

-- Who admitted the household, and when: both set with the state, neither ever changed.
ALTER TABLE casework.booking ADD COLUMN admitted_by text CHECK (admitted_by <> 'system');
ALTER TABLE casework.booking ADD COLUMN admitted_at timestamptz;
GRANT UPDATE (admitted_by, admitted_at) ON casework.booking TO casework_api;

-- The centre's own people see which households have places with them, also households of other counties: the booking and its
-- case's id, nothing of the case.
CREATE POLICY booking_of_centre ON casework.booking TO payesh_api
    USING (centre_county = ANY (payesh_counties())) WITH CHECK (centre_county = ANY (payesh_counties()));

CREATE OR REPLACE FUNCTION casework.guard_booking_end() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    found_case casework.return_case;
    concern bigint;
BEGIN
    IF NEW.state = 'held' AND OLD.state = 'held' AND NEW.admitted_by IS NULL AND NEW.admitted_at IS NULL THEN
        RETURN NEW;
    ELSIF (OLD.state, NEW.state) NOT IN (('held', 'admitted'), ('held', 'released'), ('held', 'expired'), ('held', 'departed'),
                                         ('admitted', 'released'), ('admitted', 'departed')) THEN
        RAISE EXCEPTION 'safeguard 11: a booking does not go from % to %, and is given back once', OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    ELSIF NEW.state = 'expired' AND clock_timestamp() < OLD.expiry_due_at THEN
        RAISE EXCEPTION 'safeguard 12: the booking has not expired on the database''s clock'
            USING ERRCODE = 'check_violation';
    ELSIF NEW.state <> 'expired' AND pg_has_role(current_user, 'payesh_worker', 'USAGE') THEN
        RAISE EXCEPTION 'safeguard 6: only a person turns a booking from % to %', OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    ELSIF (NEW.admitted_by IS DISTINCT FROM OLD.admitted_by OR NEW.admitted_at IS DISTINCT FROM OLD.admitted_at)
          AND NEW.state <> 'admitted' THEN
        RAISE EXCEPTION 'safeguard 12: who admitted a household is recorded once' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state = 'admitted' THEN
        found_case := casework.lock_case(NEW.case_id);
        concern := casework.case_concern(NEW.case_id);
        IF NEW.admitted_by IS NULL OR NEW.admitted_at IS NULL THEN
            RAISE EXCEPTION 'safeguard 6: a person admits a household' USING ERRCODE = 'check_violation';
        ELSIF found_case.state <> 'booked' THEN
            RAISE EXCEPTION 'safeguard 12: only a booked household is admitted' USING ERRCODE = 'check_violation';
        ELSIF clock_timestamp() >= OLD.expiry_due_at THEN
            RAISE EXCEPTION 'safeguard 12: the booking has expired' USING ERRCODE = 'check_violation';
        ELSIF concern IS NOT NULL THEN
            RAISE EXCEPTION 'safeguard %: the case is paused', concern USING ERRCODE = 'check_violation';
        ELSIF NOT casework.everyone_screened(NEW.case_id) THEN
            RAISE EXCEPTION 'safeguard 1: a person has no unexpired screening' USING ERRCODE = 'check_violation';
        ELSIF NOT casework.has_consent_in_force(NEW.case_id) THEN
            RAISE EXCEPTION 'safeguard 2: no free and informed consent is in force' USING ERRCODE = 'check_violation';
        ELSIF NOT casework.everyone_heard(NEW.case_id) THEN
            RAISE EXCEPTION 'safeguard 7: an adult has not been heard in private' USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END
$$;

-- Safeguard 11: `held` is the sum of the held bookings and `used` that of the admitted ones, because nothing else can move them.
-- Kinds in one order: no deadlock.
CREATE OR REPLACE FUNCTION casework.places_follow_booking() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
DECLARE
    state_before text := CASE TG_OP WHEN 'UPDATE' THEN OLD.state ELSE '' END;
    held_direction bigint := (NEW.state = 'held')::int - (state_before = 'held')::int;
    used_direction bigint := (NEW.state = 'admitted')::int - (state_before = 'admitted')::int;
    moved record;
BEGIN
    FOR moved IN
        SELECT kind, places
        FROM (VALUES ('accessible', NEW.accessible_places), ('family', NEW.family_places),
                     ('medical', NEW.medical_places), ('single', NEW.single_places)) AS wanted (kind, places)
        WHERE places > 0 AND (held_direction <> 0 OR used_direction <> 0) ORDER BY kind
    LOOP
        UPDATE casework.centre_place
        SET held = held + held_direction * moved.places, used = used + used_direction * moved.places
        WHERE centre_id = NEW.centre_id AND place_kind = moved.kind;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'safeguard 11: the centre has no places of kind %', moved.kind
                USING ERRCODE = 'check_violation';
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

-- migrate:down
DROP POLICY booking_of_centre ON casework.booking;
ALTER TABLE casework.booking DROP COLUMN admitted_by, DROP COLUMN admitted_at;
DROP INDEX casework.safeguard_7_one_booking;
CREATE UNIQUE INDEX safeguard_7_one_booking ON casework.booking (case_id) WHERE state = 'held';
ALTER TABLE casework.booking DROP CONSTRAINT ended_when_not_open;
ALTER TABLE casework.booking ADD CONSTRAINT ended_when_not_held CHECK ((state = 'held') = (ended_at IS NULL));
ALTER TABLE casework.booking DROP CONSTRAINT booking_state_check;
ALTER TABLE casework.booking ADD CONSTRAINT booking_state_check CHECK (state IN ('held', 'released', 'expired'));
CREATE OR REPLACE FUNCTION casework.guard_booking_end() RETURNS trigger
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
CREATE OR REPLACE FUNCTION casework.places_follow_booking() RETURNS trigger
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

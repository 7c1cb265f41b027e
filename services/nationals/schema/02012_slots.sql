-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- Nobody may write `booked`: it follows the bookings by trigger.
CREATE TABLE free_services.slot (
    slot_id uuid PRIMARY KEY,
    service_centre_id uuid NOT NULL,
    service text NOT NULL,
    county text NOT NULL,
    starts_at timestamptz NOT NULL,
    minutes bigint NOT NULL CHECK (minutes BETWEEN 5 AND 480),
    capacity bigint NOT NULL CHECK (capacity BETWEEN 0 AND 500),
    booked bigint NOT NULL DEFAULT 0,
    UNIQUE (service_centre_id, service, starts_at),
    UNIQUE (slot_id, county),
    FOREIGN KEY (service_centre_id, service) REFERENCES free_services.centre_service (service_centre_id, service),
    FOREIGN KEY (service_centre_id, county) REFERENCES free_services.service_centre (service_centre_id, county),
    CONSTRAINT slot_within_capacity CHECK (booked >= 0 AND booked <= capacity)
);
CREATE INDEX slot_in_time ON free_services.slot (county, starts_at);

-- Who booked is not recorded: a random code is printed for the visitor, and only its hash is kept.
CREATE TABLE free_services.slot_booking (
    booking_id uuid PRIMARY KEY,
    slot_id uuid NOT NULL,
    county text NOT NULL,
    claim_hash bytea NOT NULL UNIQUE CHECK (octet_length(claim_hash) = 32),
    state text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'released', 'checked_in', 'no_show')),
    booked_at timestamptz NOT NULL DEFAULT now(),
    -- Set by trigger when the state changes, once.
    ended_at timestamptz,
    FOREIGN KEY (slot_id, county) REFERENCES free_services.slot (slot_id, county),
    CONSTRAINT ended_when_not_held CHECK ((state = 'held') = (ended_at IS NULL))
);
CREATE INDEX slot_booking_of_slot ON free_services.slot_booking (slot_id);
CREATE INDEX slot_booking_held ON free_services.slot_booking (slot_id) WHERE state = 'held';

CREATE FUNCTION free_services.guard_slot_booking() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    starts timestamptz;
    ends timestamptz;
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state <> 'held' THEN
        RAISE EXCEPTION 'slot booking: it has ended (%)', OLD.state USING ERRCODE = 'check_violation';
    END IF;
    SELECT starts_at, starts_at + minutes * interval '1 minute' INTO starts, ends
    FROM free_services.slot WHERE slot_id = NEW.slot_id;
    IF TG_OP = 'INSERT' THEN
        IF starts <= now() THEN
            RAISE EXCEPTION 'slot booking: the slot has begun' USING ERRCODE = 'check_violation';
        END IF;
        NEW.state := 'held';
        NEW.ended_at := NULL;
        RETURN NEW;
    END IF;
    IF NEW.state = 'released' AND now() >= ends THEN
        RAISE EXCEPTION 'slot booking: the slot is over' USING ERRCODE = 'check_violation';
    ELSIF NEW.state = 'no_show' AND now() < ends THEN
        RAISE EXCEPTION 'slot booking: the slot is not over' USING ERRCODE = 'check_violation';
    ELSIF NEW.state = 'checked_in' AND (
        now() < starts - interval '1 hour'
        OR (now() AT TIME ZONE 'Asia/Tehran')::date <> (starts AT TIME ZONE 'Asia/Tehran')::date
    ) THEN
        RAISE EXCEPTION 'slot booking: not the time to check in' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state <> 'held' THEN
        NEW.ended_at := now();
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_slot_booking BEFORE INSERT OR UPDATE ON free_services.slot_booking
FOR EACH ROW EXECUTE FUNCTION free_services.guard_slot_booking();

-- `booked` is the number of bookings that were not released, because nothing else can move it.
CREATE FUNCTION free_services.slot_follows_booking() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE free_services.slot SET booked = booked + 1 WHERE slot_id = NEW.slot_id;
    ELSIF NEW.state = 'released' AND OLD.state = 'held' THEN
        UPDATE free_services.slot SET booked = booked - 1 WHERE slot_id = NEW.slot_id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER slot_follows_booking AFTER INSERT OR UPDATE ON free_services.slot_booking
FOR EACH ROW EXECUTE FUNCTION free_services.slot_follows_booking();

ALTER TABLE free_services.slot ENABLE ROW LEVEL SECURITY;
ALTER TABLE free_services.slot FORCE ROW LEVEL SECURITY;
CREATE POLICY slot_api ON free_services.slot TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY slot_worker ON free_services.slot TO payesh_worker USING (true) WITH CHECK (true);
-- The trigger that keeps `booked` runs as the owner.
CREATE POLICY slot_owner ON free_services.slot TO CURRENT_USER USING (true) WITH CHECK (true);

ALTER TABLE free_services.slot_booking ENABLE ROW LEVEL SECURITY;
ALTER TABLE free_services.slot_booking FORCE ROW LEVEL SECURITY;
CREATE POLICY slot_booking_api ON free_services.slot_booking TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY slot_booking_worker ON free_services.slot_booking TO payesh_worker USING (true) WITH CHECK (true);

GRANT SELECT ON free_services.slot, free_services.slot_booking TO free_services_api, free_services_worker;
GRANT INSERT (slot_id, service_centre_id, service, county, starts_at, minutes, capacity) ON free_services.slot
    TO free_services_api, free_services_worker;
GRANT UPDATE (minutes, capacity) ON free_services.slot TO free_services_api, free_services_worker;
GRANT INSERT (booking_id, slot_id, county, claim_hash) ON free_services.slot_booking TO free_services_api;
GRANT UPDATE (state) ON free_services.slot_booking TO free_services_api, free_services_worker;

-- migrate:down
DROP TABLE free_services.slot_booking, free_services.slot;
DROP FUNCTION free_services.slot_follows_booking(), free_services.guard_slot_booking();

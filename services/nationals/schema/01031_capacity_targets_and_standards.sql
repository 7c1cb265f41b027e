-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- A capacity may be lowered below what is taken: `capacity_target` is what people set, `capacity` what is in effect. It falls with
-- each place given back until it is the target; until then nobody is booked there. Nobody writes `capacity`: it follows.
-- squawk-ignore adding-field-with-default
ALTER TABLE casework.centre_place ADD COLUMN capacity_target bigint NOT NULL DEFAULT 0;
UPDATE casework.centre_place SET capacity_target = capacity;
ALTER TABLE casework.centre_place ADD CONSTRAINT safeguard_11_target CHECK (capacity_target BETWEEN 0 AND capacity) NOT VALID;
REVOKE UPDATE (capacity) ON casework.centre_place FROM casework_api;

CREATE FUNCTION casework.capacity_follows_target() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.held + NEW.used > OLD.held + OLD.used THEN
        -- More is taken than before: only the target counts, and the constraint of safeguard 11 says whether it fits.
        NEW.capacity := NEW.capacity_target;
    ELSE
        NEW.capacity := greatest(NEW.capacity_target, NEW.held + NEW.used);
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER capacity_follows_target BEFORE INSERT OR UPDATE ON casework.centre_place
FOR EACH ROW EXECUTE FUNCTION casework.capacity_follows_target();

-- What a centre has, as somebody measured it, with the written standards of that day beside it (centre_standards.yaml): from both
-- follows how many places all kinds together may have. Append-only; the latest record counts.
CREATE TABLE casework.centre_record (
    record_id uuid PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    centre_id uuid NOT NULL,
    county text NOT NULL,
    floor_area_m2 numeric(9, 2) NOT NULL CHECK (floor_area_m2 >= 0),
    toilets bigint NOT NULL CHECK (toilets BETWEEN 0 AND 100000),
    staff_per_shift bigint NOT NULL CHECK (staff_per_shift BETWEEN 0 AND 100000),
    standards_version text NOT NULL CHECK (char_length(standards_version) BETWEEN 1 AND 100),
    floor_area_m2_per_person numeric(5, 2) NOT NULL CHECK (floor_area_m2_per_person > 0),
    persons_per_toilet bigint NOT NULL CHECK (persons_per_toilet BETWEEN 1 AND 1000),
    persons_per_staff_member bigint NOT NULL CHECK (persons_per_staff_member BETWEEN 1 AND 1000),
    places_allowed bigint NOT NULL GENERATED ALWAYS AS (
        least(
            floor(floor_area_m2 / floor_area_m2_per_person)::bigint,
            toilets * persons_per_toilet,
            staff_per_shift * persons_per_staff_member)
    ) STORED,
    recorded_by text NOT NULL CHECK (recorded_by <> 'system'),
    recorded_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (centre_id, county) REFERENCES casework.centre (centre_id, county)
);
CREATE INDEX centre_record_of_centre ON casework.centre_record (centre_id, position DESC);

ALTER TABLE casework.centre_record ENABLE ROW LEVEL SECURITY;
ALTER TABLE casework.centre_record FORCE ROW LEVEL SECURITY;
CREATE POLICY centre_record_api ON casework.centre_record TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY centre_record_worker ON casework.centre_record TO payesh_worker USING (true) WITH CHECK (true);
CREATE POLICY centre_record_catalogue ON casework.centre_record FOR SELECT TO payesh_api USING (true);
CREATE POLICY centre_record_owner ON casework.centre_record FOR SELECT TO CURRENT_USER USING (true);
GRANT SELECT ON casework.centre_record TO casework_api, casework_worker;
GRANT INSERT (record_id, centre_id, county, floor_area_m2, toilets, staff_per_shift, standards_version, floor_area_m2_per_person,
              persons_per_toilet, persons_per_staff_member, recorded_by) ON casework.centre_record TO casework_api;

-- All kinds of a centre under their lock, in one order; their targets together.
CREATE FUNCTION casework.lock_targets(wanted_centre uuid) RETURNS bigint
LANGUAGE sql
SET search_path = pg_catalog
AS $$
    SELECT coalesce(sum(capacity_target), 0)::bigint FROM (
        SELECT capacity_target FROM casework.centre_place WHERE centre_id = wanted_centre ORDER BY place_kind FOR UPDATE
    ) AS place
$$;

-- A capacity is changed by recording the change and in no other way, so there is none without who, when and, downwards, why.
CREATE FUNCTION casework.apply_capacity_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
DECLARE
    targets bigint := casework.lock_targets(NEW.centre_id);
    allowed bigint;
BEGIN
    SELECT capacity_target INTO NEW.capacity_before FROM casework.centre_place
    WHERE centre_id = NEW.centre_id AND place_kind = NEW.place_kind;
    SELECT places_allowed INTO allowed FROM casework.centre_record
    WHERE centre_id = NEW.centre_id ORDER BY position DESC LIMIT 1;
    IF NEW.capacity < 0 THEN
        RAISE EXCEPTION 'safeguard 11: a capacity is not negative' USING ERRCODE = 'check_violation';
    ELSIF NEW.capacity > NEW.capacity_before
          AND targets - NEW.capacity_before + NEW.capacity > coalesce(allowed, 0) THEN
        RAISE EXCEPTION 'written standards: what is recorded of the centre allows % places', coalesce(allowed, 0)
            USING ERRCODE = 'check_violation';
    END IF;
    UPDATE casework.centre_place SET capacity_target = NEW.capacity
    WHERE centre_id = NEW.centre_id AND place_kind = NEW.place_kind;
    RETURN NEW;
END
$$;
CREATE TRIGGER apply_capacity_change BEFORE INSERT ON casework.centre_capacity_change
FOR EACH ROW EXECUTE FUNCTION casework.apply_capacity_change();

-- A centre that lost room lowers its capacities first, which is always possible: a record never stands below what is promised.
CREATE FUNCTION casework.guard_centre_record() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
    IF casework.lock_targets(NEW.centre_id) > NEW.places_allowed THEN
        RAISE EXCEPTION 'written standards: the capacities set are more than % places', NEW.places_allowed
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER guard_centre_record AFTER INSERT ON casework.centre_record
FOR EACH ROW EXECUTE FUNCTION casework.guard_centre_record();

-- migrate:down
DROP TRIGGER apply_capacity_change ON casework.centre_capacity_change;
DROP TABLE casework.centre_record;
DROP TRIGGER capacity_follows_target ON casework.centre_place;
DROP FUNCTION casework.guard_centre_record(), casework.apply_capacity_change(), casework.lock_targets(uuid),
    casework.capacity_follows_target();
ALTER TABLE casework.centre_place DROP COLUMN capacity_target;
GRANT UPDATE (capacity) ON casework.centre_place TO casework_api;

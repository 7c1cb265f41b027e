-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE free_services.service_centre (
    service_centre_id uuid PRIMARY KEY,
    county text NOT NULL,
    name_fa text NOT NULL CHECK (char_length(name_fa) BETWEEN 1 AND 200),
    name_en text NOT NULL CHECK (char_length(name_en) BETWEEN 1 AND 200),
    -- Names an example that ships with the software, so that it is loaded once.
    example_key text UNIQUE CHECK (example_key ~ '^[a-z_]{1,40}$'),
    -- Slots are planned up to this day, itself not included.
    planned_until date,
    opened_by text NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (county, name_fa),
    UNIQUE (service_centre_id, county)
);

-- No Friday: the province's offices are closed.
CREATE TABLE free_services.opening_hours (
    service_centre_id uuid NOT NULL,
    weekday text NOT NULL CHECK (weekday IN ('saturday', 'sunday', 'monday', 'tuesday', 'wednesday', 'thursday')),
    county text NOT NULL,
    opens_at time NOT NULL,
    closes_at time NOT NULL,
    PRIMARY KEY (service_centre_id, weekday),
    FOREIGN KEY (service_centre_id, county) REFERENCES free_services.service_centre (service_centre_id, county),
    CONSTRAINT closes_after_opening CHECK (closes_at > opens_at)
);

CREATE TABLE free_services.centre_service (
    service_centre_id uuid NOT NULL,
    service text NOT NULL CHECK (service IN ('administrative', 'education', 'livelihood', 'health_referral', 'legal_aid')),
    county text NOT NULL,
    active boolean NOT NULL,
    capacity_per_slot bigint NOT NULL CHECK (capacity_per_slot BETWEEN 1 AND 500),
    slot_minutes bigint NOT NULL CHECK (slot_minutes BETWEEN 5 AND 480),
    -- The last day on which the waiting time was measured.
    measured_on date NOT NULL DEFAULT '-infinity',
    PRIMARY KEY (service_centre_id, service),
    FOREIGN KEY (service_centre_id, county) REFERENCES free_services.service_centre (service_centre_id, county)
);

-- A projection: a fold of this service's own events and nothing else.
CREATE TABLE free_services.service_waiting_day (
    service_centre_id uuid NOT NULL,
    service text NOT NULL,
    measured_on date NOT NULL,
    county text NOT NULL,
    days_until_free bigint NOT NULL,
    PRIMARY KEY (service_centre_id, service, measured_on)
);

ALTER TABLE free_services.service_centre ENABLE ROW LEVEL SECURITY;
ALTER TABLE free_services.service_centre FORCE ROW LEVEL SECURITY;
CREATE POLICY service_centre_api ON free_services.service_centre TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY service_centre_worker ON free_services.service_centre TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE free_services.opening_hours ENABLE ROW LEVEL SECURITY;
ALTER TABLE free_services.opening_hours FORCE ROW LEVEL SECURITY;
CREATE POLICY opening_hours_api ON free_services.opening_hours TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY opening_hours_worker ON free_services.opening_hours TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE free_services.centre_service ENABLE ROW LEVEL SECURITY;
ALTER TABLE free_services.centre_service FORCE ROW LEVEL SECURITY;
CREATE POLICY centre_service_api ON free_services.centre_service TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY centre_service_worker ON free_services.centre_service TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE free_services.service_waiting_day ENABLE ROW LEVEL SECURITY;
ALTER TABLE free_services.service_waiting_day FORCE ROW LEVEL SECURITY;
CREATE POLICY service_waiting_day_api ON free_services.service_waiting_day TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY service_waiting_day_worker ON free_services.service_waiting_day TO payesh_worker
    USING (true) WITH CHECK (true);

-- Whoever comes may go to any centre, so every caller may see which there are, when they open and what they offer. Changing
-- them stays with their county.
CREATE POLICY service_centre_catalogue ON free_services.service_centre FOR SELECT TO payesh_api USING (true);
CREATE POLICY opening_hours_catalogue ON free_services.opening_hours FOR SELECT TO payesh_api USING (true);
CREATE POLICY centre_service_catalogue ON free_services.centre_service FOR SELECT TO payesh_api USING (true);

GRANT SELECT ON free_services.service_centre, free_services.opening_hours, free_services.centre_service
    TO free_services_api, free_services_worker;
GRANT INSERT (service_centre_id, county, name_fa, name_en, example_key, opened_by) ON free_services.service_centre
    TO free_services_api;
GRANT UPDATE (planned_until) ON free_services.service_centre TO free_services_api, free_services_worker;
-- DELETE: setting a week's hours replaces the hours before.
GRANT INSERT, DELETE ON free_services.opening_hours TO free_services_api;
GRANT INSERT (service_centre_id, service, county, active, capacity_per_slot, slot_minutes) ON free_services.centre_service
    TO free_services_api;
GRANT UPDATE (active, capacity_per_slot, slot_minutes) ON free_services.centre_service TO free_services_api;
GRANT UPDATE (measured_on) ON free_services.centre_service TO free_services_worker;
GRANT SELECT ON free_services.service_waiting_day TO free_services_api;
-- DELETE: a rebuild of the projection starts from nothing.
GRANT SELECT, INSERT, UPDATE, DELETE ON free_services.service_waiting_day TO free_services_worker;

-- migrate:down
DROP TABLE free_services.service_waiting_day, free_services.centre_service, free_services.opening_hours,
    free_services.service_centre;

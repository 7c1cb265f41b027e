-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- The casework half lives in its own schema. The services half will have another one, with no key, column or topic in common
-- (safeguards: the firewall). Nothing here says where people are from, what they are called or where they live.
CREATE SCHEMA casework;
GRANT USAGE ON SCHEMA casework TO payesh_api, payesh_worker;

CREATE TABLE casework.centre (
    centre_id uuid PRIMARY KEY,
    county text NOT NULL,
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (county, name),
    UNIQUE (centre_id, county)
);

-- Safeguard 11. Nobody may write `held` or `used`: `held` follows the bookings by trigger.
CREATE TABLE casework.centre_place (
    centre_id uuid NOT NULL,
    place_kind text NOT NULL CHECK (place_kind IN ('family', 'single', 'accessible', 'medical')),
    county text NOT NULL,
    capacity bigint NOT NULL DEFAULT 0,
    held bigint NOT NULL DEFAULT 0,
    used bigint NOT NULL DEFAULT 0,
    threshold_percent bigint NOT NULL DEFAULT 0 CHECK (threshold_percent IN (0, 80, 95, 100)),
    PRIMARY KEY (centre_id, place_kind),
    FOREIGN KEY (centre_id, county) REFERENCES casework.centre (centre_id, county),
    CONSTRAINT safeguard_11_places CHECK (held >= 0 AND used >= 0 AND capacity >= 0 AND held + used <= capacity)
);

CREATE TABLE casework.centre_capacity_change (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    centre_id uuid NOT NULL,
    place_kind text NOT NULL,
    county text NOT NULL,
    capacity_before bigint NOT NULL,
    capacity bigint NOT NULL,
    reason text CHECK (char_length(reason) <= 500),
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (centre_id, place_kind) REFERENCES casework.centre_place (centre_id, place_kind),
    FOREIGN KEY (centre_id, county) REFERENCES casework.centre (centre_id, county),
    CONSTRAINT safeguard_11_lowering_needs_reason CHECK (capacity >= capacity_before OR reason IS NOT NULL)
);

CREATE TABLE casework.return_case (
    case_id uuid PRIMARY KEY,
    county text NOT NULL,
    reference text NOT NULL CHECK (
        reference ~ '^[A-Z]{1,4}(-[0-9]{1,6}){1,2}$' AND char_length(regexp_replace(reference, '[^0-9]', '', 'g')) <= 9
    ),
    adults bigint NOT NULL CHECK (adults >= 0),
    children_under_5 bigint NOT NULL CHECK (children_under_5 >= 0),
    children_5_to_17 bigint NOT NULL CHECK (children_5_to_17 >= 0),
    household_size bigint GENERATED ALWAYS AS (adults + children_under_5 + children_5_to_17) STORED
        CHECK (household_size BETWEEN 1 AND 30),
    unaccompanied_child boolean NOT NULL,
    needs text[] NOT NULL DEFAULT '{}' CHECK (needs <@ ARRAY['accessible_place', 'medical_place']),
    state text NOT NULL DEFAULT 'opened',
    outcome text CHECK (outcome IN ('not_viable', 'regularised', 'protection_referral', 'withdrawn')),
    voluntary_until timestamptz NOT NULL,
    -- Both copied from the armed timer by trigger: when, on the database's clock, the period is over, and which arming counts.
    voluntary_due_at timestamptz NOT NULL,
    voluntary_fence bigint NOT NULL,
    opened_by text NOT NULL CHECK (opened_by <> 'system'),
    opened_at timestamptz NOT NULL DEFAULT now(),
    state_changed_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (county, reference),
    UNIQUE (case_id, county),
    CONSTRAINT safeguard_8_children_alone_are_unaccompanied CHECK (adults > 0 OR unaccompanied_child),
    CONSTRAINT closed_with_outcome CHECK ((state = 'closed') = (outcome IS NOT NULL))
);

-- The changes of state that exist. The domain's table says the same; a test compares the two.
CREATE TABLE casework.case_transition (
    from_state text NOT NULL,
    to_state text NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
INSERT INTO casework.case_transition (from_state, to_state) VALUES
    ('opened', 'informed'), ('withdrawn', 'informed'), ('consented', 'informed'), ('booked', 'informed'),
    ('informed', 'consented'), ('withdrawn', 'consented'), ('booked', 'consented'),
    ('consented', 'booked'),
    ('opened', 'withdrawn'), ('informed', 'withdrawn'), ('consented', 'withdrawn'), ('booked', 'withdrawn'),
    ('opened', 'awaiting_legal_review'), ('informed', 'awaiting_legal_review'), ('consented', 'awaiting_legal_review'),
    ('booked', 'awaiting_legal_review'), ('withdrawn', 'awaiting_legal_review'),
    ('opened', 'closed'), ('informed', 'closed'), ('consented', 'closed'), ('booked', 'closed'), ('withdrawn', 'closed'),
    ('awaiting_legal_review', 'closed');
GRANT SELECT ON casework.case_transition TO payesh_api, payesh_worker;

CREATE TABLE casework.information_session (
    session_id uuid PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    case_id uuid NOT NULL,
    county text NOT NULL,
    language text NOT NULL CHECK (language ~ '^[a-z]{2,3}$'),
    information_version bigint NOT NULL CHECK (information_version > 0),
    interpreter text NOT NULL CHECK (interpreter IN ('none', 'professional', 'community')),
    held_by text NOT NULL CHECK (held_by <> 'system'),
    held_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (case_id, county) REFERENCES casework.return_case (case_id, county)
);
CREATE INDEX information_session_of_case ON casework.information_session (case_id, position DESC);

CREATE TABLE casework.screening (
    screening_id uuid PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    case_id uuid NOT NULL,
    county text NOT NULL,
    person_number bigint NOT NULL CHECK (person_number > 0),
    outcome text NOT NULL CHECK (outcome IN ('clear', 'protection_need', 'medical_flag', 'vulnerability_flag')),
    valid_until timestamptz NOT NULL,
    screened_by text NOT NULL CHECK (screened_by <> 'system'),
    screened_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (case_id, county) REFERENCES casework.return_case (case_id, county),
    CONSTRAINT safeguard_1_screening_expires CHECK (
        valid_until > screened_at AND valid_until <= screened_at + interval '90 days'
    )
);
CREATE INDEX screening_of_person ON casework.screening (case_id, person_number, position DESC);

CREATE TABLE casework.consent (
    consent_id uuid PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    case_id uuid NOT NULL,
    county text NOT NULL,
    language text NOT NULL CHECK (language ~ '^[a-z]{2,3}$'),
    information_version bigint NOT NULL CHECK (information_version > 0),
    interpreter text NOT NULL CHECK (interpreter IN ('none', 'professional', 'community', 'relative', 'decider')),
    given_freely boolean NOT NULL,
    sign_of_pressure boolean NOT NULL,
    recorded_by text NOT NULL CHECK (recorded_by <> 'system'),
    recorded_at timestamptz NOT NULL DEFAULT now(),
    withdrawn_at timestamptz,
    FOREIGN KEY (case_id, county) REFERENCES casework.return_case (case_id, county),
    -- A sign of pressure must be recordable whoever interpreted; a consent must not.
    CONSTRAINT safeguard_2_independent_interpreter CHECK (
        interpreter NOT IN ('relative', 'decider') OR sign_of_pressure OR NOT given_freely
    )
);
CREATE INDEX consent_of_case ON casework.consent (case_id, position DESC);

CREATE TABLE casework.case_pause (
    pause_id uuid PRIMARY KEY,
    case_id uuid NOT NULL,
    county text NOT NULL,
    safeguard bigint NOT NULL CHECK (safeguard IN (2, 5, 8, 9)),
    owner_office text NOT NULL CHECK (owner_office IN ('protection_office', 'child_protection_office', 'legal_office')),
    review_by timestamptz NOT NULL,
    reminders bigint NOT NULL DEFAULT 0 CHECK (reminders >= 0),
    opened_by text NOT NULL CHECK (opened_by <> 'system'),
    opened_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    FOREIGN KEY (case_id, county) REFERENCES casework.return_case (case_id, county)
);
CREATE UNIQUE INDEX case_pause_open ON casework.case_pause (case_id, safeguard) WHERE ended_at IS NULL;

CREATE TABLE casework.booking (
    booking_id uuid PRIMARY KEY,
    case_id uuid NOT NULL,
    county text NOT NULL,
    centre_id uuid NOT NULL,
    centre_county text NOT NULL,
    family_places bigint NOT NULL DEFAULT 0 CHECK (family_places >= 0),
    single_places bigint NOT NULL DEFAULT 0 CHECK (single_places >= 0),
    accessible_places bigint NOT NULL DEFAULT 0 CHECK (accessible_places >= 0),
    medical_places bigint NOT NULL DEFAULT 0 CHECK (medical_places >= 0),
    state text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'released', 'expired')),
    expires_at timestamptz NOT NULL,
    -- Both copied from the armed timer by trigger.
    expiry_due_at timestamptz NOT NULL,
    expiry_fence bigint NOT NULL,
    booked_by text NOT NULL CHECK (booked_by <> 'system'),
    booked_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    FOREIGN KEY (case_id, county) REFERENCES casework.return_case (case_id, county),
    FOREIGN KEY (centre_id, centre_county) REFERENCES casework.centre (centre_id, county),
    CONSTRAINT ended_when_not_held CHECK ((state = 'held') = (ended_at IS NULL)),
    CONSTRAINT booking_expires CHECK (expires_at > booked_at)
);
CREATE UNIQUE INDEX safeguard_7_one_booking ON casework.booking (case_id) WHERE state = 'held';
CREATE INDEX booking_of_centre ON casework.booking (centre_id);

-- A place in the legal office's queue. There is no column for an outcome, and nobody may write the two reviewers: a decision
-- cannot be recorded by this software yet.
CREATE TABLE casework.legal_review (
    review_id uuid PRIMARY KEY,
    case_id uuid NOT NULL UNIQUE,
    county text NOT NULL,
    owner_office text NOT NULL CHECK (owner_office = 'legal_office'),
    review_by timestamptz NOT NULL,
    reminders bigint NOT NULL DEFAULT 0 CHECK (reminders >= 0),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'case_closed')),
    opened_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    first_reviewer text,
    second_reviewer text,
    FOREIGN KEY (case_id, county) REFERENCES casework.return_case (case_id, county),
    CONSTRAINT safeguard_6_two_different_humans CHECK (
        first_reviewer <> second_reviewer AND first_reviewer <> 'system' AND second_reviewer <> 'system'
    )
);
CREATE INDEX legal_review_queue ON casework.legal_review (review_by, review_id) WHERE state = 'open';

CREATE TABLE casework.case_read_log (
    read_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id uuid NOT NULL,
    county text NOT NULL,
    read_by text NOT NULL,
    purpose text NOT NULL CHECK (
        purpose IN ('casework', 'protection_screening', 'legal_review', 'supervision', 'household_request')
    ),
    read_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (case_id, county) REFERENCES casework.return_case (case_id, county)
);

-- Projections: folds of this service's own events and nothing else.
CREATE TABLE casework.county_case_counter (
    county text NOT NULL,
    counter text NOT NULL,
    value bigint NOT NULL,
    PRIMARY KEY (county, counter)
);

CREATE TABLE casework.centre_place_counter (
    centre_id uuid NOT NULL,
    place_kind text NOT NULL,
    county text NOT NULL,
    capacity bigint NOT NULL,
    held bigint NOT NULL,
    used bigint NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (centre_id, place_kind)
);

-- Row-level security: the API sees the counties of its caller's token, the worker sees all (it acts for none).
ALTER TABLE casework.centre ENABLE ROW LEVEL SECURITY;
ALTER TABLE casework.centre FORCE ROW LEVEL SECURITY;
CREATE POLICY centre_api ON casework.centre TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY centre_worker ON casework.centre TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE casework.centre_place ENABLE ROW LEVEL SECURITY;
ALTER TABLE casework.centre_place FORCE ROW LEVEL SECURITY;
CREATE POLICY centre_place_api ON casework.centre_place TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY centre_place_worker ON casework.centre_place TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE casework.centre_capacity_change ENABLE ROW LEVEL SECURITY;
ALTER TABLE casework.centre_capacity_change FORCE ROW LEVEL SECURITY;
CREATE POLICY centre_capacity_change_api ON casework.centre_capacity_change TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY centre_capacity_change_worker ON casework.centre_capacity_change TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE casework.return_case ENABLE ROW LEVEL SECURITY;
ALTER TABLE casework.return_case FORCE ROW LEVEL SECURITY;
CREATE POLICY return_case_api ON casework.return_case TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY return_case_worker ON casework.return_case TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE casework.information_session ENABLE ROW LEVEL SECURITY;
ALTER TABLE casework.information_session FORCE ROW LEVEL SECURITY;
CREATE POLICY information_session_api ON casework.information_session TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY information_session_worker ON casework.information_session TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE casework.screening ENABLE ROW LEVEL SECURITY;
ALTER TABLE casework.screening FORCE ROW LEVEL SECURITY;
CREATE POLICY screening_api ON casework.screening TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY screening_worker ON casework.screening TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE casework.consent ENABLE ROW LEVEL SECURITY;
ALTER TABLE casework.consent FORCE ROW LEVEL SECURITY;
CREATE POLICY consent_api ON casework.consent TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY consent_worker ON casework.consent TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE casework.case_pause ENABLE ROW LEVEL SECURITY;
ALTER TABLE casework.case_pause FORCE ROW LEVEL SECURITY;
CREATE POLICY case_pause_api ON casework.case_pause TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY case_pause_worker ON casework.case_pause TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE casework.booking ENABLE ROW LEVEL SECURITY;
ALTER TABLE casework.booking FORCE ROW LEVEL SECURITY;
CREATE POLICY booking_api ON casework.booking TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY booking_worker ON casework.booking TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE casework.legal_review ENABLE ROW LEVEL SECURITY;
ALTER TABLE casework.legal_review FORCE ROW LEVEL SECURITY;
CREATE POLICY legal_review_api ON casework.legal_review TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY legal_review_worker ON casework.legal_review TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE casework.case_read_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE casework.case_read_log FORCE ROW LEVEL SECURITY;
CREATE POLICY case_read_log_api ON casework.case_read_log TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY case_read_log_worker ON casework.case_read_log TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE casework.county_case_counter ENABLE ROW LEVEL SECURITY;
ALTER TABLE casework.county_case_counter FORCE ROW LEVEL SECURITY;
CREATE POLICY county_case_counter_api ON casework.county_case_counter TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY county_case_counter_worker ON casework.county_case_counter TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE casework.centre_place_counter ENABLE ROW LEVEL SECURITY;
ALTER TABLE casework.centre_place_counter FORCE ROW LEVEL SECURITY;
CREATE POLICY centre_place_counter_api ON casework.centre_place_counter TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY centre_place_counter_worker ON casework.centre_place_counter TO payesh_worker USING (true) WITH CHECK (true);

-- A return centre serves households of every county, so every caller may see which centres there are and what is free. Changing
-- them stays with their county. The catalogue says nothing about persons.
CREATE POLICY centre_catalogue ON casework.centre FOR SELECT TO payesh_api USING (true);
CREATE POLICY centre_place_catalogue ON casework.centre_place FOR SELECT TO payesh_api USING (true);
CREATE POLICY centre_place_counter_catalogue ON casework.centre_place_counter FOR SELECT TO payesh_api USING (true);

-- The trigger that keeps `held` runs as the owner.
CREATE POLICY centre_place_owner ON casework.centre_place TO CURRENT_USER USING (true) WITH CHECK (true);

-- Evidence is append-only: what a person recorded is not rewritten. Only people record it, so the worker may insert none of it.
GRANT SELECT ON casework.centre, casework.centre_place, casework.return_case, casework.information_session,
    casework.screening, casework.consent, casework.case_pause, casework.booking, casework.legal_review
    TO payesh_api, payesh_worker;
GRANT INSERT (centre_id, county, name, created_by) ON casework.centre TO payesh_api;
GRANT INSERT (centre_id, place_kind, county) ON casework.centre_place TO payesh_api;
GRANT UPDATE (capacity, threshold_percent) ON casework.centre_place TO payesh_api;
GRANT UPDATE (threshold_percent) ON casework.centre_place TO payesh_worker;
GRANT INSERT (centre_id, place_kind, county, capacity_before, capacity, reason, changed_by)
    ON casework.centre_capacity_change TO payesh_api;
GRANT INSERT (case_id, county, reference, adults, children_under_5, children_5_to_17, unaccompanied_child, needs,
              voluntary_until, opened_by) ON casework.return_case TO payesh_api;
GRANT UPDATE (state, outcome, state_changed_at) ON casework.return_case TO payesh_api;
GRANT UPDATE (state, state_changed_at) ON casework.return_case TO payesh_worker;
GRANT INSERT (session_id, case_id, county, language, information_version, interpreter, held_by)
    ON casework.information_session TO payesh_api;
GRANT INSERT (screening_id, case_id, county, person_number, outcome, valid_until, screened_by)
    ON casework.screening TO payesh_api;
GRANT INSERT (consent_id, case_id, county, language, information_version, interpreter, given_freely, sign_of_pressure,
              recorded_by) ON casework.consent TO payesh_api;
GRANT UPDATE (withdrawn_at) ON casework.consent TO payesh_api;
GRANT INSERT (pause_id, case_id, county, safeguard, owner_office, review_by, opened_by) ON casework.case_pause TO payesh_api;
GRANT UPDATE (ended_at) ON casework.case_pause TO payesh_api;
GRANT UPDATE (reminders, review_by) ON casework.case_pause TO payesh_worker;
GRANT INSERT (booking_id, case_id, county, centre_id, centre_county, family_places, single_places, accessible_places,
              medical_places, expires_at, booked_by) ON casework.booking TO payesh_api;
GRANT UPDATE (state, ended_at) ON casework.booking TO payesh_api, payesh_worker;
GRANT INSERT (review_id, case_id, county, owner_office, review_by) ON casework.legal_review TO payesh_worker;
GRANT UPDATE (reminders, review_by) ON casework.legal_review TO payesh_worker;
GRANT UPDATE (state, ended_at) ON casework.legal_review TO payesh_api;
GRANT INSERT (case_id, county, read_by, purpose) ON casework.case_read_log TO payesh_api;
GRANT SELECT ON casework.county_case_counter, casework.centre_place_counter TO payesh_api;
-- DELETE: a rebuild of the projections starts from nothing.
GRANT SELECT, INSERT, UPDATE, DELETE ON casework.county_case_counter, casework.centre_place_counter TO payesh_worker;

-- migrate:down
-- squawk-ignore ban-drop-schema
DROP SCHEMA casework CASCADE;

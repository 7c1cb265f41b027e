-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- Ten digits with the check digit of a natural person's national id.
CREATE FUNCTION free_services.is_national_id(digits text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT digits ~ '^[0-9]{10}$' AND digits !~ '^(.)\1{9}$' AND substr(digits, 10, 1)::int = (
        SELECT CASE WHEN rest < 2 THEN rest ELSE 11 - rest END
        FROM (SELECT sum(substr(digits, place, 1)::int * (11 - place)) % 11 AS rest FROM generate_series(1, 9) AS place) AS sums
    )
$$;

-- A number of a permit or an employer, in one spelling: no room for a name, and no number of a person.
CREATE FUNCTION free_services.is_office_reference(reference text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT reference ~ '^[A-Z0-9/-]{3,24}$'
        AND char_length(regexp_replace(reference, '[^0-9]', '', 'g')) >= 3
        AND char_length(regexp_replace(reference, '[^A-Z]', '', 'g')) <= 4
        AND NOT (reference ~ '^[0-9]{8,10}$' AND free_services.is_national_id(lpad(reference, 10, '0')))
        AND NOT EXISTS (
            SELECT FROM regexp_split_to_table(reference, '[^0-9]+') AS run
            WHERE CASE WHEN run ~ '^[0-9]{10}$' THEN free_services.is_national_id(run) ELSE FALSE END
                OR char_length(run) BETWEEN 12 AND 14
                OR run ~ '^(98|0098|0)?9[0-9]{9}$'
        )
$$;

-- A permit by its number and its employer's registration number. Nothing of a holder: no name, nationality, identity number or
-- address has a column here, or may have one.
CREATE TABLE free_services.work_permit (
    permit_id uuid PRIMARY KEY,
    permit_number text NOT NULL UNIQUE CHECK (free_services.is_office_reference(permit_number)),
    employer_reference text NOT NULL CHECK (free_services.is_office_reference(employer_reference)),
    occupation_group text NOT NULL CHECK (occupation_group IN ('brick_kilns', 'construction', 'agriculture', 'other')),
    county text NOT NULL,
    valid_until date NOT NULL,
    state text NOT NULL DEFAULT 'valid' CHECK (state IN ('valid', 'expiring', 'expired')),
    recorded_by text NOT NULL CHECK (recorded_by <> 'system'),
    recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (permit_id, county)
);
CREATE INDEX work_permit_of_employer ON free_services.work_permit (employer_reference, permit_id);
CREATE INDEX work_permit_by_end ON free_services.work_permit (valid_until, permit_id);

-- Every last day that a permit has had.
CREATE TABLE free_services.work_permit_term (
    permit_id uuid NOT NULL,
    county text NOT NULL,
    valid_until date NOT NULL,
    recorded_by text NOT NULL CHECK (recorded_by <> 'system'),
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (permit_id, valid_until),
    FOREIGN KEY (permit_id, county) REFERENCES free_services.work_permit (permit_id, county)
);

ALTER TABLE free_services.work_permit ENABLE ROW LEVEL SECURITY;
ALTER TABLE free_services.work_permit FORCE ROW LEVEL SECURITY;
CREATE POLICY work_permit_api ON free_services.work_permit TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY work_permit_worker ON free_services.work_permit TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE free_services.work_permit_term ENABLE ROW LEVEL SECURITY;
ALTER TABLE free_services.work_permit_term FORCE ROW LEVEL SECURITY;
CREATE POLICY work_permit_term_api ON free_services.work_permit_term TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));

GRANT SELECT ON free_services.work_permit, free_services.work_permit_term TO free_services_api;
GRANT INSERT (permit_id, permit_number, employer_reference, occupation_group, county, valid_until, state, recorded_by)
    ON free_services.work_permit TO free_services_api;
GRANT UPDATE (valid_until, state) ON free_services.work_permit TO free_services_api;
GRANT INSERT (permit_id, county, valid_until, recorded_by) ON free_services.work_permit_term TO free_services_api;
GRANT SELECT ON free_services.work_permit TO free_services_worker;
GRANT UPDATE (state) ON free_services.work_permit TO free_services_worker;

-- migrate:down
-- squawk-ignore ban-drop-table
DROP TABLE free_services.work_permit_term, free_services.work_permit;
DROP FUNCTION free_services.is_office_reference(text);
DROP FUNCTION free_services.is_national_id(text);

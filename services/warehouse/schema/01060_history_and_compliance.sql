-- migrate:up

-- Whether the last inspection still counts: set by its approval, ended by the day after the next one was due.
ALTER TABLE warehouse ADD COLUMN within_interval boolean NOT NULL DEFAULT false;

-- What two spellings of one name have in common: letters and ASCII digits alone, Persian letters, no case, no marks.
-- The collation is the server's own, the same wherever the database runs.
CREATE FUNCTION payesh_name_key(name text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN regexp_replace(
    translate(
        lower(normalize(name, NFKD) COLLATE pg_c_utf8),
        'يىكةە٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', 'ییکهه01234567890123456789'
    ),
    '[^[:alnum:]]|[\u0640\u064b-\u065f\u0670]', '', 'g'
);
-- Rewrites the table once, before any service starts; later writers cannot forget it.
-- squawk-ignore adding-field-with-default
ALTER TABLE warehouse ADD COLUMN name_key text GENERATED ALWAYS AS (payesh_name_key(name)) STORED;

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX warehouse_within_interval ON warehouse (next_due_on) WHERE within_interval;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX inspection_by_county ON inspection (county, inspection_id);

-- A longer list: the rows that are there need no second look.
-- squawk-ignore ban-drop-constraint
ALTER TABLE county_counter DROP CONSTRAINT county_counter_counter_check;
ALTER TABLE county_counter ADD CONSTRAINT county_counter_counter_check CHECK (counter IN (
    'registered_sites', 'registered_capacity_tonnes', 'verified_capacity_tonnes', 'in_use_capacity_tonnes',
    'inspected_sites', 'inspected_within_interval', 'completed_inspections', 'open_discrepancies', 'open_actions',
    'overdue_actions', 'holds'
)) NOT VALID;

-- What the events of each day (of the province's offices) added; folded with county_counter, which names the counters.
CREATE TABLE county_counter_day (
    county county_key NOT NULL,
    counter text NOT NULL CHECK (counter ~ '^[a-z_]{1,64}$'),
    day date NOT NULL,
    delta numeric(20, 3) NOT NULL,
    PRIMARY KEY (county, counter, day)
) WITH (fillfactor = 80);

-- Rows of a site that follow it wherever it goes: their county is the site's, so they are guarded through it.
CREATE TABLE passive_defence_record (
    record_id uuid PRIMARY KEY,
    warehouse_id uuid NOT NULL REFERENCES warehouse (warehouse_id),
    element text NOT NULL CHECK (element ~ '^[a-z0-9_]{1,64}$'),
    state text NOT NULL CHECK (state IN ('present', 'absent', 'not_required')),
    reason reason_text,
    inspection_id uuid REFERENCES inspection (inspection_id),
    recorded_by account NOT NULL,
    recorded_at timestamptz NOT NULL,
    CHECK ((state = 'not_required') = (reason IS NOT NULL))
);
CREATE INDEX passive_defence_record_newest ON passive_defence_record (warehouse_id, element, record_id DESC);

-- True for ten digits that are a natural person's national id, by its check digit.
CREATE FUNCTION payesh_is_national_id(digits text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN digits ~ '^[0-9]{10}$' AND (
    SELECT CASE WHEN remainder < 2 THEN remainder ELSE 11 - remainder END = right(digits, 1)::integer
    FROM (
        SELECT sum(substr(digits, place, 1)::integer * (11 - place)) % 11 AS remainder FROM generate_series(1, 9) AS place
    ) AS weighed
);

-- Who was trained is known to the site alone: no name, no national id.
CREATE TABLE training_record (
    record_id uuid PRIMARY KEY,
    warehouse_id uuid NOT NULL REFERENCES warehouse (warehouse_id),
    staff_reference text NOT NULL CHECK (staff_reference ~ '^[A-Z]{0,4}-?[0-9]{1,10}$'),
    staff_role text NOT NULL CHECK (staff_role ~ '^[a-z0-9_]{1,64}$'),
    course text NOT NULL CHECK (course ~ '^[a-z0-9_]{1,64}$'),
    certificate_number text NOT NULL CHECK (certificate_number ~ '^[A-Z0-9./-]{1,40}$'),
    trained_on date NOT NULL,
    expires_on date NOT NULL,
    recorded_by account NOT NULL,
    recorded_at timestamptz NOT NULL,
    expiry_noticed_at timestamptz,
    withdrawn_at timestamptz,
    withdrawn_by account,
    withdrawal_reason reason_text,
    CHECK (expires_on > trained_on),
    CONSTRAINT no_national_id CHECK (
        NOT payesh_is_national_id(regexp_replace(staff_reference, '[^0-9]', '', 'g'))
        AND NOT payesh_is_national_id(regexp_replace(certificate_number, '[^A-Z0-9]', '', 'g'))
    ),
    CHECK (num_nulls(withdrawn_at, withdrawn_by, withdrawal_reason) IN (0, 3))
);
CREATE UNIQUE INDEX training_record_once ON training_record (warehouse_id, staff_reference, course, certificate_number)
    WHERE withdrawn_at IS NULL;
CREATE INDEX training_record_of_site ON training_record (warehouse_id, record_id);
CREATE INDEX training_record_expiring ON training_record (expires_on)
    WHERE expiry_noticed_at IS NULL AND withdrawn_at IS NULL;

CREATE TABLE compliance_certificate (
    certificate_id uuid PRIMARY KEY,
    code text NOT NULL UNIQUE CHECK (code ~ '^[0-9A-HJKMNP-TV-Z]{18}$'),
    warehouse_id uuid NOT NULL REFERENCES warehouse (warehouse_id),
    issued_by account NOT NULL,
    issued_at timestamptz NOT NULL,
    valid_until date NOT NULL,
    revoked_at timestamptz,
    revoked_by account,
    revocation_reason reason_text,
    CHECK (num_nulls(revoked_at, revoked_by, revocation_reason) IN (0, 3))
);
CREATE UNIQUE INDEX compliance_certificate_once ON compliance_certificate (warehouse_id, valid_until)
    WHERE revoked_at IS NULL;

ALTER TABLE county_counter_day ENABLE ROW LEVEL SECURITY;
ALTER TABLE county_counter_day FORCE ROW LEVEL SECURITY;
ALTER TABLE passive_defence_record ENABLE ROW LEVEL SECURITY;
ALTER TABLE passive_defence_record FORCE ROW LEVEL SECURITY;
ALTER TABLE training_record ENABLE ROW LEVEL SECURITY;
ALTER TABLE training_record FORCE ROW LEVEL SECURITY;
ALTER TABLE compliance_certificate ENABLE ROW LEVEL SECURITY;
ALTER TABLE compliance_certificate FORCE ROW LEVEL SECURITY;

CREATE POLICY county_counter_day_api ON county_counter_day TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY county_counter_day_worker ON county_counter_day TO payesh_worker USING (true) WITH CHECK (true);
CREATE POLICY passive_defence_record_api ON passive_defence_record TO payesh_api
    USING (EXISTS (SELECT FROM warehouse w WHERE w.warehouse_id = passive_defence_record.warehouse_id))
    WITH CHECK (EXISTS (SELECT FROM warehouse w WHERE w.warehouse_id = passive_defence_record.warehouse_id));
CREATE POLICY training_record_api ON training_record TO payesh_api
    USING (EXISTS (SELECT FROM warehouse w WHERE w.warehouse_id = training_record.warehouse_id))
    WITH CHECK (EXISTS (SELECT FROM warehouse w WHERE w.warehouse_id = training_record.warehouse_id));
CREATE POLICY training_record_worker ON training_record TO payesh_worker USING (true) WITH CHECK (true);
CREATE POLICY compliance_certificate_api ON compliance_certificate TO payesh_api
    USING (EXISTS (SELECT FROM warehouse w WHERE w.warehouse_id = compliance_certificate.warehouse_id))
    WITH CHECK (EXISTS (SELECT FROM warehouse w WHERE w.warehouse_id = compliance_certificate.warehouse_id));

GRANT SELECT ON county_counter_day TO payesh_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON county_counter_day TO payesh_worker;
GRANT SELECT, INSERT ON passive_defence_record TO payesh_api;
GRANT SELECT, INSERT, UPDATE (withdrawn_at, withdrawn_by, withdrawal_reason) ON training_record TO payesh_api;
GRANT SELECT, UPDATE (expiry_noticed_at) ON training_record TO payesh_worker;
GRANT SELECT, INSERT, UPDATE (revoked_at, revoked_by, revocation_reason) ON compliance_certificate TO payesh_api;
GRANT SELECT (warehouse_id, county, next_due_on, within_interval), UPDATE (within_interval) ON warehouse TO payesh_worker;

-- migrate:down
REVOKE UPDATE (within_interval) ON warehouse FROM payesh_worker;
DROP TABLE compliance_certificate, training_record, passive_defence_record, county_counter_day;
DROP FUNCTION payesh_is_national_id;
DROP INDEX inspection_by_county, warehouse_within_interval;
ALTER TABLE warehouse DROP COLUMN name_key, DROP COLUMN within_interval;
DROP FUNCTION payesh_name_key;
DELETE FROM county_counter WHERE counter = 'inspected_within_interval';
ALTER TABLE county_counter DROP CONSTRAINT county_counter_counter_check;
ALTER TABLE county_counter ADD CONSTRAINT county_counter_counter_check CHECK (counter IN (
    'registered_sites', 'registered_capacity_tonnes', 'verified_capacity_tonnes', 'in_use_capacity_tonnes',
    'inspected_sites', 'completed_inspections', 'open_discrepancies', 'open_actions', 'overdue_actions', 'holds'
));

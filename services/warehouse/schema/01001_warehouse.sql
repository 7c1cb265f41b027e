-- migrate:up

CREATE DOMAIN county_key AS text CHECK (VALUE IN (
    'tehran', 'shemiranat', 'rey', 'eslamshahr', 'shahriar', 'qods', 'malard', 'robat_karim',
    'baharestan', 'varamin', 'pakdasht', 'pishva', 'qarchak', 'damavand', 'firuzkuh', 'pardis'
));
CREATE DOMAIN warehouse_kind AS text CHECK (VALUE IN (
    'general', 'cold_store', 'silo', 'tank', 'hazardous', 'bonded', 'pharmaceutical', 'distribution_centre', 'open_yard'
));
-- BETWEEN also keeps out NaN, which PostgreSQL orders above every number.
CREATE DOMAIN capacity_tonnes AS numeric(12, 3) CHECK (VALUE BETWEEN 0 AND 1000000);
CREATE DOMAIN floor_area_m2 AS numeric(12, 3) CHECK (VALUE BETWEEN 0 AND 5000000);
CREATE DOMAIN degrees AS numeric(9, 6) CHECK (VALUE BETWEEN -180 AND 180);
CREATE DOMAIN account AS text CHECK (char_length(VALUE) BETWEEN 1 AND 128);
CREATE DOMAIN reason_text AS text CHECK (char_length(btrim(VALUE)) BETWEEN 1 AND 2000);

-- One file sent by a clerk, looked at (dry_run) or applied. Province-wide: no county.
CREATE TABLE registry_import (
    import_id uuid PRIMARY KEY,
    mode text NOT NULL CHECK (mode IN ('dry_run', 'apply')),
    file_sha256 text NOT NULL CHECK (file_sha256 ~ '^[0-9a-f]{64}$'),
    row_count integer NOT NULL CHECK (row_count > 0),
    added_count integer NOT NULL CHECK (added_count >= 0),
    changed_count integer NOT NULL CHECK (changed_count >= 0),
    unchanged_count integer NOT NULL CHECK (unchanged_count >= 0),
    refused_count integer NOT NULL CHECK (refused_count >= 0),
    imported_by account NOT NULL,
    imported_at timestamptz NOT NULL,
    CHECK (added_count + changed_count + unchanged_count + refused_count = row_count)
);

CREATE TABLE warehouse (
    warehouse_id uuid PRIMARY KEY,
    registry_id text NOT NULL UNIQUE CHECK (char_length(registry_id) BETWEEN 1 AND 64),
    county county_key NOT NULL,
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    kind warehouse_kind NOT NULL,
    capacity_tonnes capacity_tonnes NOT NULL,
    floor_area_m2 floor_area_m2 NOT NULL,
    address text CHECK (char_length(address) <= 500),
    postal_code text CHECK (postal_code ~ '^[0-9]{10}$'),
    latitude degrees,
    longitude degrees,
    operator text CHECK (char_length(operator) <= 200),
    operator_id text CHECK (operator_id ~ '^[0-9]{11}$'),
    status text NOT NULL CHECK (status IN ('active', 'inactive', 'closed')),
    risk_class text NOT NULL CHECK (risk_class IN ('A', 'B', 'C')),
    registry_updated_on date,
    -- What the last completed inspection found.
    verified_capacity_tonnes capacity_tonnes NOT NULL DEFAULT 0,
    in_use_capacity_tonnes capacity_tonnes NOT NULL DEFAULT 0,
    last_inspected_at timestamptz,
    last_completed_inspection_id uuid,
    next_due_on date NOT NULL,
    CHECK ((latitude IS NULL) = (longitude IS NULL)),
    CHECK ((last_inspected_at IS NULL) = (last_completed_inspection_id IS NULL))
);
CREATE INDEX warehouse_by_county ON warehouse (county, warehouse_id);

CREATE TABLE inspection (
    inspection_id uuid PRIMARY KEY,
    warehouse_id uuid NOT NULL REFERENCES warehouse (warehouse_id),
    county county_key NOT NULL,
    state text NOT NULL CHECK (state IN ('assigned', 'submitted', 'returned', 'completed')),
    due_on date NOT NULL,
    inspector account NOT NULL,
    assigned_by account NOT NULL,
    assigned_at timestamptz NOT NULL,
    submission_id uuid,
    reviewed_by account,
    reviewed_at timestamptz,
    verdict text CHECK (verdict IN (
        'confirmed', 'differs', 'moved', 'closed', 'unregistered_found', 'duplicate', 'needs_recount'
    )),
    CONSTRAINT reviewer_is_not_inspector CHECK (reviewed_by <> inspector),
    CHECK (state = 'assigned' OR submission_id IS NOT NULL),
    CHECK ((state = 'completed') = (verdict IS NOT NULL)),
    CHECK (state <> 'completed' OR (reviewed_by IS NOT NULL AND reviewed_at IS NOT NULL)),
    UNIQUE (inspection_id, county)
);
CREATE UNIQUE INDEX inspection_one_open_of_site ON inspection (warehouse_id) WHERE state <> 'completed';
CREATE INDEX inspection_by_inspector ON inspection (inspector, due_on) WHERE state <> 'completed';

-- What came from the field, once per instance id; never overwritten.
CREATE TABLE submission (
    submission_id uuid PRIMARY KEY,
    instance_id text NOT NULL UNIQUE CHECK (char_length(instance_id) BETWEEN 1 AND 128),
    content_sha256 text NOT NULL CHECK (content_sha256 ~ '^[0-9a-f]{64}$'),
    inspection_id uuid NOT NULL,
    county county_key NOT NULL,
    checklist_version smallint NOT NULL CHECK (checklist_version > 0),
    inspected_at timestamptz NOT NULL,
    found_capacity_tonnes capacity_tonnes NOT NULL,
    found_in_use_capacity_tonnes capacity_tonnes NOT NULL CHECK (found_in_use_capacity_tonnes <= found_capacity_tonnes),
    found_floor_area_m2 floor_area_m2 NOT NULL,
    found_kind warehouse_kind NOT NULL,
    found_operating boolean NOT NULL,
    found_latitude degrees,
    found_longitude degrees,
    suspicion text CHECK (suspicion IN ('biological_hazard', 'smuggling_suspicion')),
    submitted_by account NOT NULL,
    submitted_at timestamptz NOT NULL,
    CHECK ((found_latitude IS NULL) = (found_longitude IS NULL)),
    UNIQUE (submission_id, county),
    FOREIGN KEY (inspection_id, county) REFERENCES inspection (inspection_id, county)
);
CREATE INDEX submission_by_inspection ON submission (inspection_id);
ALTER TABLE inspection
    ADD CONSTRAINT inspection_submission FOREIGN KEY (submission_id, county) REFERENCES submission (submission_id, county);

CREATE TABLE checklist_result (
    submission_id uuid NOT NULL,
    item text NOT NULL CHECK (item IN (
        'access_and_compound', 'structure', 'storage_rules', 'fire_safety', 'visual_monitoring', 'staff_training',
        'passive_defence', 'hygiene_and_biological_hazard', 'stock_records'
    )),
    county county_key NOT NULL,
    result text NOT NULL CHECK (result IN ('pass', 'fail', 'not_applicable')),
    severity text CHECK (severity IN ('minor', 'major', 'critical')),
    PRIMARY KEY (submission_id, item),
    CHECK ((result = 'fail') = (severity IS NOT NULL)),
    FOREIGN KEY (submission_id, county) REFERENCES submission (submission_id, county)
);

-- Every decision of every review, so that returned work keeps its history.
CREATE TABLE inspection_review (
    review_id uuid PRIMARY KEY,
    inspection_id uuid NOT NULL,
    submission_id uuid NOT NULL,
    county county_key NOT NULL,
    decision text NOT NULL CHECK (decision IN ('approve', 'return')),
    reasons text[] NOT NULL CHECK (decision = 'approve' OR cardinality(reasons) > 0),
    inspector account NOT NULL,
    reviewed_by account NOT NULL,
    reviewed_at timestamptz NOT NULL,
    CONSTRAINT review_by_another CHECK (reviewed_by <> inspector),
    FOREIGN KEY (inspection_id, county) REFERENCES inspection (inspection_id, county),
    FOREIGN KEY (submission_id, county) REFERENCES submission (submission_id, county)
);
CREATE INDEX inspection_review_by_inspection ON inspection_review (inspection_id);

CREATE TABLE discrepancy (
    discrepancy_id uuid PRIMARY KEY,
    warehouse_id uuid NOT NULL REFERENCES warehouse (warehouse_id),
    inspection_id uuid NOT NULL UNIQUE,
    county county_key NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('differs', 'moved', 'closed', 'unregistered_found', 'duplicate', 'needs_recount')),
    fields text[] NOT NULL CHECK (cardinality(fields) > 0),
    found_at timestamptz NOT NULL,
    resolved_at timestamptz,
    resolved_by account,
    resolution_reason reason_text,
    CHECK (num_nulls(resolved_at, resolved_by, resolution_reason) IN (0, 3)),
    FOREIGN KEY (inspection_id, county) REFERENCES inspection (inspection_id, county)
);
CREATE INDEX discrepancy_open ON discrepancy (warehouse_id) WHERE resolved_at IS NULL;

CREATE TABLE corrective_action (
    action_id uuid PRIMARY KEY,
    warehouse_id uuid NOT NULL REFERENCES warehouse (warehouse_id),
    inspection_id uuid NOT NULL,
    county county_key NOT NULL,
    item text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('minor', 'major', 'critical')),
    state text NOT NULL CHECK (state IN ('open', 'overdue', 'resolved')),
    due_at timestamptz NOT NULL,
    -- Fence of the timer that may turn this action overdue; an older arming changes nothing.
    timer_fence bigint NOT NULL,
    opened_at timestamptz NOT NULL,
    was_overdue boolean,
    resolved_at timestamptz,
    resolved_by account,
    evidence reason_text,
    UNIQUE (inspection_id, item),
    CHECK ((state = 'resolved') = (resolved_at IS NOT NULL)),
    CHECK (num_nulls(was_overdue, resolved_at, resolved_by, evidence) IN (0, 4)),
    FOREIGN KEY (inspection_id, county) REFERENCES inspection (inspection_id, county)
);
CREATE INDEX corrective_action_by_county ON corrective_action (county, action_id);
CREATE INDEX corrective_action_open ON corrective_action (warehouse_id) WHERE state <> 'resolved';

CREATE TABLE hold (
    hold_id uuid PRIMARY KEY,
    warehouse_id uuid NOT NULL REFERENCES warehouse (warehouse_id),
    inspection_id uuid NOT NULL,
    county county_key NOT NULL,
    ground text NOT NULL CHECK (ground IN ('biological_hazard', 'smuggling_suspicion')),
    referred_to text NOT NULL CHECK (referred_to IN ('health_authority', 'anti_smuggling_commission')),
    placed_by account NOT NULL,
    placed_at timestamptz NOT NULL,
    lifted_at timestamptz,
    lifted_by account,
    lifting_reason reason_text,
    CHECK (num_nulls(lifted_at, lifted_by, lifting_reason) IN (0, 3)),
    CHECK ((ground = 'biological_hazard') = (referred_to = 'health_authority')),
    FOREIGN KEY (inspection_id, county) REFERENCES inspection (inspection_id, county)
);
CREATE UNIQUE INDEX hold_one_open_per_ground ON hold (warehouse_id, ground) WHERE lifted_at IS NULL;

-- A fold of the service's own events and nothing else; it can be emptied and folded again to the same rows.
CREATE TABLE county_counter (
    county county_key NOT NULL,
    counter text NOT NULL CHECK (counter IN (
        'registered_sites', 'registered_capacity_tonnes', 'verified_capacity_tonnes', 'in_use_capacity_tonnes',
        'inspected_sites', 'completed_inspections', 'open_discrepancies', 'open_actions', 'overdue_actions', 'holds'
    )),
    value numeric(20, 3) NOT NULL,
    PRIMARY KEY (county, counter)
) WITH (fillfactor = 70);

ALTER TABLE warehouse ENABLE ROW LEVEL SECURITY;
ALTER TABLE warehouse FORCE ROW LEVEL SECURITY;
ALTER TABLE inspection ENABLE ROW LEVEL SECURITY;
ALTER TABLE inspection FORCE ROW LEVEL SECURITY;
ALTER TABLE submission ENABLE ROW LEVEL SECURITY;
ALTER TABLE submission FORCE ROW LEVEL SECURITY;
ALTER TABLE checklist_result ENABLE ROW LEVEL SECURITY;
ALTER TABLE checklist_result FORCE ROW LEVEL SECURITY;
ALTER TABLE inspection_review ENABLE ROW LEVEL SECURITY;
ALTER TABLE inspection_review FORCE ROW LEVEL SECURITY;
ALTER TABLE discrepancy ENABLE ROW LEVEL SECURITY;
ALTER TABLE discrepancy FORCE ROW LEVEL SECURITY;
ALTER TABLE corrective_action ENABLE ROW LEVEL SECURITY;
ALTER TABLE corrective_action FORCE ROW LEVEL SECURITY;
ALTER TABLE hold ENABLE ROW LEVEL SECURITY;
ALTER TABLE hold FORCE ROW LEVEL SECURITY;
ALTER TABLE county_counter ENABLE ROW LEVEL SECURITY;
ALTER TABLE county_counter FORCE ROW LEVEL SECURITY;

CREATE POLICY warehouse_api ON warehouse TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY warehouse_worker ON warehouse TO payesh_worker USING (true) WITH CHECK (true);
CREATE POLICY inspection_api ON inspection TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY inspection_worker ON inspection TO payesh_worker USING (true) WITH CHECK (true);
CREATE POLICY submission_api ON submission TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY submission_worker ON submission TO payesh_worker USING (true) WITH CHECK (true);
CREATE POLICY checklist_result_api ON checklist_result TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY checklist_result_worker ON checklist_result TO payesh_worker USING (true) WITH CHECK (true);
CREATE POLICY inspection_review_api ON inspection_review TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY inspection_review_worker ON inspection_review TO payesh_worker USING (true) WITH CHECK (true);
CREATE POLICY discrepancy_api ON discrepancy TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY discrepancy_worker ON discrepancy TO payesh_worker USING (true) WITH CHECK (true);
CREATE POLICY corrective_action_api ON corrective_action TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY corrective_action_worker ON corrective_action TO payesh_worker USING (true) WITH CHECK (true);
CREATE POLICY hold_api ON hold TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY hold_worker ON hold TO payesh_worker USING (true) WITH CHECK (true);
CREATE POLICY county_counter_api ON county_counter TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY county_counter_worker ON county_counter TO payesh_worker USING (true) WITH CHECK (true);

GRANT SELECT, INSERT ON registry_import TO payesh_api;
GRANT SELECT, INSERT, UPDATE ON warehouse, inspection, discrepancy, corrective_action, hold TO payesh_api;
GRANT SELECT, INSERT ON submission, checklist_result, inspection_review TO payesh_api;
GRANT SELECT ON county_counter TO payesh_api;
GRANT SELECT, UPDATE ON corrective_action TO payesh_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON county_counter TO payesh_worker;

-- migrate:down
DROP TABLE county_counter, hold, corrective_action, discrepancy, inspection_review, checklist_result;
ALTER TABLE inspection DROP CONSTRAINT inspection_submission;
DROP TABLE submission, inspection, warehouse, registry_import;
DROP DOMAIN reason_text, account, degrees, floor_area_m2, capacity_tonnes, warehouse_kind, county_key;

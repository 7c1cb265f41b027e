-- migrate:up

ALTER TABLE submission ADD COLUMN found_operator_id text CHECK (found_operator_id ~ '^[0-9]{11}$');

-- Two counts that disagree wait for a person: one state more, so every row that is there obeys.
-- squawk-ignore ban-drop-constraint
ALTER TABLE inspection DROP CONSTRAINT inspection_state_check;
ALTER TABLE inspection ADD CONSTRAINT inspection_state_check
    CHECK (state IN ('assigned', 'submitted', 'returned', 'disputed', 'completed')) NOT VALID;

-- A visit that nobody planned is kept whole at once, when a person has accepted it: inspection and submission name each other.
ALTER TABLE inspection ALTER CONSTRAINT inspection_submission DEFERRABLE INITIALLY IMMEDIATE;

-- Reasons of a return, keyed by item of the checklist, beside the general ones.
ALTER TABLE inspection_review ADD COLUMN item_reasons jsonb NOT NULL DEFAULT '{}';
-- The old rule implies the new one, so the rows that are there need no second look.
-- squawk-ignore ban-drop-constraint
ALTER TABLE inspection_review DROP CONSTRAINT inspection_review_check;
ALTER TABLE inspection_review ADD CONSTRAINT return_has_reasons
    CHECK (decision = 'approve' OR cardinality(reasons) > 0 OR item_reasons <> '{}') NOT VALID;

-- An inspection may change hands: whoever ever submitted for it is kept from reviewing it.
CREATE FUNCTION refuse_review_by_submitter() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM submission s WHERE s.inspection_id = NEW.inspection_id AND s.submitted_by = NEW.reviewed_by) THEN
        RAISE check_violation USING MESSAGE = 'whoever submitted for an inspection does not review it',
            CONSTRAINT = 'review_by_no_submitter';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER review_by_no_submitter BEFORE INSERT OR UPDATE ON inspection_review
    FOR EACH ROW EXECUTE FUNCTION refuse_review_by_submitter();

-- Every reassignment and postponement, so that the history of an assignment stays.
CREATE TABLE inspection_change (
    change_id uuid PRIMARY KEY,
    inspection_id uuid NOT NULL,
    county county_key NOT NULL,
    change text NOT NULL CHECK (change IN ('reassigned', 'postponed')),
    inspector_before account NOT NULL,
    inspector account NOT NULL,
    due_on_before date NOT NULL,
    due_on date NOT NULL,
    reason reason_text NOT NULL,
    changed_by account NOT NULL,
    changed_at timestamptz NOT NULL,
    CHECK ((change = 'reassigned') = (inspector <> inspector_before)),
    CHECK (change = 'reassigned' OR due_on > due_on_before),
    FOREIGN KEY (inspection_id, county) REFERENCES inspection (inspection_id, county)
);
CREATE INDEX inspection_change_by_inspection ON inspection_change (inspection_id);

-- A count so far from the register that it is made again by somebody else before it is believed.
CREATE TABLE recount (
    first_inspection_id uuid PRIMARY KEY,
    warehouse_id uuid NOT NULL REFERENCES warehouse (warehouse_id),
    county county_key NOT NULL,
    due_on date NOT NULL,
    not_by text[] NOT NULL CHECK (cardinality(not_by) > 0),
    opened_at timestamptz NOT NULL,
    second_inspection_id uuid UNIQUE,
    second_inspector account,
    outcome text CHECK (outcome IN ('settled', 'disagreed')),
    decision text CHECK (decision IN ('first', 'second', 'another')),
    decided_by account,
    decided_at timestamptz,
    decision_reason reason_text,
    CHECK ((second_inspection_id IS NULL) = (second_inspector IS NULL)),
    CHECK (outcome IS NULL OR second_inspection_id IS NOT NULL),
    CHECK (decision IS NULL OR outcome = 'disagreed'),
    CHECK (num_nulls(decision, decided_by, decided_at, decision_reason) IN (0, 4)),
    CONSTRAINT recount_by_another CHECK (second_inspector <> ALL (not_by)),
    CONSTRAINT recount_decided_by_another CHECK (decided_by <> ALL (not_by) AND decided_by <> second_inspector),
    FOREIGN KEY (first_inspection_id, county) REFERENCES inspection (inspection_id, county),
    FOREIGN KEY (second_inspection_id, county) REFERENCES inspection (inspection_id, county)
);
CREATE UNIQUE INDEX recount_one_waiting_of_site ON recount (warehouse_id) WHERE second_inspection_id IS NULL;
CREATE INDEX recount_by_county ON recount (county, first_inspection_id);

CREATE TABLE inspection_plan (
    plan_id uuid PRIMARY KEY,
    county county_key NOT NULL,
    from_on date NOT NULL,
    to_on date NOT NULL,
    state text NOT NULL CHECK (state IN ('draft', 'accepted')),
    planned_count integer NOT NULL CHECK (planned_count >= 0),
    unplanned_count integer NOT NULL CHECK (unplanned_count >= 0),
    created_by account NOT NULL,
    created_at timestamptz NOT NULL,
    accepted_by account,
    accepted_at timestamptz,
    CHECK (from_on <= to_on),
    CHECK (num_nulls(accepted_by, accepted_at) = CASE state WHEN 'draft' THEN 2 ELSE 0 END),
    UNIQUE (plan_id, county)
);
CREATE INDEX inspection_plan_by_county ON inspection_plan (county, plan_id);

-- The days that an inspector has for a plan, as the county gave them.
CREATE TABLE inspection_plan_inspector (
    plan_id uuid NOT NULL,
    county county_key NOT NULL,
    inspector account NOT NULL,
    visits_per_day smallint NOT NULL CHECK (visits_per_day > 0),
    days_off date[] NOT NULL,
    PRIMARY KEY (plan_id, inspector),
    FOREIGN KEY (plan_id, county) REFERENCES inspection_plan (plan_id, county)
);

-- Every site that is due in the plan's period, once: planned, or with the reason why not.
CREATE TABLE inspection_plan_line (
    plan_id uuid NOT NULL,
    position integer NOT NULL CHECK (position > 0),
    warehouse_id uuid NOT NULL REFERENCES warehouse (warehouse_id),
    county county_key NOT NULL,
    inspector account,
    visit_on date,
    explanation jsonb NOT NULL,
    inspection_id uuid,
    PRIMARY KEY (plan_id, position),
    UNIQUE (plan_id, warehouse_id),
    CHECK ((inspector IS NULL) = (visit_on IS NULL)),
    CHECK (inspection_id IS NULL OR inspector IS NOT NULL),
    FOREIGN KEY (plan_id, county) REFERENCES inspection_plan (plan_id, county),
    FOREIGN KEY (inspection_id, county) REFERENCES inspection (inspection_id, county)
);

-- A change of the registry's record that follows from an inspection: proposed, then accepted or rejected by a person.
CREATE TABLE registry_proposal (
    proposal_id uuid PRIMARY KEY,
    warehouse_id uuid NOT NULL REFERENCES warehouse (warehouse_id),
    inspection_id uuid NOT NULL,
    county county_key NOT NULL,
    field text NOT NULL CHECK (field IN ('capacity_tonnes', 'floor_area_m2', 'kind', 'status', 'location', 'operator_id')),
    registered_value text CHECK (char_length(registered_value) <= 100),
    proposed_value text NOT NULL CHECK (char_length(proposed_value) BETWEEN 1 AND 100),
    reason text NOT NULL CHECK (reason IN ('differs', 'moved', 'closed', 'duplicate')),
    not_by text[] NOT NULL CHECK (cardinality(not_by) > 0),
    state text NOT NULL CHECK (state IN ('proposed', 'accepted', 'rejected', 'superseded')),
    proposed_at timestamptz NOT NULL,
    decided_by account,
    decided_at timestamptz,
    decision_reason reason_text,
    UNIQUE (inspection_id, field),
    CHECK (registered_value IS DISTINCT FROM proposed_value),
    CHECK (num_nulls(decided_by, decided_at) = CASE WHEN state IN ('accepted', 'rejected') THEN 0 ELSE 2 END),
    CHECK (state <> 'rejected' OR decision_reason IS NOT NULL),
    CONSTRAINT proposal_decided_by_another CHECK (decided_by <> ALL (not_by)),
    FOREIGN KEY (inspection_id, county) REFERENCES inspection (inspection_id, county)
);
CREATE UNIQUE INDEX registry_proposal_one_open_of_field ON registry_proposal (warehouse_id, field)
    WHERE state = 'proposed';
CREATE INDEX registry_proposal_by_county ON registry_proposal (county, proposal_id);
CREATE INDEX registry_proposal_accepted ON registry_proposal (warehouse_id, field) WHERE state = 'accepted';

-- A site that an inspector found and the register does not have; a person decides what it is.
CREATE TABLE unregistered_site (
    unregistered_site_id uuid PRIMARY KEY,
    instance_id text NOT NULL UNIQUE CHECK (char_length(instance_id) BETWEEN 1 AND 128),
    content_sha256 text NOT NULL CHECK (content_sha256 ~ '^[0-9a-f]{64}$'),
    county county_key NOT NULL,
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    kind warehouse_kind NOT NULL,
    capacity_tonnes capacity_tonnes NOT NULL,
    in_use_capacity_tonnes capacity_tonnes NOT NULL CHECK (in_use_capacity_tonnes <= capacity_tonnes),
    floor_area_m2 floor_area_m2 NOT NULL,
    operating boolean NOT NULL,
    latitude degrees NOT NULL,
    longitude degrees NOT NULL,
    operator_id text CHECK (operator_id ~ '^[0-9]{11}$'),
    photos text[] NOT NULL,
    found_by account NOT NULL,
    found_at timestamptz NOT NULL,
    reported_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('proposed', 'accepted', 'rejected', 'duplicate')),
    warehouse_id uuid REFERENCES warehouse (warehouse_id),
    inspection_id uuid,
    decided_by account,
    decided_at timestamptz,
    decision_reason reason_text,
    CONSTRAINT found_site_decided_by_another CHECK (decided_by <> found_by),
    CHECK (num_nulls(decided_by, decided_at) = CASE state WHEN 'proposed' THEN 2 ELSE 0 END),
    CHECK ((state IN ('accepted', 'duplicate')) = (warehouse_id IS NOT NULL)),
    CHECK ((warehouse_id IS NULL) = (inspection_id IS NULL)),
    CHECK (state IN ('proposed', 'accepted') OR decision_reason IS NOT NULL),
    FOREIGN KEY (inspection_id, county) REFERENCES inspection (inspection_id, county)
);
CREATE INDEX unregistered_site_by_county ON unregistered_site (county, unregistered_site_id);

ALTER TABLE inspection_change ENABLE ROW LEVEL SECURITY;
ALTER TABLE inspection_change FORCE ROW LEVEL SECURITY;
ALTER TABLE recount ENABLE ROW LEVEL SECURITY;
ALTER TABLE recount FORCE ROW LEVEL SECURITY;
ALTER TABLE inspection_plan ENABLE ROW LEVEL SECURITY;
ALTER TABLE inspection_plan FORCE ROW LEVEL SECURITY;
ALTER TABLE inspection_plan_inspector ENABLE ROW LEVEL SECURITY;
ALTER TABLE inspection_plan_inspector FORCE ROW LEVEL SECURITY;
ALTER TABLE inspection_plan_line ENABLE ROW LEVEL SECURITY;
ALTER TABLE inspection_plan_line FORCE ROW LEVEL SECURITY;
ALTER TABLE registry_proposal ENABLE ROW LEVEL SECURITY;
ALTER TABLE registry_proposal FORCE ROW LEVEL SECURITY;
ALTER TABLE unregistered_site ENABLE ROW LEVEL SECURITY;
ALTER TABLE unregistered_site FORCE ROW LEVEL SECURITY;

CREATE POLICY inspection_change_api ON inspection_change TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY recount_api ON recount TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY inspection_plan_api ON inspection_plan TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY inspection_plan_inspector_api ON inspection_plan_inspector TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY inspection_plan_line_api ON inspection_plan_line TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY registry_proposal_api ON registry_proposal TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY unregistered_site_api ON unregistered_site TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));

GRANT SELECT, INSERT ON inspection_change, inspection_plan, inspection_plan_inspector, inspection_plan_line TO payesh_api;
GRANT UPDATE (state, accepted_by, accepted_at) ON inspection_plan TO payesh_api;
GRANT UPDATE (inspection_id) ON inspection_plan_line TO payesh_api;
GRANT SELECT, INSERT ON recount, registry_proposal, unregistered_site TO payesh_api;
GRANT UPDATE (second_inspection_id, second_inspector, outcome, decision, decided_by, decided_at, decision_reason)
    ON recount TO payesh_api;
GRANT UPDATE (state, decided_by, decided_at, decision_reason) ON registry_proposal TO payesh_api;
GRANT UPDATE (state, warehouse_id, inspection_id, decided_by, decided_at, decision_reason)
    ON unregistered_site TO payesh_api;

-- migrate:down
DROP TABLE unregistered_site, registry_proposal, inspection_plan_line, inspection_plan_inspector, inspection_plan, recount,
    inspection_change;
DROP TRIGGER review_by_no_submitter ON inspection_review;
DROP FUNCTION refuse_review_by_submitter();
ALTER TABLE inspection_review DROP CONSTRAINT return_has_reasons, DROP COLUMN item_reasons;
ALTER TABLE inspection_review ADD CONSTRAINT inspection_review_check
    CHECK (decision = 'approve' OR cardinality(reasons) > 0);
ALTER TABLE inspection ALTER CONSTRAINT inspection_submission NOT DEFERRABLE;
ALTER TABLE submission DROP COLUMN found_operator_id;
ALTER TABLE inspection DROP CONSTRAINT inspection_state_check;
ALTER TABLE inspection ADD CONSTRAINT inspection_state_check
    CHECK (state IN ('assigned', 'submitted', 'returned', 'completed'));

-- migrate:up

-- How a submission came, whole as it came, and what it replaces. sent_by is the account that sent it, where that is not the inspector's own.
ALTER TABLE submission
    ADD COLUMN channel text NOT NULL DEFAULT 'json' CHECK (channel IN ('json', 'openrosa', 'central', 'kobo')),
    ADD COLUMN form_version text CHECK (char_length(form_version) BETWEEN 1 AND 64),
    ADD COLUMN deprecated_id text CHECK (char_length(deprecated_id) BETWEEN 1 AND 128 AND deprecated_id <> instance_id),
    ADD COLUMN sent_by account,
    ADD COLUMN content jsonb;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX submission_by_deprecated_id ON submission (deprecated_id) WHERE deprecated_id IS NOT NULL;

-- What came from the field and contradicts what is there: kept whole until a person decides.
CREATE TABLE submission_conflict (
    conflict_id uuid PRIMARY KEY,
    inspection_id uuid NOT NULL,
    county county_key NOT NULL,
    ground text NOT NULL CHECK (ground IN (
        'other_content', 'already_submitted', 'edited_after_review', 'edit_of_other_inspection', 'inspection_completed',
        'reassigned'
    )),
    instance_id text NOT NULL CHECK (char_length(instance_id) BETWEEN 1 AND 128),
    content_sha256 text NOT NULL CHECK (content_sha256 ~ '^[0-9a-f]{64}$'),
    content jsonb NOT NULL,
    channel text NOT NULL CHECK (channel IN ('json', 'openrosa', 'central', 'kobo')),
    submitted_by account NOT NULL,
    received_at timestamptz NOT NULL,
    -- The submission that was there first, and the one made of this content where a person took it.
    first_submission_id uuid,
    taken_submission_id uuid,
    decision text CHECK (decision IN ('keep_first', 'take_other')),
    resolved_by account,
    resolved_at timestamptz,
    reason reason_text,
    CONSTRAINT conflict_resolved_by_another CHECK (resolved_by <> submitted_by),
    CHECK (num_nulls(decision, resolved_by, resolved_at, reason) IN (0, 4)),
    CHECK ((decision IS NOT DISTINCT FROM 'take_other') = (taken_submission_id IS NOT NULL)),
    UNIQUE (inspection_id, instance_id, content_sha256),
    UNIQUE (conflict_id, county),
    FOREIGN KEY (inspection_id, county) REFERENCES inspection (inspection_id, county),
    FOREIGN KEY (first_submission_id) REFERENCES submission (submission_id),
    FOREIGN KEY (taken_submission_id, county) REFERENCES submission (submission_id, county)
);
CREATE INDEX submission_conflict_by_county ON submission_conflict (county, conflict_id);
CREATE INDEX submission_conflict_open ON submission_conflict (inspection_id) WHERE decision IS NULL;

-- A taken conflict may repeat the first one's instance id; anything else may not.
ALTER TABLE submission ADD COLUMN conflict_id uuid;
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
ALTER TABLE submission ADD CONSTRAINT submission_conflict_taken
    FOREIGN KEY (conflict_id, county) REFERENCES submission_conflict (conflict_id, county);
-- squawk-ignore ban-drop-constraint
ALTER TABLE submission DROP CONSTRAINT submission_instance_id_key;
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX submission_instance_id_first ON submission (instance_id) WHERE conflict_id IS NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX submission_conflict_taken_once ON submission (conflict_id) WHERE conflict_id IS NOT NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX submission_by_instance_id ON submission (instance_id);

ALTER TABLE submission_conflict ENABLE ROW LEVEL SECURITY;
ALTER TABLE submission_conflict FORCE ROW LEVEL SECURITY;
CREATE POLICY submission_conflict_api ON submission_conflict TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));

GRANT SELECT, INSERT ON submission_conflict TO payesh_api;
GRANT UPDATE (decision, resolved_by, resolved_at, reason, taken_submission_id) ON submission_conflict TO payesh_api;

-- migrate:down
DROP INDEX submission_by_instance_id;
DROP INDEX submission_conflict_taken_once;
DROP INDEX submission_instance_id_first;
ALTER TABLE submission DROP COLUMN conflict_id, DROP COLUMN content, DROP COLUMN sent_by, DROP COLUMN deprecated_id, DROP COLUMN form_version,
    DROP COLUMN channel;
ALTER TABLE submission ADD CONSTRAINT submission_instance_id_key UNIQUE (instance_id);
DROP TABLE submission_conflict;

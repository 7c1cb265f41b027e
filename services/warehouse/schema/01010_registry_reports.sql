-- migrate:up

ALTER TABLE registry_import ADD COLUMN missing_count integer NOT NULL DEFAULT 0 CHECK (missing_count >= 0);
ALTER TABLE registry_import ADD COLUMN ignored_columns text[] NOT NULL DEFAULT '{}';

-- What became of a file's rows, for its report: lines of JSON, compressed, some thousand together. Kept for the latest
-- files only.
CREATE TABLE registry_import_lines (
    import_id uuid NOT NULL REFERENCES registry_import (import_id) DEFERRABLE INITIALLY DEFERRED,
    section text NOT NULL CHECK (section IN ('refused', 'added', 'changed')),
    part integer NOT NULL CHECK (part >= 0),
    line_count integer NOT NULL CHECK (line_count > 0),
    lines bytea NOT NULL,
    PRIMARY KEY (import_id, section, part)
);

-- Sites that a file does not name. Nothing changes on them: they wait for a person.
CREATE TABLE registry_import_missing (
    import_id uuid NOT NULL REFERENCES registry_import (import_id) DEFERRABLE INITIALLY DEFERRED,
    warehouse_id uuid NOT NULL REFERENCES warehouse (warehouse_id),
    county county_key NOT NULL,
    PRIMARY KEY (import_id, warehouse_id)
);

ALTER TABLE registry_import_lines ENABLE ROW LEVEL SECURITY;
ALTER TABLE registry_import_lines FORCE ROW LEVEL SECURITY;
ALTER TABLE registry_import_missing ENABLE ROW LEVEL SECURITY;
ALTER TABLE registry_import_missing FORCE ROW LEVEL SECURITY;

-- The lines of a file speak of every county, so only who may see every county may see them.
CREATE POLICY registry_import_lines_api ON registry_import_lines TO payesh_api
    USING (cardinality(payesh_counties()) = 16) WITH CHECK (cardinality(payesh_counties()) = 16);
CREATE POLICY registry_import_missing_api ON registry_import_missing TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));

GRANT SELECT, INSERT, DELETE ON registry_import_lines, registry_import_missing TO payesh_api;

-- migrate:down
DROP TABLE registry_import_missing, registry_import_lines;
ALTER TABLE registry_import DROP COLUMN ignored_columns, DROP COLUMN missing_count;

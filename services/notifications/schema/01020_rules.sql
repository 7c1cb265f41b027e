-- migrate:up

-- Every set of routing rules that was ever saved; the newest is in force, and without any the one that ships with the
-- service (version 0). Rows are added and never changed: to go back is to save an older text again.
CREATE TABLE routing_rules (
    version integer PRIMARY KEY CHECK (version > 0),
    document text NOT NULL CHECK (length(document) BETWEEN 1 AND 200000),
    note text NOT NULL CHECK (length(note) BETWEEN 3 AND 500),
    saved_at timestamptz NOT NULL DEFAULT now(),
    saved_by text NOT NULL
);

-- Until now an alert named the number of the file that shipped. These become negative, so that they are not taken for
-- saved versions. The owner is not exempt from row-level security that is forced.
ALTER TABLE alert NO FORCE ROW LEVEL SECURITY;
UPDATE alert SET rules_version = -rules_version;
ALTER TABLE alert FORCE ROW LEVEL SECURITY;

-- Rules tell people of every county, so only who may see every county may set them. Everybody may know them.
ALTER TABLE routing_rules ENABLE ROW LEVEL SECURITY;
ALTER TABLE routing_rules FORCE ROW LEVEL SECURITY;
CREATE POLICY routing_rules_api_read ON routing_rules FOR SELECT TO payesh_api USING (true);
CREATE POLICY routing_rules_api_insert ON routing_rules FOR INSERT TO payesh_api
WITH CHECK (cardinality(payesh_counties()) = 16);
CREATE POLICY routing_rules_worker ON routing_rules FOR SELECT TO payesh_worker USING (true);

GRANT SELECT, INSERT ON routing_rules TO payesh_api;
GRANT SELECT ON routing_rules TO payesh_worker;

-- migrate:down
DROP TABLE routing_rules;
ALTER TABLE alert NO FORCE ROW LEVEL SECURITY;
UPDATE alert SET rules_version = abs(rules_version);
ALTER TABLE alert FORCE ROW LEVEL SECURITY;

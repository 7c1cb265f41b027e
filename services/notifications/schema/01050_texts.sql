-- migrate:up

-- Texts that replace what ships with the service. The newest version of a kind and language is in force; none is changed.
CREATE TABLE message_template (
    kind text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_]{0,63}$'),
    language text NOT NULL CHECK (language IN ('fa', 'en')),
    version integer NOT NULL CHECK (version > 0),
    source text NOT NULL CHECK (length(source) BETWEEN 1 AND 8000),
    saved_by text NOT NULL,
    saved_at timestamptz NOT NULL,
    PRIMARY KEY (kind, language, version)
);

-- Who wants a summary, and how often. No row: none. County as in working_group_member.
CREATE TABLE digest_wish (
    member_id uuid PRIMARY KEY REFERENCES working_group_member,
    county text,
    period text NOT NULL CHECK (period IN ('daily', 'weekly')),
    set_at timestamptz NOT NULL,
    set_by text NOT NULL
);

-- A summary as it was composed; its letters are rows of delivery. A digest of the province has no county.
CREATE TABLE digest (
    digest_id uuid PRIMARY KEY,
    working_group text NOT NULL,
    county text,
    period text NOT NULL CHECK (period IN ('daily', 'weekly')),
    covers_from timestamptz NOT NULL,
    covers_until timestamptz NOT NULL,
    content jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT digest_once UNIQUE (working_group, period, covers_until),
    CONSTRAINT digest_covers_time CHECK (covers_from < covers_until)
);

-- What a delivery tells of: an alert, or a digest.
-- squawk-ignore ban-drop-not-null
ALTER TABLE delivery ALTER COLUMN alert_id DROP NOT NULL;
ALTER TABLE delivery ADD COLUMN digest_id uuid;
-- squawk-ignore constraint-missing-not-valid, adding-foreign-key-constraint
ALTER TABLE delivery ADD CONSTRAINT delivery_of_digest FOREIGN KEY (digest_id) REFERENCES digest;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE delivery ADD CONSTRAINT delivery_about_one CHECK (num_nonnulls(alert_id, digest_id) = 1);
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX delivery_once_of_digest ON delivery (digest_id, recipient, channel) WHERE digest_id IS NOT NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX delivery_of_county_in_order ON delivery (county, delivery_id);

-- What a digest asks for: what was resolved since the last one, and what only it tells.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX alert_resolved_in_order ON alert (resolved_at) WHERE resolved_at IS NOT NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX alert_told_in_digest ON alert (raised_at) WHERE digest;

ALTER TABLE digest_wish ENABLE ROW LEVEL SECURITY;
ALTER TABLE digest_wish FORCE ROW LEVEL SECURITY;
CREATE POLICY digest_wish_api_read ON digest_wish FOR SELECT TO payesh_api
USING (county = ANY (payesh_counties()) OR county IS NULL);
CREATE POLICY digest_wish_api_insert ON digest_wish FOR INSERT TO payesh_api
WITH CHECK (county = ANY (payesh_counties()) OR (county IS NULL AND cardinality(payesh_counties()) = 16));
CREATE POLICY digest_wish_api_delete ON digest_wish FOR DELETE TO payesh_api
USING (county = ANY (payesh_counties()) OR (county IS NULL AND cardinality(payesh_counties()) = 16));
CREATE POLICY digest_wish_worker ON digest_wish TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE digest ENABLE ROW LEVEL SECURITY;
ALTER TABLE digest FORCE ROW LEVEL SECURITY;
CREATE POLICY digest_api ON digest FOR SELECT TO payesh_api
USING (county = ANY (payesh_counties()) OR (county IS NULL AND cardinality(payesh_counties()) = 16));
CREATE POLICY digest_worker ON digest TO payesh_worker USING (true) WITH CHECK (true);

GRANT SELECT, INSERT ON message_template TO payesh_api;
GRANT SELECT ON message_template TO payesh_worker;
GRANT SELECT, INSERT, DELETE ON digest_wish TO payesh_api;
GRANT SELECT ON digest_wish TO payesh_worker;
GRANT SELECT ON digest TO payesh_api;
GRANT SELECT, INSERT ON digest TO payesh_worker;

-- migrate:down
DROP INDEX alert_told_in_digest, alert_resolved_in_order, delivery_of_county_in_order, delivery_once_of_digest;
ALTER TABLE delivery NO FORCE ROW LEVEL SECURITY;
DELETE FROM delivery WHERE digest_id IS NOT NULL;
ALTER TABLE delivery FORCE ROW LEVEL SECURITY;
ALTER TABLE delivery DROP CONSTRAINT delivery_about_one, DROP COLUMN digest_id;
ALTER TABLE delivery ALTER COLUMN alert_id SET NOT NULL;
DROP TABLE digest, digest_wish, message_template;

-- migrate:up

-- Contacts at which a message was owed before it went on to the next one: channel, address, error.
ALTER TABLE delivery ADD COLUMN tried jsonb NOT NULL DEFAULT '[]';

-- Where other systems are told, by the name that a member's contact uses. Without a county it is the province's.
-- `failing_since`: since when nothing has succeeded; null after a success.
CREATE TABLE webhook_endpoint (
    name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_-]{0,63}$'),
    county text,
    url text NOT NULL CHECK (length(url) <= 500),
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    failing_since timestamptz,
    last_error text,
    disabled_at timestamptz,
    disabled_by text,
    disabled_reason text,
    CONSTRAINT webhook_endpoint_disabled CHECK (num_nonnulls(disabled_at, disabled_by, disabled_reason) IN (0, 3))
);

-- Keys of an endpoint, sealed under a key that is not in the database. Those that have not ended all sign, so that a
-- receiver can change over. `public_key`: of an ed25519 pair.
CREATE TABLE webhook_key (
    key_id uuid PRIMARY KEY,
    endpoint text NOT NULL REFERENCES webhook_endpoint,
    scheme text NOT NULL CHECK (scheme IN ('v1', 'v1a')),
    sealed bytea NOT NULL,
    public_key bytea,
    created_at timestamptz NOT NULL,
    ends_at timestamptz,
    CONSTRAINT webhook_key_public CHECK ((scheme = 'v1a') = (public_key IS NOT NULL))
);
CREATE INDEX webhook_key_of_endpoint ON webhook_key (endpoint, key_id);

ALTER TABLE webhook_endpoint ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_endpoint FORCE ROW LEVEL SECURITY;
CREATE POLICY webhook_endpoint_api ON webhook_endpoint TO payesh_api
USING (county = ANY (payesh_counties()) OR (county IS NULL AND cardinality(payesh_counties()) = 16))
WITH CHECK (county = ANY (payesh_counties()) OR (county IS NULL AND cardinality(payesh_counties()) = 16));
CREATE POLICY webhook_endpoint_worker ON webhook_endpoint TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE webhook_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_key FORCE ROW LEVEL SECURITY;
CREATE POLICY webhook_key_api ON webhook_key TO payesh_api
USING (EXISTS (SELECT FROM webhook_endpoint WHERE webhook_endpoint.name = webhook_key.endpoint))
WITH CHECK (EXISTS (SELECT FROM webhook_endpoint WHERE webhook_endpoint.name = webhook_key.endpoint));
CREATE POLICY webhook_key_worker ON webhook_key TO payesh_worker USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE ON webhook_endpoint TO payesh_api;
GRANT SELECT, UPDATE ON webhook_endpoint TO payesh_worker;
GRANT SELECT, INSERT, UPDATE ON webhook_key TO payesh_api;
GRANT SELECT ON webhook_key TO payesh_worker;
-- A person who asks for missed webhooks again owes them anew.
GRANT INSERT ON delivery TO payesh_api;

-- migrate:down
REVOKE INSERT ON delivery FROM payesh_api;
DROP TABLE webhook_key, webhook_endpoint;
ALTER TABLE delivery DROP COLUMN tried;

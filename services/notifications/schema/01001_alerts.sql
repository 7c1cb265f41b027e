-- migrate:up

-- People of a county's working group; a provincial office has no county. A person who leaves is kept inactive, so that
-- deliveries and signed links of the past still name somebody.
CREATE TABLE working_group_member (
    member_id uuid PRIMARY KEY,
    working_group text NOT NULL,
    county text,
    position smallint NOT NULL CHECK (position >= 0),
    name text NOT NULL,
    role text NOT NULL,
    language text NOT NULL CHECK (language IN ('fa', 'en')),
    email text NOT NULL,
    subject text,
    active boolean NOT NULL DEFAULT true,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT working_group_member_county CHECK (county IS NULL OR county = working_group)
);
CREATE UNIQUE INDEX working_group_member_email ON working_group_member (working_group, email);
CREATE UNIQUE INDEX working_group_member_position ON working_group_member (working_group, position) WHERE active;

-- Escalation policies that replace those of the rules file, by name; alerts copy the one in force when they open.
CREATE TABLE escalation_policy (
    name text PRIMARY KEY,
    version integer NOT NULL CHECK (version > 0),
    policy jsonb NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by text NOT NULL
);

-- What a rule's alerts are about, with the last event that resolved it. Its row lock orders a source event and its
-- resolving event when they arrive side by side, in either order.
CREATE TABLE alert_subject (
    rule_id text NOT NULL,
    subject_id text NOT NULL,
    county text NOT NULL,
    resolved_by_event_id uuid,
    resolved_aggregate text,
    resolved_sequence bigint,
    resolved_time timestamptz,
    PRIMARY KEY (rule_id, subject_id)
);

CREATE TABLE alert (
    alert_id uuid PRIMARY KEY,
    county text NOT NULL,
    rule_id text NOT NULL,
    rules_version integer NOT NULL,
    kind text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    audience text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'escalated', 'acknowledged', 'resolved')),
    step integer NOT NULL DEFAULT 0 CHECK (step >= 0),
    policy_name text NOT NULL,
    policy jsonb NOT NULL,
    subject_id text NOT NULL,
    source_type text NOT NULL,
    source_event_id uuid NOT NULL,
    source_aggregate text NOT NULL,
    source_aggregate_id text NOT NULL,
    source_sequence bigint NOT NULL,
    source_time timestamptz NOT NULL,
    details jsonb NOT NULL,
    correlation_id text NOT NULL,
    raised_at timestamptz NOT NULL,
    acknowledged_at timestamptz,
    acknowledged_by text,
    resolved_at timestamptz,
    CONSTRAINT alert_once_per_event UNIQUE (rule_id, source_event_id)
);
CREATE INDEX alert_of_county ON alert (county, alert_id);
CREATE INDEX alert_unresolved_subject ON alert (rule_id, subject_id) WHERE state <> 'resolved';

-- Every transition of an alert, for reading later who was told and who acted. Never changed.
CREATE TABLE alert_history (
    entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id uuid NOT NULL REFERENCES alert,
    county text NOT NULL,
    at timestamptz NOT NULL,
    entry text NOT NULL,
    step integer NOT NULL,
    by text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX alert_history_of_alert ON alert_history (alert_id, entry_id);

-- One row per alert, step, recipient and channel: what is owed to a person. A pending row is taken under a lease on the
-- database's clock; only the holder of the lease may mark it.
CREATE TABLE delivery (
    delivery_id uuid PRIMARY KEY,
    alert_id uuid NOT NULL REFERENCES alert,
    county text NOT NULL,
    step integer NOT NULL,
    member_id uuid NOT NULL REFERENCES working_group_member,
    recipient text NOT NULL,
    recipient_name text NOT NULL,
    recipient_subject text,
    language text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('email', 'inbox')),
    state text NOT NULL CHECK (state IN ('pending', 'sent', 'dead', 'cancelled')),
    attempts smallint NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    lease_id uuid,
    lease_until timestamptz,
    created_at timestamptz NOT NULL,
    settled_at timestamptz,
    last_error text,
    correlation_id text NOT NULL,
    traceparent text,
    CONSTRAINT delivery_once UNIQUE (alert_id, step, recipient, channel)
);
CREATE INDEX delivery_due ON delivery (next_attempt_at) WHERE state = 'pending';
CREATE INDEX delivery_of_county ON delivery (county, state);
CREATE INDEX delivery_of_subject ON delivery (recipient_subject, alert_id) WHERE channel = 'inbox';

-- A fold of this service's own events.
CREATE TABLE alert_counter (
    county text NOT NULL,
    counter text NOT NULL,
    value bigint NOT NULL,
    PRIMARY KEY (county, counter)
);

-- Keys that sign acknowledgement links; the newest signs, all of them verify.
CREATE TABLE link_key (
    key_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key bytea NOT NULL CHECK (length(key) >= 32),
    created_at timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE working_group_member ENABLE ROW LEVEL SECURITY;
ALTER TABLE working_group_member FORCE ROW LEVEL SECURITY;
CREATE POLICY working_group_member_api ON working_group_member TO payesh_api
USING (county = ANY (payesh_counties()) OR county IS NULL)
WITH CHECK (county = ANY (payesh_counties()) OR (county IS NULL AND cardinality(payesh_counties()) = 16));
CREATE POLICY working_group_member_worker ON working_group_member TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE alert_subject ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert_subject FORCE ROW LEVEL SECURITY;
CREATE POLICY alert_subject_worker ON alert_subject TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE alert ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert FORCE ROW LEVEL SECURITY;
CREATE POLICY alert_api ON alert TO payesh_api
USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY alert_worker ON alert TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE alert_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert_history FORCE ROW LEVEL SECURITY;
CREATE POLICY alert_history_api ON alert_history TO payesh_api
USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY alert_history_worker ON alert_history TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE delivery ENABLE ROW LEVEL SECURITY;
ALTER TABLE delivery FORCE ROW LEVEL SECURITY;
CREATE POLICY delivery_api ON delivery TO payesh_api
USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY delivery_worker ON delivery TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE alert_counter ENABLE ROW LEVEL SECURITY;
ALTER TABLE alert_counter FORCE ROW LEVEL SECURITY;
CREATE POLICY alert_counter_api ON alert_counter TO payesh_api
USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY alert_counter_worker ON alert_counter TO payesh_worker USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE ON working_group_member TO payesh_api;
GRANT SELECT ON working_group_member TO payesh_worker;
GRANT SELECT, INSERT, UPDATE ON escalation_policy TO payesh_api;
GRANT SELECT ON escalation_policy TO payesh_worker;
GRANT SELECT, INSERT, UPDATE ON alert_subject TO payesh_worker;
GRANT SELECT, UPDATE ON alert TO payesh_api;
GRANT SELECT, INSERT, UPDATE ON alert TO payesh_worker;
GRANT SELECT, INSERT ON alert_history TO payesh_api, payesh_worker;
GRANT SELECT, UPDATE ON delivery TO payesh_api;
GRANT SELECT, INSERT, UPDATE ON delivery TO payesh_worker;
GRANT SELECT ON alert_counter TO payesh_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON alert_counter TO payesh_worker;
GRANT SELECT ON link_key TO payesh_api;
GRANT SELECT, INSERT ON link_key TO payesh_worker;

-- migrate:down
DROP TABLE link_key, alert_counter, delivery, alert_history, alert, alert_subject, escalation_policy, working_group_member;

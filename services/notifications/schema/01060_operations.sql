-- migrate:up

-- What is wrong with the platform itself, from its first report to its end: a chain that is late, a channel whose circuit
-- is open, an alert of the monitoring. `key` is what it is about; while one trouble runs, its further reports change nothing.
CREATE TABLE operations_trouble (
    trouble_id uuid PRIMARY KEY,
    county text NOT NULL,
    trouble text NOT NULL,
    key text NOT NULL,
    name text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    details jsonb NOT NULL DEFAULT '{}',
    found_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE UNIQUE INDEX operations_trouble_running ON operations_trouble (trouble, key) WHERE ended_at IS NULL;
CREATE INDEX operations_trouble_key ON operations_trouble (trouble, key);
CREATE INDEX operations_trouble_of_county ON operations_trouble (county, trouble_id);

-- What the auditor looks through in each of its rounds. The migrator runs before the service: no write waits for them.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX alert_unanswered ON alert (raised_at) WHERE state IN ('open', 'escalated');
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX alert_acknowledged ON alert (acknowledged_at) WHERE state = 'acknowledged';
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX timer_postponed ON timer (due_at) WHERE tries > 0;

ALTER TABLE operations_trouble ENABLE ROW LEVEL SECURITY;
ALTER TABLE operations_trouble FORCE ROW LEVEL SECURITY;
CREATE POLICY operations_trouble_api ON operations_trouble TO payesh_api
USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY operations_trouble_worker ON operations_trouble TO payesh_worker USING (true) WITH CHECK (true);

GRANT SELECT, INSERT ON operations_trouble TO payesh_api, payesh_worker;
GRANT UPDATE (ended_at) ON operations_trouble TO payesh_api, payesh_worker;

-- migrate:down
DROP INDEX timer_postponed, alert_acknowledged, alert_unanswered;
DROP TABLE operations_trouble;

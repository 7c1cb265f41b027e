-- migrate:up

-- `lead_alert_id`: the alert whose letters tell of this one; null for one that has a chain of its own.
-- `group_wait_s`: domain seconds that further alerts of the rule and county are waited for; null: its rule does not group.
-- `held_back`: why it has no chain yet, and by which alert or silence.
-- `digest`: told in the digest alone.
-- `step_told_at`: when the running step was told; null while it waits for its letter.
-- `letter_due`: a timer will send one more letter of the group; `letter_round`: how many the running step had already.
ALTER TABLE alert
    ADD COLUMN lead_alert_id uuid,
    ADD COLUMN group_wait_s integer CHECK (group_wait_s > 0),
    ADD COLUMN held_back text CHECK (held_back IN ('inhibited', 'silenced')),
    ADD COLUMN held_back_by uuid,
    ADD COLUMN digest boolean NOT NULL DEFAULT false,
    ADD COLUMN step_told_at timestamptz,
    ADD COLUMN letter_due boolean NOT NULL DEFAULT false,
    ADD COLUMN letter_round smallint NOT NULL DEFAULT 0;
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE alert ADD CONSTRAINT alert_held_back_by CHECK ((held_back IS NULL) = (held_back_by IS NULL));
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE alert ADD CONSTRAINT alert_leads_another CHECK (lead_alert_id <> alert_id);
-- squawk-ignore constraint-missing-not-valid
ALTER TABLE alert ADD CONSTRAINT alert_held_back_alone CHECK (held_back IS NULL OR lead_alert_id IS NULL);

ALTER TABLE alert NO FORCE ROW LEVEL SECURITY;
UPDATE alert SET step_told_at = raised_at;
ALTER TABLE alert FORCE ROW LEVEL SECURITY;

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX alert_of_lead ON alert (lead_alert_id, alert_id) WHERE lead_alert_id IS NOT NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX alert_open_lead ON alert (rule_id, county)
WHERE lead_alert_id IS NULL AND held_back IS NULL AND group_wait_s IS NOT NULL AND state IN ('open', 'escalated');
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX alert_held ON alert (held_back_by) WHERE held_back_by IS NOT NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX alert_unresolved_kind ON alert (kind, county) WHERE state <> 'resolved';

-- Somebody does not want to be told, for a reason and until a time. An alert fits when every matcher that is set fits.
-- A critical alert is held back until `critical_until` at the latest. `audiences`: whose alerts it may hold back.
CREATE TABLE silence (
    silence_id uuid PRIMARY KEY,
    county text,
    kind text,
    rule_id text,
    subject_id text,
    audiences text [] NOT NULL,
    reason text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    critical_until timestamptz NOT NULL,
    ended_at timestamptz,
    lifted_by text,
    CONSTRAINT silence_fits_something CHECK (num_nonnulls(kind, rule_id, subject_id) > 0),
    CONSTRAINT silence_ends CHECK (ends_at > created_at AND critical_until <= ends_at)
);
CREATE INDEX silence_running ON silence (ends_at) WHERE ended_at IS NULL;

ALTER TABLE silence ENABLE ROW LEVEL SECURITY;
ALTER TABLE silence FORCE ROW LEVEL SECURITY;
CREATE POLICY silence_api ON silence TO payesh_api
USING (county = ANY (payesh_counties()) OR county IS NULL)
WITH CHECK (county = ANY (payesh_counties()) OR (county IS NULL AND cardinality(payesh_counties()) = 16));
CREATE POLICY silence_worker ON silence TO payesh_worker USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE ON silence TO payesh_api;
GRANT SELECT, UPDATE ON silence TO payesh_worker;

-- migrate:down
DROP TABLE silence;
ALTER TABLE alert
    DROP COLUMN lead_alert_id, DROP COLUMN group_wait_s, DROP COLUMN held_back, DROP COLUMN held_back_by,
    DROP COLUMN digest, DROP COLUMN step_told_at, DROP COLUMN letter_due, DROP COLUMN letter_round;

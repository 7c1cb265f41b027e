-- migrate:up

-- What the auditor goes through in each of its rounds, so small and in such an order that a million open alerts cost it no
-- more than a walk along two indexes. Each `WHERE` is that of a query in store/auditing.py. An alert's id stands as the text
-- by which its timers name it. The migrator runs before the service: no write waits for these.

-- Chains whose next step a timer must wait for.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX alert_step_owed ON alert ((alert_id::text)) INCLUDE (alert_id, county, audience)
WHERE held_back IS NULL AND lead_alert_id IS NULL AND NOT digest AND state IN ('open', 'escalated')
AND step_told_at IS NOT NULL
AND step + 1 < jsonb_array_length(policy -> 'steps') + coalesce((policy ->> 'repeats')::integer, 0);
-- Chains whose letter a timer must send.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX alert_letter_owed ON alert ((alert_id::text))
WHERE held_back IS NULL AND lead_alert_id IS NULL AND NOT digest AND state IN ('open', 'escalated')
AND (letter_due OR step_told_at IS NULL);
-- Chains at their end, which nobody has answered.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX alert_chain_ended ON alert (step_told_at)
WHERE held_back IS NULL AND lead_alert_id IS NULL AND NOT digest AND state IN ('open', 'escalated')
AND NOT letter_due
AND step + 1 >= jsonb_array_length(policy -> 'steps') + coalesce((policy ->> 'repeats')::integer, 0);
-- Acknowledgements that a timer must end.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX alert_lapse_owed ON alert ((alert_id::text)) INCLUDE (alert_id, county, audience)
WHERE state = 'acknowledged' AND lead_alert_id IS NULL AND (policy ->> 'acknowledged_for_s') IS NOT NULL;
-- Of each group, its lead and how those stand that joined it.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX alert_joined ON alert (lead_alert_id, state, acknowledged_at)
WHERE lead_alert_id IS NOT NULL AND state <> 'resolved';
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX alert_acknowledged;

-- migrate:down
CREATE INDEX alert_acknowledged ON alert (acknowledged_at) WHERE state = 'acknowledged';
DROP INDEX alert_joined, alert_lapse_owed, alert_chain_ended, alert_letter_owed, alert_step_owed;

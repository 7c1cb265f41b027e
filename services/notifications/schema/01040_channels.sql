-- migrate:up

-- Where a message goes by its channel, and where it goes next when nobody takes it there. `recipient` stays the person's
-- e-mail address: it names who was told, whatever the channel.
ALTER TABLE delivery ADD COLUMN address text;
ALTER TABLE delivery ADD COLUMN fallbacks jsonb NOT NULL DEFAULT '[]';
-- Since when the present contact is tried: a provider that stays away holds a message only so long.
ALTER TABLE delivery ADD COLUMN contact_since timestamptz;
-- A second letter of one step (to a group that has grown) is another round.
ALTER TABLE delivery ADD COLUMN round smallint NOT NULL DEFAULT 0;
-- What the provider calls the message, what it says became of it, and when to ask again (null: nothing to ask).
ALTER TABLE delivery ADD COLUMN provider_message_id text;
ALTER TABLE delivery ADD COLUMN provider_status text;
ALTER TABLE delivery ADD COLUMN ask_provider_at timestamptz;

-- The owner is under the policies too, and has none: rows are filled in with that lifted inside this transaction.
ALTER TABLE delivery NO FORCE ROW LEVEL SECURITY;
UPDATE delivery SET address = recipient, contact_since = created_at;
ALTER TABLE delivery FORCE ROW LEVEL SECURITY;

-- squawk-ignore adding-not-nullable-field
ALTER TABLE delivery ALTER COLUMN address SET NOT NULL;
-- squawk-ignore adding-not-nullable-field
ALTER TABLE delivery ALTER COLUMN contact_since SET NOT NULL;

-- squawk-ignore ban-drop-constraint
ALTER TABLE delivery DROP CONSTRAINT delivery_channel_check;
ALTER TABLE delivery ADD CONSTRAINT delivery_channel_check
CHECK (channel IN ('email', 'inbox', 'sms', 'chat', 'webhook')) NOT VALID;
-- squawk-ignore ban-drop-constraint
ALTER TABLE delivery DROP CONSTRAINT delivery_once;
-- squawk-ignore disallowed-unique-constraint, constraint-missing-not-valid
ALTER TABLE delivery ADD CONSTRAINT delivery_once UNIQUE (alert_id, step, recipient, channel, round);

-- squawk-ignore require-concurrent-index-creation
CREATE INDEX delivery_due_of_channel ON delivery (channel, next_attempt_at) WHERE state = 'pending';
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX delivery_due;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX delivery_to_ask ON delivery (channel, ask_provider_at) WHERE ask_provider_at IS NOT NULL;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX delivery_of_address ON delivery (address, created_at) WHERE channel = 'webhook';

-- Messages begun per channel and minute of the database's clock: the row's lock makes a limit exact across processes.
CREATE TABLE channel_minute (
    channel text NOT NULL,
    minute timestamptz NOT NULL,
    begun integer NOT NULL CHECK (begun > 0),
    PRIMARY KEY (channel, minute)
);
ALTER TABLE channel_minute ENABLE ROW LEVEL SECURITY;
ALTER TABLE channel_minute FORCE ROW LEVEL SECURITY;
CREATE POLICY channel_minute_worker ON channel_minute TO payesh_worker USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON channel_minute TO payesh_worker;

-- migrate:down
DROP TABLE channel_minute;
DROP INDEX delivery_of_address, delivery_to_ask, delivery_due_of_channel;
CREATE INDEX delivery_due ON delivery (next_attempt_at) WHERE state = 'pending';
ALTER TABLE delivery DROP CONSTRAINT delivery_once;
ALTER TABLE delivery NO FORCE ROW LEVEL SECURITY;
DELETE FROM delivery WHERE round > 0 OR channel NOT IN ('email', 'inbox');
ALTER TABLE delivery FORCE ROW LEVEL SECURITY;
ALTER TABLE delivery ADD CONSTRAINT delivery_once UNIQUE (alert_id, step, recipient, channel);
ALTER TABLE delivery DROP CONSTRAINT delivery_channel_check;
ALTER TABLE delivery ADD CONSTRAINT delivery_channel_check CHECK (channel IN ('email', 'inbox'));
ALTER TABLE delivery
DROP COLUMN address, DROP COLUMN fallbacks, DROP COLUMN contact_since, DROP COLUMN round,
DROP COLUMN provider_message_id, DROP COLUMN provider_status, DROP COLUMN ask_provider_at;

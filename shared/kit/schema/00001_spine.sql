-- migrate:up

-- Counties of the caller, set per transaction by the boundary; unset means none.
CREATE FUNCTION payesh_counties() RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT string_to_array(current_setting('payesh.counties', true), ',') $$;

-- Last sequence given out per aggregate. The row lock orders an aggregate's outbox rows by commit.
CREATE TABLE stream_head (
    stream text NOT NULL,
    aggregate_id text NOT NULL,
    sequence bigint NOT NULL CHECK (sequence > 0),
    PRIMARY KEY (stream, aggregate_id)
);

-- Events committed but not yet acknowledged by the broker. A row is deleted when it is published, so what is here is what is owed.
CREATE TABLE outbox (
    shard smallint NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    event_id uuid NOT NULL,
    type text NOT NULL,
    topic text NOT NULL,
    aggregate_id text NOT NULL,
    sequence bigint NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    correlation_id text NOT NULL,
    causation_id text,
    traceparent text,
    data_classification text NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (shard, position)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- Events whose effects this service has committed; already here means duplicate.
CREATE TABLE inbox (
    consumer smallint NOT NULL,
    event_id uuid NOT NULL,
    PRIMARY KEY (consumer, event_id)
);

-- Highest sequence applied per aggregate: a late writer that lost its partition cannot put older state over newer.
CREATE TABLE stream_position (
    consumer smallint NOT NULL,
    topic text NOT NULL,
    aggregate_id text NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (consumer, topic, aggregate_id)
) WITH (fillfactor = 80);

CREATE TABLE parked_event (
    parked_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer smallint NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    record_offset bigint NOT NULL,
    aggregate_id text NOT NULL,
    sequence bigint,
    event_id uuid,
    type text,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    reason text NOT NULL CHECK (reason IN ('failed', 'behind', 'unreadable', 'out_of_order')),
    error text NOT NULL,
    state text NOT NULL DEFAULT 'parked' CHECK (state IN ('parked', 'replayed', 'discarded')),
    parked_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz,
    settled_by text,
    settled_reason text,
    corrected boolean NOT NULL DEFAULT false,
    UNIQUE (consumer, topic, partition, record_offset)
);
CREATE INDEX parked_event_open ON parked_event (consumer, topic, aggregate_id, parked_id) WHERE state = 'parked';

CREATE SEQUENCE timer_fence;
CREATE TABLE timer (
    kind text NOT NULL,
    subject_id text NOT NULL,
    fence bigint NOT NULL,
    due_at timestamptz NOT NULL,
    next_try_at timestamptz NOT NULL,
    policy jsonb,
    correlation_id text NOT NULL,
    tries smallint NOT NULL DEFAULT 0,
    last_error text,
    PRIMARY KEY (kind, subject_id)
);
CREATE INDEX timer_due ON timer (next_try_at);

CREATE TABLE idempotency (
    subject text NOT NULL,
    key text NOT NULL,
    request_sha256 bytea NOT NULL,
    status smallint,
    response bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subject, key)
);

GRANT SELECT, INSERT, UPDATE ON stream_head TO payesh_api, payesh_worker;
GRANT INSERT ON outbox TO payesh_api;
GRANT SELECT, INSERT, DELETE ON outbox TO payesh_worker;
GRANT SELECT, INSERT ON inbox TO payesh_worker;
GRANT SELECT, INSERT, UPDATE ON stream_position TO payesh_worker;
GRANT SELECT, INSERT, UPDATE ON parked_event TO payesh_worker;
GRANT USAGE ON SEQUENCE timer_fence TO payesh_api, payesh_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON timer TO payesh_api, payesh_worker;
GRANT SELECT, INSERT, UPDATE ON idempotency TO payesh_api;

-- migrate:down
DROP TABLE idempotency, timer, parked_event, stream_position, inbox, outbox, stream_head;
DROP SEQUENCE timer_fence;
DROP FUNCTION payesh_counties();

-- migrate:up
-- What operators ask for is done by the worker role, and its Idempotency-Key commits with it.
GRANT SELECT, INSERT, UPDATE ON idempotency TO payesh_worker;

-- migrate:down
REVOKE SELECT, INSERT, UPDATE ON idempotency FROM payesh_worker;

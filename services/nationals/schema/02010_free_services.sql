-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- The services half: everything is free to everybody, and nobody who comes is recorded. No key, column or topic in common with a case
-- (safeguards: the firewall).
CREATE SCHEMA free_services;
GRANT USAGE ON SCHEMA free_services TO free_services_api, free_services_worker;

-- migrate:down
-- squawk-ignore ban-drop-schema
DROP SCHEMA free_services CASCADE;

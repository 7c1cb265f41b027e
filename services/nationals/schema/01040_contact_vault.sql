-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- How a household wants to be reached, if it does. What is in here is unreadable without the household's own data key, which is
-- unreadable without the master key, which is never in the database. Every writing takes a new data key; erasing deletes the row.
CREATE TABLE casework.contact_vault (
    case_id uuid PRIMARY KEY,
    county text NOT NULL,
    data_key_version bigint NOT NULL CHECK (data_key_version > 0),
    master_key_version bigint NOT NULL CHECK (master_key_version > 0),
    wrapped_key bytea NOT NULL CHECK (octet_length(wrapped_key) BETWEEN 48 AND 4096),
    ciphertext bytea NOT NULL CHECK (octet_length(ciphertext) BETWEEN 28 AND 65536),
    written_by text NOT NULL CHECK (written_by <> 'system'),
    written_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (case_id, county) REFERENCES casework.return_case (case_id, county)
);
CREATE INDEX contact_vault_by_master_key ON casework.contact_vault (master_key_version, case_id);

-- What of a case was read: the case itself, or how to reach the household.
ALTER TABLE casework.case_read_log ADD COLUMN part text NOT NULL DEFAULT 'case';
ALTER TABLE casework.case_read_log ADD CONSTRAINT case_read_log_part CHECK (part IN ('case', 'contacts')) NOT VALID;

CREATE FUNCTION casework.guard_contacts() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.ciphertext = OLD.ciphertext THEN
        IF NEW.data_key_version <> OLD.data_key_version OR NEW.master_key_version <= OLD.master_key_version
           OR (NEW.written_by, NEW.written_at) IS DISTINCT FROM (OLD.written_by, OLD.written_at) THEN
            RAISE EXCEPTION 'personal data: a data key is wrapped anew only under a newer master key'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF casework.has_ended((casework.lock_case(NEW.case_id)).state) THEN
        RAISE EXCEPTION 'personal data: the case has ended, and with it the purpose of contacts'
            USING ERRCODE = 'check_violation';
    ELSIF TG_OP = 'UPDATE'
          AND (NEW.wrapped_key = OLD.wrapped_key OR NEW.data_key_version <> OLD.data_key_version + 1) THEN
        RAISE EXCEPTION 'personal data: new contacts take a new data key' USING ERRCODE = 'check_violation';
    END IF;
    NEW.written_at := now();
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_contacts BEFORE INSERT OR UPDATE ON casework.contact_vault
FOR EACH ROW EXECUTE FUNCTION casework.guard_contacts();

-- The one way to the ciphertext. The read is logged before, by the same transaction: nobody but the database writes `read_at`.
CREATE FUNCTION casework.read_contacts(wanted_case uuid) RETURNS SETOF casework.contact_vault
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM casework.case_read_log
                   WHERE case_id = wanted_case AND part = 'contacts' AND read_at = now()) THEN
        RAISE EXCEPTION 'personal data: contacts are read only with a logged reader and purpose'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN QUERY SELECT * FROM casework.contact_vault WHERE case_id = wanted_case;
END
$$;

ALTER TABLE casework.contact_vault ENABLE ROW LEVEL SECURITY;
ALTER TABLE casework.contact_vault FORCE ROW LEVEL SECURITY;
CREATE POLICY contact_vault_api ON casework.contact_vault TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY contact_vault_worker ON casework.contact_vault TO payesh_worker USING (true) WITH CHECK (true);
-- The functions here run as the owner and are held to the caller's counties too.
CREATE POLICY contact_vault_owner ON casework.contact_vault TO CURRENT_USER
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY case_read_log_owner ON casework.case_read_log FOR SELECT TO CURRENT_USER
    USING (county = ANY (payesh_counties()));

-- No role may SELECT `ciphertext`, and the worker nothing at all.
GRANT SELECT (case_id, county, data_key_version, master_key_version, wrapped_key, written_at)
    ON casework.contact_vault TO casework_api;
GRANT INSERT (case_id, county, data_key_version, master_key_version, wrapped_key, ciphertext, written_by)
    ON casework.contact_vault TO casework_api;
GRANT UPDATE (data_key_version, master_key_version, wrapped_key, ciphertext, written_by)
    ON casework.contact_vault TO casework_api;
GRANT INSERT (part) ON casework.case_read_log TO casework_api;
REVOKE ALL ON FUNCTION casework.read_contacts(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION casework.read_contacts(uuid) TO casework_api;

-- migrate:down
DROP POLICY case_read_log_owner ON casework.case_read_log;
-- squawk-ignore ban-drop-function
DROP FUNCTION casework.read_contacts(uuid);
-- squawk-ignore ban-drop-table
DROP TABLE casework.contact_vault;
-- squawk-ignore ban-drop-function
DROP FUNCTION casework.guard_contacts();
REVOKE INSERT (part) ON casework.case_read_log FROM casework_api;
ALTER TABLE casework.case_read_log DROP CONSTRAINT case_read_log_part;
-- squawk-ignore ban-drop-column
ALTER TABLE casework.case_read_log DROP COLUMN part;

-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- What of a case can be erased beside its contacts and its reference. A migration that adds a text about a case registers it here
-- (casework.register_erasable_text), and erasure finds it.
CREATE TABLE casework.erasable_text (
    table_name text NOT NULL,
    column_name text NOT NULL,
    -- What stands in the text's place; null empties it.
    erased_value text,
    -- A timestamptz column that is set in the same statement, if the table keeps one.
    marker_column text,
    PRIMARY KEY (table_name, column_name)
);
GRANT SELECT ON casework.erasable_text TO casework_api, casework_worker;

-- For migrations. The table has `case_id` and `county`; `casework.erase_case` runs as the owner, so it gets a policy for it.
CREATE FUNCTION casework.register_erasable_text(
    wanted_table text, wanted_column text, erased_value text DEFAULT NULL, marker_column text DEFAULT NULL
) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    policy_name text := wanted_table || '_erasure';
    present bigint;
BEGIN
    SELECT count(*) INTO present FROM pg_attribute
    WHERE attrelid = format('casework.%I', wanted_table)::regclass AND attnum > 0 AND NOT attisdropped
      AND attname = ANY (ARRAY[wanted_column, coalesce(marker_column, wanted_column), 'case_id', 'county']);
    IF present <> (CASE WHEN marker_column IS NULL THEN 3 ELSE 4 END) THEN
        RAISE EXCEPTION 'casework.% has no such columns', wanted_table USING ERRCODE = 'undefined_column';
    END IF;
    INSERT INTO casework.erasable_text (table_name, column_name, erased_value, marker_column)
    VALUES (wanted_table, wanted_column, register_erasable_text.erased_value, register_erasable_text.marker_column);
    IF NOT EXISTS (SELECT FROM pg_policies
                   WHERE schemaname = 'casework' AND tablename = wanted_table AND policyname = policy_name) THEN
        EXECUTE format(
            'CREATE POLICY %I ON casework.%I TO CURRENT_USER USING (county = ANY (public.payesh_counties()))'
            ' WITH CHECK (county = ANY (public.payesh_counties()))', policy_name, wanted_table);
    END IF;
END
$$;
REVOKE ALL ON FUNCTION casework.register_erasable_text(text, text, text, text) FROM PUBLIC;

-- The office's own reference leads to the household, so it is replaced by a number that leads nowhere and stays unique.
CREATE SEQUENCE casework.erased_case_number;
ALTER TABLE casework.return_case ADD COLUMN erased_at timestamptz;
-- squawk-ignore ban-drop-constraint
ALTER TABLE casework.return_case DROP CONSTRAINT return_case_reference_check;
ALTER TABLE casework.return_case ADD CONSTRAINT return_case_reference_check CHECK (
    CASE WHEN erased_at IS NULL
        THEN reference ~ '^[A-Z]{1,4}(-[0-9]{1,6}){1,2}$'
             AND char_length(regexp_replace(reference, '[^0-9]', '', 'g')) <= 9
        ELSE reference ~ '^ERASED-[0-9]{1,19}$'
    END
) NOT VALID;
CREATE POLICY return_case_owner ON casework.return_case TO CURRENT_USER
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));

-- Who asked for an erasure, when, and when it was done: kept for ever, because it says nothing about the household.
CREATE TABLE casework.case_erasure (
    erasure_id uuid PRIMARY KEY,
    case_id uuid NOT NULL,
    county text NOT NULL,
    cause text NOT NULL CHECK (cause IN ('household_request', 'retention')),
    scope text NOT NULL CHECK (scope IN ('contacts', 'case')),
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz,
    FOREIGN KEY (case_id, county) REFERENCES casework.return_case (case_id, county),
    CONSTRAINT safeguard_6_a_person_records_a_request CHECK (cause = 'retention' OR recorded_by <> 'system')
);
CREATE UNIQUE INDEX case_erasure_open ON casework.case_erasure (case_id, scope) WHERE completed_at IS NULL;

-- A person keeps the records of one case beyond their retention date. The ground is one of a list, so that it says nothing about
-- the household.
CREATE TABLE casework.retention_hold (
    hold_id uuid PRIMARY KEY,
    case_id uuid NOT NULL,
    county text NOT NULL,
    ground text NOT NULL CHECK (
        ground IN ('legal_claim', 'complaint_or_appeal', 'protection_follow_up', 'supervision', 'household_wish')
    ),
    review_by timestamptz NOT NULL,
    reminders bigint NOT NULL DEFAULT 0 CHECK (reminders >= 0),
    held_by text NOT NULL CHECK (held_by <> 'system'),
    held_at timestamptz NOT NULL DEFAULT now(),
    released_by text CHECK (released_by <> 'system'),
    released_at timestamptz,
    FOREIGN KEY (case_id, county) REFERENCES casework.return_case (case_id, county),
    CONSTRAINT released_whole CHECK ((released_by IS NULL) = (released_at IS NULL))
);
CREATE UNIQUE INDEX retention_hold_running ON casework.retention_hold (case_id) WHERE released_at IS NULL;

CREATE FUNCTION casework.is_held(wanted_case uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (SELECT FROM casework.retention_hold WHERE case_id = wanted_case AND released_at IS NULL)
$$;

CREATE FUNCTION casework.guard_retention_hold() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.released_at IS NOT NULL THEN
            RAISE EXCEPTION 'personal data: a hold is released once, and its record stays'
                USING ERRCODE = 'check_violation';
        ELSIF NEW.released_by IS NOT NULL THEN
            NEW.released_at := now();
        END IF;
        RETURN NEW;
    END IF;
    IF (casework.lock_case(NEW.case_id)).erased_at IS NOT NULL THEN
        RAISE EXCEPTION 'personal data: the case is erased' USING ERRCODE = 'check_violation';
    ELSIF NOT EXISTS (SELECT FROM public.timer
                      WHERE kind = 'nationals.retention_hold_review' AND subject_id = NEW.hold_id::text) THEN
        RAISE EXCEPTION 'safeguard 13: a hold begins only with its review timer armed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_retention_hold BEFORE INSERT OR UPDATE ON casework.retention_hold
FOR EACH ROW EXECUTE FUNCTION casework.guard_retention_hold();

-- Destroys the household's data key and with it every copy of its contacts. True if there was one.
CREATE FUNCTION casework.erase_contacts(wanted_case uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
DECLARE
    erased boolean;
BEGIN
    PERFORM casework.lock_case(wanted_case);
    IF NOT EXISTS (SELECT FROM casework.case_erasure WHERE case_id = wanted_case AND completed_at IS NULL) THEN
        RAISE EXCEPTION 'personal data: an erasure is recorded before it is done' USING ERRCODE = 'check_violation';
    END IF;
    DELETE FROM casework.contact_vault WHERE case_id = wanted_case;
    erased := FOUND;
    UPDATE casework.case_erasure SET completed_at = now()
    WHERE case_id = wanted_case AND scope = 'contacts' AND completed_at IS NULL;
    RETURN erased;
END
$$;

-- Erases contacts, every registered text and the reference of an ended case that nobody holds. True if anything was left. Names of
-- tables and columns come from casework.erasable_text alone, which no role of the service may write.
CREATE FUNCTION casework.erase_case(wanted_case uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
DECLARE
    found_case casework.return_case := casework.lock_case(wanted_case);
    target record;
    erased boolean;
BEGIN
    IF NOT casework.has_ended(found_case.state) THEN
        RAISE EXCEPTION 'personal data: a running case keeps its records; its contacts alone can be erased'
            USING ERRCODE = 'check_violation';
    ELSIF casework.is_held(wanted_case) THEN
        RAISE EXCEPTION 'personal data: a person holds the records of the case' USING ERRCODE = 'check_violation';
    END IF;
    erased := casework.erase_contacts(wanted_case);
    FOR target IN
        SELECT table_name,
               string_agg(format('%I = %L', column_name, erased_value), ', ')
               || coalesce(max(', ' || quote_ident(marker_column) || ' = now()'), '') AS assignments,
               string_agg(format('%I IS DISTINCT FROM %L', column_name, erased_value), ' OR ') AS unerased
        FROM casework.erasable_text
        GROUP BY table_name ORDER BY table_name
    LOOP
        EXECUTE format('UPDATE casework.%I SET %s WHERE case_id = $1 AND (%s)',
                       target.table_name, target.assignments, target.unerased) USING wanted_case;
        IF FOUND THEN
            erased := true;
        END IF;
    END LOOP;
    UPDATE casework.return_case
    SET reference = 'ERASED-' || nextval('casework.erased_case_number'), erased_at = now()
    WHERE case_id = wanted_case AND erased_at IS NULL;
    IF FOUND THEN
        erased := true;
    END IF;
    -- Beside the Idempotency-Key of the request that opened the case stands a digest of it, from which a reference can be guessed.
    DELETE FROM public.idempotency WHERE subject = found_case.opened_by AND created_at = found_case.opened_at;
    UPDATE casework.case_erasure SET completed_at = now() WHERE case_id = wanted_case AND completed_at IS NULL;
    RETURN erased;
END
$$;

ALTER TABLE casework.case_erasure ENABLE ROW LEVEL SECURITY;
ALTER TABLE casework.case_erasure FORCE ROW LEVEL SECURITY;
CREATE POLICY case_erasure_api ON casework.case_erasure TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY case_erasure_worker ON casework.case_erasure TO payesh_worker USING (true) WITH CHECK (true);
CREATE POLICY case_erasure_owner ON casework.case_erasure TO CURRENT_USER
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));

ALTER TABLE casework.retention_hold ENABLE ROW LEVEL SECURITY;
ALTER TABLE casework.retention_hold FORCE ROW LEVEL SECURITY;
CREATE POLICY retention_hold_api ON casework.retention_hold TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY retention_hold_worker ON casework.retention_hold TO payesh_worker USING (true) WITH CHECK (true);
CREATE POLICY retention_hold_owner ON casework.retention_hold FOR SELECT TO CURRENT_USER
    USING (county = ANY (payesh_counties()));

GRANT SELECT ON casework.case_erasure, casework.retention_hold TO casework_api, casework_worker;
GRANT INSERT (erasure_id, case_id, county, cause, scope, recorded_by) ON casework.case_erasure
    TO casework_api, casework_worker;
GRANT INSERT (hold_id, case_id, county, ground, review_by, held_by) ON casework.retention_hold TO casework_api;
GRANT UPDATE (released_by) ON casework.retention_hold TO casework_api;
GRANT UPDATE (reminders, review_by) ON casework.retention_hold TO casework_worker;
REVOKE ALL ON FUNCTION casework.erase_contacts(uuid), casework.erase_case(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION casework.erase_contacts(uuid), casework.erase_case(uuid) TO casework_api, casework_worker;

-- migrate:down
-- squawk-ignore ban-drop-function
DROP FUNCTION casework.erase_case(uuid), casework.erase_contacts(uuid);
-- squawk-ignore ban-drop-table
DROP TABLE casework.retention_hold, casework.case_erasure;
-- squawk-ignore ban-drop-function
DROP FUNCTION casework.guard_retention_hold(), casework.is_held(uuid);
DROP POLICY return_case_owner ON casework.return_case;
-- squawk-ignore ban-drop-constraint
ALTER TABLE casework.return_case DROP CONSTRAINT return_case_reference_check;
-- squawk-ignore ban-drop-column
ALTER TABLE casework.return_case DROP COLUMN erased_at;
ALTER TABLE casework.return_case ADD CONSTRAINT return_case_reference_check CHECK (
    reference ~ '^[A-Z]{1,4}(-[0-9]{1,6}){1,2}$' AND char_length(regexp_replace(reference, '[^0-9]', '', 'g')) <= 9
) NOT VALID;
DROP SEQUENCE casework.erased_case_number;
-- squawk-ignore ban-drop-function
DROP FUNCTION casework.register_erasable_text(text, text, text, text);
-- squawk-ignore ban-drop-table
DROP TABLE casework.erasable_text;

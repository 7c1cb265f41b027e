-- Audit triggers. They run as the superuser, whoever acts; the deferred ones look when the transaction commits, under its locks.
CREATE FUNCTION proof.note_state() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
    INSERT INTO proof.state_change (case_id, from_state, to_state, role)
    VALUES (NEW.case_id, CASE TG_OP WHEN 'UPDATE' THEN OLD.state END, NEW.state, current_setting('role'));
    RETURN NULL;
END
$$;
CREATE TRIGGER proof_state_opened AFTER INSERT ON casework.return_case FOR EACH ROW EXECUTE FUNCTION proof.note_state();
CREATE TRIGGER proof_state_moved AFTER UPDATE ON casework.return_case
FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION proof.note_state();

CREATE FUNCTION proof.note_booking() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
    INSERT INTO proof.booking_change (booking_id, case_id, from_state, to_state, role)
    VALUES (NEW.booking_id, NEW.case_id, CASE TG_OP WHEN 'UPDATE' THEN OLD.state END, NEW.state, current_setting('role'));
    RETURN NULL;
END
$$;
CREATE TRIGGER proof_booking_made AFTER INSERT ON casework.booking FOR EACH ROW EXECUTE FUNCTION proof.note_booking();
CREATE TRIGGER proof_booking_moved AFTER UPDATE ON casework.booking
FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION proof.note_booking();

CREATE FUNCTION proof.note_rewriting() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
AS $$
DECLARE
    allowed proof.changeable;
    before jsonb := to_jsonb(OLD);
    after jsonb := CASE TG_OP WHEN 'UPDATE' THEN to_jsonb(NEW) END;
    findings proof.finding[] := '{}';
    subject uuid := (before ->> 'case_id')::uuid;
BEGIN
    SELECT * INTO allowed FROM proof.changeable WHERE table_name = TG_TABLE_NAME;
    IF TG_OP = 'DELETE' OR before - allowed.columns <> after - allowed.columns THEN
        findings := ARRAY[(allowed.rule, 'a record of ' || TG_TABLE_NAME || ' is rewritten')::proof.finding];
    ELSIF EXISTS (SELECT FROM unnest(allowed.once) AS name WHERE before ->> name IS NOT NULL
                    AND before -> name IS DISTINCT FROM after -> name) THEN
        findings := ARRAY[(allowed.rule, 'what was written once in ' || TG_TABLE_NAME || ' changed')::proof.finding];
    ELSIF TG_TABLE_NAME = 'return_case' AND (after ->> 'voluntary_until')::timestamptz < (before ->> 'voluntary_until')::timestamptz THEN
        findings := ARRAY[(3, 'a voluntary period was shortened')::proof.finding];
    END IF;
    PERFORM proof.find(subject, findings);
    RETURN NULL;
END
$$;

CREATE FUNCTION proof.look_at_commit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
AS $$
DECLARE
    subject uuid := (CASE WHEN TG_OP = 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END ->> 'case_id')::uuid;
    findings proof.finding[];
BEGIN
    INSERT INTO proof.looked VALUES (pg_current_xact_id(), subject) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(each) INTO findings FROM (
        SELECT f.* FROM proof.state_change AS change, proof.look_at_change(change) AS f
        WHERE change.transaction_id = pg_current_xact_id() AND change.case_id = subject
        UNION ALL
        SELECT f.* FROM proof.booking_change AS change, proof.look_at_booking(change) AS f
        WHERE change.transaction_id = pg_current_xact_id() AND change.case_id = subject
        UNION ALL
        SELECT * FROM proof.look_at_case(subject)
    ) AS each;
    PERFORM proof.find(subject, findings);
    RETURN NULL;
END
$$;

CREATE FUNCTION proof.look_at_places_of_commit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
    PERFORM proof.find(NULL, (
        SELECT array_agg(finding) FROM casework.centre_place AS place, proof.look_at_places(place) AS finding
        WHERE (place.centre_id, place.place_kind) = (NEW.centre_id, NEW.place_kind)));
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER proof_places AFTER INSERT OR UPDATE ON casework.centre_place DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION proof.look_at_places_of_commit();

-- Rule 14: handing in a complaint touches no case.
CREATE FUNCTION proof.look_at_complaint() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
    IF EXISTS (SELECT FROM proof.looked WHERE transaction_id = pg_current_xact_id())
       OR EXISTS (SELECT FROM proof.state_change WHERE transaction_id = pg_current_xact_id()) THEN
        PERFORM proof.find(NULL, ARRAY[(14, 'a complaint touched a case')::proof.finding]);
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER zz_proof_complaint AFTER INSERT OR UPDATE ON complaints.complaint DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION proof.look_at_complaint();

DO $$
DECLARE
    each record;
BEGIN
    FOR each IN SELECT * FROM proof.changeable LOOP
        EXECUTE format('CREATE TRIGGER proof_rewriting AFTER UPDATE OR DELETE ON casework.%I '
                       'FOR EACH ROW EXECUTE FUNCTION proof.note_rewriting()', each.table_name);
    END LOOP;
    FOR each IN SELECT table_name FROM information_schema.columns
                WHERE table_schema = 'casework' AND column_name = 'case_id' LOOP
        EXECUTE format('CREATE CONSTRAINT TRIGGER proof_commit AFTER INSERT OR UPDATE OR DELETE ON casework.%I '
                       'DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION proof.look_at_commit()', each.table_name);
    END LOOP;
END
$$;

-- Turns the clock for one household: everything that is dated about it, and its timers, moves back by `step` (forward if negative).
CREATE TABLE proof.dated (statement text NOT NULL);
INSERT INTO proof.dated
SELECT format('UPDATE casework.%I SET %s WHERE case_id = $1', table_name,
              string_agg(format('%I = %I - $2', column_name, column_name), ', '))
FROM information_schema.columns
WHERE table_schema = 'casework' AND data_type = 'timestamp with time zone' AND table_name IN (
    SELECT table_name FROM information_schema.columns WHERE table_schema = 'casework' AND column_name = 'case_id')
GROUP BY table_name;

CREATE FUNCTION proof.timers_of(wanted_case uuid) RETURNS SETOF text
LANGUAGE sql STABLE
AS $$
    SELECT wanted_case::text
    UNION ALL SELECT pause_id::text FROM casework.case_pause WHERE case_id = wanted_case
    UNION ALL SELECT booking_id::text FROM casework.booking WHERE case_id = wanted_case
    UNION ALL SELECT review_id::text FROM casework.legal_review WHERE case_id = wanted_case
    UNION ALL SELECT decision_id::text FROM casework.legal_decision WHERE case_id = wanted_case
    UNION ALL SELECT appeal_id::text FROM casework.appeal WHERE case_id = wanted_case
    UNION ALL SELECT entry_id::text FROM casework.waiting_entry WHERE case_id = wanted_case
    UNION ALL SELECT hold_id::text FROM casework.retention_hold WHERE case_id = wanted_case
    UNION ALL SELECT break_glass_id::text FROM casework.break_glass WHERE case_id = wanted_case
$$;

CREATE FUNCTION proof.turn_clock(wanted_case uuid, step interval) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    each text;
BEGIN
    PERFORM set_config('session_replication_role', 'replica', true);
    PERFORM FROM casework.return_case WHERE case_id = wanted_case FOR UPDATE;
    FOR each IN SELECT statement FROM proof.dated LOOP
        EXECUTE each USING wanted_case, step;
    END LOOP;
    UPDATE public.timer SET due_at = due_at - step, next_try_at = next_try_at - step
    WHERE subject_id IN (SELECT proof.timers_of(wanted_case));
    PERFORM set_config('session_replication_role', 'origin', true);
END
$$;

-- For guards that are functions: refuses with what such a function says is lacking.
CREATE FUNCTION proof.refuse(lacking text) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF lacking IS NOT NULL THEN
        RAISE EXCEPTION '%', lacking USING ERRCODE = 'check_violation';
    END IF;
END
$$;

-- Lets the service's own deferred guards look before the evidence does: only what they let through is held against it.
CREATE FUNCTION proof.settle() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
    EXECUTE (SELECT 'SET CONSTRAINTS ' || string_agg(connamespace::regnamespace || '.' || quote_ident(conname), ', ') || ' IMMEDIATE'
             FROM pg_constraint WHERE contype = 't' AND condeferrable AND conname !~ 'proof_');
END
$$;

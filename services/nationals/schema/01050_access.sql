-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- Who works on a case. Rows are never deleted and an ended one never changes: the table is its own history. Reasons are a closed
-- list, so that nothing about the household can be written here.
CREATE TABLE casework.case_assignment (
    assignment_id uuid PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    case_id uuid NOT NULL,
    county text NOT NULL,
    assignee text NOT NULL CHECK (assignee <> 'system' AND char_length(assignee) BETWEEN 1 AND 128),
    reason text NOT NULL CHECK (reason IN (
        'opened_the_case', 'workload', 'absence', 'language', 'expertise', 'household_request', 'conflict_of_interest'
    )),
    assigned_by text NOT NULL CHECK (assigned_by <> 'system'),
    assigned_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    ended_by text CHECK (ended_by <> 'system'),
    end_reason text CHECK (end_reason IN (
        'workload', 'absence', 'language', 'expertise', 'household_request', 'conflict_of_interest', 'left_the_office'
    )),
    FOREIGN KEY (case_id, county) REFERENCES casework.return_case (case_id, county),
    CONSTRAINT safeguard_6_nobody_assigns_themselves CHECK (assigned_by <> assignee OR reason = 'opened_the_case'),
    CONSTRAINT safeguard_6_nobody_ends_their_own CHECK (ended_by <> assignee),
    CONSTRAINT ended_whole CHECK (num_nonnulls(ended_at, ended_by, end_reason) IN (0, 3))
);
CREATE UNIQUE INDEX case_assignment_running ON casework.case_assignment (case_id, assignee) WHERE ended_at IS NULL;
CREATE INDEX case_assignment_of_case ON casework.case_assignment (case_id, position);

-- Cases that were opened before assignments existed belong to who opened them.
ALTER TABLE casework.return_case NO FORCE ROW LEVEL SECURITY;
INSERT INTO casework.case_assignment (assignment_id, case_id, county, assignee, reason, assigned_by)
SELECT gen_random_uuid(), case_id, county, opened_by, 'opened_the_case', opened_by FROM casework.return_case;
ALTER TABLE casework.return_case FORCE ROW LEVEL SECURITY;

-- Access without an assignment: one person, one case, a reason, a limited time, and a second person who reviews it. `reason` is the
-- only free text and never leaves the row; it can be erased, not changed.
CREATE TABLE casework.break_glass (
    break_glass_id uuid PRIMARY KEY,
    case_id uuid NOT NULL,
    county text NOT NULL,
    opened_by text NOT NULL CHECK (opened_by <> 'system'),
    reason_kind text NOT NULL CHECK (reason_kind IN (
        'danger_to_life_or_health', 'household_is_present', 'caseworker_absent', 'deadline', 'correction_of_an_error'
    )),
    reason text NOT NULL CHECK (char_length(btrim(reason)) BETWEEN 1 AND 300),
    opened_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    review_by timestamptz NOT NULL,
    reminders bigint NOT NULL DEFAULT 0 CHECK (reminders >= 0),
    verdict text CHECK (verdict IN ('justified', 'not_justified')),
    reviewed_by text CHECK (reviewed_by <> 'system'),
    reviewed_at timestamptz,
    FOREIGN KEY (case_id, county) REFERENCES casework.return_case (case_id, county),
    CONSTRAINT break_glass_is_limited CHECK (expires_at > opened_at AND expires_at <= opened_at + interval '24 hours'),
    CONSTRAINT safeguard_6_second_person_reviews CHECK (reviewed_by <> opened_by),
    CONSTRAINT reviewed_whole CHECK (num_nonnulls(verdict, reviewed_by, reviewed_at) IN (0, 3))
);
CREATE INDEX break_glass_of_case ON casework.break_glass (case_id, opened_by);
CREATE INDEX break_glass_unreviewed ON casework.break_glass (break_glass_id) WHERE verdict IS NULL;

ALTER TABLE casework.case_read_log ADD COLUMN break_glass_id uuid;
ALTER TABLE casework.case_read_log ADD CONSTRAINT case_read_log_break_glass
    FOREIGN KEY (break_glass_id) REFERENCES casework.break_glass (break_glass_id) NOT VALID;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX case_read_log_of_case ON casework.case_read_log (case_id, read_id DESC);

-- The break-glass of this person for this case that runs now, if any. A use found not justified ends at once.
CREATE FUNCTION casework.running_break_glass(wanted_case uuid, person text) RETURNS uuid
LANGUAGE sql STABLE
AS $$
    SELECT break_glass_id FROM casework.break_glass
    WHERE case_id = wanted_case AND opened_by = person AND expires_at > now() AND verdict IS DISTINCT FROM 'not_justified'
    ORDER BY break_glass_id DESC LIMIT 1
$$;

CREATE FUNCTION casework.is_assigned(wanted_case uuid, person text) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (SELECT FROM casework.case_assignment
                   WHERE case_id = wanted_case AND assignee = person AND ended_at IS NULL)
$$;

CREATE FUNCTION casework.guard_assignment() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    found_case casework.return_case := casework.lock_case(NEW.case_id);
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.ended_at IS NOT NULL OR NEW.ended_at IS NULL THEN
            RAISE EXCEPTION 'safeguard 6: an assignment ends once, and its record stays' USING ERRCODE = 'check_violation';
        END IF;
        NEW.ended_at := now();
    ELSIF NEW.reason = 'opened_the_case'
       AND ((NEW.assignee, NEW.assigned_by) IS DISTINCT FROM (found_case.opened_by, found_case.opened_by)
            OR EXISTS (SELECT FROM casework.case_assignment WHERE case_id = NEW.case_id)) THEN
        RAISE EXCEPTION 'safeguard 6: only the opening of a case assigns it to who opened it'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_assignment BEFORE INSERT OR UPDATE ON casework.case_assignment
FOR EACH ROW EXECUTE FUNCTION casework.guard_assignment();

CREATE FUNCTION casework.assign_opener() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO casework.case_assignment (assignment_id, case_id, county, assignee, reason, assigned_by)
    VALUES (gen_random_uuid(), NEW.case_id, NEW.county, NEW.opened_by, 'opened_the_case', NEW.opened_by);
    RETURN NULL;
END
$$;
CREATE TRIGGER assign_opener AFTER INSERT ON casework.return_case
FOR EACH ROW EXECUTE FUNCTION casework.assign_opener();

CREATE FUNCTION casework.guard_break_glass() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.expires_at, NEW.opened_by, NEW.reason_kind, NEW.opened_at)
           IS DISTINCT FROM (OLD.expires_at, OLD.opened_by, OLD.reason_kind, OLD.opened_at) THEN
            RAISE EXCEPTION 'personal data: a break-glass is never prolonged or rewritten' USING ERRCODE = 'check_violation';
        ELSIF NEW.reason <> OLD.reason AND NEW.reason <> '[erased]' THEN
            RAISE EXCEPTION 'personal data: a reason is erased, never rewritten' USING ERRCODE = 'check_violation';
        ELSIF OLD.verdict IS NOT NULL AND (NEW.verdict, NEW.reviewed_by) IS DISTINCT FROM (OLD.verdict, OLD.reviewed_by) THEN
            RAISE EXCEPTION 'safeguard 6: a break-glass is reviewed once' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    PERFORM casework.lock_case(NEW.case_id);
    IF NOT EXISTS (SELECT FROM public.timer
                   WHERE kind = 'nationals.break_glass_review' AND subject_id = NEW.break_glass_id::text) THEN
        RAISE EXCEPTION 'safeguard 13: a break-glass opens only with its review timer armed'
            USING ERRCODE = 'check_violation';
    ELSIF casework.running_break_glass(NEW.case_id, NEW.opened_by) IS NOT NULL THEN
        RAISE EXCEPTION 'personal data: a running break-glass is not prolonged by another one'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_break_glass BEFORE INSERT OR UPDATE ON casework.break_glass
FOR EACH ROW EXECUTE FUNCTION casework.guard_break_glass();

-- The database itself marks a read under break-glass; nobody may write or leave out the mark.
CREATE FUNCTION casework.mark_read() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.break_glass_id := NULL;
    IF NOT casework.is_assigned(NEW.case_id, NEW.read_by) THEN
        NEW.break_glass_id := casework.running_break_glass(NEW.case_id, NEW.read_by);
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER mark_read BEFORE INSERT ON casework.case_read_log
FOR EACH ROW EXECUTE FUNCTION casework.mark_read();

ALTER TABLE casework.case_assignment ENABLE ROW LEVEL SECURITY;
ALTER TABLE casework.case_assignment FORCE ROW LEVEL SECURITY;
CREATE POLICY case_assignment_api ON casework.case_assignment TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY case_assignment_worker ON casework.case_assignment TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE casework.break_glass ENABLE ROW LEVEL SECURITY;
ALTER TABLE casework.break_glass FORCE ROW LEVEL SECURITY;
CREATE POLICY break_glass_api ON casework.break_glass TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY break_glass_worker ON casework.break_glass TO payesh_worker USING (true) WITH CHECK (true);

GRANT SELECT ON casework.case_assignment, casework.break_glass, casework.case_read_log TO casework_api;
GRANT INSERT (assignment_id, case_id, county, assignee, reason, assigned_by) ON casework.case_assignment TO casework_api;
GRANT UPDATE (ended_at, ended_by, end_reason) ON casework.case_assignment TO casework_api;
GRANT INSERT (break_glass_id, case_id, county, opened_by, reason_kind, reason, expires_at, review_by)
    ON casework.break_glass TO casework_api;
GRANT UPDATE (verdict, reviewed_by, reviewed_at) ON casework.break_glass TO casework_api;
-- The worker reminds of reviews; it reads no reason. Reasons are erased with the other texts of their case (01041_erasure.sql).
GRANT SELECT (break_glass_id, case_id, county, opened_by, reason_kind, opened_at, expires_at, review_by, reminders, verdict,
              reviewed_by, reviewed_at) ON casework.break_glass TO casework_worker;
GRANT UPDATE (reminders, review_by) ON casework.break_glass TO casework_worker;

-- migrate:down
DROP TRIGGER mark_read ON casework.case_read_log;
DROP TRIGGER assign_opener ON casework.return_case;
REVOKE SELECT ON casework.case_read_log FROM casework_api;
DROP INDEX casework.case_read_log_of_case;
ALTER TABLE casework.case_read_log DROP CONSTRAINT case_read_log_break_glass;
-- squawk-ignore ban-drop-column
ALTER TABLE casework.case_read_log DROP COLUMN break_glass_id;
-- squawk-ignore ban-drop-table
DROP TABLE casework.break_glass, casework.case_assignment;
-- squawk-ignore ban-drop-function
DROP FUNCTION casework.mark_read(), casework.assign_opener(), casework.guard_break_glass(), casework.guard_assignment(),
    casework.is_assigned(uuid, text), casework.running_break_glass(uuid, text);

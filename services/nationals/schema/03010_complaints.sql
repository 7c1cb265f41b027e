-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- Safeguard 14: the complaints office. No key, column or identifier in common with a case; `stated_reference` is what the household
-- itself said, as text, and points to nothing. The policies name the office's own two roles and no group, so that a grant given by
-- mistake would still show nobody else a row.
CREATE SCHEMA complaints;
GRANT USAGE ON SCHEMA complaints TO complaints_api, complaints_worker;

CREATE TABLE complaints.complaint (
    complaint_id uuid PRIMARY KEY,
    county text NOT NULL,
    receipt text NOT NULL UNIQUE CHECK (receipt ~ '^[A-Z2-7]{24}$'),
    channel text NOT NULL CHECK (channel IN ('in_person', 'telephone', 'letter', 'complaints_box', 'message', 'third_party')),
    category text NOT NULL CHECK (category IN (
        'treatment', 'information', 'pressure', 'services', 'decision', 'delay', 'privacy', 'other'
    )),
    language text NOT NULL CHECK (language ~ '^[a-z]{2,3}$'),
    body text CHECK (char_length(body) BETWEEN 1 AND 8000),
    stated_reference text CHECK (char_length(stated_reference) BETWEEN 1 AND 64),
    state text NOT NULL DEFAULT 'received' CHECK (state IN (
        'received', 'acknowledged', 'under_examination', 'answered', 'closed'
    )),
    received_by text NOT NULL CHECK (received_by <> 'system'),
    received_at timestamptz NOT NULL DEFAULT now(),
    acknowledge_by timestamptz NOT NULL,
    answer_by timestamptz NOT NULL,
    acknowledgement_reminders bigint NOT NULL DEFAULT 0 CHECK (acknowledgement_reminders >= 0),
    answer_reminders bigint NOT NULL DEFAULT 0 CHECK (answer_reminders >= 0),
    acknowledged_by text CHECK (acknowledged_by <> 'system'),
    acknowledged_at timestamptz,
    examiner text CHECK (examiner <> 'system'),
    examined_alone boolean NOT NULL DEFAULT false,
    examination_started_at timestamptz,
    answer text CHECK (char_length(answer) BETWEEN 1 AND 8000),
    answered_at timestamptz,
    closed_by text CHECK (closed_by <> 'system'),
    closed_at timestamptz,
    erase_after timestamptz,
    hold_reason text CHECK (hold_reason IN ('legal_proceedings', 'oversight_inquiry', 'household_request')),
    held_by text CHECK (held_by <> 'system'),
    held_at timestamptz,
    erased_at timestamptz,
    erased_by text,
    CONSTRAINT safeguard_6_examined_by_another CHECK (examiner <> received_by OR examined_alone),
    CONSTRAINT safeguard_6_erased_by_another CHECK (erased_by <> examiner),
    CONSTRAINT state_is_recorded CHECK (
        (state = 'received') = (acknowledged_at IS NULL)
        AND (state IN ('received', 'acknowledged')) = (examination_started_at IS NULL)
        AND (state IN ('answered', 'closed')) = (answered_at IS NOT NULL)
        AND (state = 'closed') = (closed_at IS NOT NULL)
    ),
    CONSTRAINT recorded_with_person CHECK (
        (acknowledged_at IS NULL) = (acknowledged_by IS NULL) AND (examination_started_at IS NULL) = (examiner IS NULL)
        AND (closed_at IS NULL) = (closed_by IS NULL) AND num_nonnulls(hold_reason, held_by, held_at) IN (0, 3)
    ),
    CONSTRAINT answered_with_text CHECK (answered_at IS NULL OR answer IS NOT NULL OR erased_at IS NOT NULL),
    CONSTRAINT erased_wholly CHECK (
        (erased_at IS NULL AND erased_by IS NULL AND body IS NOT NULL)
        OR (erased_at IS NOT NULL AND erased_by IS NOT NULL AND num_nonnulls(body, stated_reference, answer) = 0)
    )
);
CREATE INDEX complaint_of_county ON complaints.complaint (county, complaint_id);

-- Who of the office read which complaint. Append-only.
CREATE TABLE complaints.complaint_read_log (
    read_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    complaint_id uuid NOT NULL REFERENCES complaints.complaint (complaint_id),
    county text NOT NULL,
    read_by text NOT NULL,
    read_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION complaints.guard_complaint() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF (SELECT count(*) FROM public.timer WHERE subject_id = NEW.complaint_id::text
            AND kind IN ('nationals.complaint_acknowledgement', 'nationals.complaint_answer')) <> 2 THEN
            RAISE EXCEPTION 'safeguard 13: a complaint is received only with both its deadlines running'
                USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('received', 'acknowledged'), ('acknowledged', 'under_examination'), ('under_examination', 'answered'),
        ('answered', 'closed')) THEN
        RAISE EXCEPTION 'safeguard 14: a complaint does not go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    ELSIF (OLD.acknowledged_at IS NOT NULL
           AND (NEW.acknowledged_at, NEW.acknowledged_by) IS DISTINCT FROM (OLD.acknowledged_at, OLD.acknowledged_by))
          OR (OLD.answered_at IS NOT NULL AND NEW.answered_at IS DISTINCT FROM OLD.answered_at)
          OR (OLD.closed_at IS NOT NULL AND (NEW.closed_at, NEW.closed_by) IS DISTINCT FROM (OLD.closed_at, OLD.closed_by)) THEN
        RAISE EXCEPTION 'safeguard 14: who took a step, and when, is recorded once' USING ERRCODE = 'check_violation';
    ELSIF NEW.examiner IS DISTINCT FROM OLD.examiner AND NEW.state <> 'under_examination' THEN
        RAISE EXCEPTION 'safeguard 14: the examiner changes only during the examination' USING ERRCODE = 'check_violation';
    ELSIF (NEW.body IS DISTINCT FROM OLD.body OR NEW.stated_reference IS DISTINCT FROM OLD.stated_reference
           OR (OLD.answered_at IS NOT NULL AND NEW.answer IS DISTINCT FROM OLD.answer))
          AND NEW.erased_at IS NULL THEN
        RAISE EXCEPTION 'safeguard 14: what was complained and answered is erased, never rewritten'
            USING ERRCODE = 'check_violation';
    ELSIF NEW.answer IS DISTINCT FROM OLD.answer AND NEW.state NOT IN ('answered', 'closed') THEN
        RAISE EXCEPTION 'safeguard 14: an answer is recorded when it is given' USING ERRCODE = 'check_violation';
    ELSIF OLD.erased_at IS NOT NULL AND NEW.erased_at IS DISTINCT FROM OLD.erased_at THEN
        RAISE EXCEPTION 'safeguard 14: a complaint is erased once' USING ERRCODE = 'check_violation';
    ELSIF NEW.erased_at IS NOT NULL AND OLD.erased_at IS NULL THEN
        IF OLD.state NOT IN ('answered', 'closed') OR OLD.hold_reason IS NOT NULL THEN
            RAISE EXCEPTION 'safeguard 14: an unanswered or held complaint is not erased' USING ERRCODE = 'check_violation';
        ELSIF pg_has_role(current_user, 'payesh_worker', 'USAGE') AND clock_timestamp() < OLD.erase_after THEN
            RAISE EXCEPTION 'safeguard 14: the retention date is not over on the database''s clock'
                USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    IF NEW.state = 'answered' AND OLD.state <> 'answered' THEN
        SELECT due_at INTO NEW.erase_after FROM public.timer
        WHERE kind = 'nationals.complaint_retention' AND subject_id = NEW.complaint_id::text;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'safeguard 13: a complaint is answered only with its retention timer armed'
                USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_complaint BEFORE INSERT OR UPDATE ON complaints.complaint
FOR EACH ROW EXECUTE FUNCTION complaints.guard_complaint();
REVOKE ALL ON FUNCTION complaints.guard_complaint() FROM PUBLIC;

ALTER TABLE complaints.complaint ENABLE ROW LEVEL SECURITY;
ALTER TABLE complaints.complaint FORCE ROW LEVEL SECURITY;
CREATE POLICY complaint_api ON complaints.complaint TO complaints_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY complaint_worker ON complaints.complaint TO complaints_worker USING (true) WITH CHECK (true);

ALTER TABLE complaints.complaint_read_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE complaints.complaint_read_log FORCE ROW LEVEL SECURITY;
CREATE POLICY complaint_read_log_api ON complaints.complaint_read_log TO complaints_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));

GRANT SELECT ON complaints.complaint TO complaints_api;
GRANT INSERT (complaint_id, county, receipt, channel, category, language, body, stated_reference, received_by, acknowledge_by,
              answer_by) ON complaints.complaint TO complaints_api;
GRANT UPDATE (state, acknowledged_by, acknowledged_at, examiner, examined_alone, examination_started_at, answer, answered_at,
              closed_by, closed_at, hold_reason, held_by, held_at, body, stated_reference, erased_at, erased_by)
    ON complaints.complaint TO complaints_api;
GRANT INSERT (complaint_id, county, read_by) ON complaints.complaint_read_log TO complaints_api;
-- The worker chases deadlines and erases; it reads no text and moves no complaint.
GRANT SELECT (complaint_id, county, state, acknowledge_by, answer_by, acknowledgement_reminders, answer_reminders, erase_after,
              hold_reason, erased_at) ON complaints.complaint TO complaints_worker;
GRANT UPDATE (acknowledgement_reminders, answer_reminders, body, stated_reference, answer, erased_at, erased_by)
    ON complaints.complaint TO complaints_worker;

-- migrate:down
-- squawk-ignore ban-drop-schema
DROP SCHEMA complaints CASCADE;

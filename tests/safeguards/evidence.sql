-- What the proof looks with: an audit of what was committed, and the 14 rules of safeguards.md as plain SQL over the evidence.
-- Written from safeguards.md alone: it calls no function of the schema `casework`. Installed in test databases by a superuser.
CREATE SCHEMA proof;
GRANT USAGE ON SCHEMA proof TO PUBLIC;

CREATE UNLOGGED TABLE proof.state_change (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id uuid NOT NULL, from_state text, to_state text NOT NULL, role text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(), transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX ON proof.state_change (transaction_id);
CREATE INDEX ON proof.state_change (case_id);
CREATE UNLOGGED TABLE proof.booking_change (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    booking_id uuid NOT NULL, case_id uuid NOT NULL, from_state text, to_state text NOT NULL, role text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(), transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX ON proof.booking_change (transaction_id);
CREATE UNLOGGED TABLE proof.looked (transaction_id xid8 NOT NULL, case_id uuid NOT NULL, PRIMARY KEY (transaction_id, case_id));
CREATE UNLOGGED TABLE proof.violation (
    violation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule int NOT NULL, case_id uuid, said text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TYPE proof.finding AS (rule int, said text);

-- The only ways of a case, as safeguards.md and the domain page tell them. Ended states lead nowhere.
CREATE TABLE proof.way (from_state text, to_state text, PRIMARY KEY (from_state, to_state));
INSERT INTO proof.way
SELECT split_part(pair, '>', 1), split_part(pair, '>', 2) FROM unnest(string_to_array(
    'opened>informed withdrawn>informed consented>informed booked>informed informed>consented withdrawn>consented '
    'booked>consented consented>booked booked>departed opened>withdrawn informed>withdrawn consented>withdrawn '
    'booked>withdrawn opened>split informed>split consented>split booked>split withdrawn>split '
    'opened>awaiting_legal_review informed>awaiting_legal_review consented>awaiting_legal_review '
    'booked>awaiting_legal_review withdrawn>awaiting_legal_review awaiting_legal_review>decision_served '
    'decision_served>appealed appealed>awaiting_legal_review appealed>decision_served decision_served>referred '
    'awaiting_legal_review>opened decision_served>opened appealed>opened opened>closed informed>closed consented>closed '
    'booked>closed withdrawn>closed awaiting_legal_review>closed decision_served>closed appealed>closed', ' ')) AS pair;

-- Columns that a person's record may ever change; every other change of it, and every deletion, rewrites evidence. Those of
-- `once` are written once.
CREATE TABLE proof.changeable (table_name text PRIMARY KEY, rule int NOT NULL, columns text[] NOT NULL, once text[] NOT NULL);
INSERT INTO proof.changeable VALUES
    ('information_session', 2, '{}', '{}'), ('screening', 1, '{}', '{}'), ('private_hearing', 7, '{}', '{}'),
    ('consent', 2, '{withdrawn_at}', '{withdrawn_at}'), ('reconfirmation', 2, '{cancelled_at}', '{cancelled_at}'),
    ('child_protection_record', 8, '{appointment_reference}', '{}'),
    ('pause_clearance', 9, '{note,decision,decided_by,decided_at}', '{decision,decided_by,decided_at}'),
    ('household_split', 7, '{decision,decided_by,decided_at}', '{decision,decided_by,decided_at}'),
    ('case_pause', 13, '{reminders,review_by,ended_at}', '{ended_at}'),
    ('legal_assessment', 6, '{}', '{}'),
    ('legal_basis', 10, '{confirmed_by,confirmed_at,ended_by,ended_at}', '{confirmed_by,confirmed_at,ended_by,ended_at}'),
    ('legal_review', 6, '{reminders,review_by,state,ended_at,first_reviewer,second_reviewer}', '{ended_at,second_reviewer}'),
    ('legal_decision', 6,
     '{state,confirmed_by,confirmed_at,returned_by,returned_at,return_reason,served_by,served_at,service_language,service_interpreter,understood,notices,window_due_at,window_fence,referred_by,referred_at,reasons,appeal_instructions,texts_erased_at}',
     '{confirmed_by,confirmed_at,returned_by,returned_at,served_by,served_at,service_language,service_interpreter,understood,referred_by,referred_at,texts_erased_at}'),
    ('appeal', 5, '{review_by,reminders,outcome,outcome_reasons,decided_by,ended_at,late_reason,texts_erased_at}',
     '{outcome,decided_by,ended_at,texts_erased_at}'),
    ('booking', 11, '{state,expires_at,expiry_due_at,expiry_fence,ended_at,admitted_by,admitted_at,accepted_at}',
     '{ended_at,admitted_by,admitted_at,accepted_at}'),
    ('return_case', 12,
     '{state,outcome,voluntary_until,voluntary_due_at,voluntary_fence,voluntary_stopped_at,state_changed_at,reference,erased_at}',
     '{outcome,erased_at}');

CREATE FUNCTION proof.find(wanted_case uuid, findings proof.finding[]) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    rules text;
BEGIN
    IF cardinality(findings) = 0 OR findings IS NULL THEN
        RETURN;
    ELSIF current_setting('proof.strict', true) = 'on' THEN
        SELECT string_agg(DISTINCT format('rule %s (%s)', each.rule, each.said), ', ') INTO rules
        FROM unnest(findings) AS each;
        RAISE EXCEPTION 'proof: %', rules USING ERRCODE = 'triggered_data_change_violation';
    END IF;
    INSERT INTO proof.violation (rule, case_id, said) SELECT each.rule, wanted_case, each.said FROM unnest(findings) AS each;
END
$$;

CREATE FUNCTION proof.ended(state text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT state IN ('closed', 'departed', 'split', 'referred') $$;

-- A record of concern is cleared if two people, neither of whom recorded it, confirmed a clearance that was proposed after it.
CREATE FUNCTION proof.is_cleared(wanted_case uuid, wanted_safeguard bigint, record_position bigint, recorder text)
RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (
        SELECT FROM casework.pause_clearance AS clearance JOIN casework.case_pause AS pause USING (pause_id)
        WHERE clearance.case_id = wanted_case AND pause.case_id = wanted_case AND pause.safeguard = wanted_safeguard
          AND clearance.decision = 'confirmed' AND clearance.covers_to >= record_position
          AND clearance.proposed_by <> clearance.decided_by AND clearance.decided_by <> recorder
          AND (wanted_safeguard = 8 OR clearance.proposed_by <> recorder))
$$;

-- Rule 1.
CREATE FUNCTION proof.unscreened(wanted_case uuid) RETURNS SETOF proof.finding
LANGUAGE sql STABLE
AS $$
    SELECT 1, format('person %s has no clear, unexpired screening', person)
    FROM casework.return_case AS c, generate_series(1, c.adults + c.children_under_5 + c.children_5_to_17) AS person
    WHERE c.case_id = wanted_case AND NOT EXISTS (
        SELECT FROM casework.screening AS s
        WHERE s.case_id = wanted_case AND s.person_number = person AND s.outcome = 'clear' AND s.valid_until > now()
          AND s.position = (SELECT max(position) FROM casework.screening AS later
                            WHERE later.case_id = wanted_case AND later.person_number = person))
$$;

-- Rules 2, 5, 7, 8, 9: what must stop every step towards return.
CREATE FUNCTION proof.concerned(wanted_case uuid) RETURNS SETOF proof.finding
LANGUAGE sql STABLE
AS $$
    SELECT 2, 'a sign of pressure is not cleared' FROM casework.consent AS r
    WHERE r.case_id = wanted_case AND (r.sign_of_pressure OR NOT r.given_freely)
      AND NOT proof.is_cleared(wanted_case, 2, r.position, r.recorded_by)
    UNION ALL
    SELECT 5, 'a protection claim is open' FROM casework.screening AS r
    WHERE r.case_id = wanted_case AND r.outcome = 'protection_need'
      AND NOT proof.is_cleared(wanted_case, 5, r.position, r.screened_by)
    UNION ALL
    SELECT 9, 'a flag is open' FROM casework.screening AS r
    WHERE r.case_id = wanted_case AND r.outcome IN ('medical_flag', 'vulnerability_flag')
      AND NOT proof.is_cleared(wanted_case, 9, r.position, r.screened_by)
    UNION ALL
    SELECT safeguard::int, 'a pause is open' FROM casework.case_pause WHERE case_id = wanted_case AND ended_at IS NULL
    UNION ALL
    SELECT 5, 'an appeal is open' FROM casework.appeal WHERE case_id = wanted_case AND outcome IS NULL
    UNION ALL
    SELECT 7, 'a protected request is undecided' FROM casework.household_split
    WHERE case_id = wanted_case AND decision IS NULL
    UNION ALL
    SELECT 8, format('the procedure of child %s is not complete and approved', child)
    FROM casework.return_case AS c, generate_series(c.adults + 1, c.adults + c.children_under_5 + c.children_5_to_17) AS child
    WHERE c.case_id = wanted_case AND (c.unaccompanied_child OR c.adults = 0) AND NOT (
        EXISTS (SELECT FROM casework.child_protection_record AS g
                WHERE g.case_id = wanted_case AND g.person_number = child AND g.kind = 'guardian_appointed'
                  AND proof.is_cleared(wanted_case, 8, g.position, g.recorded_by))
        AND EXISTS (
            SELECT FROM casework.child_protection_record AS b, casework.child_protection_record AS v
            WHERE b.case_id = wanted_case AND b.person_number = child AND b.kind = 'best_interests_determined'
              AND v.case_id = wanted_case AND v.person_number = child AND v.kind = 'reception_verified'
              AND b.recorded_by <> v.recorded_by AND proof.is_cleared(wanted_case, 8, b.position, b.recorded_by)
              AND proof.is_cleared(wanted_case, 8, v.position, v.recorded_by)))
    UNION ALL
    SELECT 8, 'an unaccompanied child without a child' FROM casework.return_case
    WHERE case_id = wanted_case AND unaccompanied_child AND children_under_5 + children_5_to_17 = 0
$$;

-- Rule 2: the latest consent that is not withdrawn is free, informed by the latest session, and interpreted independently.
CREATE FUNCTION proof.unconsented(wanted_case uuid) RETURNS SETOF proof.finding
LANGUAGE sql STABLE
AS $$
    SELECT 2, 'no free and informed consent is in force'
    WHERE NOT EXISTS (
        SELECT FROM casework.consent AS c
        WHERE c.case_id = wanted_case AND c.withdrawn_at IS NULL AND c.given_freely AND NOT c.sign_of_pressure
          AND c.interpreter IN ('none', 'professional', 'community')
          AND c.position = (SELECT max(position) FROM casework.consent WHERE case_id = wanted_case AND withdrawn_at IS NULL)
          AND (c.language, c.information_version) = (
              SELECT s.language, s.information_version FROM casework.information_session AS s
              WHERE s.case_id = wanted_case AND s.interpreter IN ('none', 'professional', 'community')
              ORDER BY s.position DESC LIMIT 1))
$$;

-- Rule 7: each adult alone, with an independent interpreter.
CREATE FUNCTION proof.unheard(wanted_case uuid) RETURNS SETOF proof.finding
LANGUAGE sql STABLE
AS $$
    SELECT 7, format('adult %s was not heard privately', adult)
    FROM casework.return_case AS c, generate_series(1, c.adults) AS adult
    WHERE c.case_id = wanted_case AND NOT EXISTS (
        SELECT FROM casework.private_hearing AS h WHERE h.case_id = wanted_case AND h.person_number = adult
          AND h.interpreter IN ('none', 'professional', 'community'))
$$;

CREATE FUNCTION proof.is_reconfirmed(wanted_case uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (
        SELECT FROM casework.reconfirmation AS r JOIN casework.consent AS c USING (consent_id)
        WHERE r.case_id = wanted_case AND c.case_id = wanted_case AND r.cancelled_at IS NULL AND r.valid_until > now()
          AND r.interpreter IN ('none', 'professional', 'community') AND r.language = c.language
          AND c.withdrawn_at IS NULL AND c.position = (
              SELECT max(position) FROM casework.consent WHERE case_id = wanted_case AND withdrawn_at IS NULL))
$$;

-- Rules 1, 2, 5, 7, 8, 9: everything that a household needs for each step towards return.
CREATE FUNCTION proof.unready(wanted_case uuid) RETURNS SETOF proof.finding
LANGUAGE sql STABLE
AS $$
    SELECT * FROM proof.unscreened(wanted_case) UNION ALL SELECT * FROM proof.concerned(wanted_case)
    UNION ALL SELECT * FROM proof.unconsented(wanted_case) UNION ALL SELECT * FROM proof.unheard(wanted_case)
$$;

CREATE FUNCTION proof.places_of(booking casework.booking) RETURNS bigint
LANGUAGE sql IMMUTABLE
AS $$ SELECT booking.family_places + booking.single_places + booking.accessible_places + booking.medical_places $$;

-- Rules 4, 6, 10: the written decision of a case, as it must be to be served or referred. `days` of the window from each notice,
-- with a second for the time that passes inside one transaction.
CREATE FUNCTION proof.undecided(wanted_case uuid, wanted_state text) RETURNS SETOF proof.finding
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    d casework.legal_decision;
    c casework.return_case;
    notice_at timestamptz;
BEGIN
    SELECT * INTO c FROM casework.return_case WHERE case_id = wanted_case;
    SELECT * INTO d FROM casework.legal_decision WHERE case_id = wanted_case ORDER BY position DESC LIMIT 1;
    IF d.state IS DISTINCT FROM wanted_state OR d.outcome IS DISTINCT FROM 'refer_to_competent_authority'
       OR d.understood IS NOT TRUE OR d.served_by IS NULL OR d.served_at IS NULL
       OR d.service_interpreter IS NULL OR d.service_interpreter NOT IN ('none', 'professional', 'community') THEN
        RETURN NEXT (4, 'no individual decision is served and understood')::proof.finding;
    END IF;
    IF d.reasons IS NULL OR d.appeal_instructions IS NULL THEN
        RETURN NEXT (4, 'the decision is not written')::proof.finding;
    END IF;
    IF NOT EXISTS (SELECT FROM casework.legal_assessment AS a WHERE a.review_id = d.review_id AND a.case_id = wanted_case
                     AND a.assessed_by = d.proposed_by AND cardinality(a.considered) >= 6) THEN
        RETURN NEXT (4, 'the household was not assessed individually')::proof.finding;
    END IF;
    IF d.confirmed_by IS NULL OR d.confirmed_by = d.proposed_by OR 'system' IN (d.proposed_by, d.confirmed_by)
       OR d.confirmed_by = c.opened_by THEN
        RETURN NEXT (6, 'not two different humans')::proof.finding;
    END IF;
    IF EXISTS (SELECT FROM casework.legal_decision AS earlier WHERE earlier.case_id = wanted_case AND earlier.state = 'annulled'
                 AND (earlier.proposed_by IN (d.proposed_by, d.confirmed_by)
                      OR earlier.confirmed_by IN (d.proposed_by, d.confirmed_by))) THEN
        RETURN NEXT (6, 'decided again by who was annulled')::proof.finding;
    END IF;
    IF NOT EXISTS (SELECT FROM casework.legal_basis AS b WHERE b.basis_id = d.basis_id AND b.ended_by IS NULL
                     AND b.confirmed_by <> b.entered_by AND 'system' NOT IN (b.entered_by, b.confirmed_by)
                     AND (now() AT TIME ZONE 'Asia/Tehran')::date BETWEEN b.in_force_from AND b.in_force_until) THEN
        RETURN NEXT (10, 'no legal basis is in force')::proof.finding;
    END IF;
    IF wanted_state = 'referred' THEN
        SELECT greatest(d.served_at, max(a.ended_at)) INTO notice_at FROM casework.appeal AS a
        WHERE a.decision_id = d.decision_id AND a.outcome = 'upheld';
        IF notice_at + make_interval(days => d.appeal_window_days::int) > clock_timestamp() + interval '1 second'
           OR d.window_due_at > clock_timestamp() THEN
            RETURN NEXT (4, 'the appeal window has not ended')::proof.finding;
        END IF;
        IF d.referred_by IS NULL OR d.referred_by = 'system' THEN
            RETURN NEXT (6, 'nobody referred the case')::proof.finding;
        END IF;
    END IF;
END
$$;

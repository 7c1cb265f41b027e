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

-- What was wrong with one committed change of state.
CREATE FUNCTION proof.look_at_change(change proof.state_change) RETURNS SETOF proof.finding
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    c casework.return_case;
    appeal casework.appeal;
    voluntary CONSTANT text[] := '{opened,informed,consented,booked,withdrawn}';
BEGIN
    SELECT * INTO c FROM casework.return_case WHERE case_id = change.case_id;
    IF change.from_state IS NULL THEN
        IF change.to_state <> 'opened' OR change.role LIKE '%worker' THEN
            RETURN NEXT (12, 'a case does not open like this')::proof.finding;
        END IF;
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT FROM proof.way WHERE (from_state, to_state) = (change.from_state, change.to_state)) THEN
        RETURN NEXT (12, format('no way from %s to %s', change.from_state, change.to_state))::proof.finding;
    END IF;
    IF change.role LIKE '%worker' AND NOT (change.from_state = ANY (voluntary) AND change.to_state = 'awaiting_legal_review')
       AND NOT (change.from_state = 'booked' AND change.to_state = 'consented') THEN
        RETURN NEXT (6, 'software took a person''s step')::proof.finding;
    END IF;
    IF change.to_state = 'informed'
       AND NOT EXISTS (SELECT FROM casework.information_session WHERE case_id = change.case_id) THEN
        RETURN NEXT (2, 'informed without an information session')::proof.finding;
    ELSIF change.to_state = 'consented' AND change.from_state <> 'booked' THEN
        RETURN QUERY SELECT * FROM proof.concerned(change.case_id);
        RETURN QUERY SELECT * FROM proof.unconsented(change.case_id);
    ELSIF change.to_state = 'booked' THEN
        RETURN QUERY SELECT * FROM proof.unready(change.case_id);
        IF NOT EXISTS (SELECT FROM casework.booking AS b WHERE b.case_id = change.case_id AND b.state IN ('held', 'admitted')
                         AND proof.places_of(b) = c.household_size
                         AND (b.waiting_entry_id IS NULL OR b.accepted_at IS NOT NULL)) THEN
            RETURN NEXT (7, 'booked without places for the whole household that it wants')::proof.finding;
        END IF;
    ELSIF change.to_state = 'departed' THEN
        RETURN QUERY SELECT * FROM proof.unready(change.case_id);
        IF NOT proof.is_reconfirmed(change.case_id) THEN
            RETURN NEXT (2, 'departed without a reconfirmation')::proof.finding;
        END IF;
        IF NOT EXISTS (SELECT FROM casework.booking AS b WHERE b.case_id = change.case_id AND b.state = 'departed'
                         AND proof.places_of(b) = c.household_size) THEN
            RETURN NEXT (7, 'departed, but not as a whole')::proof.finding;
        END IF;
    ELSIF change.to_state = 'awaiting_legal_review' AND change.from_state = ANY (voluntary) THEN
        RETURN QUERY SELECT * FROM proof.concerned(change.case_id);
        IF clock_timestamp() < c.voluntary_due_at OR clock_timestamp() < c.opened_at + interval '30 days' THEN
            RETURN NEXT (4, 'lapsed before the voluntary period was over')::proof.finding;
        END IF;
        IF proof.is_reconfirmed(change.case_id) THEN
            RETURN NEXT (4, 'a household on its way lapsed')::proof.finding;
        END IF;
    ELSIF change.to_state = 'decision_served' THEN
        RETURN QUERY SELECT * FROM proof.concerned(change.case_id);
        RETURN QUERY SELECT * FROM proof.undecided(change.case_id, 'served');
    ELSIF change.to_state = 'referred' THEN
        RETURN QUERY SELECT * FROM proof.concerned(change.case_id);
        RETURN QUERY SELECT * FROM proof.unscreened(change.case_id);
        RETURN QUERY SELECT * FROM proof.undecided(change.case_id, 'referred');
    ELSIF change.to_state = 'appealed'
          AND NOT EXISTS (SELECT FROM casework.appeal AS a WHERE a.case_id = change.case_id AND a.outcome IS NULL) THEN
        RETURN NEXT (5, 'suspended by no appeal')::proof.finding;
    ELSIF change.to_state = 'split' THEN
        IF NOT EXISTS (SELECT FROM casework.household_split AS s WHERE s.case_id = change.case_id AND s.decision = 'approved'
                         AND s.decided_by <> s.requested_by AND 'system' NOT IN (s.decided_by, s.requested_by)) THEN
            RETURN NEXT (7, 'split without a protected request approved by a second officer')::proof.finding;
        END IF;
        IF (SELECT (count(*), sum(adults), sum(children_under_5), sum(children_5_to_17))::text FROM casework.return_case
            WHERE split_from = change.case_id)
           IS DISTINCT FROM (SELECT (2, c.adults, c.children_under_5, c.children_5_to_17)::text) THEN
            RETURN NEXT (7, 'the parts are not the household')::proof.finding;
        END IF;
    END IF;
    IF change.to_state = 'closed' AND (c.outcome IS NULL
       OR c.outcome NOT IN ('not_viable', 'regularised', 'protection_referral', 'withdrawn')
       OR (c.outcome = 'withdrawn' AND change.from_state <> 'withdrawn')) THEN
        RETURN NEXT (10, 'closed with no such outcome')::proof.finding;
    END IF;
    IF change.from_state = 'appealed' AND change.to_state IN ('awaiting_legal_review', 'decision_served') THEN
        SELECT * INTO appeal FROM casework.appeal WHERE case_id = change.case_id ORDER BY position DESC LIMIT 1;
        IF appeal.outcome IS DISTINCT FROM (CASE change.to_state WHEN 'decision_served' THEN 'upheld' ELSE 'annulled' END) THEN
            RETURN NEXT (5, 'the appeal has no such outcome')::proof.finding;
        END IF;
    END IF;
    IF change.to_state IN ('withdrawn', 'closed', 'departed', 'split', 'referred', 'opened', 'awaiting_legal_review', 'informed')
       AND EXISTS (SELECT FROM casework.booking WHERE case_id = change.case_id AND state IN ('held', 'admitted')) THEN
        RETURN NEXT (3, 'places are still held')::proof.finding;
    END IF;
    IF change.to_state IN ('withdrawn', 'split')
       AND EXISTS (SELECT FROM casework.consent WHERE case_id = change.case_id AND withdrawn_at IS NULL) THEN
        RETURN NEXT (3, 'a consent still counts')::proof.finding;
    END IF;
END
$$;

CREATE FUNCTION proof.look_at_booking(change proof.booking_change) RETURNS SETOF proof.finding
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    b casework.booking;
BEGIN
    SELECT * INTO b FROM casework.booking WHERE booking_id = change.booking_id;
    IF change.to_state = 'expired' AND (b.expiry_due_at > clock_timestamp() OR b.admitted_at IS NOT NULL) THEN
        RETURN NEXT (12, 'a booking expired before its time')::proof.finding;
    ELSIF change.to_state = ANY ('{held,admitted,departed}') AND change.to_state = b.state THEN
        RETURN QUERY SELECT * FROM proof.unready(b.case_id);
        IF proof.places_of(b) <> (SELECT household_size FROM casework.return_case WHERE case_id = b.case_id) THEN
            RETURN NEXT (7, 'a booking is not for the whole household')::proof.finding;
        END IF;
        IF change.role LIKE '%worker' AND (change.to_state <> 'held' OR b.waiting_entry_id IS NULL) THEN
            RETURN NEXT (6, 'software booked, admitted or sent off a household')::proof.finding;
        END IF;
        IF change.to_state = 'departed' AND NOT proof.is_reconfirmed(b.case_id) THEN
            RETURN NEXT (2, 'sent off without a reconfirmation')::proof.finding;
        END IF;
        IF change.to_state = 'admitted' AND (b.admitted_by IS NULL OR b.admitted_by = 'system') THEN
            RETURN NEXT (6, 'nobody admitted the household')::proof.finding;
        END IF;
    END IF;
    IF change.from_state IN ('released', 'expired', 'departed') THEN
        RETURN NEXT (11, 'places were given back and taken again')::proof.finding;
    END IF;
END
$$;

-- What must be true of a case whenever somebody looks.
CREATE FUNCTION proof.look_at_case(wanted_case uuid) RETURNS SETOF proof.finding
LANGUAGE sql STABLE
AS $$
    SELECT 8, 'children alone are not unaccompanied' FROM casework.return_case
    WHERE case_id = wanted_case AND adults = 0 AND NOT unaccompanied_child
    UNION ALL
    SELECT 7, 'more than one booking' FROM casework.booking
    WHERE case_id = wanted_case AND state IN ('held', 'admitted') HAVING count(*) > 1
    UNION ALL
    SELECT 3, 'an ended or withdrawn case holds places' FROM casework.booking JOIN casework.return_case AS c USING (case_id)
    WHERE case_id = wanted_case AND booking.state IN ('held', 'admitted') AND (proof.ended(c.state) OR c.state = 'withdrawn')
    UNION ALL
    SELECT 6, 'one person, or a service account, did what two do' FROM casework.legal_decision AS d
    WHERE case_id = wanted_case AND (d.confirmed_by = d.proposed_by OR d.returned_by = d.proposed_by
      OR 'system' IN (d.proposed_by, d.confirmed_by, d.returned_by, d.served_by, d.referred_by)
      OR (d.state IN ('confirmed', 'effective', 'served', 'annulled', 'referred') AND d.confirmed_by IS NULL))
    UNION ALL
    SELECT 6, 'two decisions live side by side' FROM casework.legal_decision
    WHERE case_id = wanted_case AND state IN ('proposed', 'confirmed', 'served') HAVING count(*) > 1
    UNION ALL
    SELECT 10, 'an adverse outcome without a legal basis' FROM casework.legal_decision AS d
    LEFT JOIN casework.legal_basis AS b USING (basis_id)
    WHERE case_id = wanted_case AND d.outcome = 'refer_to_competent_authority'
      AND (b.basis_id IS NULL OR b.confirmed_by IS NULL OR b.confirmed_by = b.entered_by)
    UNION ALL
    SELECT 4, 'an adverse decision that is not written or assessed' FROM casework.legal_decision AS d
    WHERE case_id = wanted_case AND d.outcome = 'refer_to_competent_authority' AND d.texts_erased_at IS NULL
      AND (d.reasons IS NULL OR d.appeal_instructions IS NULL)
    UNION ALL
    SELECT 4, 'served or referred, but not understood' FROM casework.legal_decision AS d
    WHERE case_id = wanted_case AND d.state IN ('served', 'referred', 'annulled')
      AND (d.understood IS NOT TRUE OR d.served_at IS NULL OR d.outcome <> 'refer_to_competent_authority')
    UNION ALL
    SELECT 5, 'an appeal is not decided by another' FROM casework.appeal AS a JOIN casework.legal_decision AS d USING (decision_id)
    WHERE a.case_id = wanted_case AND a.outcome IN ('upheld', 'annulled')
      AND (a.decided_by IS NULL OR a.decided_by IN ('system', a.lodged_by, d.proposed_by, d.confirmed_by, d.served_by))
    UNION ALL
    SELECT 5, 'an appeal became moot while its case went on in phase two'
    FROM casework.appeal AS a JOIN casework.return_case AS c USING (case_id)
    WHERE a.case_id = wanted_case AND a.outcome = 'moot' AND c.state = 'appealed'
    UNION ALL
    SELECT 6, 'a clearance, a split or a break-glass is one person''s' FROM (
        SELECT proposed_by AS first, decided_by AS second FROM casework.pause_clearance WHERE case_id = wanted_case
        UNION ALL SELECT requested_by, decided_by FROM casework.household_split WHERE case_id = wanted_case
        UNION ALL SELECT opened_by, reviewed_by FROM casework.break_glass WHERE case_id = wanted_case
    ) AS pair WHERE first = second OR 'system' IN (first, second)
    UNION ALL
    SELECT pause.safeguard::int, 'cleared by who recorded it' FROM casework.pause_clearance AS clearance
    JOIN casework.case_pause AS pause USING (pause_id)
    WHERE clearance.case_id = wanted_case AND clearance.decision = 'confirmed'
      AND pause.opened_by IN (clearance.proposed_by, clearance.decided_by)
    UNION ALL
    SELECT pause.safeguard::int, 'a clearance covers what came after it' FROM casework.pause_clearance AS clearance
    JOIN casework.case_pause AS pause USING (pause_id)
    WHERE clearance.case_id = wanted_case AND clearance.covers_to > coalesce(CASE pause.safeguard
        WHEN 2 THEN (SELECT max(position) FROM casework.consent WHERE case_id = wanted_case)
        WHEN 8 THEN (SELECT max(position) FROM casework.child_protection_record WHERE case_id = wanted_case)
        ELSE (SELECT max(position) FROM casework.screening WHERE case_id = wanted_case) END, 0)
    UNION ALL
    SELECT pause.safeguard::int, 'a pause ended without two people' FROM casework.case_pause AS pause
    JOIN casework.return_case AS c USING (case_id)
    WHERE pause.case_id = wanted_case AND pause.ended_at IS NOT NULL AND NOT proof.ended(c.state)
      AND NOT EXISTS (SELECT FROM casework.pause_clearance AS clearance WHERE clearance.pause_id = pause.pause_id
                        AND clearance.decision = 'confirmed' AND clearance.proposed_by <> clearance.decided_by)
      AND NOT EXISTS (SELECT FROM casework.household_split AS split WHERE split.pause_id = pause.pause_id
                        AND split.decision = 'rejected' AND split.requested_by <> split.decided_by)
    UNION ALL
    SELECT 13, 'a pause has no owner, date or escalation' FROM casework.case_pause AS pause
    JOIN casework.return_case AS c USING (case_id)
    WHERE pause.case_id = wanted_case AND pause.ended_at IS NULL AND NOT proof.ended(c.state)
      AND (pause.owner_office IS NULL OR pause.review_by IS NULL OR (pause.reminders < 3 AND NOT EXISTS (
          SELECT FROM public.timer WHERE kind = 'nationals.pause_review' AND subject_id = pause.pause_id::text)))
    UNION ALL
    SELECT 13, 'a legal review has no owner, date or escalation' FROM casework.legal_review AS review
    WHERE review.case_id = wanted_case AND review.state = 'open'
      AND (review.owner_office IS NULL OR review.review_by IS NULL OR (review.reminders < 3 AND NOT EXISTS (
          SELECT FROM public.timer WHERE kind = 'nationals.legal_review_reminder' AND subject_id = review.review_id::text)))
    UNION ALL
    SELECT 13, 'an appeal has no owner, date or escalation' FROM casework.appeal
    WHERE appeal.case_id = wanted_case AND appeal.outcome IS NULL
      AND (appeal.owner_office IS NULL OR appeal.review_by IS NULL OR (appeal.reminders < 3 AND NOT EXISTS (
          SELECT FROM public.timer WHERE kind = 'nationals.appeal_reminder' AND subject_id = appeal.appeal_id::text)))
    UNION ALL
    SELECT 13, 'a voluntary period neither runs nor is stopped by a pause' FROM casework.return_case AS c
    WHERE c.case_id = wanted_case AND c.state IN ('opened', 'informed', 'consented', 'booked', 'withdrawn')
      AND NOT EXISTS (SELECT FROM casework.case_pause WHERE case_id = wanted_case AND ended_at IS NULL)
      AND NOT EXISTS (SELECT FROM public.timer WHERE kind = 'nationals.voluntary_period' AND subject_id = wanted_case::text)
$$;

-- Rule 11 for one kind of place of one centre: within bounds, and exactly what the bookings say.
CREATE FUNCTION proof.look_at_places(wanted casework.centre_place) RETURNS SETOF proof.finding
LANGUAGE sql STABLE
AS $$
    SELECT 11, format('held %s + used %s of capacity %s; the bookings say %s and %s',
                      wanted.held, wanted.used, wanted.capacity, taken.held, taken.used)
    FROM (
        SELECT coalesce(sum(places) FILTER (WHERE b.state = 'held'), 0) AS held,
               coalesce(sum(places) FILTER (WHERE b.state = 'admitted'), 0) AS used
        FROM casework.booking AS b
        CROSS JOIN LATERAL (SELECT CASE wanted.place_kind
            WHEN 'family' THEN b.family_places WHEN 'single' THEN b.single_places
            WHEN 'accessible' THEN b.accessible_places ELSE b.medical_places END AS places) AS kind
        WHERE b.centre_id = wanted.centre_id AND b.state IN ('held', 'admitted')
    ) AS taken
    WHERE NOT (wanted.held >= 0 AND wanted.used >= 0 AND wanted.held + wanted.used <= wanted.capacity)
       OR (wanted.held, wanted.used) <> (taken.held, taken.used)
$$;

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

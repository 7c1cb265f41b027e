-- The same in phase two, and what a few situations need beside it.
CREATE FUNCTION proof.take_review(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    UPDATE casework.legal_review SET first_reviewer = 'legal.one' WHERE case_id = c AND state = 'open';
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.assess(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    INSERT INTO casework.legal_assessment (assessment_id, review_id, case_id, county, considered, assessed_by)
    SELECT gen_random_uuid(), review_id, c, 'rey',
           '{protection,children,health,family_unity,household_heard,voluntary_return_offered_anew}', 'legal.one'
    FROM casework.legal_review WHERE case_id = c AND state = 'open';
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.propose(c uuid, basis uuid, wanted text DEFAULT 'refer_to_competent_authority') RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    INSERT INTO casework.legal_decision (decision_id, review_id, case_id, county, outcome, proposed_by, basis_id, reasons,
                                         appeal_instructions, appeal_window_days)
    SELECT gen_random_uuid(), review_id, c, 'rey', wanted, 'legal.one', basis, 'why', 'how', 30
    FROM casework.legal_review WHERE case_id = c AND state = 'open';
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.confirm(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    UPDATE casework.legal_decision SET state = 'confirmed', confirmed_by = 'legal.two' WHERE case_id = c AND state = 'proposed';
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.arm_window(c uuid, delay interval DEFAULT interval '30 days') RETURNS void
LANGUAGE sql
AS $$
    SELECT proof.arm('nationals.appeal_window', decision_id, delay, '{"appeal_window_days": 30}')
    FROM casework.legal_decision WHERE case_id = c AND state IN ('confirmed', 'served')
$$;

CREATE FUNCTION proof.serve(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    PERFORM proof.arm_window(c);
    UPDATE casework.legal_decision SET state = 'served', served_by = 'legal.three', service_language = 'fa',
        service_interpreter = 'professional', understood = true WHERE case_id = c AND state = 'confirmed';
    UPDATE casework.return_case SET state = 'decision_served' WHERE case_id = c;
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.appeal(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    a uuid := gen_random_uuid();
BEGIN
    PERFORM proof.act('casework_api');
    PERFORM proof.arm('nationals.appeal_reminder', a, interval '14 days', proof.review_policy());
    INSERT INTO casework.appeal (appeal_id, decision_id, case_id, county, review_by, lodged_by)
    SELECT a, decision_id, c, 'rey', now() + interval '14 days', 'caseworker.one' FROM casework.legal_decision
    WHERE case_id = c AND state = 'served';
    UPDATE casework.return_case SET state = 'appealed' WHERE case_id = c;
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.annul(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    r uuid := gen_random_uuid();
BEGIN
    PERFORM proof.act('casework_api');
    UPDATE casework.appeal SET outcome = 'annulled', decided_by = 'appeals.one', outcome_reasons = 'why'
    WHERE case_id = c AND outcome IS NULL;
    UPDATE casework.legal_decision SET state = 'annulled' WHERE case_id = c AND state = 'served';
    UPDATE casework.return_case SET state = 'awaiting_legal_review' WHERE case_id = c;
    PERFORM proof.act('casework_worker');
    PERFORM proof.arm('nationals.legal_review_reminder', r, interval '14 days', proof.review_policy());
    INSERT INTO casework.legal_review (review_id, case_id, county, owner_office, review_by)
    VALUES (r, c, 'rey', 'legal_office', now() + interval '14 days');
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.uphold(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    UPDATE casework.appeal SET outcome = 'upheld', decided_by = 'appeals.one', outcome_reasons = 'why'
    WHERE case_id = c AND outcome IS NULL;
    PERFORM proof.arm_window(c);
    UPDATE casework.legal_decision SET notices = notices + 1 WHERE case_id = c AND state = 'served';
    UPDATE casework.return_case SET state = 'decision_served' WHERE case_id = c;
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.refer(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    UPDATE casework.legal_decision SET state = 'referred', referred_by = 'legal.three' WHERE case_id = c AND state = 'served';
    UPDATE casework.return_case SET state = 'referred' WHERE case_id = c;
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.go_back(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    PERFORM proof.arm('nationals.voluntary_period', c, interval '31 days');
    UPDATE casework.booking SET state = 'released', ended_at = now() WHERE case_id = c AND state IN ('held', 'admitted');
    UPDATE casework.return_case SET state = 'opened', voluntary_until = now() + interval '31 days' WHERE case_id = c;
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.centre(centre uuid, places bigint) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    INSERT INTO casework.centre (centre_id, county, name, created_by) VALUES (centre, 'rey', centre::text, 'manager.one');
    INSERT INTO casework.centre_record (record_id, centre_id, county, floor_area_m2, toilets, staff_per_shift, standards_version,
                                        floor_area_m2_per_person, persons_per_toilet, persons_per_staff_member, recorded_by)
    VALUES (gen_random_uuid(), centre, 'rey', 1000000, 99999, 99999, 'v', 1, 1000, 1000, 'manager.one');
    INSERT INTO casework.centre_place (centre_id, place_kind, county)
    SELECT centre, kind, 'rey' FROM unnest('{family,single,accessible,medical}'::text[]) AS kind;
    INSERT INTO casework.centre_capacity_change (centre_id, place_kind, county, capacity_before, capacity, changed_by)
    VALUES (centre, 'family', 'rey', 0, places, 'manager.one');
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.basis(basis uuid, confirmed boolean DEFAULT true) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    INSERT INTO casework.legal_basis (basis_id, title, instrument_number, in_force_from, in_force_until, entered_by)
    VALUES (basis, 'a basis of the proof', 'P/1', '2020-01-01', '2099-01-01', 'registrar.one');
    IF confirmed THEN
        UPDATE casework.legal_basis SET confirmed_by = 'registrar.two' WHERE basis_id = basis;
    END IF;
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.inform_anew(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    INSERT INTO casework.information_session (session_id, case_id, county, language, information_version, interpreter, held_by)
    VALUES (gen_random_uuid(), c, 'rey', 'fa', 2, 'none', 'caseworker.one');
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.screen_only(c uuid, outcome_found text) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    INSERT INTO casework.screening (screening_id, case_id, county, person_number, outcome, valid_until, screened_by)
    VALUES (gen_random_uuid(), c, 'rey', 1, outcome_found, now() + interval '30 days', 'protection.one');
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.appeal_late(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    a uuid := gen_random_uuid();
BEGIN
    PERFORM proof.act('casework_api');
    PERFORM proof.arm('nationals.appeal_reminder', a, interval '14 days', proof.review_policy());
    INSERT INTO casework.appeal (appeal_id, decision_id, case_id, county, review_by, lodged_by, late_reason)
    SELECT a, decision_id, c, 'rey', now() + interval '14 days', 'caseworker.one', 'ill' FROM casework.legal_decision
    WHERE case_id = c AND state = 'served';
    UPDATE casework.return_case SET state = 'appealed' WHERE case_id = c;
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.take_review_anew(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    UPDATE casework.legal_review SET first_reviewer = 'legal.three' WHERE case_id = c AND state = 'open';
    INSERT INTO casework.legal_assessment (assessment_id, review_id, case_id, county, considered, assessed_by)
    SELECT gen_random_uuid(), review_id, c, 'rey',
           '{protection,children,health,family_unity,household_heard,voluntary_return_offered_anew}', 'legal.three'
    FROM casework.legal_review WHERE case_id = c AND state = 'open';
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.propose_anew(c uuid, basis uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    INSERT INTO casework.legal_decision (decision_id, review_id, case_id, county, outcome, proposed_by, basis_id, reasons,
                                         appeal_instructions, appeal_window_days)
    SELECT gen_random_uuid(), review_id, c, 'rey', 'refer_to_competent_authority', 'legal.three', basis, 'why', 'how', 30
    FROM casework.legal_review WHERE case_id = c AND state = 'open';
    PERFORM set_config('role', 'none', true);
END
$$;

-- Person 1 leaves, the others stay.
CREATE FUNCTION proof.split_up(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    part uuid;
    leaving boolean;
BEGIN
    PERFORM proof.act('casework_api');
    UPDATE casework.household_split SET decision = 'approved', decided_by = 'protection.two', decided_at = now()
    WHERE case_id = c AND decision IS NULL;
    FOREACH leaving IN ARRAY '{true,false}'::boolean[] LOOP
        part := gen_random_uuid();
        PERFORM proof.arm('nationals.voluntary_period', part, interval '30 days');
        INSERT INTO casework.return_case (case_id, county, reference, adults, children_under_5, children_5_to_17,
                                          unaccompanied_child, voluntary_until, opened_by, split_from)
        SELECT part, 'rey', 'P-' || (nextval('public.timer_fence') % 1000000), CASE WHEN leaving THEN 1 ELSE adults - 1 END,
               CASE WHEN leaving THEN 0 ELSE children_under_5 END, 0, false, now() + interval '30 days', 'protection.two', c
        FROM casework.return_case WHERE case_id = c;
    END LOOP;
    UPDATE casework.consent SET withdrawn_at = now() WHERE case_id = c AND withdrawn_at IS NULL;
    UPDATE casework.booking SET state = 'released', ended_at = now() WHERE case_id = c AND state IN ('held', 'admitted');
    UPDATE casework.return_case SET state = 'split' WHERE case_id = c;
    UPDATE casework.case_pause SET ended_at = now() WHERE case_id = c AND ended_at IS NULL;
    PERFORM set_config('role', 'none', true);
END
$$;

-- A row in the tables that no step fills: contacts, reads, break-glass, holds, erasures, assignments.
CREATE FUNCTION proof.keep_everything(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    b uuid := gen_random_uuid();
    h uuid := gen_random_uuid();
BEGIN
    PERFORM proof.act('casework_api');
    INSERT INTO casework.contact_vault (case_id, county, data_key_version, master_key_version, wrapped_key, ciphertext, written_by)
    VALUES (c, 'rey', 1, 1, decode(repeat('00', 60), 'hex'), decode(repeat('00', 60), 'hex'), 'caseworker.one');
    INSERT INTO casework.case_read_log (case_id, county, read_by, purpose) VALUES (c, 'rey', 'caseworker.one', 'casework');
    PERFORM proof.arm('nationals.break_glass_review', b, interval '2 days', proof.review_policy());
    INSERT INTO casework.break_glass (break_glass_id, case_id, county, opened_by, reason_kind, reason, expires_at, review_by)
    VALUES (b, c, 'rey', 'caseworker.two', 'deadline', 'r', now() + interval '1 hour', now() + interval '2 days');
    PERFORM proof.arm('nationals.retention_hold_review', h, interval '90 days', proof.review_policy());
    INSERT INTO casework.retention_hold (hold_id, case_id, county, ground, review_by, held_by)
    VALUES (h, c, 'rey', 'supervision', now() + interval '90 days', 'supervisor.one');
    INSERT INTO casework.case_erasure (erasure_id, case_id, county, cause, scope, recorded_by)
    VALUES (gen_random_uuid(), c, 'rey', 'household_request', 'contacts', 'caseworker.one');
    PERFORM set_config('role', 'none', true);
END
$$;

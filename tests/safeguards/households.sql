-- Households in every situation, made by the service's own roles through all its guards; no guard is switched off. Callers are the
-- superuser, who becomes a role for each step. Names are those of the tokens in tests/safeguards/calls.py.
CREATE FUNCTION proof.act(role text) RETURNS void
LANGUAGE sql
AS $$ SELECT set_config('payesh.counties', 'rey', true), set_config('role', role, true) $$;

CREATE FUNCTION proof.arm(kind text, subject uuid, delay interval, policy text DEFAULT NULL) RETURNS void
LANGUAGE sql
AS $$
    INSERT INTO public.timer (kind, subject_id, fence, due_at, next_try_at, policy, correlation_id)
    VALUES (kind, subject::text, nextval('public.timer_fence'), now() + delay, now() + delay, arm.policy::jsonb, 'proof')
    ON CONFLICT ON CONSTRAINT timer_pkey DO UPDATE
    SET fence = excluded.fence, due_at = excluded.due_at, next_try_at = excluded.next_try_at, policy = excluded.policy
$$;

CREATE FUNCTION proof.review_policy() RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT '{"interval_days": 7, "reminders_max": 3}' $$;

CREATE FUNCTION proof.open(c uuid, adults int DEFAULT 1, children int DEFAULT 0, alone boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    PERFORM proof.arm('nationals.voluntary_period', c, interval '30 days');
    INSERT INTO casework.return_case (case_id, county, reference, adults, children_under_5, children_5_to_17,
                                      unaccompanied_child, voluntary_until, opened_by)
    VALUES (c, 'rey', 'P-' || (nextval('public.timer_fence') % 1000000), adults, children, 0, alone, now() + interval '30 days',
            'caseworker.one');
    IF alone THEN
        PERFORM proof.pause(c, 8, 'caseworker.one');
    END IF;
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.pause(c uuid, wanted bigint, person text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    p uuid := gen_random_uuid();
BEGIN
    PERFORM proof.act('casework_api');
    DELETE FROM public.timer WHERE kind = 'nationals.voluntary_period' AND subject_id = c::text;
    PERFORM proof.arm('nationals.pause_review', p, interval '7 days', proof.review_policy());
    INSERT INTO casework.case_pause (pause_id, case_id, county, safeguard, owner_office, review_by, opened_by)
    VALUES (p, c, 'rey', wanted, 'protection_office', now() + interval '7 days', person);
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.inform(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    INSERT INTO casework.information_session (session_id, case_id, county, language, information_version, interpreter, held_by)
    VALUES (gen_random_uuid(), c, 'rey', 'fa', 1, 'professional', 'caseworker.one');
    UPDATE casework.return_case SET state = 'informed' WHERE case_id = c;
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.screen(c uuid, outcome_found text DEFAULT 'clear', days int DEFAULT 90) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    INSERT INTO casework.screening (screening_id, case_id, county, person_number, outcome, valid_until, screened_by)
    SELECT gen_random_uuid(), c, 'rey', n, CASE n WHEN 1 THEN outcome_found ELSE 'clear' END, now() + make_interval(days => days),
           'protection.one'
    FROM casework.return_case, generate_series(1, household_size) AS n WHERE case_id = c;
    IF outcome_found <> 'clear' THEN
        PERFORM proof.pause(c, CASE outcome_found WHEN 'protection_need' THEN 5 ELSE 9 END, 'protection.one');
    END IF;
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.hear(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    INSERT INTO casework.private_hearing (hearing_id, case_id, county, person_number, language, interpreter, heard_by)
    SELECT gen_random_uuid(), c, 'rey', n, 'fa', 'professional', 'caseworker.one'
    FROM casework.return_case, generate_series(1, adults) AS n WHERE case_id = c;
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.consent(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    INSERT INTO casework.consent (consent_id, case_id, county, language, information_version, interpreter, given_freely,
                                  sign_of_pressure, recorded_by)
    VALUES (gen_random_uuid(), c, 'rey', 'fa', 1, 'professional', true, false, 'caseworker.one');
    UPDATE casework.return_case SET state = 'consented' WHERE case_id = c;
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.press(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    INSERT INTO casework.consent (consent_id, case_id, county, language, information_version, interpreter, given_freely,
                                  sign_of_pressure, recorded_by)
    VALUES (gen_random_uuid(), c, 'rey', 'fa', 1, 'relative', false, true, 'caseworker.one');
    PERFORM proof.pause(c, 2, 'caseworker.one');
END
$$;

CREATE FUNCTION proof.book(c uuid, centre uuid) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    b uuid := gen_random_uuid();
BEGIN
    PERFORM proof.act('casework_api');
    PERFORM proof.arm('nationals.booking_expiry', b, interval '3 days');
    INSERT INTO casework.booking (booking_id, case_id, county, centre_id, centre_county, family_places, expires_at, booked_by)
    SELECT b, c, 'rey', centre, 'rey', household_size, now() + interval '3 days', 'caseworker.one'
    FROM casework.return_case WHERE case_id = c;
    UPDATE casework.return_case SET state = 'booked' WHERE case_id = c;
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.admit(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    UPDATE casework.booking SET state = 'admitted', admitted_by = 'manager.one', admitted_at = now() WHERE case_id = c;
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.reconfirm(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    INSERT INTO casework.reconfirmation (reconfirmation_id, case_id, county, consent_id, language, interpreter, recorded_by,
                                         valid_until)
    SELECT gen_random_uuid(), c, 'rey', consent_id, language, 'professional', 'caseworker.one', now() + interval '3 days'
    FROM casework.consent WHERE case_id = c ORDER BY position DESC LIMIT 1;
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.withdraw(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    UPDATE casework.consent SET withdrawn_at = now() WHERE case_id = c AND withdrawn_at IS NULL;
    UPDATE casework.booking SET state = 'released', ended_at = now() WHERE case_id = c AND state IN ('held', 'admitted');
    UPDATE casework.return_case SET state = 'withdrawn' WHERE case_id = c;
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.depart(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    UPDATE casework.booking SET state = 'departed', ended_at = now() WHERE case_id = c AND state IN ('held', 'admitted');
    UPDATE casework.return_case SET state = 'departed' WHERE case_id = c;
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.close(c uuid, wanted text DEFAULT 'not_viable') RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    UPDATE casework.booking SET state = 'released', ended_at = now() WHERE case_id = c AND state IN ('held', 'admitted');
    UPDATE casework.return_case SET state = 'closed', outcome = wanted WHERE case_id = c;
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.join_list(c uuid, centre uuid) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    e uuid := gen_random_uuid();
BEGIN
    PERFORM proof.act('casework_api');
    PERFORM proof.arm('nationals.waiting_list_review', e, interval '1 hour');
    INSERT INTO casework.waiting_entry (entry_id, case_id, county, centre_id, centre_county, family_places, entered_by)
    SELECT e, c, 'rey', centre, 'rey', household_size, 'caseworker.one' FROM casework.return_case WHERE case_id = c;
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.offer(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    b uuid := gen_random_uuid();
BEGIN
    PERFORM proof.act('casework_worker');
    PERFORM proof.arm('nationals.booking_expiry', b, interval '1 day');
    INSERT INTO casework.booking (booking_id, case_id, county, centre_id, centre_county, family_places, expires_at, booked_by,
                                  waiting_entry_id)
    SELECT b, case_id, county, centre_id, centre_county, family_places, now() + interval '1 day', entered_by, entry_id
    FROM casework.waiting_entry WHERE case_id = c AND state = 'waiting';
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.record_children(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    INSERT INTO casework.child_protection_record (record_id, case_id, county, person_number, kind, appointment_reference,
                                                  determination_version, dated_on, recorded_by)
    SELECT gen_random_uuid(), c, 'rey', n, record.kind, record.reference, version, '2026-01-01', person
    FROM casework.return_case, generate_series(adults + 1, household_size) AS n,
         (VALUES ('guardian_appointed', 'GA-1', NULL::bigint, 'child.one'), ('best_interests_determined', NULL, 1, 'child.one'),
                 ('reception_verified', NULL, NULL, 'protection.two')) AS record (kind, reference, version, person)
    WHERE case_id = c;
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.propose_clearance(c uuid, wanted bigint, why text, person text) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    INSERT INTO casework.pause_clearance (clearance_id, pause_id, case_id, county, reason, proposed_by, proposed_as)
    SELECT gen_random_uuid(), pause_id, c, 'rey', why, person,
           CASE wanted WHEN 8 THEN ARRAY['child_protection_officer'] ELSE ARRAY['protection_officer', 'medical_officer'] END
    FROM casework.case_pause WHERE case_id = c AND safeguard = wanted AND ended_at IS NULL;
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.clear(c uuid, person text) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.act('casework_api');
    UPDATE casework.pause_clearance SET decision = 'confirmed', decided_by = person, decided_at = now()
    WHERE case_id = c AND decision IS NULL;
    UPDATE casework.case_pause SET ended_at = now() WHERE case_id = c AND ended_at IS NULL
      AND pause_id IN (SELECT pause_id FROM casework.pause_clearance WHERE decision = 'confirmed');
    IF NOT EXISTS (SELECT FROM casework.case_pause WHERE case_id = c AND ended_at IS NULL) THEN
        PERFORM proof.arm('nationals.voluntary_period', c, interval '31 days');
        UPDATE casework.return_case SET voluntary_until = now() + interval '31 days' WHERE case_id = c;
    END IF;
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.request_split(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM proof.pause(c, 7, 'protection.one');
    PERFORM proof.act('casework_api');
    INSERT INTO casework.household_split (split_id, case_id, county, pause_id, leaving, requested_by)
    SELECT gen_random_uuid(), c, 'rey', pause_id, '{1}', 'protection.one'
    FROM casework.case_pause WHERE case_id = c AND safeguard = 7 AND ended_at IS NULL;
    PERFORM set_config('role', 'none', true);
END
$$;

CREATE FUNCTION proof.lapse(c uuid) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    r uuid := gen_random_uuid();
BEGIN
    PERFORM proof.turn_clock(c, interval '31 days');
    PERFORM proof.act('casework_worker');
    UPDATE casework.return_case SET state = 'awaiting_legal_review' WHERE case_id = c;
    PERFORM proof.arm('nationals.legal_review_reminder', r, interval '14 days', proof.review_policy());
    INSERT INTO casework.legal_review (review_id, case_id, county, owner_office, review_by)
    VALUES (r, c, 'rey', 'legal_office', now() + interval '14 days');
    PERFORM set_config('role', 'none', true);
END
$$;

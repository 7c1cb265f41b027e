-- The 14 rules as they are looked for: in each committed change, in each case, in the places of each centre.
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

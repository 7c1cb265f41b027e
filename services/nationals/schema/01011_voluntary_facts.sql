-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- What the guards of the voluntary stage look at. They run as the caller, so that what a guard does not see is missing.

CREATE FUNCTION casework.has_ended(case_state text) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$ SELECT case_state IN ('closed', 'departed', 'split', 'referred') $$;

CREATE FUNCTION casework.is_voluntary(case_state text) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$ SELECT case_state IN ('opened', 'informed', 'consented', 'booked', 'withdrawn') $$;

CREATE FUNCTION casework.holds_booking(wanted_case uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (SELECT FROM casework.booking WHERE case_id = wanted_case AND booking.state IN ('held', 'admitted'))
$$;

-- Up to which position two people have cleared what was recorded under a safeguard; 0 if nothing was.
CREATE FUNCTION casework.cleared_to(wanted_case uuid, wanted_safeguard bigint) RETURNS bigint
LANGUAGE sql STABLE
AS $$
    SELECT coalesce(max(covers_to), 0) FROM casework.pause_clearance
    JOIN casework.case_pause USING (pause_id)
    WHERE pause_clearance.case_id = wanted_case AND safeguard = wanted_safeguard AND decision = 'confirmed'
$$;

-- Every record of concern that nobody has cleared yet.
CREATE FUNCTION casework.open_concerns(wanted_case uuid)
RETURNS TABLE (safeguard bigint, concern_position bigint, recorded_by text)
LANGUAGE sql STABLE
AS $$
    SELECT 2, consent.position, consent.recorded_by FROM casework.consent
    WHERE case_id = wanted_case AND (sign_of_pressure OR NOT given_freely)
      AND consent.position > casework.cleared_to(wanted_case, 2)
    UNION ALL
    SELECT flag.safeguard, flag.position, flag.screened_by FROM (
        SELECT CASE outcome WHEN 'protection_need' THEN 5 ELSE 9 END AS safeguard, position, screened_by
        FROM casework.screening WHERE case_id = wanted_case AND outcome <> 'clear'
    ) AS flag WHERE flag.position > casework.cleared_to(wanted_case, flag.safeguard)
    UNION ALL
    SELECT 8, child_protection_record.position, child_protection_record.recorded_by FROM casework.child_protection_record
    WHERE case_id = wanted_case AND child_protection_record.position > casework.cleared_to(wanted_case, 8)
$$;

-- Safeguard 8: whether every child has a guardian, a best-interests determination and a verified reception (by somebody else, as
-- the trigger on these records sees to).
CREATE FUNCTION casework.child_procedure_is_complete(wanted_case uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT coalesce(bool_and(3 = (
        SELECT count(DISTINCT kind) FROM casework.child_protection_record AS record
        WHERE record.case_id = wanted_case AND person_number = child.number)), false)
    FROM casework.return_case
    CROSS JOIN LATERAL generate_series(adults + 1, household_size) AS child (number)
    WHERE return_case.case_id = wanted_case
$$;

-- The number of the safeguard that stops a case, or null.
CREATE OR REPLACE FUNCTION casework.case_concern(wanted_case uuid) RETURNS bigint
LANGUAGE sql STABLE
AS $$
    SELECT min(safeguard) FROM (
        SELECT safeguard FROM casework.open_concerns(wanted_case)
        UNION ALL
        SELECT 8 FROM casework.return_case
        WHERE case_id = wanted_case AND unaccompanied_child
          AND (casework.cleared_to(wanted_case, 8) = 0 OR NOT casework.child_procedure_is_complete(wanted_case))
        UNION ALL
        SELECT safeguard FROM casework.case_pause WHERE case_id = wanted_case AND ended_at IS NULL
    ) AS concern
$$;

-- The latest consent that is not withdrawn: a later sign of pressure is not outdone by an earlier consent.
CREATE FUNCTION casework.latest_consent(wanted_case uuid) RETURNS casework.consent
LANGUAGE sql STABLE
AS $$
    SELECT consent FROM casework.consent WHERE case_id = wanted_case AND withdrawn_at IS NULL
    ORDER BY position DESC LIMIT 1
$$;

CREATE OR REPLACE FUNCTION casework.has_consent_in_force(wanted_case uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT coalesce((
        SELECT given_freely AND NOT sign_of_pressure AND interpreter NOT IN ('relative', 'decider')
               AND (language, information_version) = (
                   SELECT language, information_version FROM casework.information_session
                   WHERE case_id = wanted_case ORDER BY position DESC LIMIT 1)
        FROM casework.latest_consent(wanted_case)), false)
$$;

CREATE FUNCTION casework.everyone_heard(wanted_case uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT coalesce((
        SELECT adults = (SELECT count(DISTINCT person_number) FROM casework.private_hearing
                         WHERE private_hearing.case_id = wanted_case AND person_number <= adults)
        FROM casework.return_case WHERE case_id = wanted_case), false)
$$;

CREATE FUNCTION casework.is_reconfirmed(wanted_case uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (
        SELECT FROM casework.reconfirmation
        WHERE case_id = wanted_case AND cancelled_at IS NULL AND valid_until > now()
          AND consent_id = (casework.latest_consent(wanted_case)).consent_id)
$$;

-- What a household lacks for its departure, as the text of the error, or null.
CREATE FUNCTION casework.departure_lacks(wanted_case uuid) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT CASE
        WHEN casework.case_concern(wanted_case) IS NOT NULL
            THEN format('safeguard %s: the case is paused', casework.case_concern(wanted_case))
        WHEN NOT casework.everyone_screened(wanted_case) THEN 'safeguard 1: a person has no screening in force'
        WHEN NOT casework.has_consent_in_force(wanted_case) THEN 'safeguard 2: no free and informed consent is in force'
        WHEN NOT casework.everyone_heard(wanted_case) THEN 'safeguard 7: an adult was not heard privately'
        WHEN NOT casework.is_reconfirmed(wanted_case) THEN 'safeguard 2: the household has not reconfirmed'
    END
$$;

-- What the split of a household lacks, as the text of the error, or null: both halves must be there, and whole.
CREATE FUNCTION casework.split_lacks(divided casework.return_case) RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    leaving_shape bigint[];
BEGIN
    SELECT ARRAY[count(*) FILTER (WHERE number <= divided.adults),
                 count(*) FILTER (WHERE number > divided.adults AND number <= divided.adults + divided.children_under_5),
                 count(*) FILTER (WHERE number > divided.adults + divided.children_under_5)]
    INTO leaving_shape
    FROM casework.household_split, unnest(leaving) AS number
    WHERE household_split.case_id = divided.case_id AND decision = 'approved';
    IF leaving_shape = ARRAY[0, 0, 0]::bigint[] THEN
        RETURN 'safeguard 7: no second officer has approved a protected request';
    ELSIF NOT EXISTS (
        SELECT FROM casework.return_case AS leaver JOIN casework.return_case AS stayer USING (split_from)
        WHERE split_from = divided.case_id AND leaver.case_id <> stayer.case_id
          AND ARRAY[leaver.adults, leaver.children_under_5, leaver.children_5_to_17] = leaving_shape
          AND leaver.adults + stayer.adults = divided.adults
          AND leaver.children_under_5 + stayer.children_under_5 = divided.children_under_5
          AND leaver.children_5_to_17 + stayer.children_5_to_17 = divided.children_5_to_17) THEN
        RETURN 'safeguard 7: the two cases do not make up the household';
    END IF;
    RETURN NULL;
END
$$;

-- migrate:down
CREATE OR REPLACE FUNCTION casework.case_concern(wanted_case uuid) RETURNS bigint
LANGUAGE sql STABLE
AS $$
    SELECT min(safeguard) FROM (
        SELECT 2 AS safeguard FROM casework.consent
        WHERE case_id = wanted_case AND (sign_of_pressure OR NOT given_freely)
        UNION ALL
        SELECT CASE outcome WHEN 'protection_need' THEN 5 ELSE 9 END FROM casework.screening
        WHERE case_id = wanted_case AND outcome <> 'clear'
        UNION ALL
        SELECT 8 FROM casework.return_case WHERE case_id = wanted_case AND unaccompanied_child
        UNION ALL
        SELECT safeguard FROM casework.case_pause WHERE case_id = wanted_case AND ended_at IS NULL
    ) AS concern
$$;
CREATE OR REPLACE FUNCTION casework.has_consent_in_force(wanted_case uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT EXISTS (
        SELECT FROM casework.consent
        WHERE case_id = wanted_case AND withdrawn_at IS NULL AND given_freely AND NOT sign_of_pressure
          AND interpreter NOT IN ('relative', 'decider')
          AND (language, information_version) = (
              SELECT language, information_version FROM casework.information_session
              WHERE case_id = wanted_case ORDER BY position DESC LIMIT 1)
    )
$$;
-- squawk-ignore ban-drop-function
DROP FUNCTION casework.split_lacks(casework.return_case), casework.departure_lacks(uuid), casework.is_reconfirmed(uuid),
    casework.everyone_heard(uuid), casework.latest_consent(uuid), casework.child_procedure_is_complete(uuid),
    casework.open_concerns(uuid), casework.cleared_to(uuid, bigint), casework.holds_booking(uuid),
    casework.is_voluntary(text), casework.has_ended(text);

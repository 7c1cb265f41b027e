-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- Ending a pause needs two people, neither of whom recorded what it is about (safeguards 2, 5, 8, 9), and splitting a household
-- two officers (safeguard 7).

CREATE FUNCTION casework.clearance_reasons(wanted_safeguard bigint) RETURNS text[]
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE wanted_safeguard
        WHEN 2 THEN ARRAY['no_pressure_found', 'pressure_ended']
        WHEN 5 THEN ARRAY['claim_decided', 'claim_freely_withdrawn', 'protection_need_met']
        WHEN 8 THEN ARRAY['child_procedure_complete']
        WHEN 9 THEN ARRAY['fit_to_travel', 'care_arranged', 'need_met', 'recorded_in_error']
        ELSE ARRAY[]::text[]
    END
$$;

-- Whether this person opened the pause or recorded something that it is about.
CREATE FUNCTION casework.recorded_concern(wanted_pause casework.case_pause, person text) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT wanted_pause.opened_by = person OR EXISTS (
        SELECT FROM casework.open_concerns(wanted_pause.case_id)
        WHERE safeguard = wanted_pause.safeguard AND recorded_by = person)
$$;

CREATE FUNCTION casework.latest_concern(wanted_case uuid, wanted_safeguard bigint) RETURNS bigint
LANGUAGE sql STABLE
AS $$
    SELECT coalesce(max(concern_position), 0) FROM casework.open_concerns(wanted_case) WHERE safeguard = wanted_safeguard
$$;

CREATE FUNCTION casework.guard_clearance() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    found_case casework.return_case := casework.lock_case(NEW.case_id);
    pause casework.case_pause;
    lacking text;
BEGIN
    SELECT * INTO pause FROM casework.case_pause WHERE pause_id = NEW.pause_id AND case_id = NEW.case_id;
    IF TG_OP = 'UPDATE' AND (NEW.decision, NEW.decided_by, NEW.decided_at)
       IS NOT DISTINCT FROM (OLD.decision, OLD.decided_by, OLD.decided_at) THEN
        IF NEW.note IS NOT NULL AND NEW.note IS DISTINCT FROM OLD.note THEN
            lacking := 'personal data: a note is erased, never rewritten';
        END IF;
    ELSIF pause.ended_at IS NOT NULL OR pause.pause_id IS NULL OR casework.has_ended(found_case.state) THEN
        lacking := 'safeguard 12: the pause is not open';
    ELSIF pause.safeguard = 8 AND NOT casework.child_procedure_is_complete(NEW.case_id)
          AND NEW.decision IS DISTINCT FROM 'rejected' THEN
        lacking := 'safeguard 8: guardian, best-interests determination or verified reception is missing';
    ELSIF TG_OP = 'INSERT' THEN
        NEW.covers_to := casework.latest_concern(NEW.case_id, pause.safeguard);
        IF NOT NEW.reason = ANY (casework.clearance_reasons(pause.safeguard)) THEN
            lacking := format('safeguard %s: this is no reason to end the pause', pause.safeguard);
        ELSIF NEW.proposed_by = pause.opened_by
              OR (pause.safeguard <> 8 AND casework.recorded_concern(pause, NEW.proposed_by)) THEN
            lacking := format('safeguard %s: nobody clears what he recorded himself', pause.safeguard);
        END IF;
    ELSIF OLD.decision IS NOT NULL THEN
        lacking := 'safeguard 6: a clearance is decided once';
    ELSIF casework.recorded_concern(pause, NEW.decided_by) THEN
        lacking := format('safeguard %s: nobody clears what he recorded himself', pause.safeguard);
    ELSIF NEW.decision = 'confirmed' AND casework.latest_concern(NEW.case_id, pause.safeguard) <> OLD.covers_to THEN
        lacking := format('safeguard %s: something was recorded since the proposal', pause.safeguard);
    END IF;
    IF lacking IS NOT NULL THEN
        RAISE EXCEPTION '%', lacking USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_clearance BEFORE INSERT OR UPDATE ON casework.pause_clearance
FOR EACH ROW EXECUTE FUNCTION casework.guard_clearance();

CREATE FUNCTION casework.guard_child_protection_record() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    found_case casework.return_case := casework.lock_case(NEW.case_id);
    lacking text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.appointment_reference IS NOT NULL THEN
            lacking := 'safeguard 8: a record is not rewritten';
        END IF;
    ELSIF casework.has_ended(found_case.state) THEN
        lacking := 'safeguard 12: the case has ended';
    ELSIF NOT found_case.unaccompanied_child
          OR NEW.person_number NOT BETWEEN found_case.adults + 1 AND found_case.household_size THEN
        lacking := 'safeguard 8: no such unaccompanied child';
    ELSIF NEW.kind = 'guardian_appointed' AND NEW.appointment_reference IS NULL THEN
        lacking := 'safeguard 8: the reference of the appointment is missing';
    ELSIF NEW.kind IN ('best_interests_determined', 'reception_verified') AND EXISTS (
        SELECT FROM casework.child_protection_record
        WHERE case_id = NEW.case_id AND person_number = NEW.person_number AND recorded_by = NEW.recorded_by
          AND kind IN ('best_interests_determined', 'reception_verified') AND kind <> NEW.kind) THEN
        lacking := 'safeguard 8: another person verifies the reception';
    END IF;
    IF lacking IS NOT NULL THEN
        RAISE EXCEPTION '%', lacking USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_child_protection_record BEFORE INSERT OR UPDATE ON casework.child_protection_record
FOR EACH ROW EXECUTE FUNCTION casework.guard_child_protection_record();

CREATE FUNCTION casework.guard_split() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    found_case casework.return_case := casework.lock_case(NEW.case_id);
    lacking text;
BEGIN
    IF NOT casework.is_voluntary(found_case.state) THEN
        lacking := 'safeguard 7: a household is split in the voluntary stage';
    ELSIF NOT EXISTS (SELECT FROM casework.case_pause
                      WHERE pause_id = NEW.pause_id AND case_id = NEW.case_id AND safeguard = 7 AND ended_at IS NULL
                        AND opened_by = NEW.requested_by) THEN
        lacking := 'safeguard 13: a protected request waits with a pause of its own';
    ELSIF TG_OP = 'UPDATE' AND OLD.decision IS NOT NULL THEN
        lacking := 'safeguard 6: a protected request is decided once';
    ELSIF (SELECT count(DISTINCT number) FROM unnest(NEW.leaving) AS number
           WHERE number BETWEEN 1 AND found_case.household_size) <> cardinality(NEW.leaving)
          OR cardinality(NEW.leaving) >= found_case.household_size THEN
        lacking := 'safeguard 7: somebody leaves and somebody stays';
    END IF;
    IF lacking IS NOT NULL THEN
        RAISE EXCEPTION '%', lacking USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_split BEFORE INSERT OR UPDATE ON casework.household_split
FOR EACH ROW EXECUTE FUNCTION casework.guard_split();

-- migrate:down
DROP TRIGGER guard_split ON casework.household_split;
DROP TRIGGER guard_child_protection_record ON casework.child_protection_record;
DROP TRIGGER guard_clearance ON casework.pause_clearance;
-- squawk-ignore ban-drop-function
DROP FUNCTION casework.guard_split(), casework.guard_child_protection_record(), casework.guard_clearance(),
    casework.latest_concern(uuid, bigint), casework.recorded_concern(casework.case_pause, text),
    casework.clearance_reasons(bigint);

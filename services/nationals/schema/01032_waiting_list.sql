-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- A household that may be booked but finds no free places can wait for one centre. The order is that of entering, and nothing else:
-- there is no score, no priority and no date to move. `unanswered` keeps its position and waits for a person to wake it.
CREATE TABLE casework.waiting_entry (
    entry_id uuid PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    case_id uuid NOT NULL,
    county text NOT NULL,
    centre_id uuid NOT NULL,
    centre_county text NOT NULL,
    family_places bigint NOT NULL DEFAULT 0 CHECK (family_places >= 0),
    single_places bigint NOT NULL DEFAULT 0 CHECK (single_places >= 0),
    accessible_places bigint NOT NULL DEFAULT 0 CHECK (accessible_places >= 0),
    medical_places bigint NOT NULL DEFAULT 0 CHECK (medical_places >= 0),
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'offered', 'unanswered', 'booked', 'left')),
    entered_by text NOT NULL CHECK (entered_by <> 'system'),
    entered_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (entry_id, case_id),
    FOREIGN KEY (case_id, county) REFERENCES casework.return_case (case_id, county),
    FOREIGN KEY (centre_id, centre_county) REFERENCES casework.centre (centre_id, county)
);
CREATE UNIQUE INDEX waiting_entry_of_case ON casework.waiting_entry (case_id) WHERE state IN ('waiting', 'offered', 'unanswered');
CREATE INDEX waiting_entry_order ON casework.waiting_entry (centre_id, position) WHERE state = 'waiting';

-- An offer is a booking that a household has not accepted yet.
ALTER TABLE casework.booking ADD COLUMN waiting_entry_id uuid;
ALTER TABLE casework.booking ADD COLUMN accepted_at timestamptz;
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
ALTER TABLE casework.booking ADD CONSTRAINT offer_of_own_entry
    FOREIGN KEY (waiting_entry_id, case_id) REFERENCES casework.waiting_entry (entry_id, case_id);
ALTER TABLE casework.booking ADD CONSTRAINT only_offers_are_accepted
    CHECK (accepted_at IS NULL OR waiting_entry_id IS NOT NULL) NOT VALID;
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX booking_of_entry ON casework.booking (waiting_entry_id) WHERE waiting_entry_id IS NOT NULL;

-- Whether a household of the waiting list could be offered places of this kind, so that nobody else is booked before it. True from
-- the entry on; the offering round sets it anew.
-- squawk-ignore adding-field-with-default
ALTER TABLE casework.centre_place ADD COLUMN waiting_list_first boolean NOT NULL DEFAULT false;

ALTER TABLE casework.waiting_entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE casework.waiting_entry FORCE ROW LEVEL SECURITY;
CREATE POLICY waiting_entry_api ON casework.waiting_entry TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY waiting_entry_worker ON casework.waiting_entry TO payesh_worker USING (true) WITH CHECK (true);
-- The triggers that keep the list run as the owner.
CREATE POLICY waiting_entry_owner ON casework.waiting_entry TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY booking_owner ON casework.booking FOR SELECT TO CURRENT_USER USING (true);

GRANT SELECT ON casework.waiting_entry TO casework_api, casework_worker;
GRANT INSERT (entry_id, case_id, county, centre_id, centre_county, family_places, single_places, accessible_places,
              medical_places, entered_by) ON casework.waiting_entry TO casework_api;
GRANT UPDATE (state) ON casework.waiting_entry TO casework_api;
GRANT UPDATE (accepted_at, expires_at) ON casework.booking TO casework_api;
-- The worker holds places for those who asked to be offered them, and for nobody else: guard_booking_order.
GRANT INSERT (booking_id, case_id, county, centre_id, centre_county, family_places, single_places, accessible_places,
              medical_places, expires_at, booked_by, waiting_entry_id) ON casework.booking TO casework_worker;
GRANT UPDATE (waiting_list_first) ON casework.centre_place TO casework_worker;

-- Whether the case passes every guard of a booking at this moment.
CREATE FUNCTION casework.may_be_booked(wanted_case uuid) RETURNS boolean
LANGUAGE sql STABLE
AS $$
    SELECT casework.case_concern(wanted_case) IS NULL
       AND casework.everyone_screened(wanted_case)
       AND casework.has_consent_in_force(wanted_case)
       AND casework.everyone_heard(wanted_case)
       AND EXISTS (SELECT FROM casework.return_case WHERE case_id = wanted_case AND state = 'consented')
       AND NOT EXISTS (SELECT FROM casework.booking WHERE case_id = wanted_case AND state IN ('held', 'admitted'))
$$;

-- The waiting entries of a centre that may be offered places now, if there are enough: who fails a guard is skipped and keeps its
-- position, and so does who wants more than the centre will have.
CREATE FUNCTION casework.entries_in_turn(wanted_centre uuid) RETURNS SETOF casework.waiting_entry
LANGUAGE sql STABLE
AS $$
    SELECT entry.* FROM casework.waiting_entry AS entry
    WHERE entry.centre_id = wanted_centre AND entry.state = 'waiting'
      AND NOT EXISTS (
          SELECT FROM (VALUES ('accessible', entry.accessible_places), ('family', entry.family_places),
                              ('medical', entry.medical_places), ('single', entry.single_places)) AS wanted (kind, places)
          LEFT JOIN casework.centre_place ON centre_id = wanted_centre AND place_kind = kind
          WHERE places > coalesce(capacity_target, 0))
      AND casework.may_be_booked(entry.case_id)
    ORDER BY entry.position
$$;

CREATE FUNCTION casework.wants_kind(entry casework.waiting_entry, kind text) RETURNS boolean
LANGUAGE sql IMMUTABLE
AS $$
    SELECT CASE kind WHEN 'accessible' THEN entry.accessible_places WHEN 'family' THEN entry.family_places
                     WHEN 'medical' THEN entry.medical_places WHEN 'single' THEN entry.single_places END > 0
$$;

CREATE FUNCTION casework.guard_waiting_entry() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    found_case casework.return_case;
    concern bigint;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        -- What the list says of an entry is what its offers say, whoever writes it.
        IF (OLD.state, NEW.state) IN (('waiting', 'left'), ('unanswered', 'left'))
           OR (OLD.state, NEW.state) = ('waiting', 'offered') AND EXISTS (
               SELECT FROM casework.booking WHERE waiting_entry_id = NEW.entry_id AND state = 'held' AND accepted_at IS NULL)
           OR (OLD.state, NEW.state) = ('offered', 'booked') AND EXISTS (
               SELECT FROM casework.booking WHERE waiting_entry_id = NEW.entry_id AND accepted_at IS NOT NULL)
           OR (OLD.state, NEW.state) IN (('offered', 'left'), ('offered', 'unanswered')) AND NOT EXISTS (
               SELECT FROM casework.booking WHERE waiting_entry_id = NEW.entry_id AND state = 'held') THEN
            RETURN NEW;
        ELSIF (OLD.state, NEW.state) <> ('unanswered', 'waiting') THEN
            RAISE EXCEPTION 'waiting list: an entry does not go from % to %', OLD.state, NEW.state
                USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    found_case := casework.lock_case(NEW.case_id);
    concern := casework.case_concern(NEW.case_id);
    IF found_case.state = 'awaiting_legal_review' THEN
        RAISE EXCEPTION 'safeguard 4: the case awaits a legal review' USING ERRCODE = 'check_violation';
    ELSIF concern IS NOT NULL THEN
        RAISE EXCEPTION 'safeguard %: the case is paused', concern USING ERRCODE = 'check_violation';
    ELSIF NOT casework.everyone_screened(NEW.case_id) THEN
        RAISE EXCEPTION 'safeguard 1: a person has no unexpired screening' USING ERRCODE = 'check_violation';
    ELSIF NOT casework.has_consent_in_force(NEW.case_id) THEN
        RAISE EXCEPTION 'safeguard 2: no free and informed consent is in force' USING ERRCODE = 'check_violation';
    ELSIF NOT casework.everyone_heard(NEW.case_id) THEN
        RAISE EXCEPTION 'safeguard 7: an adult has not been heard in private' USING ERRCODE = 'check_violation';
    ELSIF NEW.family_places + NEW.single_places + NEW.accessible_places + NEW.medical_places
          <> found_case.household_size THEN
        RAISE EXCEPTION 'safeguard 7: a household waits whole or not at all' USING ERRCODE = 'check_violation';
    ELSIF NOT casework.may_be_booked(NEW.case_id) THEN
        RAISE EXCEPTION 'safeguard 7: the household has a booking or cannot be booked' USING ERRCODE = 'check_violation';
    ELSIF NOT EXISTS (SELECT FROM public.timer
                      WHERE kind = 'nationals.waiting_list_review' AND subject_id = NEW.entry_id::text) THEN
        RAISE EXCEPTION 'safeguard 13: a household waits only with its review timer armed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_waiting_entry BEFORE INSERT OR UPDATE ON casework.waiting_entry
FOR EACH ROW EXECUTE FUNCTION casework.guard_waiting_entry();

-- The kinds that somebody waits for are kept for the list from the entry on, and free for all when nobody waits any more.
CREATE FUNCTION casework.places_follow_waiting() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
    PERFORM FROM casework.centre_place WHERE centre_id = NEW.centre_id ORDER BY place_kind FOR UPDATE;
    UPDATE casework.centre_place AS place SET waiting_list_first = NOT place.waiting_list_first
    WHERE place.centre_id = NEW.centre_id
      AND CASE WHEN place.waiting_list_first THEN NOT EXISTS (
                   SELECT FROM casework.waiting_entry AS entry WHERE entry.centre_id = NEW.centre_id
                     AND entry.state = 'waiting' AND casework.wants_kind(entry, place.place_kind))
               ELSE NEW.state = 'waiting' AND casework.wants_kind(NEW, place.place_kind) END;
    RETURN NULL;
END
$$;
CREATE TRIGGER places_follow_waiting AFTER INSERT OR UPDATE OF state ON casework.waiting_entry
FOR EACH ROW EXECUTE FUNCTION casework.places_follow_waiting();

CREATE FUNCTION casework.guard_waiting_list_first() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF OLD.waiting_list_first AND NOT NEW.waiting_list_first
       AND EXISTS (SELECT FROM casework.entries_in_turn(NEW.centre_id) AS entry
                   WHERE casework.wants_kind(entry, NEW.place_kind)) THEN
        RAISE EXCEPTION 'waiting list: a household waits for places of this kind' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_waiting_list_first BEFORE UPDATE OF waiting_list_first ON casework.centre_place
FOR EACH ROW EXECUTE FUNCTION casework.guard_waiting_list_first();

-- Software books nobody. It holds places for who asked to be offered them, in the order in which they asked; and nobody is booked
-- past those who wait.
CREATE FUNCTION casework.guard_booking_order() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    entry casework.waiting_entry;
BEGIN
    IF NEW.waiting_entry_id IS NULL THEN
        IF pg_has_role(current_user, 'payesh_worker', 'USAGE') AND NOT pg_has_role(current_user, 'payesh_api', 'USAGE') THEN
            RAISE EXCEPTION 'safeguard 6: only a person books places' USING ERRCODE = 'insufficient_privilege';
        ELSIF EXISTS (
            SELECT FROM (VALUES ('accessible', NEW.accessible_places), ('family', NEW.family_places),
                                ('medical', NEW.medical_places), ('single', NEW.single_places)) AS wanted (kind, places)
            JOIN casework.centre_place ON centre_id = NEW.centre_id AND place_kind = kind
            WHERE places > 0 AND waiting_list_first) THEN
            RAISE EXCEPTION 'waiting list: households of the list come first' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    SELECT * INTO entry FROM casework.waiting_entry WHERE entry_id = NEW.waiting_entry_id;
    IF entry.state IS DISTINCT FROM 'waiting'
       OR (entry.case_id, entry.centre_id, entry.family_places, entry.single_places, entry.accessible_places,
           entry.medical_places, entry.entered_by)
          IS DISTINCT FROM (NEW.case_id, NEW.centre_id, NEW.family_places, NEW.single_places, NEW.accessible_places,
                            NEW.medical_places, NEW.booked_by) THEN
        RAISE EXCEPTION 'safeguard 2: an offer is what a household asked to be offered' USING ERRCODE = 'check_violation';
    ELSIF EXISTS (
        SELECT FROM casework.entries_in_turn(NEW.centre_id) AS earlier
        WHERE earlier.position < entry.position
          AND (earlier.family_places > 0 AND entry.family_places > 0
               OR earlier.single_places > 0 AND entry.single_places > 0
               OR earlier.accessible_places > 0 AND entry.accessible_places > 0
               OR earlier.medical_places > 0 AND entry.medical_places > 0)) THEN
        RAISE EXCEPTION 'waiting list: a household that asked earlier comes first' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_booking_order BEFORE INSERT ON casework.booking
FOR EACH ROW EXECUTE FUNCTION casework.guard_booking_order();

-- An offer becomes a booking once, by a person who records that the household accepted it in time, and then holds as long as any.
CREATE FUNCTION casework.guard_acceptance() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    concern bigint;
BEGIN
    IF NEW.accepted_at IS NOT DISTINCT FROM OLD.accepted_at AND NEW.expires_at IS NOT DISTINCT FROM OLD.expires_at THEN
        RETURN NEW;
    ELSIF OLD.accepted_at IS NOT NULL OR NEW.accepted_at IS NULL OR OLD.waiting_entry_id IS NULL
          OR OLD.state <> 'held' OR NEW.state <> 'held' OR clock_timestamp() >= OLD.expiry_due_at THEN
        RAISE EXCEPTION 'safeguard 12: only an open offer is accepted, and once' USING ERRCODE = 'check_violation';
    ELSIF (casework.lock_case(NEW.case_id)).state <> 'consented' THEN
        RAISE EXCEPTION 'safeguard 12: the case is not where an offer is accepted' USING ERRCODE = 'check_violation';
    END IF;
    concern := casework.case_concern(NEW.case_id);
    IF concern IS NOT NULL THEN
        RAISE EXCEPTION 'safeguard %: the case is paused', concern USING ERRCODE = 'check_violation';
    ELSIF NOT casework.everyone_screened(NEW.case_id) THEN
        RAISE EXCEPTION 'safeguard 1: a person has no unexpired screening' USING ERRCODE = 'check_violation';
    ELSIF NOT casework.has_consent_in_force(NEW.case_id) THEN
        RAISE EXCEPTION 'safeguard 2: no free and informed consent is in force' USING ERRCODE = 'check_violation';
    ELSIF NOT casework.everyone_heard(NEW.case_id) THEN
        RAISE EXCEPTION 'safeguard 7: an adult has not been heard in private' USING ERRCODE = 'check_violation';
    END IF;
    SELECT due_at, fence INTO NEW.expiry_due_at, NEW.expiry_fence FROM public.timer
    WHERE kind = 'nationals.booking_expiry' AND subject_id = NEW.booking_id::text;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'safeguard 13: a booking stays only with its expiry timer armed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_acceptance BEFORE UPDATE OF accepted_at, expires_at ON casework.booking
FOR EACH ROW EXECUTE FUNCTION casework.guard_acceptance();

CREATE FUNCTION casework.guard_booked_by_acceptance() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW.state = 'booked' AND EXISTS (
        SELECT FROM casework.booking WHERE case_id = NEW.case_id AND booking.state IN ('held', 'admitted')
          AND waiting_entry_id IS NOT NULL AND accepted_at IS NULL) THEN
        RAISE EXCEPTION 'safeguard 2: the household has not accepted the offer' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_booked_by_acceptance BEFORE UPDATE OF state ON casework.return_case
FOR EACH ROW EXECUTE FUNCTION casework.guard_booked_by_acceptance();

-- The entry follows its offer, and leaves the list with its case: nobody who withdrew is ever offered anything.
CREATE FUNCTION casework.entry_follows_booking() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
    UPDATE casework.waiting_entry
    SET state = CASE WHEN NEW.state = 'held' AND NEW.accepted_at IS NULL THEN 'offered'
                     WHEN NEW.accepted_at IS NOT NULL THEN 'booked'
                     WHEN NEW.state = 'expired' THEN 'unanswered' ELSE 'left' END
    WHERE entry_id = NEW.waiting_entry_id AND state IN ('waiting', 'offered');
    RETURN NULL;
END
$$;
CREATE TRIGGER entry_follows_booking AFTER INSERT OR UPDATE OF state, accepted_at ON casework.booking
FOR EACH ROW WHEN (NEW.waiting_entry_id IS NOT NULL) EXECUTE FUNCTION casework.entry_follows_booking();

CREATE FUNCTION casework.entry_follows_case() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $$
BEGIN
    UPDATE casework.waiting_entry SET state = 'left' WHERE case_id = NEW.case_id AND state IN ('waiting', 'unanswered');
    RETURN NULL;
END
$$;
CREATE TRIGGER entry_follows_case AFTER UPDATE OF state ON casework.return_case
FOR EACH ROW WHEN (NEW.state IN ('booked', 'withdrawn', 'departed', 'split', 'referred', 'closed'))
EXECUTE FUNCTION casework.entry_follows_case();

-- migrate:down
DROP TRIGGER entry_follows_case ON casework.return_case;
DROP TRIGGER entry_follows_booking ON casework.booking;
DROP TRIGGER guard_booked_by_acceptance ON casework.return_case;
DROP TRIGGER guard_acceptance ON casework.booking;
DROP TRIGGER guard_booking_order ON casework.booking;
DROP TRIGGER guard_waiting_list_first ON casework.centre_place;
DROP POLICY booking_owner ON casework.booking;
REVOKE INSERT ON casework.booking FROM casework_worker;
REVOKE UPDATE (expires_at) ON casework.booking FROM casework_api;
ALTER TABLE casework.booking DROP COLUMN waiting_entry_id, DROP COLUMN accepted_at;
ALTER TABLE casework.centre_place DROP COLUMN waiting_list_first;
DROP FUNCTION casework.entry_follows_case(), casework.entry_follows_booking(), casework.guard_booked_by_acceptance(),
    casework.guard_acceptance(), casework.guard_booking_order(), casework.guard_waiting_list_first(),
    casework.entries_in_turn(uuid), casework.may_be_booked(uuid);
DROP TABLE casework.waiting_entry CASCADE;
DROP FUNCTION casework.guard_waiting_entry(), casework.places_follow_waiting();

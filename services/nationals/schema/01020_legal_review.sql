-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- Phase two: the human legal review. Every row here says what a named person did; the worker may write none of it. Texts that
-- people wrote stay in their row, where they can be erased, and never enter an event.

-- Safeguard 10: what the legal office entered as the basis of the one adverse outcome. None ships: this table starts empty.
CREATE TABLE casework.legal_basis (
    basis_id uuid PRIMARY KEY,
    title text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 300),
    instrument_number text NOT NULL CHECK (char_length(instrument_number) BETWEEN 1 AND 100),
    in_force_from date NOT NULL,
    in_force_until date NOT NULL,
    entered_by text NOT NULL CHECK (entered_by <> 'system'),
    entered_at timestamptz NOT NULL DEFAULT now(),
    confirmed_by text,
    confirmed_at timestamptz,
    ended_by text CHECK (ended_by <> 'system'),
    ended_at timestamptz,
    CONSTRAINT safeguard_10_dates CHECK (in_force_until >= in_force_from),
    CONSTRAINT safeguard_6_basis_of_two_people CHECK (confirmed_by <> entered_by AND confirmed_by <> 'system'),
    CONSTRAINT confirmed_at_a_time CHECK ((confirmed_by IS NULL) = (confirmed_at IS NULL)),
    CONSTRAINT ended_at_a_time CHECK ((ended_by IS NULL) = (ended_at IS NULL))
);

-- A case may have a review again: after a renewed voluntary period that lapsed too, or after an appeal.
-- squawk-ignore ban-drop-constraint
ALTER TABLE casework.legal_review DROP CONSTRAINT legal_review_case_id_key;
-- squawk-ignore ban-drop-constraint
ALTER TABLE casework.legal_review DROP CONSTRAINT legal_review_state_check;
ALTER TABLE casework.legal_review ADD CONSTRAINT legal_review_state_check
    CHECK (state IN ('open', 'decided', 'voluntary_again', 'case_closed')) NOT VALID;
-- squawk-ignore disallowed-unique-constraint, constraint-missing-not-valid
ALTER TABLE casework.legal_review ADD CONSTRAINT legal_review_of_case UNIQUE (review_id, case_id);
-- How long a day of the casework lasts on the wall: one day, unless the clock is sped up for trying out. Told by the reminder that
-- the worker armed when it opened the review, so that whoever serves a decision cannot make its appeal window shorter.
ALTER TABLE casework.legal_review ADD COLUMN wall_day interval;
-- squawk-ignore require-concurrent-index-creation
CREATE UNIQUE INDEX legal_review_open ON casework.legal_review (case_id) WHERE state = 'open';

-- What the first reviewer looked at in this household's own case. One row is about one review of one case (no bulk).
CREATE TABLE casework.legal_assessment (
    assessment_id uuid PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    review_id uuid NOT NULL,
    case_id uuid NOT NULL,
    county text NOT NULL,
    considered text[] NOT NULL CHECK (
        cardinality(considered) > 0
        AND considered <@ ARRAY['protection', 'children', 'health', 'family_unity', 'household_heard',
                                'voluntary_return_offered_anew']
    ),
    assessed_by text NOT NULL CHECK (assessed_by <> 'system'),
    assessed_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (case_id, county) REFERENCES casework.return_case (case_id, county),
    FOREIGN KEY (review_id, case_id) REFERENCES casework.legal_review (review_id, case_id)
);
CREATE INDEX legal_assessment_of_review ON casework.legal_assessment (review_id, position DESC);

-- A proposed outcome and what became of it. Who did what and when is written once, with the state that it makes.
CREATE TABLE casework.legal_decision (
    decision_id uuid PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    review_id uuid NOT NULL,
    case_id uuid NOT NULL,
    county text NOT NULL,
    outcome text NOT NULL CHECK (
        outcome IN ('not_viable', 'regularised', 'protection_referral', 'renewed_voluntary_period',
                    'refer_to_competent_authority')
    ),
    state text NOT NULL DEFAULT 'proposed' CHECK (
        state IN ('proposed', 'returned', 'confirmed', 'effective', 'served', 'annulled', 'set_aside', 'referred')
    ),
    proposed_by text NOT NULL CHECK (proposed_by <> 'system'),
    proposed_at timestamptz NOT NULL DEFAULT now(),
    basis_id uuid REFERENCES casework.legal_basis (basis_id),
    reasons text CHECK (char_length(reasons) BETWEEN 1 AND 20000),
    appeal_instructions text CHECK (char_length(appeal_instructions) BETWEEN 1 AND 5000),
    appeal_window_days bigint CHECK (appeal_window_days BETWEEN 1 AND 3650),
    confirmed_by text,
    confirmed_at timestamptz,
    returned_by text,
    returned_at timestamptz,
    return_reason text CHECK (char_length(return_reason) BETWEEN 1 AND 2000),
    served_by text CHECK (served_by <> 'system'),
    served_at timestamptz,
    service_language text CHECK (service_language ~ '^[a-z]{2,3}$'),
    service_interpreter text,
    understood boolean,
    notices bigint NOT NULL DEFAULT 0 CHECK (notices >= 0),
    -- Both copied from the armed timer by trigger: when, on the database's clock, the appeal window ends, and which arming counts.
    window_due_at timestamptz,
    window_fence bigint,
    referred_by text CHECK (referred_by <> 'system'),
    referred_at timestamptz,
    texts_erased_at timestamptz,
    FOREIGN KEY (case_id, county) REFERENCES casework.return_case (case_id, county),
    FOREIGN KEY (review_id, case_id) REFERENCES casework.legal_review (review_id, case_id),
    UNIQUE (decision_id, case_id),
    CONSTRAINT safeguard_6_confirmed_by_another CHECK (confirmed_by <> proposed_by AND confirmed_by <> 'system'),
    CONSTRAINT safeguard_6_two_people CHECK (
        state NOT IN ('confirmed', 'effective', 'served', 'annulled', 'referred')
        OR (confirmed_by IS NOT NULL AND confirmed_at IS NOT NULL)
    ),
    CONSTRAINT safeguard_6_returned_by_another CHECK (returned_by <> proposed_by AND returned_by <> 'system'),
    CONSTRAINT safeguard_6_returned_with_reason CHECK (
        state <> 'returned'
        OR (returned_by IS NOT NULL AND (return_reason IS NOT NULL OR texts_erased_at IS NOT NULL))
    ),
    CONSTRAINT safeguard_10_adverse_has_basis CHECK (
        outcome <> 'refer_to_competent_authority' OR (basis_id IS NOT NULL AND appeal_window_days IS NOT NULL)
    ),
    CONSTRAINT safeguard_4_adverse_is_written CHECK (
        outcome <> 'refer_to_competent_authority' OR texts_erased_at IS NOT NULL
        OR (reasons IS NOT NULL AND appeal_instructions IS NOT NULL)
    ),
    CONSTRAINT safeguard_4_only_adverse_is_served CHECK (
        state NOT IN ('confirmed', 'served', 'annulled', 'referred') OR outcome = 'refer_to_competent_authority'
    ),
    CONSTRAINT safeguard_4_favourable_takes_effect CHECK (
        state <> 'effective' OR outcome <> 'refer_to_competent_authority'
    ),
    CONSTRAINT safeguard_4_served_and_understood CHECK (
        state NOT IN ('served', 'annulled', 'referred')
        OR (served_by IS NOT NULL AND served_at IS NOT NULL AND service_language IS NOT NULL AND understood IS TRUE
            AND notices > 0 AND window_due_at IS NOT NULL)
    ),
    CONSTRAINT safeguard_2_independent_interpreter CHECK (
        (served_by IS NULL AND service_interpreter IS NULL)
        OR (served_by IS NOT NULL AND service_interpreter IS NOT NULL
            AND service_interpreter IN ('none', 'professional', 'community'))
    ),
    CONSTRAINT safeguard_6_referred_by_a_person CHECK (state <> 'referred' OR referred_by IS NOT NULL)
);
CREATE UNIQUE INDEX safeguard_6_one_live_decision ON casework.legal_decision (case_id)
WHERE state IN ('proposed', 'confirmed', 'served');
CREATE INDEX legal_decision_of_case ON casework.legal_decision (case_id, position DESC);

-- Safeguard 5: while a row here has no outcome, everything is suspended. Safeguard 13: with an owner, a date and reminders.
CREATE TABLE casework.appeal (
    appeal_id uuid PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    decision_id uuid NOT NULL,
    case_id uuid NOT NULL,
    county text NOT NULL,
    owner_office text NOT NULL DEFAULT 'appeal_office' CHECK (owner_office = 'appeal_office'),
    review_by timestamptz NOT NULL,
    reminders bigint NOT NULL DEFAULT 0 CHECK (reminders >= 0),
    lodged_by text NOT NULL CHECK (lodged_by <> 'system'),
    lodged_at timestamptz NOT NULL DEFAULT now(),
    late_reason text CHECK (char_length(late_reason) BETWEEN 1 AND 2000),
    outcome text CHECK (outcome IN ('annulled', 'upheld', 'moot')),
    outcome_reasons text CHECK (char_length(outcome_reasons) BETWEEN 1 AND 20000),
    decided_by text,
    ended_at timestamptz,
    texts_erased_at timestamptz,
    FOREIGN KEY (case_id, county) REFERENCES casework.return_case (case_id, county),
    FOREIGN KEY (decision_id, case_id) REFERENCES casework.legal_decision (decision_id, case_id),
    CONSTRAINT safeguard_5_decided_by_another CHECK (decided_by <> lodged_by AND decided_by <> 'system'),
    CONSTRAINT safeguard_5_decided_by_a_person CHECK (
        outcome IS NULL OR outcome = 'moot'
        OR (decided_by IS NOT NULL AND (outcome_reasons IS NOT NULL OR texts_erased_at IS NOT NULL))
    ),
    CONSTRAINT ended_with_outcome CHECK ((outcome IS NULL) = (ended_at IS NULL))
);
CREATE UNIQUE INDEX appeal_open ON casework.appeal (case_id) WHERE outcome IS NULL;
CREATE INDEX appeal_queue ON casework.appeal (appeal_id) WHERE outcome IS NULL;

INSERT INTO casework.case_transition (from_state, to_state) VALUES
    ('awaiting_legal_review', 'decision_served'), ('decision_served', 'appealed'),
    ('appealed', 'awaiting_legal_review'), ('appealed', 'decision_served'), ('decision_served', 'referred'),
    ('awaiting_legal_review', 'opened'), ('decision_served', 'opened'), ('appealed', 'opened'),
    ('decision_served', 'closed'), ('appealed', 'closed');

-- Row-level security, as for every table that has a county. A legal basis belongs to no county and to no person.
ALTER TABLE casework.legal_assessment ENABLE ROW LEVEL SECURITY;
ALTER TABLE casework.legal_assessment FORCE ROW LEVEL SECURITY;
CREATE POLICY legal_assessment_api ON casework.legal_assessment TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY legal_assessment_worker ON casework.legal_assessment TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE casework.legal_decision ENABLE ROW LEVEL SECURITY;
ALTER TABLE casework.legal_decision FORCE ROW LEVEL SECURITY;
CREATE POLICY legal_decision_api ON casework.legal_decision TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY legal_decision_worker ON casework.legal_decision TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE casework.appeal ENABLE ROW LEVEL SECURITY;
ALTER TABLE casework.appeal FORCE ROW LEVEL SECURITY;
CREATE POLICY appeal_api ON casework.appeal TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY appeal_worker ON casework.appeal TO payesh_worker USING (true) WITH CHECK (true);

GRANT SELECT ON casework.legal_basis, casework.legal_assessment, casework.legal_decision, casework.appeal TO casework_api;
-- The worker reminds; it reads no text and no name.
GRANT SELECT (decision_id, position, review_id, case_id, county, outcome, state, notices, window_due_at, window_fence,
              texts_erased_at) ON casework.legal_decision TO casework_worker;
GRANT SELECT (appeal_id, position, decision_id, case_id, county, owner_office, review_by, reminders, lodged_at, outcome,
              texts_erased_at) ON casework.appeal TO casework_worker;
GRANT INSERT (basis_id, title, instrument_number, in_force_from, in_force_until, entered_by)
    ON casework.legal_basis TO casework_api;
GRANT UPDATE (confirmed_by, ended_by) ON casework.legal_basis TO casework_api;
GRANT UPDATE (first_reviewer, second_reviewer) ON casework.legal_review TO casework_api;
GRANT INSERT (assessment_id, review_id, case_id, county, considered, assessed_by)
    ON casework.legal_assessment TO casework_api;
GRANT INSERT (decision_id, review_id, case_id, county, outcome, proposed_by, basis_id, reasons, appeal_instructions,
              appeal_window_days) ON casework.legal_decision TO casework_api;
GRANT UPDATE (state, confirmed_by, returned_by, return_reason, served_by, service_language, service_interpreter, understood,
              notices, referred_by) ON casework.legal_decision TO casework_api;
GRANT INSERT (appeal_id, decision_id, case_id, county, review_by, lodged_by, late_reason) ON casework.appeal TO casework_api;
GRANT UPDATE (outcome, outcome_reasons, decided_by) ON casework.appeal TO casework_api;
GRANT UPDATE (reminders, review_by) ON casework.appeal TO casework_worker;

-- migrate:down
REVOKE UPDATE (first_reviewer, second_reviewer) ON casework.legal_review FROM casework_api;
DELETE FROM casework.case_transition
WHERE from_state IN ('decision_served', 'appealed') OR to_state IN ('decision_served', 'appealed', 'referred')
   OR (from_state, to_state) = ('awaiting_legal_review', 'opened');
DROP TABLE casework.appeal, casework.legal_decision, casework.legal_assessment, casework.legal_basis;
DROP INDEX casework.legal_review_open;
-- squawk-ignore ban-drop-column
ALTER TABLE casework.legal_review DROP COLUMN wall_day;
ALTER TABLE casework.legal_review DROP CONSTRAINT legal_review_of_case;
ALTER TABLE casework.legal_review DROP CONSTRAINT legal_review_state_check;
ALTER TABLE casework.legal_review ADD CONSTRAINT legal_review_state_check CHECK (state IN ('open', 'case_closed'));
ALTER TABLE casework.legal_review ADD CONSTRAINT legal_review_case_id_key UNIQUE (case_id);

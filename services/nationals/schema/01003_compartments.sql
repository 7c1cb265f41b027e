-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- The firewall: each compartment of this service has roles of its own, and no role reads two of them. The roles casework_api and
-- casework_worker belong to the groups payesh_api and payesh_worker, which the policies name.
REVOKE ALL ON ALL TABLES IN SCHEMA casework FROM payesh_api, payesh_worker;
REVOKE ALL ON SCHEMA casework FROM payesh_api, payesh_worker;
GRANT USAGE ON SCHEMA casework TO casework_api, casework_worker;
GRANT SELECT ON casework.case_transition TO casework_api, casework_worker;
GRANT SELECT ON casework.centre, casework.centre_place, casework.return_case, casework.information_session,
    casework.screening, casework.consent, casework.case_pause, casework.booking, casework.legal_review
    TO casework_api, casework_worker;
GRANT INSERT (centre_id, county, name, created_by) ON casework.centre TO casework_api;
GRANT INSERT (centre_id, place_kind, county) ON casework.centre_place TO casework_api;
GRANT UPDATE (capacity, threshold_percent) ON casework.centre_place TO casework_api;
GRANT UPDATE (threshold_percent) ON casework.centre_place TO casework_worker;
GRANT INSERT (centre_id, place_kind, county, capacity_before, capacity, reason, changed_by)
    ON casework.centre_capacity_change TO casework_api;
GRANT INSERT (case_id, county, reference, adults, children_under_5, children_5_to_17, unaccompanied_child, needs,
              voluntary_until, opened_by) ON casework.return_case TO casework_api;
GRANT UPDATE (state, outcome, state_changed_at) ON casework.return_case TO casework_api;
GRANT UPDATE (state, state_changed_at) ON casework.return_case TO casework_worker;
GRANT INSERT (session_id, case_id, county, language, information_version, interpreter, held_by)
    ON casework.information_session TO casework_api;
GRANT INSERT (screening_id, case_id, county, person_number, outcome, valid_until, screened_by)
    ON casework.screening TO casework_api;
GRANT INSERT (consent_id, case_id, county, language, information_version, interpreter, given_freely, sign_of_pressure,
              recorded_by) ON casework.consent TO casework_api;
GRANT UPDATE (withdrawn_at) ON casework.consent TO casework_api;
GRANT INSERT (pause_id, case_id, county, safeguard, owner_office, review_by, opened_by) ON casework.case_pause TO casework_api;
GRANT UPDATE (ended_at) ON casework.case_pause TO casework_api;
GRANT UPDATE (reminders, review_by) ON casework.case_pause TO casework_worker;
GRANT INSERT (booking_id, case_id, county, centre_id, centre_county, family_places, single_places, accessible_places,
              medical_places, expires_at, booked_by) ON casework.booking TO casework_api;
GRANT UPDATE (state, ended_at) ON casework.booking TO casework_api, casework_worker;
GRANT INSERT (review_id, case_id, county, owner_office, review_by) ON casework.legal_review TO casework_worker;
GRANT UPDATE (reminders, review_by) ON casework.legal_review TO casework_worker;
GRANT UPDATE (state, ended_at) ON casework.legal_review TO casework_api;
GRANT INSERT (case_id, county, read_by, purpose) ON casework.case_read_log TO casework_api;
GRANT SELECT ON casework.county_case_counter, casework.centre_place_counter TO casework_api;
-- DELETE: a rebuild of the projections starts from nothing.
GRANT SELECT, INSERT, UPDATE, DELETE ON casework.county_case_counter, casework.centre_place_counter TO casework_worker;

-- migrate:down
REVOKE ALL ON ALL TABLES IN SCHEMA casework FROM casework_api, casework_worker;
REVOKE ALL ON SCHEMA casework FROM casework_api, casework_worker;
GRANT USAGE ON SCHEMA casework TO payesh_api, payesh_worker;
GRANT SELECT ON casework.case_transition TO payesh_api, payesh_worker;
GRANT SELECT ON casework.centre, casework.centre_place, casework.return_case, casework.information_session,
    casework.screening, casework.consent, casework.case_pause, casework.booking, casework.legal_review
    TO payesh_api, payesh_worker;
GRANT INSERT (centre_id, county, name, created_by) ON casework.centre TO payesh_api;
GRANT INSERT (centre_id, place_kind, county) ON casework.centre_place TO payesh_api;
GRANT UPDATE (capacity, threshold_percent) ON casework.centre_place TO payesh_api;
GRANT UPDATE (threshold_percent) ON casework.centre_place TO payesh_worker;
GRANT INSERT (centre_id, place_kind, county, capacity_before, capacity, reason, changed_by)
    ON casework.centre_capacity_change TO payesh_api;
GRANT INSERT (case_id, county, reference, adults, children_under_5, children_5_to_17, unaccompanied_child, needs,
              voluntary_until, opened_by) ON casework.return_case TO payesh_api;
GRANT UPDATE (state, outcome, state_changed_at) ON casework.return_case TO payesh_api;
GRANT UPDATE (state, state_changed_at) ON casework.return_case TO payesh_worker;
GRANT INSERT (session_id, case_id, county, language, information_version, interpreter, held_by)
    ON casework.information_session TO payesh_api;
GRANT INSERT (screening_id, case_id, county, person_number, outcome, valid_until, screened_by)
    ON casework.screening TO payesh_api;
GRANT INSERT (consent_id, case_id, county, language, information_version, interpreter, given_freely, sign_of_pressure,
              recorded_by) ON casework.consent TO payesh_api;
GRANT UPDATE (withdrawn_at) ON casework.consent TO payesh_api;
GRANT INSERT (pause_id, case_id, county, safeguard, owner_office, review_by, opened_by) ON casework.case_pause TO payesh_api;
GRANT UPDATE (ended_at) ON casework.case_pause TO payesh_api;
GRANT UPDATE (reminders, review_by) ON casework.case_pause TO payesh_worker;
GRANT INSERT (booking_id, case_id, county, centre_id, centre_county, family_places, single_places, accessible_places,
              medical_places, expires_at, booked_by) ON casework.booking TO payesh_api;
GRANT UPDATE (state, ended_at) ON casework.booking TO payesh_api, payesh_worker;
GRANT INSERT (review_id, case_id, county, owner_office, review_by) ON casework.legal_review TO payesh_worker;
GRANT UPDATE (reminders, review_by) ON casework.legal_review TO payesh_worker;
GRANT UPDATE (state, ended_at) ON casework.legal_review TO payesh_api;
GRANT INSERT (case_id, county, read_by, purpose) ON casework.case_read_log TO payesh_api;
GRANT SELECT ON casework.county_case_counter, casework.centre_place_counter TO payesh_api;
-- DELETE: a rebuild of the projections starts from nothing.
GRANT SELECT, INSERT, UPDATE, DELETE ON casework.county_case_counter, casework.centre_place_counter TO payesh_worker;

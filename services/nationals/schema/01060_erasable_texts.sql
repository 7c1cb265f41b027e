-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- Every text about a case that exists so far (01041_erasure.sql).
SELECT casework.register_erasable_text('pause_clearance', 'note');
SELECT casework.register_erasable_text('child_protection_record', 'appointment_reference');
SELECT casework.register_erasable_text('legal_decision', 'reasons', NULL, 'texts_erased_at');
SELECT casework.register_erasable_text('legal_decision', 'appeal_instructions', NULL, 'texts_erased_at');
SELECT casework.register_erasable_text('legal_decision', 'return_reason', NULL, 'texts_erased_at');
SELECT casework.register_erasable_text('appeal', 'late_reason', NULL, 'texts_erased_at');
SELECT casework.register_erasable_text('appeal', 'outcome_reasons', NULL, 'texts_erased_at');
SELECT casework.register_erasable_text('break_glass', 'reason', '[erased]');

-- migrate:down
DROP POLICY break_glass_erasure ON casework.break_glass;
DROP POLICY appeal_erasure ON casework.appeal;
DROP POLICY legal_decision_erasure ON casework.legal_decision;
DROP POLICY child_protection_record_erasure ON casework.child_protection_record;
DROP POLICY pause_clearance_erasure ON casework.pause_clearance;
DELETE FROM casework.erasable_text
WHERE table_name IN ('break_glass', 'appeal', 'legal_decision', 'child_protection_record', 'pause_clearance');

-- migrate:up

-- `first_wait_ends_at`: of a lead whose first step is told, when that step's wait ends; from then on nobody joins it, also
-- where no further step follows. Null: it waits for its first letter.
ALTER TABLE alert ADD COLUMN first_wait_ends_at timestamptz;

-- Nobody joins the leads of before any more. The owner is not exempt from row-level security that is forced.
ALTER TABLE alert NO FORCE ROW LEVEL SECURITY;
UPDATE alert SET first_wait_ends_at = step_told_at
WHERE step_told_at IS NOT NULL AND group_wait_s IS NOT NULL AND lead_alert_id IS NULL;
ALTER TABLE alert FORCE ROW LEVEL SECURITY;

-- migrate:down
ALTER TABLE alert DROP COLUMN first_wait_ends_at;

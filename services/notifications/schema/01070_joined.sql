-- migrate:up

-- `joined_at`: when it joined its lead, on the clock of that moment, while the lead was locked: later than every letter that
-- does not tell of it. Null: it joined nobody, or before this column, when it was raised.
ALTER TABLE alert ADD COLUMN joined_at timestamptz;

-- migrate:down
ALTER TABLE alert DROP COLUMN joined_at;

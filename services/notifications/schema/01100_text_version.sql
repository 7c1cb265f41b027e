-- migrate:up

-- The saved version of the text that a message was made from; 0: what ships; null: it has not been sent, or was made from no
-- template (an inbox, a digest, the plain safe form).
ALTER TABLE delivery ADD COLUMN text_version integer;

-- migrate:down
ALTER TABLE delivery DROP COLUMN text_version;

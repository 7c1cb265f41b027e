-- migrate:up

-- A picture as it was received. The bytes themselves, re-encoded, are in the photo store under stored_sha256 and photo_id.
-- Without a submission_photo that points here it waits for its submission.
CREATE TABLE photo (
    photo_id uuid PRIMARY KEY,
    inspection_id uuid NOT NULL,
    county county_key NOT NULL,
    warehouse_id uuid NOT NULL REFERENCES warehouse (warehouse_id),
    instance_id text NOT NULL CHECK (char_length(instance_id) BETWEEN 1 AND 128),
    name text NOT NULL CHECK (name ~ '^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$'),
    submitted_by account NOT NULL,
    received_at timestamptz NOT NULL,
    -- The file as it was sent, of which only this is kept.
    original_sha256 text NOT NULL CHECK (original_sha256 ~ '^[0-9a-f]{64}$'),
    original_bytes integer NOT NULL CHECK (original_bytes > 0),
    original_format text NOT NULL CHECK (original_format IN ('JPEG', 'PNG', 'WEBP')),
    taken_at timestamptz,
    taken_latitude degrees,
    taken_longitude degrees,
    stored_sha256 text NOT NULL CHECK (stored_sha256 ~ '^[0-9a-f]{64}$'),
    stored_bytes integer NOT NULL CHECK (stored_bytes > 0),
    width_pixels integer NOT NULL CHECK (width_pixels > 0),
    height_pixels integer NOT NULL CHECK (height_pixels > 0),
    -- NULL for a picture too plain to be told from another.
    difference_hash bigint,
    -- The four 16-bit parts of the hash, each with its place: two hashes that differ in at most three bits share one.
    difference_hash_bands integer[] GENERATED ALWAYS AS (
        CASE WHEN difference_hash IS NOT NULL THEN ARRAY[
            (difference_hash & 65535)::integer,
            65536 + ((difference_hash >> 16) & 65535)::integer,
            131072 + ((difference_hash >> 32) & 65535)::integer,
            196608 + ((difference_hash >> 48) & 65535)::integer
        ] END
    ) STORED,
    CHECK ((taken_latitude IS NULL) = (taken_longitude IS NULL)),
    UNIQUE (inspection_id, instance_id, name, submitted_by),
    UNIQUE (photo_id, county),
    FOREIGN KEY (inspection_id, county) REFERENCES inspection (inspection_id, county)
);
CREATE INDEX photo_by_instance ON photo (instance_id, submitted_by);
CREATE INDEX photo_by_original ON photo (original_sha256);
CREATE INDEX photo_by_difference_hash ON photo USING gin (difference_hash_bands);

-- What has come of a photo that is sent in parts; deleted when the last one has come.
CREATE TABLE photo_part (
    inspection_id uuid NOT NULL,
    county county_key NOT NULL,
    instance_id text NOT NULL CHECK (char_length(instance_id) BETWEEN 1 AND 128),
    name text NOT NULL CHECK (name ~ '^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$'),
    submitted_by account NOT NULL,
    first_byte integer NOT NULL CHECK (first_byte >= 0),
    content bytea NOT NULL CHECK (octet_length(content) > 0),
    photo_bytes integer NOT NULL CHECK (photo_bytes > 0),
    received_at timestamptz NOT NULL,
    PRIMARY KEY (inspection_id, instance_id, name, submitted_by, first_byte),
    CHECK (first_byte + octet_length(content) < photo_bytes),
    FOREIGN KEY (inspection_id, county) REFERENCES inspection (inspection_id, county)
);

-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
ALTER TABLE submission_photo ADD CONSTRAINT submission_photo_photo FOREIGN KEY (photo_id, county) REFERENCES photo (photo_id, county);
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX submission_photo_by_photo ON submission_photo (photo_id) WHERE photo_id IS NOT NULL;

ALTER TABLE photo ENABLE ROW LEVEL SECURITY;
ALTER TABLE photo FORCE ROW LEVEL SECURITY;
ALTER TABLE photo_part ENABLE ROW LEVEL SECURITY;
ALTER TABLE photo_part FORCE ROW LEVEL SECURITY;

CREATE POLICY photo_api ON photo TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY photo_worker ON photo TO payesh_worker USING (true) WITH CHECK (true);
CREATE POLICY photo_part_api ON photo_part TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY photo_part_worker ON photo_part TO payesh_worker USING (true) WITH CHECK (true);

-- For photo_uses alone, which runs as the owner: a picture is compared with those of every county.
CREATE POLICY photo_comparison ON photo FOR SELECT TO CURRENT_USER USING (true);

-- Of photos in the caller's counties: at how many other sites, in any county, the same file and a near-same picture were
-- used. It answers numbers and nothing else, so no other county's site, photo or place can leak through it.
CREATE FUNCTION photo_uses(asked uuid[], bits_apart_max integer, sites_max integer)
RETURNS TABLE (photo_id uuid, same_sites integer, similar_sites integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
-- Nobody knows beforehand how rare a hash is; guessing too many, the planner would read the whole table.
SET enable_seqscan = off
AS $$
    SELECT mine.photo_id,
           (SELECT count(*) FROM (
                SELECT DISTINCT other.warehouse_id FROM public.photo AS other
                WHERE other.original_sha256 = mine.original_sha256 AND other.warehouse_id <> mine.warehouse_id
                LIMIT sites_max
           ) AS same)::integer,
           (SELECT count(*) FROM (
                SELECT DISTINCT other.warehouse_id FROM public.photo AS other
                WHERE other.difference_hash_bands && mine.difference_hash_bands
                  AND bit_count((other.difference_hash # mine.difference_hash)::bit(64)) <= bits_apart_max
                  AND other.original_sha256 <> mine.original_sha256 AND other.warehouse_id <> mine.warehouse_id
                LIMIT sites_max
           ) AS alike)::integer
    FROM public.photo AS mine
    WHERE mine.photo_id = ANY (asked) AND mine.county = ANY (public.payesh_counties())
$$;
REVOKE EXECUTE ON FUNCTION photo_uses(uuid[], integer, integer) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION photo_uses(uuid[], integer, integer) TO payesh_api;
GRANT SELECT, INSERT ON photo TO payesh_api;
GRANT SELECT, INSERT, DELETE ON photo_part TO payesh_api;
GRANT SELECT (photo_id, received_at), DELETE ON photo TO payesh_worker;
GRANT SELECT (inspection_id, instance_id, name, submitted_by, received_at), DELETE ON photo_part TO payesh_worker;
GRANT SELECT (photo_id) ON submission_photo TO payesh_worker;

-- migrate:down
DROP FUNCTION photo_uses(uuid[], integer, integer);
ALTER TABLE submission_photo DROP CONSTRAINT submission_photo_photo;
DROP INDEX submission_photo_by_photo;
DROP TABLE photo_part, photo;

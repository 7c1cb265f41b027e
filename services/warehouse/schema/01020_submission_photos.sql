-- migrate:up

-- A picture that a submission names, as the phone calls it; photo_id as soon as the picture itself is here.
CREATE TABLE submission_photo (
    submission_id uuid NOT NULL,
    county county_key NOT NULL,
    name text NOT NULL CHECK (name ~ '^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$'),
    item text CHECK (item IN (
        'access_and_compound', 'structure', 'storage_rules', 'fire_safety', 'visual_monitoring', 'staff_training',
        'passive_defence', 'hygiene_and_biological_hazard', 'stock_records'
    )),
    photo_id uuid,
    PRIMARY KEY (submission_id, name),
    FOREIGN KEY (submission_id, county) REFERENCES submission (submission_id, county)
);

ALTER TABLE submission_photo ENABLE ROW LEVEL SECURITY;
ALTER TABLE submission_photo FORCE ROW LEVEL SECURITY;
CREATE POLICY submission_photo_api ON submission_photo TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY submission_photo_worker ON submission_photo TO payesh_worker USING (true) WITH CHECK (true);

GRANT SELECT, INSERT ON submission_photo TO payesh_api;
GRANT UPDATE (photo_id) ON submission_photo TO payesh_api;

-- migrate:down
DROP TABLE submission_photo;

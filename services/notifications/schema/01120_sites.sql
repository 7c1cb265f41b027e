-- migrate:up

-- The register's ids of sites, by which officials know them: a fold of the warehouse service's events. `warehouse_id` stands
-- as the text by which an alert's details name it.
CREATE TABLE warehouse_site (
    warehouse_id text PRIMARY KEY,
    registry_id text NOT NULL,
    county text NOT NULL
);

ALTER TABLE warehouse_site ENABLE ROW LEVEL SECURITY;
ALTER TABLE warehouse_site FORCE ROW LEVEL SECURITY;
CREATE POLICY warehouse_site_api ON warehouse_site TO payesh_api
USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY warehouse_site_worker ON warehouse_site TO payesh_worker USING (true) WITH CHECK (true);

GRANT SELECT ON warehouse_site TO payesh_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON warehouse_site TO payesh_worker;

-- migrate:down
DROP TABLE warehouse_site;

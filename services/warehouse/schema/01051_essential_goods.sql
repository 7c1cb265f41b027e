-- migrate:up

CREATE DOMAIN commodity_key AS text CHECK (VALUE ~ '^[a-z][a-z0-9_]{0,31}$');
-- Nine decimals hold every conversion exactly: a quantity of three, times kilograms of three, in tonnes.
CREATE DOMAIN stock_tonnes AS numeric(20, 9) CHECK (VALUE BETWEEN 0 AND 100000000);

-- Every declaration that was ever made; rows are added and never changed.
CREATE TABLE stock_declaration (
    declaration_id uuid PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    warehouse_id uuid NOT NULL REFERENCES warehouse (warehouse_id),
    county county_key NOT NULL,
    commodity commodity_key NOT NULL,
    quantity numeric(15, 3) NOT NULL CHECK (quantity BETWEEN 0 AND 1000000000),
    unit text NOT NULL CHECK (unit ~ '^[a-z][a-z0-9_]{0,31}$'),
    tonnes stock_tonnes NOT NULL,
    declared_on date NOT NULL,
    declared_by account NOT NULL,
    declared_at timestamptz NOT NULL
);
CREATE INDEX stock_declaration_by_site ON stock_declaration (warehouse_id, position);

-- The newest declaration of a site, which alone counts, until it expires.
CREATE TABLE site_stock (
    warehouse_id uuid NOT NULL REFERENCES warehouse (warehouse_id),
    commodity commodity_key NOT NULL,
    county county_key NOT NULL,
    declaration_id uuid NOT NULL REFERENCES stock_declaration (declaration_id),
    tonnes stock_tonnes NOT NULL,
    declared_on date NOT NULL,
    -- Fence of the timer that expires it; 0 where it came already expired. An older arming changes nothing.
    timer_fence bigint NOT NULL,
    expired boolean NOT NULL,
    PRIMARY KEY (warehouse_id, commodity)
);
CREATE INDEX site_stock_by_county ON site_stock (county, commodity);

-- What a county needs of a commodity, from a day on. Rows are added and never changed.
CREATE TABLE essential_need (
    need_id uuid PRIMARY KEY,
    position bigint GENERATED ALWAYS AS IDENTITY,
    county county_key NOT NULL,
    commodity commodity_key NOT NULL,
    tonnes_per_day numeric(12, 3) NOT NULL CHECK (tonnes_per_day BETWEEN 0.001 AND 1000000),
    low_below_days numeric(7, 3) NOT NULL CHECK (low_below_days BETWEEN 0.001 AND 1000),
    recovered_above_days numeric(7, 3) NOT NULL CHECK (recovered_above_days <= 1000),
    valid_from date NOT NULL,
    set_by account NOT NULL CHECK (set_by <> 'system'),
    set_at timestamptz NOT NULL,
    UNIQUE (need_id, county, commodity),
    CONSTRAINT recovers_above_low CHECK (recovered_above_days > low_below_days)
);
CREATE INDEX essential_need_by_county ON essential_need (county, commodity, valid_from, position);

-- One row per county and commodity: its lock is the order in which cover is judged. Without a need nothing is low.
CREATE TABLE essential_stock (
    county county_key NOT NULL,
    commodity commodity_key NOT NULL,
    low boolean NOT NULL,
    need_id uuid,
    PRIMARY KEY (county, commodity),
    FOREIGN KEY (need_id, county, commodity) REFERENCES essential_need (need_id, county, commodity),
    CHECK (need_id IS NOT NULL OR NOT low)
);

ALTER TABLE stock_declaration ENABLE ROW LEVEL SECURITY;
ALTER TABLE stock_declaration FORCE ROW LEVEL SECURITY;
ALTER TABLE site_stock ENABLE ROW LEVEL SECURITY;
ALTER TABLE site_stock FORCE ROW LEVEL SECURITY;
ALTER TABLE essential_need ENABLE ROW LEVEL SECURITY;
ALTER TABLE essential_need FORCE ROW LEVEL SECURITY;
ALTER TABLE essential_stock ENABLE ROW LEVEL SECURITY;
ALTER TABLE essential_stock FORCE ROW LEVEL SECURITY;

CREATE POLICY stock_declaration_api ON stock_declaration TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY site_stock_api ON site_stock TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY site_stock_worker ON site_stock TO payesh_worker USING (true) WITH CHECK (true);
CREATE POLICY essential_need_api ON essential_need TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY essential_need_worker ON essential_need TO payesh_worker USING (true) WITH CHECK (true);
CREATE POLICY essential_stock_api ON essential_stock TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY essential_stock_worker ON essential_stock TO payesh_worker USING (true) WITH CHECK (true);

-- A site that the registry moves to another county takes its stock along, whoever moves it.
CREATE FUNCTION move_site_stock() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE site_stock SET county = NEW.county WHERE warehouse_id = NEW.warehouse_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER warehouse_moves_stock AFTER UPDATE OF county ON warehouse FOR EACH ROW
    WHEN (OLD.county IS DISTINCT FROM NEW.county) EXECUTE FUNCTION move_site_stock();

GRANT SELECT, INSERT ON stock_declaration, essential_need TO payesh_api;
GRANT SELECT, INSERT, UPDATE ON site_stock, essential_stock TO payesh_api;
GRANT SELECT ON hold, essential_need TO payesh_worker;
GRANT SELECT, UPDATE ON site_stock TO payesh_worker;
GRANT SELECT, INSERT, UPDATE ON essential_stock TO payesh_worker;

-- migrate:down
DROP TRIGGER warehouse_moves_stock ON warehouse;
DROP FUNCTION move_site_stock();
DROP TABLE essential_stock, essential_need, site_stock, stock_declaration;
DROP DOMAIN stock_tonnes, commodity_key;
REVOKE ALL ON hold FROM payesh_worker;

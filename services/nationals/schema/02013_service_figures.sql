-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- How many came, per centre, service and day; never who. Append-only: a correction is a further revision with a reason out of
-- a list, and the highest revision counts.
CREATE TABLE free_services.tally (
    service_centre_id uuid NOT NULL,
    service text NOT NULL,
    counted_on date NOT NULL,
    measure text NOT NULL CHECK (measure IN ('visits', 'turned_away', 'waiting')),
    revision bigint NOT NULL CHECK (revision >= 1),
    previous_revision bigint GENERATED ALWAYS AS (nullif(revision - 1, 0)) STORED,
    county text NOT NULL,
    count bigint NOT NULL CHECK (count BETWEEN 0 AND 100000),
    reason text CHECK (reason IN ('counting_error', 'late_sheets', 'counted_twice', 'wrong_service', 'wrong_day')),
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (service_centre_id, service, counted_on, measure, revision),
    FOREIGN KEY (service_centre_id, service) REFERENCES free_services.centre_service (service_centre_id, service),
    FOREIGN KEY (service_centre_id, county) REFERENCES free_services.service_centre (service_centre_id, county),
    FOREIGN KEY (service_centre_id, service, counted_on, measure, previous_revision)
        REFERENCES free_services.tally (service_centre_id, service, counted_on, measure, revision),
    CONSTRAINT correction_needs_reason CHECK ((revision = 1) = (reason IS NULL)),
    CONSTRAINT not_in_future CHECK (counted_on <= (recorded_at AT TIME ZONE 'Asia/Tehran')::date)
);
CREATE INDEX tally_of_county ON free_services.tally (county, counted_on);

CREATE TABLE free_services.need_estimate (
    county text NOT NULL,
    service text NOT NULL CHECK (service IN ('administrative', 'education', 'livelihood', 'health_referral', 'legal_aid')),
    jalali_year bigint NOT NULL CHECK (jalali_year BETWEEN 1400 AND 1499),
    jalali_month bigint NOT NULL CHECK (jalali_month BETWEEN 1 AND 12),
    revision bigint NOT NULL CHECK (revision >= 1),
    previous_revision bigint GENERATED ALWAYS AS (nullif(revision - 1, 0)) STORED,
    visits bigint NOT NULL CHECK (visits BETWEEN 0 AND 100000),
    source text NOT NULL CHECK (
        source IN ('survey', 'education_office', 'health_network', 'partner_organisation', 'statistics_office')
    ),
    source_document text NOT NULL CHECK (
        source_document ~ '^[A-Z]{1,6}(-[0-9]{1,6}){1,2}$'
        AND char_length(regexp_replace(source_document, '[^0-9]', '', 'g')) <= 9
    ),
    entered_by text NOT NULL,
    entered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (county, service, jalali_year, jalali_month, revision),
    FOREIGN KEY (county, service, jalali_year, jalali_month, previous_revision)
        REFERENCES free_services.need_estimate (county, service, jalali_year, jalali_month, revision)
);

-- What was published of a month that is over, once and for good: small cells are NULL here, whoever writes. `area` is a county
-- or 'total'; everybody may read it.
CREATE TABLE free_services.published_month (
    jalali_year bigint NOT NULL CHECK (jalali_year BETWEEN 1400 AND 1499),
    jalali_month bigint NOT NULL CHECK (jalali_month BETWEEN 1 AND 12),
    published_by text NOT NULL,
    published_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (jalali_year, jalali_month)
);

CREATE TABLE free_services.published_figure (
    jalali_year bigint NOT NULL,
    jalali_month bigint NOT NULL,
    area text NOT NULL,
    service text NOT NULL CHECK (
        service IN ('administrative', 'education', 'livelihood', 'health_referral', 'legal_aid', 'total')
    ),
    visits bigint,
    need bigint,
    slots_offered bigint NOT NULL CHECK (slots_offered >= 0),
    slots_used bigint,
    shortage bigint CHECK (shortage >= 0),
    waited_minutes_mean bigint CHECK (waited_minutes_mean >= 0),
    days_until_free_mean double precision CHECK (days_until_free_mean >= 0),
    PRIMARY KEY (jalali_year, jalali_month, area, service),
    FOREIGN KEY (jalali_year, jalali_month) REFERENCES free_services.published_month (jalali_year, jalali_month),
    CONSTRAINT no_small_visits CHECK (visits = 0 OR visits >= 10),
    CONSTRAINT no_small_need CHECK (need = 0 OR need >= 10),
    CONSTRAINT no_small_slots_used CHECK (slots_used = 0 OR slots_used >= 10),
    CONSTRAINT hidden_together CHECK (
        (visits IS NULL) = (need IS NULL) AND (visits IS NULL) = (shortage IS NULL)
        AND (slots_used IS NOT NULL OR waited_minutes_mean IS NULL)
    )
);

-- Figures that are added to a month after its publication would let a difference be told: all of a month's come at once.
CREATE FUNCTION free_services.guard_published_figure() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM free_services.published_month
        WHERE jalali_year = NEW.jalali_year AND jalali_month = NEW.jalali_month AND published_at = now()
    ) THEN
        RAISE EXCEPTION 'published figures: this month is published already' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard_published_figure BEFORE INSERT ON free_services.published_figure
FOR EACH ROW EXECUTE FUNCTION free_services.guard_published_figure();

ALTER TABLE free_services.tally ENABLE ROW LEVEL SECURITY;
ALTER TABLE free_services.tally FORCE ROW LEVEL SECURITY;
CREATE POLICY tally_api ON free_services.tally TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY tally_worker ON free_services.tally TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE free_services.need_estimate ENABLE ROW LEVEL SECURITY;
ALTER TABLE free_services.need_estimate FORCE ROW LEVEL SECURITY;
CREATE POLICY need_estimate_api ON free_services.need_estimate TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY need_estimate_worker ON free_services.need_estimate TO payesh_worker USING (true) WITH CHECK (true);

GRANT SELECT ON free_services.tally, free_services.need_estimate, free_services.published_month,
    free_services.published_figure TO free_services_api;
GRANT INSERT (service_centre_id, service, counted_on, measure, revision, county, count, reason, recorded_by)
    ON free_services.tally TO free_services_api;
GRANT INSERT (county, service, jalali_year, jalali_month, revision, visits, source, source_document, entered_by)
    ON free_services.need_estimate TO free_services_api;
GRANT INSERT (jalali_year, jalali_month, published_by) ON free_services.published_month TO free_services_api;
GRANT INSERT ON free_services.published_figure TO free_services_api;

-- migrate:down
DROP TABLE free_services.published_figure, free_services.published_month, free_services.need_estimate, free_services.tally;
DROP FUNCTION free_services.guard_published_figure();

-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- Partner organisations work in several counties, so their rows carry a set of counties: whoever has one of them may see the row, and
-- only who has all of them may change it. Figures carry one county each and are seen by county alone.
CREATE TABLE free_services.partner_organisation (
    partner_id uuid PRIMARY KEY,
    name_fa text NOT NULL UNIQUE CHECK (char_length(name_fa) BETWEEN 1 AND 200),
    name_en text NOT NULL UNIQUE CHECK (char_length(name_en) BETWEEN 1 AND 200),
    -- Where the partner is at home: officials of this county are told where the provincial office has nobody.
    home_county text NOT NULL,
    counties text[] NOT NULL CHECK (cardinality(counties) BETWEEN 1 AND 16),
    services text[] NOT NULL CHECK (
        cardinality(services) >= 1
        AND services <@ ARRAY['administrative', 'education', 'livelihood', 'health_referral', 'legal_aid']
    ),
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'ended')),
    registered_by text NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now(),
    CHECK (home_county = ANY (counties))
);

-- Which partner an account reports for. The account is the organisation's, and names nobody.
CREATE TABLE free_services.partner_account (
    subject text PRIMARY KEY CHECK (char_length(subject) BETWEEN 1 AND 128),
    partner_id uuid NOT NULL REFERENCES free_services.partner_organisation,
    appointed_by text NOT NULL,
    appointed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX partner_account_of_partner ON free_services.partner_account (partner_id);

CREATE TABLE free_services.partner_agreement (
    agreement_id uuid PRIMARY KEY,
    partner_id uuid NOT NULL REFERENCES free_services.partner_organisation,
    home_county text NOT NULL,
    counties text[] NOT NULL CHECK (cardinality(counties) BETWEEN 1 AND 16),
    services text[] NOT NULL CHECK (
        cardinality(services) >= 1
        AND services <@ ARRAY['administrative', 'education', 'livelihood', 'health_referral', 'legal_aid']
    ),
    subject text NOT NULL CHECK (char_length(subject) BETWEEN 1 AND 300),
    cadence text NOT NULL CHECK (cadence IN ('monthly', 'quarterly')),
    valid_from date NOT NULL,
    valid_until date NOT NULL,
    -- Copied when the agreement is made: a later change of the setting changes no running agreement.
    report_grace_days bigint NOT NULL CHECK (report_grace_days BETWEEN 0 AND 366),
    state text NOT NULL DEFAULT 'in_force' CHECK (state IN ('in_force', 'expiring', 'ended')),
    -- The period whose due timer is armed; none when the last one has passed.
    chased_period text CHECK (chased_period ~ '^1[34][0-9]{2}-([01][0-9]|Q[1-4])$'),
    made_by text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (agreement_id, partner_id),
    CHECK (valid_from <= valid_until)
);
CREATE INDEX partner_agreement_of_partner ON free_services.partner_agreement (partner_id, agreement_id);

CREATE TABLE free_services.agreement_renewal (
    agreement_id uuid NOT NULL REFERENCES free_services.partner_agreement,
    valid_until_before date NOT NULL,
    valid_until date NOT NULL,
    renewed_by text NOT NULL CHECK (renewed_by <> 'system'),
    renewed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (agreement_id, valid_until),
    CHECK (valid_until > valid_until_before)
);

CREATE TABLE free_services.partner_report (
    agreement_id uuid NOT NULL,
    period text NOT NULL CHECK (period ~ '^1[34][0-9]{2}-([01][0-9]|Q[1-4])$'),
    partner_id uuid NOT NULL,
    counties text[] NOT NULL,
    due_on date NOT NULL,
    state text NOT NULL DEFAULT 'awaited' CHECK (state IN ('awaited', 'late', 'received')),
    -- The version that counts; 0 while none has come.
    version bigint NOT NULL DEFAULT 0 CHECK (version >= 0),
    PRIMARY KEY (agreement_id, period),
    FOREIGN KEY (agreement_id, partner_id) REFERENCES free_services.partner_agreement (agreement_id, partner_id),
    CHECK ((state = 'received') = (version > 0))
);
CREATE INDEX partner_report_awaited ON free_services.partner_report (due_on) WHERE state <> 'received';

-- History: a corrected report is a new version, and nothing that came before is rewritten.
CREATE TABLE free_services.partner_report_version (
    agreement_id uuid NOT NULL,
    period text NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    file_sha256 text NOT NULL CHECK (file_sha256 ~ '^[0-9a-f]{64}$'),
    received_by text NOT NULL CHECK (received_by <> 'system'),
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (agreement_id, period, version),
    FOREIGN KEY (agreement_id, period) REFERENCES free_services.partner_report
);

CREATE TABLE free_services.partner_report_figure (
    agreement_id uuid NOT NULL,
    period text NOT NULL,
    version bigint NOT NULL,
    county text NOT NULL,
    service text NOT NULL CHECK (service IN ('administrative', 'education', 'livelihood', 'health_referral', 'legal_aid')),
    given bigint NOT NULL CHECK (given BETWEEN 0 AND 1000000),
    unmet bigint NOT NULL CHECK (unmet BETWEEN 0 AND 1000000),
    PRIMARY KEY (agreement_id, period, version, county, service),
    FOREIGN KEY (agreement_id, period, version) REFERENCES free_services.partner_report_version
);

ALTER TABLE free_services.partner_organisation ENABLE ROW LEVEL SECURITY;
ALTER TABLE free_services.partner_organisation FORCE ROW LEVEL SECURITY;
CREATE POLICY partner_organisation_seen ON free_services.partner_organisation FOR SELECT TO payesh_api
    USING (counties && payesh_counties());
CREATE POLICY partner_organisation_added ON free_services.partner_organisation FOR INSERT TO payesh_api
    WITH CHECK (counties <@ payesh_counties());
CREATE POLICY partner_organisation_changed ON free_services.partner_organisation FOR UPDATE TO payesh_api
    USING (counties <@ payesh_counties()) WITH CHECK (counties <@ payesh_counties());
CREATE POLICY partner_organisation_worker ON free_services.partner_organisation TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE free_services.partner_account ENABLE ROW LEVEL SECURITY;
ALTER TABLE free_services.partner_account FORCE ROW LEVEL SECURITY;
CREATE POLICY partner_account_seen ON free_services.partner_account FOR SELECT TO payesh_api
    USING (partner_id IN (SELECT partner_id FROM free_services.partner_organisation));
CREATE POLICY partner_account_added ON free_services.partner_account FOR INSERT TO payesh_api
    WITH CHECK (partner_id IN (SELECT partner_id FROM free_services.partner_organisation WHERE counties <@ payesh_counties()));
CREATE POLICY partner_account_removed ON free_services.partner_account FOR DELETE TO payesh_api
    USING (partner_id IN (SELECT partner_id FROM free_services.partner_organisation WHERE counties <@ payesh_counties()));

ALTER TABLE free_services.partner_agreement ENABLE ROW LEVEL SECURITY;
ALTER TABLE free_services.partner_agreement FORCE ROW LEVEL SECURITY;
CREATE POLICY partner_agreement_seen ON free_services.partner_agreement FOR SELECT TO payesh_api
    USING (counties && payesh_counties());
CREATE POLICY partner_agreement_added ON free_services.partner_agreement FOR INSERT TO payesh_api
    WITH CHECK (counties <@ payesh_counties());
CREATE POLICY partner_agreement_changed ON free_services.partner_agreement FOR UPDATE TO payesh_api
    USING (counties <@ payesh_counties()) WITH CHECK (counties <@ payesh_counties());
CREATE POLICY partner_agreement_worker ON free_services.partner_agreement TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE free_services.agreement_renewal ENABLE ROW LEVEL SECURITY;
ALTER TABLE free_services.agreement_renewal FORCE ROW LEVEL SECURITY;
CREATE POLICY agreement_renewal_seen ON free_services.agreement_renewal FOR SELECT TO payesh_api
    USING (agreement_id IN (SELECT agreement_id FROM free_services.partner_agreement));
CREATE POLICY agreement_renewal_added ON free_services.agreement_renewal FOR INSERT TO payesh_api
    WITH CHECK (agreement_id IN (SELECT agreement_id FROM free_services.partner_agreement WHERE counties <@ payesh_counties()));

ALTER TABLE free_services.partner_report ENABLE ROW LEVEL SECURITY;
ALTER TABLE free_services.partner_report FORCE ROW LEVEL SECURITY;
CREATE POLICY partner_report_seen ON free_services.partner_report FOR SELECT TO payesh_api
    USING (counties && payesh_counties());
CREATE POLICY partner_report_added ON free_services.partner_report FOR INSERT TO payesh_api
    WITH CHECK (counties <@ payesh_counties());
CREATE POLICY partner_report_changed ON free_services.partner_report FOR UPDATE TO payesh_api
    USING (counties <@ payesh_counties()) WITH CHECK (counties <@ payesh_counties());
CREATE POLICY partner_report_worker ON free_services.partner_report TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE free_services.partner_report_version ENABLE ROW LEVEL SECURITY;
ALTER TABLE free_services.partner_report_version FORCE ROW LEVEL SECURITY;
CREATE POLICY partner_report_version_seen ON free_services.partner_report_version FOR SELECT TO payesh_api
    USING ((agreement_id, period) IN (SELECT agreement_id, period FROM free_services.partner_report));
CREATE POLICY partner_report_version_added ON free_services.partner_report_version FOR INSERT TO payesh_api
    WITH CHECK (agreement_id IN (SELECT agreement_id FROM free_services.partner_agreement WHERE counties <@ payesh_counties()));

ALTER TABLE free_services.partner_report_figure ENABLE ROW LEVEL SECURITY;
ALTER TABLE free_services.partner_report_figure FORCE ROW LEVEL SECURITY;
CREATE POLICY partner_report_figure_api ON free_services.partner_report_figure TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY partner_report_figure_worker ON free_services.partner_report_figure TO payesh_worker USING (true) WITH CHECK (true);

GRANT SELECT ON free_services.partner_organisation, free_services.partner_account, free_services.partner_agreement,
    free_services.agreement_renewal, free_services.partner_report, free_services.partner_report_version,
    free_services.partner_report_figure TO free_services_api;
GRANT INSERT (partner_id, name_fa, name_en, home_county, counties, services, registered_by)
    ON free_services.partner_organisation TO free_services_api;
GRANT UPDATE (name_fa, name_en, home_county, counties, services, state) ON free_services.partner_organisation
    TO free_services_api;
GRANT INSERT (subject, partner_id, appointed_by) ON free_services.partner_account TO free_services_api;
-- DELETE: an account that stops reporting for a partner is forgotten.
GRANT DELETE ON free_services.partner_account TO free_services_api;
GRANT INSERT (agreement_id, partner_id, home_county, counties, services, subject, cadence, valid_from, valid_until,
              report_grace_days, chased_period, made_by) ON free_services.partner_agreement TO free_services_api;
GRANT UPDATE (valid_until, state, chased_period) ON free_services.partner_agreement TO free_services_api;
GRANT INSERT (agreement_id, valid_until_before, valid_until, renewed_by) ON free_services.agreement_renewal
    TO free_services_api;
GRANT INSERT (agreement_id, period, partner_id, counties, due_on) ON free_services.partner_report TO free_services_api;
GRANT UPDATE (state, version) ON free_services.partner_report TO free_services_api;
GRANT INSERT (agreement_id, period, version, file_sha256, received_by) ON free_services.partner_report_version
    TO free_services_api;
GRANT INSERT ON free_services.partner_report_figure TO free_services_api;

GRANT SELECT ON free_services.partner_agreement, free_services.partner_report, free_services.partner_report_figure
    TO free_services_worker;
GRANT UPDATE (state, chased_period) ON free_services.partner_agreement TO free_services_worker;
GRANT INSERT (agreement_id, period, partner_id, counties, due_on) ON free_services.partner_report TO free_services_worker;
GRANT UPDATE (state) ON free_services.partner_report TO free_services_worker;

-- migrate:down
-- squawk-ignore ban-drop-table
DROP TABLE free_services.partner_report_figure, free_services.partner_report_version, free_services.partner_report,
    free_services.agreement_renewal, free_services.partner_agreement, free_services.partner_account,
    free_services.partner_organisation;

-- migrate:up

-- The addresses of a person in the person's own order of preference, from 0. County as in working_group_member.
CREATE TABLE member_contact (
    member_id uuid NOT NULL REFERENCES working_group_member,
    preference smallint NOT NULL CHECK (preference >= 0),
    county text,
    channel text NOT NULL CHECK (channel IN ('email', 'sms', 'chat', 'webhook')),
    address text NOT NULL CHECK (length(address) BETWEEN 1 AND 254),
    PRIMARY KEY (member_id, preference),
    CONSTRAINT member_contact_once UNIQUE (member_id, channel, address)
);

-- Who is away, from the first to the last day (both included, in Asia/Tehran), and who stands in.
CREATE TABLE absence (
    member_id uuid NOT NULL REFERENCES working_group_member,
    first_day date NOT NULL,
    last_day date NOT NULL,
    deputy_id uuid NOT NULL REFERENCES working_group_member,
    county text,
    set_at timestamptz NOT NULL DEFAULT now(),
    set_by text NOT NULL,
    PRIMARY KEY (member_id, first_day),
    CONSTRAINT absence_in_order CHECK (first_day <= last_day),
    CONSTRAINT absence_has_another_deputy CHECK (deputy_id <> member_id)
);

-- Open hours that replace the usual ones: opening and closing time by weekday; a weekday that is not there is closed.
CREATE TABLE office_calendar (
    working_group text PRIMARY KEY,
    county text,
    hours jsonb NOT NULL CHECK (jsonb_typeof(hours) = 'object' AND hours <> '{}'),
    keeps_public_holidays boolean NOT NULL,
    closed_days date [] NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    changed_by text NOT NULL,
    CONSTRAINT office_calendar_county CHECK (county IS NULL OR county = working_group)
);

-- The owner is not exempt from row-level security that is forced: without this it would see no member to copy from.
ALTER TABLE working_group_member NO FORCE ROW LEVEL SECURITY;
INSERT INTO member_contact (member_id, preference, county, channel, address)
SELECT
    member_id,
    0,
    county,
    'email',
    email
FROM working_group_member;
ALTER TABLE working_group_member FORCE ROW LEVEL SECURITY;

ALTER TABLE member_contact ENABLE ROW LEVEL SECURITY;
ALTER TABLE member_contact FORCE ROW LEVEL SECURITY;
CREATE POLICY member_contact_api_read ON member_contact FOR SELECT TO payesh_api
USING (county = ANY (payesh_counties()) OR county IS NULL);
CREATE POLICY member_contact_api_insert ON member_contact FOR INSERT TO payesh_api
WITH CHECK (county = ANY (payesh_counties()) OR (county IS NULL AND cardinality(payesh_counties()) = 16));
CREATE POLICY member_contact_api_delete ON member_contact FOR DELETE TO payesh_api
USING (county = ANY (payesh_counties()) OR (county IS NULL AND cardinality(payesh_counties()) = 16));
CREATE POLICY member_contact_worker ON member_contact TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE absence ENABLE ROW LEVEL SECURITY;
ALTER TABLE absence FORCE ROW LEVEL SECURITY;
CREATE POLICY absence_api_read ON absence FOR SELECT TO payesh_api
USING (county = ANY (payesh_counties()) OR county IS NULL);
CREATE POLICY absence_api_insert ON absence FOR INSERT TO payesh_api
WITH CHECK (county = ANY (payesh_counties()) OR (county IS NULL AND cardinality(payesh_counties()) = 16));
CREATE POLICY absence_api_delete ON absence FOR DELETE TO payesh_api
USING (county = ANY (payesh_counties()) OR (county IS NULL AND cardinality(payesh_counties()) = 16));
CREATE POLICY absence_worker ON absence TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE office_calendar ENABLE ROW LEVEL SECURITY;
ALTER TABLE office_calendar FORCE ROW LEVEL SECURITY;
CREATE POLICY office_calendar_api_read ON office_calendar FOR SELECT TO payesh_api
USING (county = ANY (payesh_counties()) OR county IS NULL);
CREATE POLICY office_calendar_api_insert ON office_calendar FOR INSERT TO payesh_api
WITH CHECK (county = ANY (payesh_counties()) OR (county IS NULL AND cardinality(payesh_counties()) = 16));
CREATE POLICY office_calendar_api_update ON office_calendar FOR UPDATE TO payesh_api
USING (county = ANY (payesh_counties()) OR (county IS NULL AND cardinality(payesh_counties()) = 16))
WITH CHECK (county = ANY (payesh_counties()) OR (county IS NULL AND cardinality(payesh_counties()) = 16));
CREATE POLICY office_calendar_worker ON office_calendar TO payesh_worker USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, DELETE ON member_contact TO payesh_api;
GRANT SELECT ON member_contact TO payesh_worker;
GRANT SELECT, INSERT, DELETE ON absence TO payesh_api;
GRANT SELECT ON absence TO payesh_worker;
GRANT SELECT, INSERT, UPDATE ON office_calendar TO payesh_api;
GRANT SELECT ON office_calendar TO payesh_worker;

-- migrate:down
DROP TABLE office_calendar, absence, member_contact;

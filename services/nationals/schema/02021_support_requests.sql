-- migrate:up

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- What the province asks partners for: space, staff, materials, training, transport of goods. People are never transported.
CREATE TABLE free_services.support_request (
    request_id uuid PRIMARY KEY,
    partner_id uuid NOT NULL REFERENCES free_services.partner_organisation,
    county text NOT NULL,
    support text NOT NULL CHECK (support IN ('space', 'staff', 'materials', 'training', 'transport_of_goods')),
    quantity bigint NOT NULL CHECK (quantity BETWEEN 1 AND 100000),
    needed_by date NOT NULL,
    state text NOT NULL DEFAULT 'requested' CHECK (
        state IN ('requested', 'accepted', 'declined', 'under_way', 'delivered', 'confirmed', 'cancelled')
    ),
    decline_reason text CHECK (decline_reason IN ('no_means', 'not_in_time', 'outside_agreement', 'outside_mandate', 'other')),
    requested_by text NOT NULL CHECK (requested_by <> 'system'),
    requested_at timestamptz NOT NULL DEFAULT now(),
    unanswered_at timestamptz,
    UNIQUE (request_id, county),
    CHECK ((state = 'declined') = (decline_reason IS NOT NULL))
);
CREATE INDEX support_request_of_partner ON free_services.support_request (partner_id, request_id);

CREATE TABLE free_services.support_request_step (
    step_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request_id uuid NOT NULL,
    county text NOT NULL,
    state text NOT NULL,
    decline_reason text,
    taken_by text NOT NULL CHECK (taken_by <> 'system'),
    taken_at timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (request_id, county) REFERENCES free_services.support_request (request_id, county)
);
CREATE INDEX support_request_step_of_request ON free_services.support_request_step (request_id, step_id);

ALTER TABLE free_services.support_request ENABLE ROW LEVEL SECURITY;
ALTER TABLE free_services.support_request FORCE ROW LEVEL SECURITY;
CREATE POLICY support_request_api ON free_services.support_request TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));
CREATE POLICY support_request_worker ON free_services.support_request TO payesh_worker USING (true) WITH CHECK (true);

ALTER TABLE free_services.support_request_step ENABLE ROW LEVEL SECURITY;
ALTER TABLE free_services.support_request_step FORCE ROW LEVEL SECURITY;
CREATE POLICY support_request_step_api ON free_services.support_request_step TO payesh_api
    USING (county = ANY (payesh_counties())) WITH CHECK (county = ANY (payesh_counties()));

GRANT SELECT ON free_services.support_request, free_services.support_request_step TO free_services_api;
GRANT INSERT (request_id, partner_id, county, support, quantity, needed_by, requested_by) ON free_services.support_request
    TO free_services_api;
GRANT UPDATE (state, decline_reason) ON free_services.support_request TO free_services_api;
GRANT INSERT (request_id, county, state, decline_reason, taken_by) ON free_services.support_request_step
    TO free_services_api;
GRANT SELECT ON free_services.support_request TO free_services_worker;
GRANT UPDATE (unanswered_at) ON free_services.support_request TO free_services_worker;

-- migrate:down
-- squawk-ignore ban-drop-table
DROP TABLE free_services.support_request_step, free_services.support_request;

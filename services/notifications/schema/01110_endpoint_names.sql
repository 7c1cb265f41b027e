-- migrate:up

-- For webhook_endpoint_names alone, which runs as the owner.
CREATE POLICY webhook_endpoint_naming ON webhook_endpoint FOR SELECT TO CURRENT_USER USING (true);

-- What members' webhook contacts may name: the endpoints of the caller's counties and those of the province. It answers names
-- alone, so whoever has one county learns no address and no key of the province's.
CREATE FUNCTION webhook_endpoint_names() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog
AS $$
    SELECT name FROM public.webhook_endpoint WHERE county IS NULL OR county = ANY (public.payesh_counties())
$$;
REVOKE EXECUTE ON FUNCTION webhook_endpoint_names() FROM PUBLIC;

GRANT EXECUTE ON FUNCTION webhook_endpoint_names() TO payesh_api;

-- migrate:down
DROP FUNCTION webhook_endpoint_names();
DROP POLICY webhook_endpoint_naming ON webhook_endpoint;

"""The register's ids of sites, by which officials know what an alert is about."""

from collections.abc import Mapping
from uuid import UUID

from shared.contracts.counties import County
from shared.kit.transaction import Connection


def registry_id_of(details: str) -> str:
    """SQL: the registry id of the site that the jsonb column `details` names; null if it names none, or an unknown one."""
    return (
        f"(SELECT site.registry_id FROM warehouse_site AS site WHERE site.warehouse_id = {details} ->> 'warehouse_id')"
    )


async def put_sites(connection: Connection, sites: Mapping[UUID, tuple[str, County]]) -> None:
    """Keep (registry id, county) of sites, in one statement."""
    ids = sorted(sites)
    await connection.execute(
        """
        INSERT INTO warehouse_site (warehouse_id, registry_id, county) SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
        ON CONFLICT (warehouse_id) DO UPDATE SET registry_id = excluded.registry_id, county = excluded.county
        """,
        [str(one) for one in ids],
        [sites[one][0] for one in ids],
        [sites[one][1] for one in ids],
    )


async def change_sites(connection: Connection, sites: Mapping[UUID, tuple[str | None, County]]) -> None:
    """Keep the county of sites that are known, and their registry id unless that is None."""
    ids = sorted(sites)
    await connection.execute(
        """
        UPDATE warehouse_site AS site
        SET registry_id = coalesce(changed.registry_id, site.registry_id), county = changed.county
        FROM unnest($1::text[], $2::text[], $3::text[]) AS changed (warehouse_id, registry_id, county)
        WHERE site.warehouse_id = changed.warehouse_id
          AND (site.county, site.registry_id) <> (changed.county, coalesce(changed.registry_id, site.registry_id))
        """,
        [str(one) for one in ids],
        [sites[one][0] for one in ids],
        [sites[one][1] for one in ids],
    )

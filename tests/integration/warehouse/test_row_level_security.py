"""One county cannot read or write another's rows: over HTTP, by SQL as the service's own role, on a reused connection."""

from typing import Any

import asyncpg
import pytest

from shared.contracts.counties import County
from shared.kit.database import open_pool
from tests.integration.warehouse.province import Province, as_api, site_row, submission

COUNTY_TABLES = (
    "warehouse",
    "inspection",
    "submission",
    "checklist_result",
    "inspection_review",
    "discrepancy",
    "corrective_action",
    "hold",
    "county_counter",
)


async def full_shahriar(province: Province) -> dict[str, Any]:
    """One row in every table with a county, all of Shahriar."""
    [site] = await province.register(site_row(1, County.SHAHRIAR))
    review = await province.inspect(
        site,
        County.SHAHRIAR,
        found={"capacity_tonnes": 500},
        failed={"structure": "minor"},
        suspicion="biological_hazard",
    )
    await province.fold_events()
    inspection_id = await province.assign(site, County.SHAHRIAR)
    return review | {"warehouse_id": str(site), "open_inspection_id": inspection_id}


async def test_every_table_with_a_county_is_guarded(province: Province) -> None:
    await full_shahriar(province)
    unguarded = await province.superuser.fetch(
        """
        SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'county'
        WHERE c.relkind = 'r' AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
        """
    )
    assert [row["relname"] for row in unguarded] == []
    for table in COUNTY_TABLES:
        async with as_api(province, County.SHAHRIAR) as connection:
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") > 0, table
        for counties in ((County.REY,), ()):
            async with as_api(province, *counties) as connection:
                assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0, table


@pytest.mark.parametrize("table", ["warehouse", "inspection", "discrepancy", "corrective_action", "hold"])
async def test_another_countys_rows_cannot_be_changed_or_given_away(province: Province, table: str) -> None:
    await full_shahriar(province)
    async with as_api(province, County.REY) as connection:
        assert await connection.execute(f"UPDATE {table} SET county = 'rey'") == "UPDATE 0"
    async with as_api(province, County.SHAHRIAR) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(f"UPDATE {table} SET county = 'rey'")


async def test_the_api_cannot_touch_a_counter(province: Province) -> None:
    await full_shahriar(province)
    async with as_api(province, *County) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("UPDATE county_counter SET value = 0")


async def test_a_reviewer_of_rey_finds_nothing_of_shahriar(province: Province) -> None:
    there = await full_shahriar(province)
    assert (await province.ask("GET", "/warehouses", "reviewer.rey"))["items"] == []
    assert (await province.ask("GET", "/corrective-actions", "reviewer.rey"))["items"] == []
    assert list(await province.counters("reviewer.rey")) == ["rey"]
    assignment = {"warehouse_id": there["warehouse_id"], "inspector": "inspector.rey"}
    inspection = f"/inspections/{there['open_inspection_id']}"
    for path, who, body, code in (
        ("/inspections", "reviewer.rey", assignment, "site"),
        (f"{inspection}/submission", "inspector.rey", submission(), "inspection"),
        (f"{inspection}/review", "reviewer.rey", {"decision": "approve"}, "inspection"),
        (f"/corrective-actions/{there['action_ids'][0]}/resolution", "inspector.rey", {"evidence": "x"}, "action"),
        (f"/discrepancies/{there['discrepancy_id']}/resolution", "reviewer.rey", {"reason": "x"}, "discrepancy"),
        (f"/holds/{there['hold_id']}/lifting", "county_chair.rey", {"reason": "x"}, "hold"),
    ):
        problem = await province.ask("POST", path, who, body, status=404)
        assert problem["code"] == f"warehouse.{code}.not_found"


async def test_a_reused_connection_keeps_no_county(province: Province) -> None:
    await full_shahriar(province)
    pool = await open_pool(province.database.api_url, size=1, name="one", acquire_timeout_s=5)
    try:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT set_config('payesh.counties', 'shahriar', true)")
            assert await connection.fetchval("SELECT count(*) FROM warehouse") == 1
        async with pool.acquire() as connection:
            assert await connection.fetchval("SELECT count(*) FROM warehouse") == 0
    finally:
        pool.terminate()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE warehouse SET capacity_tonnes = 'NaN'",
        "UPDATE warehouse SET capacity_tonnes = -1",
        "UPDATE warehouse SET county = 'karaj'",
        "UPDATE warehouse SET operator_id = '0012345678'",
        "UPDATE warehouse SET latitude = 35",
        "UPDATE inspection SET reviewed_by = inspector",
        "UPDATE inspection SET state = 'completed' WHERE state = 'assigned'",
        "UPDATE hold SET lifted_at = now()",
        "UPDATE hold SET lifted_at = now(), lifted_by = 'x', lifting_reason = ' '",
        "UPDATE hold SET referred_to = 'anti_smuggling_commission'",
        "UPDATE corrective_action SET state = 'resolved'",
        "INSERT INTO inspection SELECT gen_random_uuid(), warehouse_id, county, 'assigned', due_on, inspector, assigned_by,"
        " assigned_at FROM inspection WHERE state = 'assigned'",
        "INSERT INTO hold SELECT gen_random_uuid(), warehouse_id, inspection_id, county, ground, referred_to, placed_by,"
        " placed_at FROM hold",
        "INSERT INTO warehouse (warehouse_id, registry_id, county, name, kind, capacity_tonnes, floor_area_m2, status,"
        " risk_class, next_due_on) SELECT gen_random_uuid(), registry_id, county, name, kind, 1, 1, status, risk_class,"
        " next_due_on FROM warehouse",
    ],
)
async def test_the_tables_refuse_what_the_domain_refuses(province: Province, statement: str) -> None:
    await full_shahriar(province)
    async with as_api(province, County.SHAHRIAR) as connection:
        with pytest.raises((asyncpg.IntegrityConstraintViolationError, asyncpg.DataError)):
            await connection.execute(statement)

"""What planning and reviewing keep is nobody else's than the county's, and the tables refuse what the domain refuses."""

import asyncpg
import pytest

from shared.contracts.counties import County
from tests.integration.warehouse.province import Province, as_api, site_row
from tests.integration.warehouse.test_inspection_plans import plan_body
from tests.integration.warehouse.test_registry_proposals import found_site

TABLES = (
    "inspection_change",
    "recount",
    "inspection_plan",
    "inspection_plan_inspector",
    "inspection_plan_line",
    "registry_proposal",
    "unregistered_site",
)


async def full_rey(province: Province) -> None:
    """One row in every table, all of Rey."""
    first, second, third = await province.register(*(site_row(number) for number in range(3)))
    await province.inspect(first, found={"capacity_tonnes": 700})
    await province.inspect(second, found={"capacity_tonnes": 9000})
    await province.inspect(second, inspector="inspector2.rey", found={"capacity_tonnes": 9100})
    inspection_id = await province.assign(third)
    change = {"inspector": "inspector2.rey", "reason": "x"}
    await province.ask("POST", f"/inspections/{inspection_id}/reassignment", "reviewer.rey", change)
    await province.ask("POST", "/inspection-plans", "reviewer.rey", await plan_body(province))
    await province.ask("POST", "/unregistered-sites", "inspector.rey", found_site())


async def test_another_county_sees_nothing(province: Province) -> None:
    await full_rey(province)
    for table in TABLES:
        async with as_api(province, County.REY) as connection:
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") > 0, table
        for counties in ((County.QODS,), ()):
            async with as_api(province, *counties) as connection:
                assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0, table


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE recount SET second_inspector = not_by[1]",
        "UPDATE recount SET outcome = 'disagreed', decision = 'first', decided_by = not_by[1], decided_at = now(),"
        " decision_reason = 'x'",
        "UPDATE recount SET decision = 'first', decided_by = 'a', decided_at = now(), decision_reason = 'x'",
        "UPDATE registry_proposal SET state = 'accepted'",
        "UPDATE registry_proposal SET state = 'accepted', decided_by = not_by[1], decided_at = now()",
        "UPDATE registry_proposal SET state = 'rejected', decided_by = 'a', decided_at = now()",
        "UPDATE unregistered_site SET state = 'rejected', decided_by = found_by, decided_at = now(), decision_reason = 'x'",
        "UPDATE unregistered_site SET state = 'accepted', decided_by = 'a', decided_at = now()",
        "UPDATE inspection_plan SET state = 'accepted'",
    ],
)
async def test_the_tables_refuse_what_the_domain_refuses(province: Province, statement: str) -> None:
    await full_rey(province)
    async with as_api(province, County.REY) as connection:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE inspection_change SET reason = 'y'",
        "UPDATE inspection_plan_line SET explanation = '{}'",
        "UPDATE registry_proposal SET proposed_value = '1'",
        "UPDATE recount SET not_by = '{x}'",
        "UPDATE unregistered_site SET found_by = 'x'",
        "DELETE FROM registry_proposal",
        "UPDATE recount SET county = 'qods'",
    ],
)
async def test_what_happened_cannot_be_rewritten(province: Province, statement: str) -> None:
    await full_rey(province)
    async with as_api(province, County.REY) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)

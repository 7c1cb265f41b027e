"""Registry files over HTTP: whole or not at all, the same file twice changes nothing, nothing personal is kept."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.demo.registry_file import write_registry_file
from services.warehouse.registry_file import FILE_BYTES_MAX
from shared.contracts.counties import County
from shared.contracts.warehouse import WarehouseChanged, WarehouseRegistered
from tests.integration.warehouse.province import Province, as_csv, site_row

ROWS_MAX = 2_000
"""Instead of a hundred thousand, so that one too many is quickly made."""


def tally(answer: dict[str, Any]) -> Sequence[int]:
    return [answer[name] for name in ("rows", "added", "changed", "unchanged", "refused_rows")]


async def test_a_province_of_dirt_is_imported_exactly(province: Province, tmp_path: Path) -> None:
    path = tmp_path / "registry.xlsx"
    facts = write_registry_file(path, seed=3)
    content = path.read_bytes()
    looked_at = await province.send_file(content, "dry_run")
    assert tally(looked_at) == [facts.rows, facts.accepted_rows, 0, 0, facts.refused_rows]
    assert await province.superuser.fetchval("SELECT count(*) FROM warehouse") == 0
    assert await province.events() == []

    applied = await province.send_file(content)
    assert tally(applied) == tally(looked_at)
    planted = {(refusal.row, refusal.column, refusal.reason_code.value) for refusal in facts.refused}
    assert {(cell["row"], cell["column"], cell["reason_code"]) for cell in applied["refused"]} == planted
    assert len(applied["refused"]) == len(planted)
    assert all(cell["reason_fa"] and cell["reason_en"] for cell in applied["refused"])
    assert applied["ignored_columns"] == list(facts.ignored_columns)
    assert len(await province.events(WarehouseRegistered)) == facts.accepted_rows

    await province.fold_events()
    counters = await province.counters()
    for county, expected in facts.accepted.items():
        assert counters[county]["registered_sites"] == expected.sites
        assert counters[county]["registered_capacity_tonnes"] == float(expected.capacity_tonnes)

    again = await province.send_file(content)
    assert tally(again) == [facts.rows, 0, 0, facts.accepted_rows, facts.refused_rows]
    assert len(await province.events()) == facts.accepted_rows
    assert again["import_id"] != applied["import_id"]


async def test_changes_are_published_with_what_was_before(province: Province) -> None:
    [first, _] = await province.register(site_row(1), site_row(2))
    await province.inspect(first)
    answer = await province.send_file(as_csv([site_row(1, County.QODS, "1200.5"), site_row(2)]))
    assert tally(answer) == [2, 0, 1, 1, 0]
    assert await province.events(WarehouseChanged) == [
        WarehouseChanged(
            warehouse_id=first,
            county=County.QODS,
            county_before=County.REY,
            capacity_tonnes=1200.5,
            capacity_tonnes_before=1000,
            changed_fields=("county", "capacity_tonnes"),
            is_inspected=True,
            verified_capacity_tonnes=1000,
            in_use_capacity_tonnes=400.5,
            is_within_interval=True,
        )
    ]
    await province.fold_events()
    counted = await province.counters_from_folds()
    assert counted["qods", "verified_capacity_tonnes"] == 1000
    assert ("rey", "verified_capacity_tonnes") not in counted


async def test_a_site_with_open_work_keeps_its_county(province: Province) -> None:
    [site] = await province.register(site_row(1))
    await province.assign(site)
    answer = await province.send_file(as_csv([site_row(1, County.QODS)]))
    assert [(cell["row"], cell["column"], cell["reason_code"]) for cell in answer["refused"]] == [
        (2, "county", "open_work_in_county")
    ]
    assert await province.superuser.fetchval("SELECT county FROM warehouse") == "rey"


async def test_silence_of_a_file_changes_nothing(province: Province) -> None:
    full = site_row(1, address="خیابان یک", postal_code="1234567890", status="تعطیل", latitude="35.6", longitude="51.4")
    await province.register(full, site_row(2) | dict.fromkeys(full.keys() - site_row(2).keys(), ""))
    assert tally(await province.send_file(as_csv([site_row(1)]))) == [1, 0, 0, 1, 0]
    row = await province.superuser.fetchrow("SELECT status, address FROM warehouse WHERE registry_id = '1'")
    assert row is not None
    assert (row["status"], row["address"]) == ("closed", "خیابان یک")
    assert await province.superuser.fetchval("SELECT count(*) FROM warehouse") == 2


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "warehouse.import.empty"),
        (b"PK\x03\x04 is no workbook", 422, "warehouse.import.file_unreadable"),
        ("شناسه".encode("utf-16"), 422, "warehouse.import.file_unreadable"),
        (b"registry_id,name\n1,2\n", 422, "warehouse.import.column_missing"),
        (as_csv([site_row(1) | {"کد ملی": "0012345678"}]), 422, "warehouse.import.personal_id_column"),
        (
            b"registry_id,name,kind,county,area,capacity\n" + b"1,2,3,4,5,6\n" * (ROWS_MAX + 1),
            413,
            "warehouse.import.file_too_large",
        ),
        (b"x" * (FILE_BYTES_MAX + 1), 413, "warehouse.import.file_too_large"),
    ],
    ids=["empty", "damaged", "utf-16", "columns", "personal", "rows", "bytes"],
)
async def test_a_file_that_cannot_be_taken_is_refused_whole(
    province: Province, content: bytes, status: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.warehouse.registry_file.reading.ROWS_MAX", ROWS_MAX)
    problem = await province.send_file(content, status=status)
    assert problem["code"] == code
    assert await province.superuser.fetchval("SELECT count(*) FROM registry_import") == 0
    assert await province.superuser.fetchval("SELECT count(*) FROM warehouse") == 0


async def test_rows_of_different_batches_are_judged_together(
    province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.warehouse.handlers.registry.BATCH_ROWS", 2)
    rows = [site_row(1), site_row(2), site_row(3), site_row(2), site_row(4), site_row(1, capacity="7"), site_row(5)]
    answer = await province.send_file(as_csv(rows))
    assert [(cell["row"], cell["reason_code"]) for cell in answer["refused"]] == [
        (2, "registry_id_conflict"),
        (5, "registry_id_repeated"),
        (7, "registry_id_conflict"),
    ]
    assert tally(answer) == [7, 4, 0, 0, 3]
    assert [event.model_dump()["registry_id"] for event in await province.events(WarehouseRegistered)] == [
        "2",
        "3",
        "4",
        "5",
    ]


async def test_what_fails_at_the_end_leaves_nothing(province: Province, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise asyncpg.UniqueViolationError("planted")

    await province.register(site_row(1))
    tables = ("warehouse", "outbox", "stream_head", "registry_import", "registry_import_lines", "idempotency")
    queries = [f"SELECT * FROM {table} ORDER BY 1, 2" for table in (*tables, "registry_import_missing")]
    before = [await province.superuser.fetch(query) for query in queries]
    with monkeypatch.context() as planted:
        planted.setattr("services.warehouse.handlers.registry.BATCH_ROWS", 2)
        planted.setattr("services.warehouse.store.registry_imports.insert_import", fail)
        content = as_csv([site_row(number) for number in range(2, 9)])
        await province.send_file(content, status=409, key="once")
    assert [await province.superuser.fetch(query) for query in queries] == before
    assert (await province.send_file(content, key="once"))["added"] == 7


async def test_who_may_import(province: Province) -> None:
    content = as_csv([site_row(1)])
    assert (await province.send_file(content, who="reviewer.rey", status=403))["code"] == "kit.role_not_allowed"
    problem = await province.send_file(content, who="registry_clerk.rey", status=403)
    assert problem["code"] == "warehouse.import.province_wide"


async def test_a_repeated_command_is_answered_once(province: Province) -> None:
    content = as_csv([site_row(1)])
    first = await province.send_file(content, key="import-1")
    assert await province.send_file(content, key="import-1") == first
    other = await province.send_file(as_csv([site_row(2)]), key="import-1", status=422)
    assert other["code"] == "kit.idempotency_key_reused"
    assert await province.superuser.fetchval("SELECT count(*) FROM registry_import") == 1


async def test_imports_at_once_add_each_site_once(province: Province) -> None:
    content = as_csv([site_row(number) for number in range(300)])
    answers = await asyncio.gather(
        *(
            province.client.post(
                "/registry-imports?mode=apply",
                files={"file": ("registry", content)},
                headers=province.headers("registry_clerk"),
            )
            for _ in range(4)
        )
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    added = [answer.json()["added"] for answer in answers if answer.status_code == 201]
    assert sum(added) == 300
    assert len(await province.events(WarehouseRegistered)) == 300


async def test_a_wrong_operator_id_is_nowhere(province: Province) -> None:
    answer = await province.send_file(as_csv([site_row(1, operator_id="0012345678")]), key="once")
    assert answer["refused"][0]["reason_code"] == "operator_id_not_eleven_digits"
    stored = await province.superuser.fetch("SELECT encode(response, 'escape') AS response FROM idempotency")
    assert "0012345678" not in str(answer) + "".join(row["response"] for row in stored)

"""A large registry file: bounded memory of the whole process, and the time beside a COPY of the same rows.

Short by default; PAYESH_TEST_REGISTRY_ROWS=100000 is the long form.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.demo.registry_file import write_registry_file
from tests.integration.warehouse.province import Province

ROWS = int(os.environ.get("PAYESH_TEST_REGISTRY_ROWS", "6000"))
GROWTH_BYTES_MAX = 200 * 1024 * 1024
DEADLINE_S = 600


@pytest.mark.slow
@pytest.mark.timeout(DEADLINE_S * 2)
async def test_a_large_file_takes_bounded_memory(province: Province, tmp_path: Path) -> None:
    facts = write_registry_file(tmp_path / "registry.xlsx", seed=5, rows=ROWS)
    command = [
        "-m",
        "tests.support.registry_import_process",
        province.database.api_url,
        str(tmp_path / "registry.xlsx"),
    ]
    done = subprocess.run([sys.executable, *command], check=True, stdout=subprocess.PIPE, timeout=DEADLINE_S)
    figures = json.loads(done.stdout.splitlines()[-1])
    assert (figures["rows"], figures["added"]) == (facts.rows, facts.accepted_rows)
    assert await province.superuser.fetchval("SELECT count(*) FROM outbox") == facts.accepted_rows + 1
    assert figures["grown_with_report_bytes"] < GROWTH_BYTES_MAX

    columns = (
        "warehouse_id, registry_id, county, name, kind, capacity_tonnes, floor_area_m2, status, risk_class, next_due_on"
    )
    rows = await province.superuser.fetch(f"SELECT {columns} FROM warehouse")
    await province.superuser.execute("CREATE TABLE copied (LIKE warehouse INCLUDING ALL)")
    began_s = time.perf_counter()
    await province.superuser.copy_records_to_table(
        "copied", records=[tuple(row) for row in rows], columns=columns.split(", ")
    )
    copy_s = time.perf_counter() - began_s
    print(f"{ROWS} rows: {figures}; COPY {copy_s:.3f} s, ratio {figures['took_s'] / copy_s:.1f}")

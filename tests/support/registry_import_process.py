"""A process of its own that imports one file, so that its memory can be told: `python -m … API_URL FILE`.

It serves the warehouse service's HTTP to itself; what its client holds counts as well. Prints one JSON object.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

from services.warehouse.app import service
from shared.kit.database import open_pool
from shared.kit.http import connect
from tests.support.identity import bearer, client_of, create_test_verifier

SMALL = "registry_id,name,kind,county,area,capacity\nsmall,انبار,general,rey,1,2\n"


def peak_bytes() -> int:
    """Of this program alone: what `getrusage` tells begins with the memory of whoever started it."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


async def main(api_url: str, path: Path) -> None:
    """A small file first, so that everything an import needs is loaded; then the file, and its report."""
    pool = await open_pool(api_url, size=4, name="registry-import-process", acquire_timeout_s=30)
    connect(service.api, pool=pool, verifier=create_test_verifier())
    headers = bearer("registry_clerk", subject="clerk")
    async with client_of(service.api) as client:
        url = "/registry-imports?mode=apply"
        small = await client.post(url, files={"file": ("small.csv", SMALL.encode())}, headers=headers, timeout=600)
        small.raise_for_status()
        idle_bytes, began_s, used_s = peak_bytes(), time.perf_counter(), time.process_time()
        with path.open("rb") as file:
            answer = await client.post(url, files={"file": (path.name, file)}, headers=headers, timeout=600)
        answer.raise_for_status()
        took_s, used_s = time.perf_counter() - began_s, time.process_time() - used_s
        imported_bytes = peak_bytes()
        report = await client.get(
            f"/registry-imports/{answer.json()['import_id']}/report", headers=headers, timeout=600
        )
        report.raise_for_status()
    pool.terminate()
    counts = {name: answer.json()[name] for name in ("rows", "added", "unchanged", "refused_rows")}
    figures = {"took_s": took_s, "processor_s": used_s, "grown_bytes": imported_bytes - idle_bytes}
    figures |= {"grown_with_report_bytes": peak_bytes() - idle_bytes}
    print(json.dumps(counts | figures))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))

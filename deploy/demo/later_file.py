"""A later registry file that leaves sites out: nothing is closed by silence, the sites are listed for a person."""

import csv
import io
import zipfile
from typing import Final

from deploy.demo.actors import REGISTRY_CLERK
from deploy.demo.client import DemoClient
from deploy.demo.inspections import SERVICE, RegistryFile, import_registry

LEFT_OUT: Final = 7
EXPORT_PATH: Final = "/warehouses/export?format=csv"
ID_COLUMN: Final = "شناسه انبار"


async def play(client: DemoClient) -> str:
    """The service's own export without its last sites, as a dry run; its report is downloaded."""
    exported = (await client.fetch(REGISTRY_CLERK, SERVICE, EXPORT_PATH)).decode("utf-8-sig")
    heading, *rows = list(csv.reader(io.StringIO(exported)))
    target = io.StringIO()
    csv.writer(target).writerows([heading, *rows[:-LEFT_OUT]])
    file = RegistryFile("later.csv", target.getvalue().encode("utf-8-sig"))
    looked_at = await import_registry(client, file, "registry.later_file", "dry_run")
    answer = looked_at.answer
    told = {name: answer[name] for name in ("rows", "added", "changed", "refused_rows", "missing")}
    expected = {"rows": len(rows) - LEFT_OUT, "added": 0, "changed": 0, "refused_rows": 0, "missing": LEFT_OUT}
    client.observe("what the later file would change", expected, told)

    path = f"/registry-imports/{answer['import_id']}"
    missing = await client.read(REGISTRY_CLERK, SERVICE, f"{path}/missing")
    place = heading.index(ID_COLUMN)
    left_out = sorted(row[place] for row in rows[-LEFT_OUT:])
    client.observe(
        "sites that the later file leaves out", left_out, sorted(line["registry_id"] for line in missing["items"])
    )
    report = await client.fetch(REGISTRY_CLERK, SERVICE, f"{path}/report")
    with zipfile.ZipFile(io.BytesIO(report)) as workbook:
        client.observe("the report is a workbook", True, "xl/workbook.xml" in workbook.namelist())
    return f"a later registry file leaves {answer['missing']} sites out: listed, and nothing closed"

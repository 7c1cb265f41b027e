"""`payesh contracts documents`: the OpenAPI and AsyncAPI 3 documents of each service, as files for integrating agencies."""

import json
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from deploy.embedded.errors import LauncherError
from deploy.embedded.migrations import SERVICES

EXPORT_TIMEOUT_S = 60


def export_documents(console: Console, directory: Path) -> None:
    """Write `<service>.openapi.json` and `<service>.asyncapi.json`. Each service prints its own; none needs to be running.

    Raises LauncherError when a service cannot.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for service in SERVICES:
        asked = subprocess.run(
            [sys.executable, "-m", f"services.{service}", "documents"],
            capture_output=True,
            text=True,
            timeout=EXPORT_TIMEOUT_S,
            check=False,
        )
        if asked.returncode != 0:
            raise LauncherError(f"{service} could not describe itself: {asked.stderr.strip()[-500:]}")
        for kind, document in json.loads(asked.stdout).items():
            path = directory / f"{service}.{kind}.json"
            path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
            console.print(f"{path}", markup=False, highlight=False)

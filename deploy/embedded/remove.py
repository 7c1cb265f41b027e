"""`python -m deploy.embedded.remove DIRECTORY`: delete one installation's data, after ending what it left running."""

import shutil
import sys
from pathlib import Path

from deploy.embedded.directories import DirectoryLock
from deploy.embedded.errors import LauncherError
from deploy.embedded.postgresql import EmbeddedPostgreSQL
from deploy.embedded.processes import ProcessRecords


def remove(state: Path) -> None:
    """Delete the state directory and the PostgreSQL data that may lie outside it.

    Raises LauncherError while a launcher uses it.
    """
    lock = DirectoryLock(state)
    lock.acquire()
    for directory in (state, state / "broker", state / "kafka"):
        ProcessRecords(directory / "processes").end_leftovers()
    if (state / "postgresql" / "secret").exists():
        EmbeddedPostgreSQL(state / "postgresql", port=0).remove()
    shutil.rmtree(state, ignore_errors=True)
    lock.release()


def main() -> int:
    """Remove the directory named by the only argument; exit code 1 with a message when it is in use."""
    try:
        remove(Path(sys.argv[1]).absolute())
    except LauncherError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m deploy.embedded.remove DIRECTORY`: delete all data under a state directory, after ending leftovers."""

import shutil
import sys
from pathlib import Path

from deploy.embedded.directories import DirectoryLock
from deploy.embedded.errors import LauncherError
from deploy.embedded.postgresql import EmbeddedPostgreSQL
from deploy.embedded.processes import ProcessRecords


def remove(root: Path) -> None:
    """Delete `root` with every installation in it, and PostgreSQL data of theirs that had to be placed elsewhere.

    Raises LauncherError, before anything is deleted, while a launcher uses one of them.
    """
    locks = [DirectoryLock(path.parent) for path in sorted(root.rglob("lock")) if path.is_file()]
    for lock in locks:
        lock.acquire()
    for directory in list(root.rglob("processes")):
        ProcessRecords(directory).end_leftovers()
    for lock in locks:
        lock.release()
    for secret in list(root.rglob("secret")):
        EmbeddedPostgreSQL(secret.parent, port=0).remove()
    shutil.rmtree(root, ignore_errors=True)


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

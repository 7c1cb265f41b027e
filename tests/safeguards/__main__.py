"""The long run of the state machine, with progress: ``python -m tests.safeguards --steps 1000000 --seed 7``."""

import argparse
import functools
import tempfile
from pathlib import Path

from deploy.embedded.directories import free_port
from deploy.embedded.postgresql import EmbeddedPostgreSQL
from tests.safeguards.run import run_steps
from tests.support.environment import DatabaseFactory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shrink", action="store_true", help="look for the shortest way to what broke a rule")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="payesh-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        server = EmbeddedPostgreSQL(Path(directory) / "postgresql", free_port(), settings={"fsync": "off"})
        server.start()
        try:
            database = DatabaseFactory(server).create("nationals")
            tell = functools.partial(print, flush=True)
            table, _ = run_steps(database, arguments.steps, arguments.seed, tell, shrink=arguments.shrink)
            print(table)
        finally:
            server.stop()


main()

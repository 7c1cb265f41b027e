"""`payesh contracts`: the committed JSON Schemas of the events, and whether a change may ship."""

from pathlib import Path

from rich.console import Console

from shared.contracts.compatibility import (
    SCHEMA_DIRECTORY,
    IncomparableSchema,
    breaking_changes,
    committed_schemas,
    current_schemas,
    render,
)


def export_schemas(console: Console, *, force: bool, directory: Path = SCHEMA_DIRECTORY) -> bool:
    """Write one file for each event; False, and nothing written, when a change would break a reader and `force` is not set."""
    current = current_schemas()
    if not force and not check_schemas(console, directory=directory, stale_is_wrong=False):
        return False
    directory.mkdir(parents=True, exist_ok=True)
    for name in committed_schemas(directory).keys() - current.keys():
        (directory / f"{name}.json").unlink()
    for name, schema in current.items():
        (directory / f"{name}.json").write_text(render(schema), "utf-8")
    console.print(f"{len(current)} schemas in {directory}", markup=False)
    return True


def check_schemas(console: Console, *, directory: Path = SCHEMA_DIRECTORY, stale_is_wrong: bool = True) -> bool:
    """Compare the contracts with the committed schemas: breaking changes, and files that no longer say what the code says."""
    committed, current = committed_schemas(directory), current_schemas()
    try:
        problems = breaking_changes(committed, current)
    except IncomparableSchema as error:
        problems = [f"cannot be compared, a person must look: {error}"]
    except ModuleNotFoundError:
        problems = ["the comparison is a development tool: run `make setup` first"]
    for problem in problems:
        console.print(f"breaking: {problem}", markup=False, highlight=False)
    if problems:
        console.print(
            "Within a version only additions are allowed: publish the change as a new version (v2) beside v1."
        )
        return False
    stale = sorted(
        name for name in current if name not in committed or render(committed[name]) != render(current[name])
    )
    if stale and stale_is_wrong:
        console.print(f"not exported yet: {', '.join(stale)}. Run `payesh contracts export` and commit.", markup=False)
        return False
    if stale_is_wrong:
        console.print(f"{len(current)} events, nothing breaks a reader")
    return True

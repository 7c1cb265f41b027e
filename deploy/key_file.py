"""Key files of services that seal what they store, for an installation on one machine. Elsewhere the operator gives them."""

import base64
import os
import secrets
from pathlib import Path

KEY_BYTES = 32


def load_or_create_key_file(path: Path) -> Path:
    """`path`, made at first use with one key and readable by its owner alone. Raises OSError.

    Written whole or not at all, and never over one that is there: losing it loses everything that it protects.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(b"1 " + base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(unfinished, path)
    except FileExistsError:
        pass
    finally:
        unfinished.unlink()
    return path

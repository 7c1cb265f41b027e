"""Fetches the pinned Apache Kafka server (pom.xml) with Maven, once per pom."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from deploy.embedded.errors import LauncherError

POM = Path(__file__).parent / "pom.xml"
TARGET = Path(__file__).parent / "target"
FETCH_DEADLINE_S = 600.0
INSTALL_HINT = "On Debian: apt-get install openjdk-17-jre-headless maven"


def java() -> str:
    """Path of the Java runtime; raises LauncherError, saying what to install, when there is none."""
    program = shutil.which("java")
    if program is None:
        raise LauncherError(f"Apache Kafka needs a Java runtime, version 17 or later. {INSTALL_HINT}")
    return program


def fetch_jars() -> Path:
    """Directory with the server's jars, fetched unless those of this very pom are there already.

    Raises LauncherError when Maven is missing or cannot fetch.
    """
    jars = TARGET / "jars"
    stamp = TARGET / "fetched"
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return jars
    java()
    maven = shutil.which("mvn")
    if maven is None:
        raise LauncherError(f"Fetching Apache Kafka needs Maven. {INSTALL_HINT}")
    shutil.rmtree(TARGET, ignore_errors=True)
    result = subprocess.run(
        [maven, "--batch-mode", "--quiet", "--file", str(POM), "dependency:copy-dependencies"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=FETCH_DEADLINE_S,
        check=False,
    )
    if result.returncode != 0:
        raise LauncherError(f"Maven cannot fetch Apache Kafka. Is there a network?\n{result.stdout[-2000:]}")
    stamp.write_text(digest)
    return jars

"""One JSON object a line whoever logs; secrets do not get out."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from shared.kit.logging import REDACTED, VALUE_CHARACTERS_MAX, redact

PROGRAM = """
import logging
from shared.kit.logging import bound_contextvars, configure_logging, get_logger
early = get_logger("early")
configure_logging(service="warehouse", instance="2", level="info")
with bound_contextvars(correlation_id="c-1"):
    early.info("own_event", county="rey", نام="ری")
    early.debug("too_quiet")
    logging.getLogger("uvicorn.error").warning("foreign %s", "event")
    logging.getLogger("aiokafka").debug("too quiet")
    try:
        1 / 0
    except ZeroDivisionError:
        early.exception("failed", password="hunter2")
        logging.getLogger("somewhere").exception("also failed")
early.info("outside", strange=object)
"""


def lines() -> list[dict[str, Any]]:
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_line_is_json_from_one_pipeline() -> None:
    own, foreign, failed, also_failed, outside = lines()
    assert {(line["service"], line["instance"]) for line in (own, foreign, failed, outside)} == {("warehouse", "2")}
    assert (own["event"], own["level"], own["source"], own["county"]) == ("own_event", "info", "early", "rey")
    assert (foreign["event"], foreign["level"], foreign["source"]) == ("foreign event", "warning", "uvicorn.error")
    assert {line["correlation_id"] for line in (own, foreign, failed, also_failed)} == {"c-1"}
    assert "correlation_id" not in outside
    assert "ZeroDivisionError" in failed["exception"]
    assert "ZeroDivisionError" in also_failed["exception"]
    assert failed["password"] == REDACTED


def test_secrets_are_removed_and_values_bounded() -> None:
    clean = redact(
        None,
        "",
        {
            "Authorization": "Bearer abc",
            "body": {"a": 1},
            "error": "GET /x with bearer eyJhbGciOi.J9.x failed",
            "address": "could not reach postgresql://warehouse_api:s3cret@127.0.0.1:5432/warehouse",
            "long": "x" * 100_000,
            "count": 3,
        },
    )
    text = json.dumps(clean)
    assert "abc" not in text
    assert "eyJ" not in text
    assert "s3cret" not in text
    assert "127.0.0.1:5432" in text
    assert clean["body"] == REDACTED
    assert clean["count"] == 3
    assert len(clean["long"]) == VALUE_CHARACTERS_MAX + 1


def test_what_a_provider_or_a_database_quotes_about_people_is_removed() -> None:
    clean = redact(
        None,
        "",
        {
            "error": "550 5.1.1 <governor.rey@ostan-tehran.ir>: no such user",
            "exception": "UniqueViolationError: duplicate key\nDETAIL:  Key (reference)=(the household) exists.\nHINT:  look",
            "shown": "UniqueViolationError('duplicate key\\nDETAIL:  Key (reference)=(the household) exists.')",
            "place": "warehouse-sites/3@1025, postgresql://api@db.example.ir/warehouse",
        },
    )
    text = json.dumps(clean)
    assert "governor" not in text
    assert "household" not in text
    assert clean["error"] == f"550 5.1.1 <{REDACTED}>: no such user"
    assert "HINT:  look" in clean["exception"]
    assert clean["place"] == "warehouse-sites/3@1025, postgresql://api@db.example.ir/warehouse"


def test_log_that_cannot_be_written_stops_nothing() -> None:
    """/dev/full answers every write as a full disk does."""
    program = f"{PROGRAM}\nimport sys\nprint('went on', file=sys.stderr)"
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", program], check=False, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert "went on" in done.stderr.splitlines()
    assert "Traceback" not in done.stderr

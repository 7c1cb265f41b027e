"""One JSON object a line on standard output, for our own, the standard library's and uvicorn's logs alike.

Request bodies are never logged; values under secret-sounding keys, bearer tokens, mail addresses and the DETAIL of
database errors (it quotes the row) are removed on the way out.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, BinaryIO, Final, cast

import orjson
import structlog
from structlog.contextvars import bind_contextvars, bound_contextvars, clear_contextvars, merge_contextvars
from structlog.typing import FilteringBoundLogger, Processor

__all__ = ["bind_contextvars", "bound_contextvars", "clear_contextvars", "configure_logging", "get_logger"]

REDACTED: Final = "[redacted]"
VALUE_CHARACTERS_MAX: Final = 4_000
TRACEBACK_CHARACTERS_MAX: Final = 20_000
SECRET_KEYS: Final = frozenset(
    {"authorization", "cookie", "set_cookie", "password", "secret", "token", "access_token", "body", "database_url"}
)
_BEARER = re.compile(r"(?i)\b(bearer)\s+[^\s\"',;]+")
_URL_PASSWORD = re.compile(r"(?P<before>[a-z][a-z0-9+.-]*://[^\s:/@]+):[^\s@/]+@")
_MAIL_ADDRESS = re.compile(r"(?<![\w/.+-])[\w.+-]+@(?:[\w-]+\.)+[^\W\d]{2,}")
_DATABASE_DETAIL = re.compile(r"(?<=DETAIL:)[^\n\\]+")
_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class _Output:
    """Lines that the file cannot take are lost: a full disk may stop the log, never the work that it tells of."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, line: bytes) -> int:
        with suppress(OSError):
            return self._file.write(line)
        return 0

    def flush(self) -> None:
        with suppress(OSError):
            self._file.flush()


def get_logger(name: str) -> FilteringBoundLogger:
    """Logger of a module; events are short snake_case names, everything else goes in key-value pairs."""
    logger: FilteringBoundLogger = structlog.get_logger(source=name)
    return logger


def configure_logging(*, service: str, instance: str, level: str = "info") -> None:
    """Send every log of this process through one pipeline. `level`: debug, info, warning or error."""

    def add_process(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        event["instance"] = instance
        return event

    processors: list[Processor] = [
        merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_process,
        structlog.processors.format_exc_info,
        redact,
        structlog.processors.JSONRenderer(serializer=_to_json),
    ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.BytesLoggerFactory(cast("BinaryIO", _Output(sys.stdout.buffer))),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [_ForwardingHandler()]
    root.setLevel(_LEVELS[level])
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "aiokafka", "faststream", "asyncio"):
        foreign = logging.getLogger(name)
        foreign.handlers[:] = []
        foreign.propagate = True
        foreign.setLevel(max(_LEVELS[level], logging.INFO))
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)


def redact(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Remove secrets and bound the length of every value."""
    for key, value in event.items():
        if key.lower().replace("-", "_") in SECRET_KEYS:
            event[key] = REDACTED
        elif isinstance(value, str):
            event[key] = _clean(value, TRACEBACK_CHARACTERS_MAX if key == "exception" else VALUE_CHARACTERS_MAX)
    return event


def _clean(text: str, characters_max: int) -> str:
    if "earer" in text or "EARER" in text:
        text = _BEARER.sub(rf"\1 {REDACTED}", text)
    if "@" in text:
        text = _URL_PASSWORD.sub(rf"\g<before>:{REDACTED}@", text)
        text = _MAIL_ADDRESS.sub(REDACTED, text)
    if "DETAIL:" in text:
        text = _DATABASE_DETAIL.sub(f" {REDACTED}", text)
    return text if len(text) <= characters_max else text[:characters_max] + "…"


def _to_json(event: object, **_: object) -> bytes:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS)


class _ForwardingHandler(logging.Handler):
    """Hands a standard-library record to structlog, so that both kinds of log share every processor."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            fields: dict[str, Any] = {"exc_info": record.exc_info} if record.exc_info else {}
            get_logger(record.name).log(_nearest_level(record.levelno), record.getMessage(), **fields)
        except Exception:
            self.handleError(record)


def _nearest_level(level: int) -> int:
    return max(10, min(50, level // 10 * 10))

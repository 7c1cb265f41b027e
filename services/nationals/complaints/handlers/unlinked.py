"""Nothing that a client sends along may join a complaint with what else the client did."""

import secrets
from collections.abc import Generator
from contextlib import contextmanager

from uuid_utils.compat import uuid7

from shared.kit.telemetry import span
from shared.kit.transaction import Transaction


@contextmanager
def unlinked(tx: Transaction) -> Generator[None]:
    """Give the transaction's events and timers a correlation id and a trace of their own.

    A caseworker's client sends one correlation id or trace for a whole visit; on the topic or in a timer's row it would join the
    complaint with the case that was worked on before (safeguard 14, the firewall).
    """
    tx.correlation_id = str(uuid7())
    tx.traceparent = None
    with span("complaint", f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"):
        yield

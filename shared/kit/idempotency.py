"""Idempotency-Key: the first request with a key does its work, every later one gets the same answer (rule 11).

The key is a row of the same transaction as the work: a refusal or crash leaves neither, and a second request that
comes while the first is still working waits for it on that row.
"""

import hashlib
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode

from shared.contracts.refusals import Refusal
from shared.kit import problems
from shared.kit.connections import Connection

KEY_PATTERN: Final = r"^[\x21-\x7e]{1,255}$"


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What the first request with this key was answered."""

    status: int
    response: bytes


def fingerprint(method: str, path: str, query: str, body_sha256: bytes) -> bytes:
    """32 bytes that two requests share when they ask for the same thing; the order of query parameters is no matter."""
    ordered_query = urlencode(sorted(parse_qsl(query, keep_blank_values=True)))
    head = "\n".join((method, path, ordered_query, "")).encode("utf-8", "surrogatepass")
    return hashlib.sha256(head + body_sha256).digest()


async def claim(connection: Connection, *, subject: str, key: str, request_sha256: bytes) -> StoredAnswer | None:
    """Take `key` for this transaction; None means that the work is the caller's to do.

    Otherwise returns the answer that was stored by the request that took the key first. Raises Refusal
    (kit.idempotency_key_reused) if that was another request.
    """
    taken = await connection.fetchval(
        """
        INSERT INTO idempotency (subject, key, request_sha256) VALUES ($1, $2, $3)
        ON CONFLICT (subject, key) DO NOTHING
        RETURNING true
        """,
        subject,
        key,
        request_sha256,
    )
    if taken:
        return None
    row = await connection.fetchrow(
        "SELECT request_sha256, status, response FROM idempotency WHERE subject = $1 AND key = $2", subject, key
    )
    if row is None or row["response"] is None:
        raise Refusal(problems.CONTENTION)
    if row["request_sha256"] != request_sha256:
        raise Refusal(problems.IDEMPOTENCY_KEY_REUSED)
    return StoredAnswer(row["status"], row["response"])


async def store(connection: Connection, *, subject: str, key: str, answer: StoredAnswer) -> None:
    """Keep the answer beside the key that this transaction has taken."""
    await connection.execute(
        "UPDATE idempotency SET status = $3, response = $4 WHERE subject = $1 AND key = $2",
        subject,
        key,
        answer.status,
        answer.response,
    )

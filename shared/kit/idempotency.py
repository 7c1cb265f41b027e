"""Idempotency-Key: the first request with a key does its work, every later one gets the same answer (rule 11).

The key is a row of the same transaction as the work: a refusal or crash leaves neither, and a second request that
comes while the first is still working waits for it on that row.
"""

import hashlib
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode

from pydantic import BaseModel

from shared.contracts.refusals import Refusal
from shared.kit import problems
from shared.kit.connections import Connection

KEY_PATTERN: Final = r"^[\x21-\x7e]{1,255}$"


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What the first request with this key was answered."""

    status: int
    response: bytes


@dataclass(frozen=True, slots=True)
class RequestKey:
    """The Idempotency-Key of one request of `subject`; `request_sha256` tells it from another request with that key.

    `key` is what `digest` makes of it.
    """

    subject: str
    key: str
    request_sha256: bytes


class AnsweredBefore(Exception):
    """An earlier request with this key was answered."""

    def __init__(self, answer: StoredAnswer) -> None:
        super().__init__("answered before")
        self.answer = answer


def digest(key: str, compartment: str | None) -> str:
    """What is kept of a key: 64 hexadecimal digits. A client may put anything into its key, and one key sent to two
    compartments must not join what was done in them.
    """
    return hashlib.sha256(f"{compartment or ''}\n{key}".encode()).hexdigest()


def fingerprint(method: str, path: str, query: str, body_sha256: bytes) -> bytes:
    """32 bytes that two requests share when they ask for the same thing; the order of query parameters is no matter."""
    ordered_query = urlencode(sorted(parse_qsl(query, keep_blank_values=True)))
    head = "\n".join((method, path, ordered_query, "")).encode("utf-8", "surrogatepass")
    return hashlib.sha256(head + body_sha256).digest()


async def claim(connection: Connection, key: RequestKey | None) -> None:
    """Take the key, if the request has one, for this transaction: the work is the caller's to do.

    Raises AnsweredBefore with the answer of the request that took the key first, or Refusal
    (kit.idempotency_key_reused) if that was another request.
    """
    if key is None:
        return
    taken = await connection.fetchval(
        """
        INSERT INTO idempotency (subject, key, request_sha256) VALUES ($1, $2, $3)
        ON CONFLICT (subject, key) DO NOTHING
        RETURNING true
        """,
        key.subject,
        key.key,
        key.request_sha256,
    )
    if taken:
        return
    row = await connection.fetchrow(
        "SELECT request_sha256, status, response FROM idempotency WHERE subject = $1 AND key = $2", key.subject, key.key
    )
    if row is None or row["response"] is None:
        raise Refusal(problems.CONTENTION)
    if row["request_sha256"] != key.request_sha256:
        raise Refusal(problems.IDEMPOTENCY_KEY_REUSED)
    raise AnsweredBefore(StoredAnswer(row["status"], row["response"]))


async def remember(
    connection: Connection, key: RequestKey | None, response: BaseModel | bytes, status: int = 200
) -> None:
    """Keep the answer (a model, or its JSON) beside the key that this work has taken; a later call replaces it."""
    if key is None:
        return
    await connection.execute(
        "UPDATE idempotency SET status = $3, response = $4 WHERE subject = $1 AND key = $2",
        key.subject,
        key.key,
        status,
        response if isinstance(response, bytes) else response.model_dump_json().encode(),
    )

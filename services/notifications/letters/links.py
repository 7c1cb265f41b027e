"""Signed, expiring links. Opening one only shows a page; its button acts.

Acknowledgement links are for one alert and one person, digest links for one person's summaries. The token is a JWT (HS256)
whose algorithm and audience are pinned. It carries the county, so that whoever follows the link works under that county's
row-level security and no other. SMS have no room for a JWT: there the same is said in 38 bytes.
"""

import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import BaseModel, ConfigDict, ValidationError

from services.notifications.domain.refusals import (
    DIGEST_LINK_EXPIRED,
    DIGEST_LINK_NOT_VALID,
    LINK_EXPIRED,
    LINK_NOT_VALID,
)
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal

ALGORITHM: Final = "HS256"
AUDIENCE: Final = "payesh-acknowledgement"
VALID_FOR: Final = timedelta(days=7)
KEY_BYTES: Final = 32
TOKEN_CHARACTERS_MAX: Final = 1024
DIGEST_AUDIENCE: Final = "payesh-digest"
SHORT_VERSION: Final = 1
SHORT_MARK_BYTES: Final = 16
"""Half of an HMAC-SHA256 (RFC 2104, section 5 allows no less)."""
_SHORT_CONTEXT: Final = b"payesh-acknowledgement-short/"
_SHORT_BODY: Final = struct.Struct("!B16sBI")
_COUNTIES: Final[tuple[County, ...]] = tuple(sorted(County))


@dataclass(frozen=True, slots=True)
class AcknowledgementLink:
    alert_id: UUID
    member_id: UUID
    county: County
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ShortLink:
    """As an acknowledgement link, by the delivery that names the alert and the person."""

    delivery_id: UUID
    county: County
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class DigestLink:
    """Ends the summaries of one person. `county` None: a person of the provincial office."""

    member_id: UUID
    county: County | None
    expires_at: datetime


class _DigestClaims(BaseModel):
    model_config = ConfigDict(extra="forbid")

    aud: str
    member: UUID
    county: County | None
    exp: int


class _Claims(BaseModel):
    model_config = ConfigDict(extra="forbid")

    aud: str
    alert: UUID
    member: UUID
    county: County
    exp: int


def sign_link(link: AcknowledgementLink, key: bytes) -> str:
    """The token for a link's path."""
    claims = {
        "aud": AUDIENCE,
        "alert": str(link.alert_id),
        "member": str(link.member_id),
        "county": link.county.value,
        "exp": int(link.expires_at.timestamp()),
    }
    return jwt.encode({"alg": ALGORITHM}, claims, OctKey.import_key(key), algorithms=[ALGORITHM])


def read_link(token: str, keys: Sequence[bytes], now: datetime) -> AcknowledgementLink:
    """The link that one of `keys` signed and that has not expired at `now`. Raises Refusal."""
    if len(token) > TOKEN_CHARACTERS_MAX:
        raise Refusal(LINK_NOT_VALID)
    for key in keys:
        try:
            decoded = jwt.decode(token, OctKey.import_key(key), algorithms=[ALGORITHM])
            claims = _Claims.model_validate(decoded.claims)
        except (JoseError, ValidationError, ValueError):
            continue
        if claims.aud != AUDIENCE:
            break
        if now.timestamp() >= claims.exp:
            raise Refusal(LINK_EXPIRED)
        expires_at = datetime.fromtimestamp(claims.exp, tz=now.tzinfo)
        return AcknowledgementLink(claims.alert, claims.member, claims.county, expires_at)
    raise Refusal(LINK_NOT_VALID)


def sign_digest_link(link: DigestLink, key: bytes) -> str:
    """The token for a link's path."""
    claims = {
        "aud": DIGEST_AUDIENCE,
        "member": str(link.member_id),
        "county": None if link.county is None else link.county.value,
        "exp": int(link.expires_at.timestamp()),
    }
    return jwt.encode({"alg": ALGORITHM}, claims, OctKey.import_key(key), algorithms=[ALGORITHM])


def read_digest_link(token: str, keys: Sequence[bytes], now: datetime) -> DigestLink:
    """The link that one of `keys` signed and that has not expired at `now`. Raises Refusal."""
    if len(token) > TOKEN_CHARACTERS_MAX:
        raise Refusal(DIGEST_LINK_NOT_VALID)
    for key in keys:
        try:
            decoded = jwt.decode(token, OctKey.import_key(key), algorithms=[ALGORITHM])
            claims = _DigestClaims.model_validate(decoded.claims)
        except (JoseError, ValidationError, ValueError):
            continue
        if claims.aud != DIGEST_AUDIENCE:
            break
        if now.timestamp() >= claims.exp:
            raise Refusal(DIGEST_LINK_EXPIRED)
        return DigestLink(claims.member, claims.county, datetime.fromtimestamp(claims.exp, tz=now.tzinfo))
    raise Refusal(DIGEST_LINK_NOT_VALID)


def sign_short_link(link: ShortLink, key: bytes) -> str:
    """The token for a link in an SMS: 51 characters."""
    expires_s = int(link.expires_at.timestamp())
    body = _SHORT_BODY.pack(SHORT_VERSION, link.delivery_id.bytes, _COUNTIES.index(link.county), expires_s)
    return urlsafe_b64encode(body + _short_mark(body, key)).rstrip(b"=").decode("ascii")


def read_short_link(token: str, keys: Sequence[bytes], now: datetime) -> ShortLink:
    """The link that one of `keys` signed and that has not expired at `now`. Raises Refusal."""
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4)) if len(token) <= TOKEN_CHARACTERS_MAX else b""
        body, mark = raw[:-SHORT_MARK_BYTES], raw[-SHORT_MARK_BYTES:]
        version, delivery, county, expires_s = _SHORT_BODY.unpack(body)
    except (ValueError, struct.error) as error:
        raise Refusal(LINK_NOT_VALID) from error
    is_signed = any(hmac.compare_digest(mark, _short_mark(body, key)) for key in keys)
    if not is_signed or version != SHORT_VERSION or county >= len(_COUNTIES):
        raise Refusal(LINK_NOT_VALID)
    if now.timestamp() >= expires_s:
        raise Refusal(LINK_EXPIRED)
    return ShortLink(UUID(bytes=delivery), _COUNTIES[int(county)], datetime.fromtimestamp(expires_s, tz=now.tzinfo))


def _short_mark(body: bytes, key: bytes) -> bytes:
    return hmac.digest(key, _SHORT_CONTEXT + body, "sha256")[:SHORT_MARK_BYTES]

"""Acknowledgement links: signed, expiring, for one alert and one person. Opening one only shows a page; its button acts.

The token is a JWT (HS256) whose algorithm and audience are pinned. It carries the alert's county, so that whoever
follows the link works under that county's row-level security and no other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import BaseModel, ConfigDict, ValidationError

from services.notifications.domain.refusals import LINK_EXPIRED, LINK_NOT_VALID
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal

ALGORITHM: Final = "HS256"
AUDIENCE: Final = "payesh-acknowledgement"
VALID_FOR: Final = timedelta(days=7)
KEY_BYTES: Final = 32
TOKEN_CHARACTERS_MAX: Final = 1024


@dataclass(frozen=True, slots=True)
class AcknowledgementLink:
    alert_id: UUID
    member_id: UUID
    county: County
    expires_at: datetime


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

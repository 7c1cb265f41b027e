"""Acknowledgement links: only what we signed, unexpired, for one alert and one member."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from services.notifications.letters.links import (
    AUDIENCE,
    TOKEN_CHARACTERS_MAX,
    AcknowledgementLink,
    DigestLink,
    ShortLink,
    read_digest_link,
    read_link,
    read_short_link,
    sign_digest_link,
    sign_link,
    sign_short_link,
)
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
LINK = AcknowledgementLink(uuid4(), uuid4(), County.REY, NOW + timedelta(days=1))


def test_a_link_reads_back_as_it_was_signed() -> None:
    assert read_link(sign_link(LINK, KEY), [KEY], NOW) == LINK


def test_after_a_rotation_older_keys_still_verify() -> None:
    assert read_link(sign_link(LINK, OTHER_KEY), [KEY, OTHER_KEY], NOW) == LINK


def test_a_link_ends_at_its_time() -> None:
    with pytest.raises(Refusal) as refused:
        read_link(sign_link(LINK, KEY), [KEY], LINK.expires_at)
    assert refused.value.reason.code == "notifications.link.expired"


def _claims(**changes: object) -> dict[str, object]:
    claims: dict[str, object] = {
        "aud": AUDIENCE,
        "alert": str(uuid4()),
        "member": str(uuid4()),
        "county": "rey",
        "exp": int(LINK.expires_at.timestamp()),
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


def _forged(claims: dict[str, object], algorithm: str = "HS256") -> str:
    return jwt.encode({"alg": algorithm}, claims, OctKey.import_key(KEY), algorithms=[algorithm])


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "é" * 10,
        "x" * (TOKEN_CHARACTERS_MAX + 1),
        sign_link(LINK, OTHER_KEY),
        sign_link(LINK, KEY)[:-4] + "AAAA",
        _forged(_claims(aud="payesh")),
        _forged(_claims(aud=None)),
        _forged(_claims(exp=None)),
        _forged(_claims(exp="never")),
        _forged(_claims(county="nowhere")),
        _forged(_claims(member=None)),
        _forged(_claims(), algorithm="HS512"),
        "eyJhbGciOiJub25lIn0." + sign_link(LINK, KEY).split(".")[1] + ".",
    ],
)
def test_anything_else_is_refused(token: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_link(token, [KEY], NOW)
    assert refused.value.reason.code == "notifications.link.not_valid"


def test_without_keys_nothing_is_valid() -> None:
    with pytest.raises(Refusal):
        read_link(sign_link(LINK, KEY), [], NOW)


SHORT = ShortLink(uuid4(), County.ROBAT_KARIM, NOW + timedelta(days=1))
DIGEST = DigestLink(uuid4(), None, NOW + timedelta(days=1))


def test_a_short_link_reads_back_by_any_key_and_leaves_room_in_an_sms() -> None:
    token = sign_short_link(SHORT, OTHER_KEY)
    assert read_short_link(token, [KEY, OTHER_KEY], NOW) == SHORT
    assert len(token) == 51


def test_a_short_link_ends_at_its_time() -> None:
    with pytest.raises(Refusal) as refused:
        read_short_link(sign_short_link(SHORT, KEY), [KEY], SHORT.expires_at)
    assert refused.value.reason.code == "notifications.link.expired"


def test_no_other_short_token_is_taken_for_one() -> None:
    token = sign_short_link(SHORT, KEY)
    changed = [token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :] for place in range(50)]
    others = ["", "x", "é" * 51, token[:-1], token + "A", token * 40, sign_short_link(SHORT, OTHER_KEY)]
    for forged in changed + others:
        with pytest.raises(Refusal) as refused:
            read_short_link(forged, [KEY], NOW)
        assert refused.value.reason.code == "notifications.link.not_valid", forged


@pytest.mark.parametrize("county", [None, County.REY])
def test_a_digest_link_reads_back_and_is_no_acknowledgement(county: County | None) -> None:
    link = DigestLink(uuid4(), county, NOW + timedelta(days=1))
    token = sign_digest_link(link, KEY)
    assert read_digest_link(token, [KEY], NOW) == link
    for read in (read_link, read_short_link):
        with pytest.raises(Refusal):
            read(token, [KEY], NOW)
    with pytest.raises(Refusal) as refused:
        read_digest_link(sign_link(LINK, KEY), [KEY], NOW)
    assert refused.value.reason.code == "notifications.digest_link.not_valid"
    with pytest.raises(Refusal) as refused:
        read_digest_link(sign_digest_link(DIGEST, KEY), [KEY], DIGEST.expires_at)
    assert refused.value.reason.code == "notifications.digest_link.expired"
    assert "acknowledge" not in refused.value.text("en")

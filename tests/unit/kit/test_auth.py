"""Every way we know to pass a token that was not issued to us for this is refused, and the right one is not."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from deploy.issuer import AUDIENCE, mint_token
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit import auth
from shared.kit.auth import SYSTEM, KeySource, Principal, TokenVerifier, principal_of
from tests.support.identity import ISSUER, SIGNING_KEY, create_test_verifier, key_document


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Issuer:
    """Counts how often its keys are fetched, and can be down."""

    def __init__(self, *keys: ECKey) -> None:
        self.keys = keys
        self.fetches = 0
        self.is_down = False

    async def fetch(self) -> Mapping[str, Any]:
        self.fetches += 1
        if self.is_down:
            raise ConnectionRefusedError("the issuer is down")
        return key_document(*self.keys)


def claims(**changes: Any) -> dict[str, Any]:
    now_s = int(time.time())
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "reviewer.rey",
        "exp": now_s + 600,
        "roles": ["reviewer"],
        "counties": ["rey"],
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not ...}


def sign(payload: dict[str, Any], key: ECKey = SIGNING_KEY, **header: Any) -> str:
    return jwt.encode({"alg": "ES256", "kid": "test-key", **header}, payload, key, algorithms=["ES256"])


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def refusal_code(token: str, verifier: TokenVerifier | None = None) -> str:
    with pytest.raises(Refusal) as refused:
        await (verifier or create_test_verifier()).verify(token)
    return refused.value.reason.code


async def test_a_good_token_names_its_principal() -> None:
    principal = await create_test_verifier().verify(sign(claims()))
    assert principal == Principal("reviewer.rey", frozenset({"reviewer"}), frozenset({County.REY}))


async def test_a_minted_token_is_good() -> None:
    token = mint_token(SIGNING_KEY, issuer=ISSUER, subject="clerk", roles=["registry_clerk"], counties=list(County))
    assert (await create_test_verifier().verify(token)).counties == frozenset(County)


async def test_no_algorithm_is_refused() -> None:
    unsigned = f"{part({'alg': 'none', 'kid': 'test-key'})}.{part(claims())}."
    assert await refusal_code(unsigned) == "kit.token_invalid"


@pytest.mark.parametrize("secret", ["pem", "jwk"])
async def test_the_public_key_is_no_shared_secret(secret: str) -> None:
    public = SIGNING_KEY.as_pem(private=False) if secret == "pem" else json.dumps(key_document()).encode()
    signed = f"{part({'alg': 'HS256', 'kid': 'test-key'})}.{part(claims())}"
    mac = base64.urlsafe_b64encode(hmac.new(public, signed.encode(), hashlib.sha256).digest()).rstrip(b"=").decode()
    assert await refusal_code(f"{signed}.{mac}") == "kit.token_invalid"


async def test_a_symmetric_key_in_the_issuers_set_is_never_used() -> None:
    shared_secret = OctKey.generate_key(256, {"kid": "oct"})

    async def fetch() -> Mapping[str, Any]:
        return {"keys": [shared_secret.as_dict(private=True), *key_document()["keys"]]}

    verifier = TokenVerifier(issuer=ISSUER, audience=AUDIENCE, keys=KeySource(fetch))
    token = jwt.encode({"alg": "HS256", "kid": "oct"}, claims(), shared_secret, algorithms=["HS256"])
    assert await refusal_code(token, verifier) == "kit.token_invalid"


async def test_a_key_that_the_token_brings_along_is_not_believed() -> None:
    stranger = ECKey.generate_key("P-256")
    token = sign(claims(), stranger, jwk=stranger.as_dict(private=False))
    assert await refusal_code(token) == "kit.token_invalid"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "http://elsewhere.test"},
        {"iss": ...},
        {"aud": "another-application"},
        {"aud": ["another-application"]},
        {"aud": ...},
        {"exp": ...},
        {"exp": "tomorrow"},
        {"sub": ...},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 200},
        {"nbf": int(time.time()) + 3600},
        {"roles": "reviewer"},
        {"roles": ...},
        {"roles": [1]},
        {"roles": ["Reviewer; DROP TABLE"]},
        {"roles": ["system"]},
        {"counties": ...},
        {"counties": "rey"},
        {"counties": [["rey"]]},
    ],
)
async def test_wrong_claims_are_refused(changes: dict[str, Any]) -> None:
    assert await refusal_code(sign(claims(**changes))) == "kit.token_invalid"


@pytest.mark.parametrize("county", ["qom", "rey,tehran", "*", ""])
async def test_an_unknown_county_is_refused(county: str) -> None:
    assert await refusal_code(sign(claims(counties=["rey", county]))) == "kit.token_county_unknown"


async def test_expiry_has_a_small_leeway_and_no_more() -> None:
    now_s = int(time.time())
    verifier = create_test_verifier()
    assert await verifier.verify(sign(claims(exp=now_s - auth.CLOCK_LEEWAY_S + 10)))
    assert await refusal_code(sign(claims(exp=now_s - auth.CLOCK_LEEWAY_S - 10)), verifier) == "kit.token_expired"


async def test_a_changed_claim_breaks_the_signature() -> None:
    header, _, signature = sign(claims()).split(".")
    assert await refusal_code(f"{header}.{part(claims(roles=['county_chair']))}.{signature}") == "kit.token_invalid"


@pytest.mark.parametrize("token", ["", "x", "a.b", "a.b.c", "a.b.c.d", "é.b.c", "." * 30, "x" * 100_000, "🔑.b.c"])
async def test_rubbish_is_refused(token: str) -> None:
    assert await refusal_code(token) == "kit.token_invalid"


@pytest.mark.parametrize("key_id", [None, 7, "unknown"])
async def test_a_key_id_that_the_issuer_does_not_have_is_refused(key_id: object) -> None:
    header = {"alg": "ES256"} if key_id is None else {"alg": "ES256", "kid": key_id}
    token = f"{part(header)}.{part(claims())}.{'A' * 86}"
    assert await refusal_code(token) == "kit.token_invalid"


async def test_unknown_key_ids_cause_at_most_one_fetch_per_interval() -> None:
    clock, issuer = Clock(), Issuer(SIGNING_KEY)
    keys = KeySource(issuer.fetch, clock)
    assert await keys.find("test-key") is not None
    for number in range(50):
        assert await keys.find(f"guess-{number}") is None
    assert issuer.fetches == 1
    clock.now_s += auth.KEYS_FETCH_INTERVAL_S_MIN
    for number in range(50):
        assert await keys.find(f"guess-{number}") is None
    assert issuer.fetches == 2


async def test_a_new_key_of_the_issuer_is_found_without_a_restart() -> None:
    clock, issuer = Clock(), Issuer(SIGNING_KEY)
    keys = KeySource(issuer.fetch, clock)
    await keys.find("test-key")
    clock.now_s += auth.KEYS_FETCH_INTERVAL_S_MIN
    issuer.keys = (ECKey.generate_key("P-256", {"kid": "new"}),)
    assert await keys.find("new") is not None
    assert await keys.find("test-key") is None, "a key that the issuer has withdrawn is withdrawn here"


async def test_known_keys_outlive_a_short_outage_of_the_issuer_and_not_a_long_one() -> None:
    clock, issuer = Clock(), Issuer(SIGNING_KEY)
    keys = KeySource(issuer.fetch, clock)
    await keys.find("test-key")
    issuer.is_down = True
    clock.now_s += auth.KEYS_FRESH_S + 1
    assert await keys.find("test-key") is not None
    clock.now_s += auth.KEYS_STALE_S_MAX
    with pytest.raises(Refusal) as refused:
        await keys.find("test-key")
    assert refused.value.reason.code == "kit.identity_unavailable"


@pytest.mark.parametrize(
    "document", [{}, {"keys": 3}, {"keys": []}, {"keys": [{"kty": "oct", "k": "A" * 43, "kid": "a"}]}]
)
async def test_an_unusable_key_set_is_no_key_set(document: dict[str, Any]) -> None:
    async def fetch() -> Mapping[str, Any]:
        return document

    with pytest.raises(Refusal) as refused:
        await KeySource(fetch).find("a")
    assert refused.value.reason.status == 503


def test_the_system_principal_covers_the_province_and_no_token_can_name_it() -> None:
    assert SYSTEM.counties == frozenset(County)
    with pytest.raises(Refusal):
        principal_of(claims(roles=["system"]))

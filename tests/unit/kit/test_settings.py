"""Settings come from the environment, complain by name, and never show a password."""

import pytest
from pydantic import ValidationError

from shared.kit.settings import ServiceSettings

ENVIRONMENT = {
    "PAYESH_API_DATABASE_URL": "postgresql://warehouse_api:s3cret@127.0.0.1/warehouse",
    "PAYESH_WORKER_DATABASE_URL": "postgresql://warehouse_worker:s3cret@127.0.0.1/warehouse",
    "PAYESH_JWKS_URL": "http://127.0.0.1:9/jwks",
    "PAYESH_JWT_ISSUER": "http://127.0.0.1:9",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def load() -> ServiceSettings:
    return ServiceSettings()  # pyright: ignore[reportCallIssue] - read from the environment


def test_they_are_read_and_hide_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYESH_HTTP_PORT", "8123")
    settings = load()
    assert settings.http_port == 8123
    assert settings.jwt_audience == "payesh"
    assert settings.clock_speedup == 1
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PAYESH_HTTP_PORT", "70000"),
        ("PAYESH_CLOCK_SPEEDUP", "0.5"),
        ("PAYESH_JWKS_URL", "file:///etc/passwd"),
        ("PAYESH_INSTANCE", "a b"),
        ("PAYESH_LOG_LEVEL", "loud"),
        ("PAYESH_API_POOL_CONNECTIONS", "0"),
    ],
)
def test_what_is_out_of_range_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.removeprefix("PAYESH_").lower()):
        load()


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAYESH_JWT_ISSUER")
    with pytest.raises(ValidationError, match="jwt_issuer"):
        load()

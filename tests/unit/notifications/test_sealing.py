"""Sealed secrets open only under their own key and for what they were sealed for."""

import base64
import os
from pathlib import Path

import pytest
from pydantic import SecretBytes

from services.notifications.domain.webhook_refusals import SECRETS_UNUSABLE
from services.notifications.webhooks.sealing import seal, unseal
from shared.contracts.refusals import Refusal

SECRET = SecretBytes(b"x" * 32)


def line(version: int) -> str:
    return f"{version} {base64.b64encode(os.urandom(32)).decode()}\n"


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "webhook.key"
    path.write_text(line(1))
    path.chmod(0o600)
    monkeypatch.setenv("PAYESH_WEBHOOK_KEY_FILE", str(path))
    return path


def test_a_secret_opens_for_what_it_was_sealed_for_and_nothing_else(key_file: Path) -> None:
    assert key_file.exists()
    sealed = seal(SECRET, "endpoint a")
    assert SECRET.get_secret_value() not in sealed
    assert unseal(sealed, "endpoint a") == SECRET
    for other, context in ((sealed, "endpoint b"), (sealed[:-1] + bytes([sealed[-1] ^ 1]), "endpoint a")):
        with pytest.raises(Refusal) as refused:
            unseal(other, context)
        assert refused.value.reason is SECRETS_UNUSABLE


def test_a_new_key_seals_and_the_old_one_still_opens(key_file: Path) -> None:
    sealed = seal(SECRET, "c")
    key_file.write_text(key_file.read_text() + line(2))
    assert seal(SECRET, "c")[:4] == (2).to_bytes(4, "big")
    assert unseal(sealed, "c") == SECRET
    key_file.write_text(line(2))
    with pytest.raises(Refusal, match="version 1 is not in the file"):
        unseal(sealed, "c")


@pytest.mark.parametrize("content", ["", "1 short\n", "0 " + "A" * 44, "x y\n"])
def test_a_file_without_usable_keys_is_refused(key_file: Path, content: str) -> None:
    key_file.write_text(content)
    with pytest.raises(Refusal):
        seal(SECRET, "c")


def test_a_file_that_others_can_read_is_refused(key_file: Path) -> None:
    key_file.chmod(0o640)
    with pytest.raises(Refusal, match="chmod 600"):
        seal(SECRET, "c")


def test_without_the_setting_nothing_is_sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAYESH_WEBHOOK_KEY_FILE", raising=False)
    with pytest.raises(Refusal, match="setting is missing"):
        seal(SECRET, "c")

"""The file of master keys: what it must look like, and how an installation on one machine gets one."""

import stat
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretBytes

from deploy.key_file import load_or_create_key_file
from services.nationals.casework.domain.vault_refusals import KEY_UNUSABLE, UNREADABLE
from services.nationals.casework.vault.envelope import open_envelope, rewrap, seal
from services.nationals.casework.vault.master_keys import FileMasterKeys
from shared.contracts.refusals import Refusal

KEY_1 = "1 " + "A" * 43 + "="
KEY_2 = "2 " + "B" * 42 + "A="


def keys_of(path: Path, content: str) -> FileMasterKeys:
    path.touch(0o600)
    path.write_text(content)
    path.chmod(0o600)
    return FileMasterKeys(path)


async def test_highest_version_is_the_current_one(tmp_path: Path) -> None:
    for content in (f"{KEY_1}\n{KEY_2}\n", f"{KEY_2}\n\n  {KEY_1}", f"{KEY_1}\r\n{KEY_2}\r\n"):
        assert await keys_of(tmp_path / "keys", content).current_version() == 2


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n\n",
        KEY_1[:-4],
        f"{KEY_1}\n{KEY_1}",
        "0 " + KEY_1[2:],
        "-1 " + KEY_1[2:],
        "x",
        "1",
        "9" * 5000 + KEY_1[1:],
        "\x00",
    ],
)
async def test_anything_else_is_refused_and_not_repeated(tmp_path: Path, content: str) -> None:
    with pytest.raises(Refusal) as error:
        await keys_of(tmp_path / "keys", content).current_version()
    assert error.value.reason is KEY_UNUSABLE
    assert KEY_1[2:-5] not in str(error.value)


async def test_rewrapped_envelope_opens_with_the_new_key_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    details = SecretBytes(b'{"a": 1}')
    sealed = await seal(details, uuid4(), 1, keys_of(path, KEY_1))
    both = keys_of(path, f"{KEY_1}\n{KEY_2}")
    moved = await rewrap(sealed, 2, both)
    assert (moved.ciphertext, moved.master_key_version) == (sealed.ciphertext, 2)
    opened = await open_envelope(moved, keys_of(path, KEY_2))
    assert opened.get_secret_value().rstrip() == details.get_secret_value()
    with pytest.raises(Refusal) as error:
        await open_envelope(sealed, keys_of(path, KEY_2))
    assert error.value.reason is KEY_UNUSABLE


async def test_envelope_of_another_case_does_not_open(tmp_path: Path) -> None:
    keys = keys_of(tmp_path / "keys", KEY_1)
    sealed = await seal(SecretBytes(b"{}"), uuid4(), 1, keys)
    for changed in (
        replace(sealed, case_id=uuid4()),
        replace(sealed, data_key_version=2),
        replace(sealed, ciphertext=b""),
        replace(sealed, wrapped_key=b"short"),
    ):
        with pytest.raises(Refusal) as error:
            await open_envelope(changed, keys)
        assert error.value.reason is UNREADABLE


def test_secrets_show_in_no_repr() -> None:
    assert "A" not in repr(SecretBytes(b"AAAA"))


async def test_local_installation_makes_its_key_once(tmp_path: Path) -> None:
    path = tmp_path / "vault" / "master-keys"
    assert load_or_create_key_file(path) == path
    made = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert await FileMasterKeys(path).current_version() == 1
    load_or_create_key_file(path)
    assert path.read_bytes() == made
    assert [found.name for found in path.parent.iterdir()] == ["master-keys"]

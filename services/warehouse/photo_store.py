"""Where the pictures are: a directory, or a bucket that speaks S3. A picture is there before its row is, and is never
overwritten: a crash in between leaves an object that `photo_sweep` removes, never a row without its picture.
"""

import asyncio
import functools
import hashlib
import os
import re
from collections.abc import AsyncGenerator, Iterable
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit
from uuid import UUID

from uuid_utils.compat import uuid7

from services.warehouse.domain import photo_refusals
from services.warehouse.domain.photo import DecodedPhoto, KeptPhoto
from services.warehouse.photo_file import decode_photo
from services.warehouse.settings import PhotoStoreSettings
from shared.contracts.refusals import Refusal
from shared.kit.logging import get_logger

if TYPE_CHECKING:
    from collections.abc import Generator

STORE_TIMEOUT_S = 20.0
RETRY_TIMEOUT = timedelta(seconds=10)
RETRIES_MAX = 3

_OBJECT_PATH: Final = re.compile(r"(?:.*/)?[0-9a-f]{64}-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.jpg")
_log = get_logger(__name__)


async def take_photo(content: bytes, store: "PhotoStore") -> KeptPhoto:
    """Decode a photo and put its clean picture into the store; what `receive_photo` asks for. Begin no transaction before.

    Raises Refusal `warehouse.photo.unreadable`, `.too_large` or `.store_unavailable`.
    """
    return await store.keep(await asyncio.to_thread(decode_photo, content))


@functools.cache
def configured_store() -> "PhotoStore":
    """The store that PAYESH_PHOTO_STORE names; a dependency of routes."""
    return PhotoStore(PhotoStoreSettings().photo_store)


class PhotoStore:
    """Pictures by the SHA-256 of their bytes and their photo's id; two photos never share an object."""

    def __init__(self, url: str) -> None:
        """`url` is file:///directory, s3://bucket/prefix (with the usual AWS_* variables) or memory:///."""
        self._url = url

    async def keep(self, photo: DecodedPhoto) -> KeptPhoto:
        """Put the picture; when this returns it outlives a crash. Raises Refusal `warehouse.photo.store_unavailable`."""
        import obstore  # noqa: PLC0415 - see _objects

        kept = KeptPhoto(uuid7(), photo.facts)
        path = _path(kept.photo_id, photo.facts.stored_sha256)
        with _refused_when_unavailable():
            async with asyncio.timeout(STORE_TIMEOUT_S):
                await obstore.put_async(self._objects, path, photo.picture, use_multipart=False)
                if self._directory is not None:
                    await asyncio.to_thread(_sync, self._directory / path, self._directory)
        return kept

    async def read(self, photo_id: UUID, stored_sha256: str) -> bytes:
        """The picture. Raises Refusal when the store does not answer, LookupError when the picture is not what it was."""
        import obstore  # noqa: PLC0415 - see _objects

        path = _path(photo_id, stored_sha256)
        with _refused_when_unavailable():
            async with asyncio.timeout(STORE_TIMEOUT_S):
                try:
                    answer = await obstore.get_async(self._objects, path)
                    picture = bytes(await answer.bytes_async())
                except FileNotFoundError as error:
                    raise LookupError(f"the picture of photo {photo_id} is missing") from error
        if hashlib.sha256(picture).hexdigest() != stored_sha256:
            raise LookupError(f"the picture of photo {photo_id} is damaged")
        return picture

    async def list_pages(self, before: datetime) -> AsyncGenerator[dict[UUID, str]]:
        """Paths by photo id of what was put before a moment, page by page. Raises as the store's library does."""
        import obstore  # noqa: PLC0415 - see _objects

        async for page in obstore.list(self._objects, chunk_size=1000):
            yield {
                UUID(found[1]): item["path"]
                for item in page
                if item["last_modified"] < before and (found := _OBJECT_PATH.fullmatch(item["path"]))
            }

    async def delete(self, paths: Iterable[str]) -> None:
        """Remove pictures. Raises as the store's library does."""
        import obstore  # noqa: PLC0415 - see _objects

        await obstore.delete_async(self._objects, list(paths))

    @functools.cached_property
    def _objects(self) -> Any:
        # Imported where it is used: 20 MB of native code that a service without photos does not need.
        from obstore.store import from_url  # noqa: PLC0415

        if self._directory is not None:
            return from_url(self._url, mkdir=True)
        if self._url.startswith("memory:"):
            return from_url(self._url)
        # Client options are left to the AWS_* variables: given here, they would replace all of those.
        return from_url(self._url, retry_config={"max_retries": RETRIES_MAX, "retry_timeout": RETRY_TIMEOUT})

    @functools.cached_property
    def _directory(self) -> Path | None:
        parts = urlsplit(self._url)
        return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _path(photo_id: UUID, stored_sha256: str) -> str:
    return f"{stored_sha256[:2]}/{stored_sha256}-{photo_id}.jpg"


def _sync(file: Path, root: Path) -> None:
    """Have the disk hold the file and the entries that lead to it; the library only writes and renames."""
    for path in (file, file.parent, root):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _refused_when_unavailable() -> "Generator[None]":
    from obstore.exceptions import BaseError  # noqa: PLC0415 - see PhotoStore._objects

    try:
        yield
    except (BaseError, OSError, TimeoutError) as error:
        reason = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        _log.error("photo_store_unavailable", error=reason, next_step="look at PAYESH_PHOTO_STORE")
        raise Refusal(photo_refusals.PHOTO_STORE_UNAVAILABLE) from error

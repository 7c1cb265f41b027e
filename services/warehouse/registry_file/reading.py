"""Which format a file has, by its bytes and never by its name, and the reading of it from beginning to end."""

import hashlib
import io
from collections.abc import Generator
from contextlib import closing
from typing import IO, BinaryIO, cast

from services.warehouse.domain.registry import SheetRow, TableReader
from services.warehouse.domain.registry_mapping import USUAL_LAYOUT, RegistryMapping
from services.warehouse.registry_file.delimited_text import read_text
from services.warehouse.registry_file.limits import FILE_BYTES_MAX, ROWS_MAX, too_large, unreadable
from services.warehouse.registry_file.old_workbook import read_old_workbook
from services.warehouse.registry_file.progress import Progress
from services.warehouse.registry_file.sheet import read_workbook
from services.warehouse.registry_file.spool import ReadRegistry, Spool

HASH_CHUNK_BYTES = 1024 * 1024
SNIFFED_BYTES = 512
_ZIP_MAGIC = b"PK\x03\x04"
_EMPTY_ZIP_MAGIC = b"PK\x05\x06"
_OLD_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OTHER_FORMATS = {
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x1f\x8b": "a compressed file",
    b"7z\xbc\xaf": "a compressed file",
    b"Rar!": "a compressed file",
}


def read_registry(
    file: IO[bytes], mapping: RegistryMapping = USUAL_LAYOUT, progress: Progress | None = None
) -> ReadRegistry:
    """Read a whole file; the caller closes what it gets. Raises Refusal `warehouse.import.*`: then nothing is left."""
    progress = progress or Progress()
    progress.begin_reading()
    file_sha256 = _sha256(file)
    reader = TableReader(mapping, delimited=_is_text(file))
    spool = Spool()
    try:
        with closing(read_rows(file, mapping, progress)) as rows:
            for read in reader.read(rows):
                if reader.row_count > ROWS_MAX:
                    raise too_large("rows", ROWS_MAX)
                spool.add(read)
                progress.check_deadline()
        reader.check()
    except BaseException:
        spool.close()
        raise
    return spool.finished(reader.header, file_sha256)


def read_rows(
    file: IO[bytes], mapping: RegistryMapping = USUAL_LAYOUT, progress: Progress | None = None
) -> Generator[SheetRow]:
    """The sheet's rows with their numbers. Raises Refusal `warehouse.import.file_unreadable` or `.file_too_large`."""
    progress = progress or Progress()
    if file.seek(0, io.SEEK_END) > FILE_BYTES_MAX:
        raise too_large("bytes", FILE_BYTES_MAX)
    start = _start(file)
    if start.startswith((_ZIP_MAGIC, _EMPTY_ZIP_MAGIC)):
        return read_workbook(file, mapping, progress)
    if start.startswith(_OLD_MAGIC):
        return read_old_workbook(file, mapping, progress)
    other = next((text for magic, text in _OTHER_FORMATS.items() if start.startswith(magic)), None)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        other = "a web page or XML saved as a table"
    if other:
        raise unreadable(other)
    return read_text(cast("BinaryIO", file), progress)


def _is_text(file: IO[bytes]) -> bool:
    return not _start(file).startswith((_ZIP_MAGIC, _EMPTY_ZIP_MAGIC, _OLD_MAGIC))


def _start(file: IO[bytes]) -> bytes:
    file.seek(0)
    start = file.read(SNIFFED_BYTES)
    file.seek(0)
    return start


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(HASH_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()

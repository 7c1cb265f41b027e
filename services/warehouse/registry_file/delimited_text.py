"""CSV as programs write it: UTF-8 with or without a mark at its beginning, or Windows-1256; comma, semicolon or tab."""

import codecs
import csv
import io
import re
from collections.abc import Generator
from typing import BinaryIO

from services.warehouse.domain.registry import SheetRow
from services.warehouse.registry_file.limits import COLUMNS_MAX, too_large, unreadable
from services.warehouse.registry_file.progress import Progress
from shared.spreadsheet.sheet import ROW_NUMBER_MAX

UTF_8 = "utf-8-sig"
ARABIC_WINDOWS = "cp1256"
CHUNK_BYTES = 256 * 1024
DELIMITERS = (",", ";", "\t")

_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BROKEN = re.compile("[\udc80-\udcff]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_text(file: BinaryIO, progress: Progress) -> Generator[SheetRow]:
    """The rows of a CSV file. Raises Refusal `warehouse.import.file_unreadable` or `.file_too_large`."""
    encoding = _encoding(file)
    size_bytes = max(file.seek(0, io.SEEK_END), 1)
    file.seek(0)
    text = io.TextIOWrapper(file, encoding, newline="")
    try:
        delimiter = _delimiter(text)
        file.seek(0)
        text.detach()
        text = io.TextIOWrapper(file, encoding, newline="")
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        for number, cells in enumerate(reader, start=1):
            if number > ROW_NUMBER_MAX:
                raise too_large("rows", ROW_NUMBER_MAX)
            if len(cells) > COLUMNS_MAX:
                raise too_large("columns", COLUMNS_MAX)
            progress.share = file.tell() / size_bytes
            yield number, cells
    except (csv.Error, UnicodeDecodeError) as error:
        raise unreadable(f"CSV: {error}" if isinstance(error, csv.Error) else "damaged UTF-8") from error
    finally:
        text.detach()


def _encoding(file: BinaryIO) -> str:
    """The encoding of the whole file, by its bytes.

    Text in Windows-1256 is hardly ever valid UTF-8, and nearly all bytes beyond ASCII of a damaged UTF-8 file are.
    """
    if _is_utf_8(file):
        return UTF_8
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    characters = broken_bytes = 0
    while chunk := file.read(CHUNK_BYTES):
        text = decoder.decode(chunk)
        broken = len(_BROKEN.findall(text))
        broken_bytes += broken
        characters += len(_BEYOND_ASCII.findall(text)) - broken
    if characters >= broken_bytes:
        raise unreadable("damaged UTF-8")
    return ARABIC_WINDOWS


def _is_utf_8(file: BinaryIO) -> bool:
    """Raises Refusal for bytes that no text has."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    valid = True
    while chunk := file.read(CHUNK_BYTES):
        if _CONTROL.search(chunk) or (file.tell() <= CHUNK_BYTES and chunk.startswith(_UTF_16_MARKS)):
            raise unreadable("not a text in UTF-8 or Windows-1256")
        valid = valid and _decodes(decoder, chunk)
    return valid and _decodes(decoder, b"", final=True)


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(text: io.TextIOWrapper) -> str:
    first_line = text.readline(CHUNK_BYTES)
    return max(DELIMITERS, key=first_line.count)

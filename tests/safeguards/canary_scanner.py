"""Finds canaries in anything that was written: through digits of three scripts, escapes, base64, archives and compression."""

import base64
import binascii
import gzip
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from urllib.parse import unquote

from tests.safeguards.canary_identities import LATIN_STEM, PERSIAN_STEM, Identity

DEPTH_MAX = 2
_DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789")
_NAME = re.compile(rf"{LATIN_STEM}[a-z]*|{PERSIAN_STEM}[\u0600-\u06ff]*", re.IGNORECASE)
_DIGIT_RUN = re.compile(r"[0-9]{10,}")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_ESCAPE = re.compile(r"\\u[0-9a-fA-F]{4}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_BASE64_GROUP = 4
_URL_SAFE = str.maketrans("-_", "+/")
_HEX = re.compile(r"(?:[0-9a-f]{2}){10,}", re.IGNORECASE)
_BYTE_LIST = re.compile(r"\d{1,3}(?:,\d{1,3}){9,}")
"""The embedded broker keeps its records as JSON lists of bytes."""
_NUMBER_LENGTHS = (10, 12)


class Scanner:
    """Knows some canaries."""

    def __init__(self, people: Iterable[Identity]) -> None:
        known = list(people)
        self._numbers = {number: person for person in known for number in person.numbers}
        self._names = {
            name.split()[1].casefold(): person for person in known for name in (person.name_latin, person.name_persian)
        }

    def find(self, data: bytes | str, depth: int = 0) -> set[Identity]:
        """Every canary that `data` tells of, however it is wrapped."""
        text = data if isinstance(data, str) else data.decode("utf-8", "ignore")
        found = set(self._in_text(text))
        if depth >= DEPTH_MAX:
            return found
        for part in _unwrapped(text):
            found |= self.find(part, depth + 1)
        if isinstance(data, bytes):
            for content in _unpacked(data):
                found |= self.find(content, depth + 1)
        return found

    def _in_text(self, text: str) -> Iterator[Identity]:
        for match in _NAME.finditer(text):
            for length in range(len(match[0]), 0, -1):
                if person := self._names.get(match[0][:length].casefold()):
                    yield person
                    break
        for run in _DIGIT_RUN.findall(text.translate(_DIGITS)):
            for length in _NUMBER_LENGTHS:
                for start in range(len(run) - length + 1):
                    if person := self._numbers.get(run[start : start + length]):
                        yield person


def _unwrapped(text: str) -> Iterator[bytes | str]:
    if _PERCENT.search(text):
        yield unquote(text)
    if _ESCAPE.search(text):
        yield _ESCAPE.sub(lambda match: json.loads(f'"{match[0]}"'), text)
    for match in _BASE64.finditer(text):
        token = match[0].rstrip("=").translate(_URL_SAFE)
        for start in range(_BASE64_GROUP):  # what stands before it may belong to the alphabet too, as the / of a path
            with suppress(binascii.Error, ValueError):
                yield base64.b64decode(token[start:] + "=" * (-len(token[start:]) % _BASE64_GROUP))
    for match in _BYTE_LIST.finditer(text):
        with suppress(ValueError):
            yield bytes(map(int, match[0].split(",")))
    for match in _HEX.finditer(text):
        yield bytes.fromhex(match[0])


def _unpacked(data: bytes) -> Iterator[bytes]:
    if data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield archive.read(name)
    elif data.startswith(b"\x1f\x8b"):
        with suppress(OSError, EOFError, zlib.error):
            yield gzip.decompress(data)

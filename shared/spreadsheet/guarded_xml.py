"""XML of an uploaded file, piece by piece: no document types, no entities, bounded depth, elements, tokens and bytes."""

import time
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final
from xml.parsers import expat

from shared.contracts.refusals import Refusal
from shared.spreadsheet.limits import Limits

CHUNK_BYTES: Final = 64 * 1024
DEPTH_MAX: Final = 64
CONTAINER_ERRORS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)
"""What the reading of a damaged container raises."""


class Budget:
    """What is left of the limits for all parts of one workbook, whose reading began at `began_s` (monotonic)."""

    def __init__(self, limits: Limits, began_s: float) -> None:
        self.limits = limits
        self._bytes_left = limits.unpacked_bytes
        self._elements_left = limits.elements
        self._ends_s = began_s + limits.reading_s

    def take(self, chunk: bytes) -> None:
        """Raises Refusal once more is unpacked, or reading takes longer, than allowed."""
        self._bytes_left -= len(chunk)
        if self._bytes_left < 0:
            raise self.limits.too_large("unpacked bytes", self.limits.unpacked_bytes)
        # Never fewer than there are: comments count as well, and what begins at the end of one piece and not in the next.
        self._elements_left -= chunk.count(b"<") - chunk.count(b"</")
        if self._elements_left < 0:
            raise self.limits.too_large("elements", self.limits.elements)
        if time.monotonic() > self._ends_s:
            raise self.limits.too_large("seconds of reading", round(self.limits.reading_s))


class Listener:
    """Hears the elements of a document by their names without prefixes; subclasses keep what they need."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins; attributes keep their prefixes."""

    def end(self, name: str) -> None:
        """An element ends."""

    def text(self, data: str) -> None:
        """Some of the text inside the current element."""


class GuardedParser:
    """Lets `listener` hear a document that is fed to it."""

    def __init__(self, listener: Listener, limits: Limits) -> None:
        self._limits = limits
        self._guard = guard = _Guard(listener, limits)
        self._fed_bytes = 0
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = guard.start
        parser.EndElementHandler = guard.end
        parser.CharacterDataHandler = listener.text
        parser.StartCdataSectionHandler = guard.note_section
        parser.StartDoctypeDeclHandler = guard.refuse_document_type
        parser.EntityDeclHandler = guard.refuse_document_type

    def feed(self, data: bytes, *, is_last: bool = False) -> None:
        """Parse some more. Raises Refusal."""
        try:
            self._parser.Parse(data, is_last)
        except (expat.ExpatError, LookupError) as error:
            raise self._limits.unreadable("damaged XML") from error
        except CONTAINER_ERRORS as error:
            raise self._limits.unreadable("damaged container") from error
        self._fed_bytes += len(data)
        if self._fed_bytes - self._parser.CurrentByteIndex > self._limits.token_bytes:
            raise self._limits.too_large("bytes in one mark", self._limits.token_bytes)

    def is_between_marks(self, depth: int) -> bool:
        """Whether `depth` elements are open and what was fed ends where a mark ends; False after a CDATA section."""
        guard = self._guard
        return guard.depth == depth and not guard.has_sections and self._parser.CurrentByteIndex == self._fed_bytes


class _Guard:
    """Hears every element before the listener does. It does not know the parser: a cycle would outlive the import."""

    def __init__(self, listener: Listener, limits: Limits) -> None:
        self.depth = 0
        self.has_sections = False
        self._listener = listener
        self._limits = limits

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise self._limits.too_large("levels of XML", DEPTH_MAX)
        self._listener.start(name if ":" not in name else local_name(name), attributes)

    def end(self, name: str) -> None:
        self.depth -= 1
        self._listener.end(name if ":" not in name else local_name(name))

    def note_section(self) -> None:
        self.has_sections = True

    def refuse_document_type(self, *_arguments: object) -> Refusal:
        raise self._limits.unreadable("XML with a document type or entities")


def read_pieces(stream: BinaryIO, budget: Budget) -> Iterator[bytes]:
    """The stream piece by piece. Raises Refusal."""
    while chunk := _read(stream, budget.limits):
        budget.take(chunk)
        yield chunk


def _read(stream: BinaryIO, limits: Limits) -> bytes:
    try:
        return stream.read(CHUNK_BYTES)
    except CONTAINER_ERRORS as error:
        raise limits.unreadable("damaged container") from error


def local_name(name: str) -> str:
    """An element's name without its prefix."""
    return name.rpartition(":")[2]

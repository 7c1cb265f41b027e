"""XML of an uploaded file, piece by piece: no document types, no entities, bounded depth, elements, tokens and bytes."""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO
from xml.parsers import expat

from services.warehouse.registry_file.limits import (
    DEPTH_MAX,
    ELEMENTS_MAX,
    TOKEN_BYTES_MAX,
    UNPACKED_BYTES_MAX,
    too_large,
    unreadable,
)
from services.warehouse.registry_file.progress import Progress
from shared.contracts.refusals import Refusal

CHUNK_BYTES = 64 * 1024
CONTAINER_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)
"""What the reading of a damaged container raises."""


@dataclass(slots=True)
class Budget:
    """What is left for all parts of one workbook."""

    bytes_left: int = UNPACKED_BYTES_MAX
    elements_left: int = ELEMENTS_MAX


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

    def __init__(self, listener: Listener) -> None:
        self._guard = guard = _Guard(listener)
        self._fed_bytes = 0
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = guard.start
        parser.EndElementHandler = guard.end
        parser.CharacterDataHandler = listener.text
        parser.StartCdataSectionHandler = guard.note_section
        parser.StartDoctypeDeclHandler = _refuse_document_type
        parser.EntityDeclHandler = _refuse_document_type

    def feed(self, data: bytes, *, is_last: bool = False) -> None:
        """Parse some more. Raises Refusal."""
        try:
            self._parser.Parse(data, is_last)
        except (expat.ExpatError, LookupError) as error:
            raise unreadable("damaged XML") from error
        except CONTAINER_ERRORS as error:
            raise unreadable("damaged container") from error
        self._fed_bytes += len(data)
        if self._fed_bytes - self._parser.CurrentByteIndex > TOKEN_BYTES_MAX:
            raise too_large("bytes in one mark", TOKEN_BYTES_MAX)

    def is_between_marks(self, depth: int) -> bool:
        """Whether `depth` elements are open and what was fed ends where a mark ends; False after a CDATA section."""
        guard = self._guard
        return guard.depth == depth and not guard.has_sections and self._parser.CurrentByteIndex == self._fed_bytes


class _Guard:
    """Hears every element before the listener does. It does not know the parser: a cycle would outlive the import."""

    def __init__(self, listener: Listener) -> None:
        self.depth = 0
        self.has_sections = False
        self._listener = listener

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise too_large("levels of XML", DEPTH_MAX)
        self._listener.start(name if ":" not in name else local_name(name), attributes)

    def end(self, name: str) -> None:
        self.depth -= 1
        self._listener.end(name if ":" not in name else local_name(name))

    def note_section(self) -> None:
        self.has_sections = True


def read_pieces(stream: BinaryIO, budget: Budget, progress: Progress) -> Iterator[bytes]:
    """The stream piece by piece. Raises Refusal."""
    while chunk := _read(stream):
        budget.bytes_left -= len(chunk)
        if budget.bytes_left < 0:
            raise too_large("unpacked bytes", UNPACKED_BYTES_MAX)
        # Never fewer than there are: comments count as well, and what begins at the end of one piece and not in the next.
        budget.elements_left -= chunk.count(b"<") - chunk.count(b"</")
        if budget.elements_left < 0:
            raise too_large("elements", ELEMENTS_MAX)
        yield chunk
        progress.check_deadline()


def parse(stream: BinaryIO, listener: Listener, budget: Budget, progress: Progress) -> None:
    """Let `listener` hear the whole stream. Raises Refusal."""
    parser = GuardedParser(listener)
    for piece in read_pieces(stream, budget, progress):
        parser.feed(piece)
    parser.feed(b"", is_last=True)


def _read(stream: BinaryIO) -> bytes:
    try:
        return stream.read(CHUNK_BYTES)
    except CONTAINER_ERRORS as error:
        raise unreadable("damaged container") from error


def local_name(name: str) -> str:
    """An element's name without its prefix."""
    return name.rpartition(":")[2]


def _refuse_document_type(*_arguments: object) -> Refusal:
    raise unreadable("XML with a document type or entities")

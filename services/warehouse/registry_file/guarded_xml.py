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


def parse(stream: BinaryIO, listener: Listener, budget: Budget, progress: Progress) -> Iterator[int]:
    """Parse the whole stream; yields the number of bytes read so far after each piece, so that the caller can take what
    the listener has heard. Raises Refusal.
    """
    parser = _parser(listener, budget)
    read_bytes = 0
    try:
        while chunk := stream.read(CHUNK_BYTES):
            read_bytes += len(chunk)
            budget.bytes_left -= len(chunk)
            if budget.bytes_left < 0:
                raise too_large("unpacked bytes", UNPACKED_BYTES_MAX)
            parser.Parse(chunk, False)
            if read_bytes - parser.CurrentByteIndex > TOKEN_BYTES_MAX:
                raise too_large("bytes in one mark", TOKEN_BYTES_MAX)
            progress.check_deadline()
            yield read_bytes
        parser.Parse(b"", True)
        yield read_bytes
    except expat.ExpatError as error:
        raise unreadable("damaged XML") from error
    except CONTAINER_ERRORS as error:
        raise unreadable("damaged container") from error


def local_name(name: str) -> str:
    """An element's name without its prefix."""
    return name.rpartition(":")[2]


def _parser(listener: Listener, budget: Budget) -> expat.XMLParserType:
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        budget.elements_left -= 1
        if depth > DEPTH_MAX:
            raise too_large("levels of XML", DEPTH_MAX)
        if budget.elements_left < 0:
            raise too_large("elements", ELEMENTS_MAX)
        listener.start(name if ":" not in name else local_name(name), attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        listener.end(name if ":" not in name else local_name(name))

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = listener.text
    parser.StartDoctypeDeclHandler = _refuse_document_type
    parser.EntityDeclHandler = _refuse_document_type
    return parser


def _refuse_document_type(*_arguments: object) -> Refusal:
    raise unreadable("XML with a document type or entities")

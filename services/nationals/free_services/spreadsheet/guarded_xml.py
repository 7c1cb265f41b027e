"""XML of an uploaded file, piece by piece: no document types, no entities, bounded depth, elements, tokens and bytes."""

import time
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Final
from xml.parsers import expat

from services.nationals.free_services.domain.sheet import FILE_TOO_LARGE, FILE_UNREADABLE
from shared.contracts.refusals import Refusal

CHUNK_BYTES: Final = 64 * 1024
UNPACKED_BYTES_MAX: Final = 32 * 1024 * 1024
TOKEN_BYTES_MAX: Final = 256 * 1024
ELEMENTS_MAX: Final = 300_000
DEPTH_MAX: Final = 64
READING_S_MAX: Final = 20.0
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


def too_large(limit: int, what: str) -> Refusal:
    """The file holds more than `limit` of something."""
    return Refusal(FILE_TOO_LARGE, limit=f"{limit:,} {what}")


def unreadable(problem: str) -> Refusal:
    """The file is not what an import reads."""
    return Refusal(FILE_UNREADABLE, problem=problem)


@dataclass(slots=True)
class Budget:
    """What is left for all parts of one workbook."""

    bytes_left: int = UNPACKED_BYTES_MAX
    elements_left: int = ELEMENTS_MAX
    began_s: float = field(default_factory=time.monotonic)

    def take_bytes(self, count: int) -> None:
        """Raises Refusal when more is unpacked, or reading takes longer, than allowed."""
        self.bytes_left -= count
        if self.bytes_left < 0:
            raise too_large(UNPACKED_BYTES_MAX, "unpacked bytes")
        if time.monotonic() - self.began_s > READING_S_MAX:
            raise too_large(round(READING_S_MAX), "seconds of reading")

    def take_element(self) -> None:
        """Raises Refusal when there are too many."""
        self.elements_left -= 1
        if self.elements_left < 0:
            raise too_large(ELEMENTS_MAX, "elements")


class Listener:
    """Hears the text of a document, and those elements that it names, without their prefixes."""

    starts: Mapping[str, Callable[[dict[str, str]], None]]
    ends: Mapping[str, Callable[[], None]]

    def text(self, data: str) -> None:
        """Some of the text inside the current element."""


def parse(stream: IO[bytes], listener: Listener, budget: Budget) -> None:
    """Let `listener` hear the whole stream. Raises Refusal."""
    parser = _parser(listener, budget)
    read_bytes = 0
    try:
        while chunk := stream.read(CHUNK_BYTES):
            read_bytes += len(chunk)
            budget.take_bytes(len(chunk))
            parser.Parse(chunk, False)
            if read_bytes - parser.CurrentByteIndex > TOKEN_BYTES_MAX:
                raise too_large(TOKEN_BYTES_MAX, "bytes in one mark")
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise unreadable("damaged XML") from error
    except CONTAINER_ERRORS as error:
        raise unreadable("damaged container") from error


def local_name(name: str) -> str:
    """An element's name without its prefix."""
    return name.rpartition(":")[2]


def _parser(listener: Listener, budget: Budget) -> expat.XMLParserType:
    depth = 0
    starts, ends = listener.starts, listener.ends

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        budget.take_element()
        if depth > DEPTH_MAX:
            raise too_large(DEPTH_MAX, "levels of XML")
        heard = starts.get(local_name(name))
        if heard:
            heard(attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        heard = ends.get(local_name(name))
        if heard:
            heard()

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = listener.text
    parser.StartDoctypeDeclHandler = _refuse_document_type
    parser.EntityDeclHandler = _refuse_document_type
    return parser


def _refuse_document_type(*_arguments: object) -> None:
    raise unreadable("XML with a document type or entities")

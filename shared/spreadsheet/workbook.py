"""What surrounds the sheets of an XLSX workbook: its container, list of sheets, number formats and shared texts."""

import posixpath
import re
import zipfile
from array import array
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, BinaryIO, Final, cast

from shared.spreadsheet.guarded_xml import CONTAINER_ERRORS, Budget, GuardedParser, Listener, local_name, read_pieces
from shared.spreadsheet.limits import Limits

WORKBOOK_ENTRY: Final = "xl/workbook.xml"
RELATIONS_ENTRY: Final = "xl/_rels/workbook.xml.rels"
STYLES_ENTRY: Final = "xl/styles.xml"
TEXTS_ENTRY: Final = "xl/sharedStrings.xml"
_OTHER_FORMATS: Final = {"content.xml": "an ODS document", "xl/workbook.bin": "a binary XLSB workbook"}
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED: Final = 0x1
_BUILT_IN_DATES: Final = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_QUOTED: Final = re.compile(r'"[^"]*"|\\.|_.|\[[^\]]*\]')
_DATE_LETTERS: Final = re.compile(r"[dmyhs]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SheetEntry:
    """One sheet as the workbook lists it."""

    name: str
    relation: str
    visible: bool


@dataclass(frozen=True, slots=True)
class Container:
    """An opened workbook and what is left of its limits."""

    archive: zipfile.ZipFile
    budget: Budget
    names: frozenset[str]

    @property
    def limits(self) -> Limits:
        """The limits that it is read within."""
        return self.budget.limits

    @contextmanager
    def open(self, entry: str) -> Generator[tuple[BinaryIO, int]]:
        """The entry's bytes and how many it claims to have. Raises Refusal."""
        try:
            with self.archive.open(entry) as stream:
                yield cast("BinaryIO", stream), self.archive.getinfo(entry).file_size
        except CONTAINER_ERRORS as error:
            raise self.limits.unreadable("damaged container") from error
        except KeyError as error:
            raise self.limits.unreadable("incomplete workbook") from error

    def hear(self, entry: str, listener: Listener) -> Iterator[None]:
        """Let `listener` hear an entry; stops after each piece of it. Raises Refusal."""
        with self.open(entry) as (stream, _):
            parser = GuardedParser(listener, self.limits)
            for piece in read_pieces(stream, self.budget):
                parser.feed(piece)
                yield
            parser.feed(b"", is_last=True)

    def hear_whole(self, entry: str, listener: Listener) -> None:
        """Let `listener` hear a whole entry. Raises Refusal."""
        for _ in self.hear(entry, listener):
            pass


@contextmanager
def open_container(file: IO[bytes], limits: Limits, began_s: float) -> Generator[Container]:
    """Open an XLSX whose reading began at `began_s` (monotonic).

    Raises Refusal for other formats and for containers that play tricks.
    """
    try:
        archive = zipfile.ZipFile(file)
    except CONTAINER_ERRORS as error:
        raise limits.unreadable("damaged container") from error
    with archive:
        entries = archive.infolist()
        names = frozenset(entry.filename for entry in entries)
        if len(entries) > limits.entries:
            raise limits.too_large("entries", limits.entries)
        other = next((text for name, text in _OTHER_FORMATS.items() if name in names), None)
        if other or WORKBOOK_ENTRY not in names or len(names) != len(entries):
            raise limits.unreadable(other or "not an XLSX workbook")
        if any(entry.flag_bits & _ENCRYPTED for entry in entries):
            raise limits.unreadable("it is protected by a password")
        if any(entry.compress_type not in _METHODS for entry in entries):
            raise limits.unreadable("an unusual compression")
        yield Container(archive, Budget(limits, began_s), names)


class Workbook(Listener):
    """The list of sheets and the calendar that dates count from."""

    def __init__(self, container: Container) -> None:
        self.sheets: list[SheetEntry] = []
        self.from_1904 = False
        self._targets: dict[str, str] = {}
        container.hear_whole(WORKBOOK_ENTRY, self)
        container.hear_whole(RELATIONS_ENTRY, self)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "sheet":
            relation = next((value for key, value in attributes.items() if local_name(key) == "id"), "")
            visible = attributes.get("state", "visible") == "visible"
            self.sheets.append(SheetEntry(attributes.get("name", ""), relation, visible))
        elif name == "workbookPr":
            self.from_1904 = attributes.get("date1904") in ("1", "true")
        elif name == "Relationship" and attributes.get("Type", "").endswith("/worksheet"):
            target = attributes.get("Target", "")
            self._targets[attributes.get("Id", "")] = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")

    def entry_of(self, sheet: str | int | None = None) -> str | None:
        """The entry of the sheet by name, by number from 1, or of the first visible one; None if there is no such."""
        sheets = [one for one in self.sheets if one.relation in self._targets]
        if sheet is None:
            chosen = next((one for one in sheets if one.visible), None)
        elif isinstance(sheet, int):
            chosen = sheets[sheet - 1] if sheet <= len(sheets) else None
        else:
            chosen = next((one for one in sheets if one.name == sheet), None)
        return self._targets[chosen.relation] if chosen else None


class DateStyles(Listener):
    """Which cell styles show their number as a date."""

    def __init__(self, container: Container) -> None:
        self._custom: dict[str, str] = {}
        self._formats: list[str] = []
        self._inside = False
        if STYLES_ENTRY in container.names:
            container.hear_whole(STYLES_ENTRY, self)
        self.dates = frozenset(str(style) for style, code in enumerate(self._formats) if self._is_date(code))

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "numFmt":
            self._custom[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._inside = True
        elif name == "xf" and self._inside:
            self._formats.append(attributes.get("numFmtId", "0"))

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._inside = False

    def _is_date(self, code: str) -> bool:
        if code in self._custom:
            return _DATE_LETTERS.search(_QUOTED.sub("", self._custom[code]).partition(";")[0]) is not None
        return code.isdecimal() and int(code[:4]) in _BUILT_IN_DATES


class SharedTexts(Listener):
    """The texts that cells refer to by number, kept as bytes: a list of strings would take three times as much."""

    def __init__(self, container: Container) -> None:
        self._limits = container.limits
        self._bytes = bytearray()
        self._ends = array("L")
        self._parts: list[str] = []
        self._characters = 0
        self._inside = self._phonetic = False
        if TEXTS_ENTRY in container.names:
            container.hear_whole(TEXTS_ENTRY, self)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        del attributes
        if name == "si":
            self._parts.clear()
            self._characters = 0
        elif name == "rPh":
            self._phonetic = True
        elif name == "t":
            self._inside = not self._phonetic

    def end(self, name: str) -> None:
        if name == "t":
            self._inside = False
        elif name == "rPh":
            self._phonetic = False
        elif name == "si":
            self._bytes += "".join(self._parts)[: self._limits.text_characters].encode("utf-8", "replace")
            if len(self._bytes) > self._limits.shared_text_bytes:
                raise self._limits.too_large("bytes of text", self._limits.shared_text_bytes)
            self._ends.append(len(self._bytes))

    def text(self, data: str) -> None:
        if self._inside and self._characters < self._limits.text_characters:
            self._characters += len(data)
            self._parts.append(data[: self._limits.text_characters])

    def __len__(self) -> int:
        return len(self._ends)

    def get(self, number: int) -> str:
        """The text of that number, from 0."""
        start = self._ends[number - 1] if number else 0
        return self._bytes[start : self._ends[number]].decode()

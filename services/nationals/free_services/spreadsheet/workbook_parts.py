"""What surrounds the sheet of an XLSX workbook: its list of sheets, its number formats and its shared texts."""

import posixpath
import re
import zipfile
from typing import IO, Final

from services.nationals.free_services.spreadsheet.guarded_xml import (
    CONTAINER_ERRORS,
    Budget,
    Listener,
    local_name,
    parse,
    too_large,
    unreadable,
)

ENTRIES_MAX: Final = 200
TEXT_CHARACTERS_MAX: Final = 500
"""A longer text of a cell is cut here; every field is shorter, so its row is refused."""
SHARED_TEXTS_MAX: Final = 100_000
SHARED_TEXT_CHARACTERS_MAX: Final = 8 * 1024 * 1024

_WORKBOOK: Final = "xl/workbook.xml"
_RELATIONS: Final = "xl/_rels/workbook.xml.rels"
_STYLES: Final = "xl/styles.xml"
_TEXTS: Final = "xl/sharedStrings.xml"
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED: Final = 0x1
_BUILT_IN_DATES: Final = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_QUOTED: Final = re.compile(r'"[^"]*"|\\.|_.|\[[^\]]*\]')
_DATE_LETTERS: Final = re.compile(r"[dmyhs]", re.IGNORECASE)


class Container:
    """An opened workbook and what is left of its limits. Raises Refusal for what is no plain XLSX."""

    def __init__(self, file: IO[bytes]) -> None:
        self.budget = Budget()
        try:
            self.archive = zipfile.ZipFile(file)
        except CONTAINER_ERRORS as error:
            raise unreadable("not a workbook") from error
        entries = self.archive.infolist()
        self.names = frozenset(entry.filename for entry in entries)
        if len(entries) > ENTRIES_MAX:
            raise too_large(ENTRIES_MAX, "parts")
        if _WORKBOOK not in self.names or len(self.names) != len(entries):
            raise unreadable("not an XLSX workbook")
        if any(entry.flag_bits & _ENCRYPTED for entry in entries):
            raise unreadable("it is protected by a password")
        if any(entry.compress_type not in _METHODS for entry in entries):
            raise unreadable("an unusual compression")

    def listen(self, entry: str, listener: Listener) -> None:
        """Let `listener` hear a whole part. Raises Refusal."""
        try:
            stream = self.archive.open(entry)
        except KeyError as error:
            raise unreadable("incomplete workbook") from error
        except CONTAINER_ERRORS as error:
            raise unreadable("damaged container") from error
        with stream:
            parse(stream, listener, self.budget)


class SheetList(Listener):
    """The first visible sheet's part, and the calendar that dates count from."""

    def __init__(self, container: Container) -> None:
        self.from_1904 = False
        self._relations: list[str] = []
        self._targets: dict[str, str] = {}
        self.starts = {"sheet": self._sheet, "workbookPr": self._properties, "Relationship": self._relationship}
        self.ends = {}
        container.listen(_WORKBOOK, self)
        container.listen(_RELATIONS, self)

    @property
    def first_visible(self) -> str:
        """Raises Refusal if there is none."""
        for relation in self._relations:
            if relation in self._targets:
                return self._targets[relation]
        raise unreadable("no visible sheet")

    def _sheet(self, attributes: dict[str, str]) -> None:
        if attributes.get("state", "visible") == "visible":
            self._relations.append(next((value for key, value in attributes.items() if local_name(key) == "id"), ""))

    def _properties(self, attributes: dict[str, str]) -> None:
        self.from_1904 = attributes.get("date1904") in ("1", "true")

    def _relationship(self, attributes: dict[str, str]) -> None:
        if attributes.get("Type", "").endswith("/worksheet"):
            target = attributes.get("Target", "")
            self._targets[attributes.get("Id", "")] = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")


class DateStyles(Listener):
    """Which cell styles show their number as a date."""

    def __init__(self, container: Container) -> None:
        self._custom: dict[str, str] = {}
        self._formats: list[str] = []
        self._inside = False
        self.starts = {"numFmt": self._number_format, "cellXfs": self._start_styles, "xf": self._style}
        self.ends = {"cellXfs": self._end_styles}
        if _STYLES in container.names:
            container.listen(_STYLES, self)
        self.dates = frozenset(str(style) for style, code in enumerate(self._formats) if self._is_date(code))

    def _number_format(self, attributes: dict[str, str]) -> None:
        self._custom[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")

    def _start_styles(self, _: dict[str, str]) -> None:
        self._inside = True

    def _end_styles(self) -> None:
        self._inside = False

    def _style(self, attributes: dict[str, str]) -> None:
        if self._inside:
            self._formats.append(attributes.get("numFmtId", "0"))

    def _is_date(self, code: str) -> bool:
        if code in self._custom:
            return _DATE_LETTERS.search(_QUOTED.sub("", self._custom[code]).partition(";")[0]) is not None
        return code.isascii() and code.isdigit() and int(code[:4]) in _BUILT_IN_DATES


class SharedTexts(Listener):
    """The texts that cells refer to by number."""

    def __init__(self, container: Container) -> None:
        self.texts: list[str] = []
        self._parts: list[str] = []
        self._characters = self._characters_of_all = 0
        self._inside = self._phonetic = False
        self.starts = {"si": self._start_entry, "rPh": self._start_phonetic, "t": self._start_text}
        self.ends = {"si": self._end_entry, "rPh": self._end_phonetic, "t": self._end_text}
        if _TEXTS in container.names:
            container.listen(_TEXTS, self)

    def text(self, data: str) -> None:
        if self._inside and self._characters < TEXT_CHARACTERS_MAX:
            self._characters += len(data)
            self._parts.append(data[:TEXT_CHARACTERS_MAX])

    def _start_entry(self, _: dict[str, str]) -> None:
        self._parts.clear()
        self._characters = 0

    def _end_entry(self) -> None:
        text = "".join(self._parts)[:TEXT_CHARACTERS_MAX]
        self._characters_of_all += len(text)
        if len(self.texts) >= SHARED_TEXTS_MAX or self._characters_of_all > SHARED_TEXT_CHARACTERS_MAX:
            raise too_large(SHARED_TEXTS_MAX, "texts")
        self.texts.append(text)

    def _start_phonetic(self, _: dict[str, str]) -> None:
        self._phonetic = True

    def _end_phonetic(self) -> None:
        self._phonetic = False

    def _start_text(self, _: dict[str, str]) -> None:
        self._inside = not self._phonetic

    def _end_text(self) -> None:
        self._inside = False

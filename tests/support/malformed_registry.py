"""Two hundred registry files as they must not be: damaged, mislabelled, hostile. Each carries one row that is wrong anyway,
so that a file that can be read still gives a row error.
"""

import io
import struct
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, Literal

import openpyxl

DATA = Path(__file__).parents[1] / "data" / "registry"
HEADER = ("registry_id", "name", "kind", "county", "area", "capacity", "operator", "updated_on")
WRONG: tuple[Any, ...] = ("0", "انبار غلط", "پارکینگ", "کرج", "x", "نامشخص", "", "دیروز")
ROWS: tuple[tuple[Any, ...], ...] = (
    WRONG,
    *(
        (f"90{n}", f"انبار {n}", "عمومی", "ری", 100 + n, 10.5 + n, "شرکت", "1404/01/0" + str(n % 9 + 1))
        for n in range(12)
    ),
)
Cells = Sequence[Sequence[Any]]


def csv_of(rows: Cells, end: str = "\r\n", delimiter: str = ",") -> str:
    """The rows as text, every cell in quotes."""
    return "".join(delimiter.join(f'"{cell}"' for cell in row) + end for row in rows)


SOUND_CSV = csv_of([HEADER, *ROWS])


def book_of(*sheets: Cells, states: Sequence[Literal["hidden", "veryHidden"]] = ()) -> bytes:
    """A workbook of these sheets; `states` may hide them."""
    book = openpyxl.Workbook()
    for place, rows in enumerate(sheets):
        sheet = book.worksheets[0] if place == 0 else book.create_sheet()
        for row in rows:
            sheet.append(list(row))
        if place < len(states):
            sheet.sheet_state = states[place]
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


SOUND_BOOK = book_of([HEADER, *ROWS])


def changed_entry(name: str, change: Callable[[bytes], bytes], content: bytes = SOUND_BOOK) -> bytes:
    """The same container with one entry changed; with `name` unknown, added."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as changed:
        names = source.namelist()
        for one in names:
            changed.writestr(one, change(source.read(one)) if one == name else source.read(one))
        if name not in names:
            changed.writestr(name, change(b""))
    return target.getvalue()


def with_sheet(xml: str) -> bytes:
    """A workbook whose first sheet is this XML."""
    return changed_entry("xl/worksheets/sheet1.xml", lambda _: xml.encode())


def sheet(rows: str, before: str = "") -> str:
    namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<?xml version="1.0"?>{before}<worksheet xmlns="{namespace}"><sheetData>{rows}</sheetData></worksheet>'


def archive(entries: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, body in entries.items():
            made.writestr(name, body)
    return target.getvalue()


def malformed_files() -> Iterator[tuple[str, bytes]]:
    """Every file with its name; the same ones every time."""
    yield from _texts()
    yield from _tables()
    yield from _workbooks()
    yield from _hostile()
    yield from _other_formats()
    yield from _damaged()


def _texts() -> Iterator[tuple[str, bytes]]:
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "iso8859-6", "cp720", "mac_farsi", "utf-7", "cp864"):
        yield f"in {encoding}", SOUND_CSV.encode(encoding, "replace")
    yield "in windows-1256", SOUND_CSV.replace("ی", "ي").encode("cp1256")
    yield "utf-8 read as windows-1256 and saved", SOUND_CSV.encode().decode("cp1256").encode()
    yield "utf-8 twice", SOUND_CSV.encode().decode("latin-1").encode()
    yield "utf-8 with a broken byte", SOUND_CSV.encode().replace("شرکت".encode(), b"\xd8\x41\x85", 1)
    yield "utf-8 with surrogates", b'"\xed\xa0\x80"' + SOUND_CSV.encode()
    yield "two marks", b"\xef\xbb\xbf\xef\xbb\xbf" + SOUND_CSV.encode()
    yield "mixed line ends", SOUND_CSV.replace("\r\n", "\r", 3).replace("\r\n", "\n", 3).encode()
    yield "only carriage returns", SOUND_CSV.replace("\r\n", "\r").encode()
    yield "line ends of another age", SOUND_CSV.replace("\r\n", "\x85").encode()
    yield "vertical tabs", SOUND_CSV.replace("\r\n", "\x0b\r\n").encode()
    yield "quote left open", SOUND_CSV.replace('"', "", 1).encode()
    yield "quote never closed", (SOUND_CSV + '"abc,').encode()
    yield "text after a quote", SOUND_CSV.replace('"عمومی"', '"عمومی"x', 1).encode()
    yield "lone quotes", SOUND_CSV.replace("انبار 1", 'انبار "1', 1).encode()
    yield "quotes of the language", csv_of([HEADER, *ROWS]).replace('"', "«", 6).encode()
    yield "backslash quotes", SOUND_CSV.replace("انبار 2", 'انبار \\"2\\"').encode()
    yield "delimiters mixed", SOUND_CSV.replace('","', '";"', 20).encode()
    yield "pipes", csv_of([HEADER, *ROWS], delimiter="|").encode()
    yield "spaces for delimiters", csv_of([HEADER, *ROWS], delimiter=" ").replace('"', "").encode()
    yield "unquoted thousands", SOUND_CSV.replace('"', "").replace("10.5", "10,500").encode()
    yield (
        "ragged rows",
        "\n".join(",".join(map(str, row[: n % 8 + 1])) for n, row in enumerate([HEADER, *ROWS])).encode(),
    )
    yield "null characters", SOUND_CSV.replace("انبار 3", "انبار\x003").encode()
    yield "control characters", SOUND_CSV.replace("انبار 3", "انبار\x1b[31m3").encode()
    yield "no header", csv_of(ROWS).encode()
    yield "header alone", csv_of([HEADER]).encode()
    yield "header of spaces", csv_of([[" "] * 8, *ROWS]).encode()
    yield "blank lines alone", b"\r\n" * 500
    yield "empty", b""
    yield "a mark alone", b"\xef\xbb\xbf"
    yield "one quote", b'"'
    yield "one very long line", b"registry_id," * 200_000
    yield "one very long cell", csv_of([HEADER, ("1", "x" * 200_000, *ROWS[1][2:])]).encode()
    yield "many columns", csv_of([[*HEADER, *(f"c{n}" for n in range(150))], *ROWS]).encode()
    for cut in range(6):
        yield f"text cut short {cut}", SOUND_CSV.encode()[: 230 + cut * 7]


def _tables() -> Iterator[tuple[str, bytes]]:
    values: dict[str, tuple[str, Any]] = {
        "huge number": ("capacity", 1e300),
        "huge number as text": ("capacity", "9" * 400),
        "not a number": ("capacity", "NaN"),
        "infinite": ("capacity", "Infinity"),
        "negative": ("capacity", -5),
        "exponent": ("capacity", "1e5"),
        "hexadecimal": ("capacity", "0x10"),
        "fraction": ("capacity", "1/2"),
        "two decimal points": ("capacity", "1.2.3"),
        "unit inside": ("capacity", "12 تن"),
        "logical": ("capacity", "TRUE"),
        "broken reference": ("name", "#REF!"),
        "division by zero": ("capacity", "#DIV/0!"),
        "not available": ("county", "#N/A"),
        "office error": ("kind", "Err:502"),
        "date of no calendar": ("updated_on", "1404/13/45"),
        "date in words": ("updated_on", "سوم آذر"),
        "date as a number": ("updated_on", 45000),
        "date far away": ("updated_on", "9999-12-31"),
        "formula": ("name", "=HYPERLINK(0)"),
        "id as a float": ("registry_id", 1.5e20),
        "long name": ("name", "ن" * 5_000),
        "two counties": ("county", "ری/تهران"),
        "markup": ("kind", "<script>"),
        "statement": ("county", "'; DROP TABLE warehouse; --"),
        "invisible": ("name", "\u200c\u200e"),
        "emoji": ("kind", "🏭"),
    }
    for name, (column, value) in values.items():
        rows = [
            [value if heading == column else cell for heading, cell in zip(HEADER, row, strict=True)] for row in ROWS
        ]
        yield f"{name}, text", csv_of([HEADER, *rows]).encode()
        if isinstance(value, str) and value.startswith("="):
            continue
        yield f"{name}, workbook", book_of([HEADER, *rows])
    yield "ids that collide", csv_of([HEADER, WRONG, *(("1", f"n{n}", *ROWS[1][2:]) for n in range(9))]).encode()


def _workbooks() -> Iterator[tuple[str, bytes]]:
    yield "merged header", book_of([("registry_id", None, "kind", "county", None, "capacity"), *ROWS])
    yield "two header rows", book_of([("", "مشخصات", "", "مکان"), HEADER, *ROWS])
    yield "header twice", book_of([HEADER, HEADER, *ROWS])
    yield "column headed twice", book_of([(*HEADER, "ظرفیت"), *ROWS])
    yield "transposed", book_of(list(zip(HEADER, *ROWS, strict=True)))
    yield "empty sheet", book_of([])
    yield "empty sheet first", book_of([], [HEADER, *ROWS])
    yield (
        "hidden alone",
        changed_entry("xl/workbook.xml", lambda xml: xml.replace(b'state="visible"', b'state="hidden"')),
    )
    yield "hidden first", book_of([HEADER], [HEADER, *ROWS], states=("hidden",))
    yield "very hidden first", book_of([HEADER], [HEADER, *ROWS], states=("veryHidden",))
    yield "formulas without results", book_of([HEADER, *((row[0], *[f"=A{n}"] * 7) for n, row in enumerate(ROWS, 2))])
    yield (
        "chart sheet target",
        changed_entry("xl/_rels/workbook.xml.rels", lambda xml: xml.replace(b'/worksheet"', b'/chartsheet"')),
    )
    yield (
        "target outside",
        changed_entry(
            "xl/_rels/workbook.xml.rels", lambda xml: xml.replace(b"worksheets/sheet1.xml", b"../../../../etc/passwd")
        ),
    )
    for name in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml", "xl/sharedStrings.xml"):
        yield f"{name} empty", changed_entry(name, lambda _: b"")
        yield f"{name} cut", changed_entry(name, lambda xml: xml[: len(xml) // 2])
    yield "text that is not there", with_sheet(sheet('<row><c t="s"><v>999999</v></c></row>'))
    yield "text of a negative number", with_sheet(sheet('<row><c t="s"><v>-1</v></c></row>'))
    yield "cell in no column", with_sheet(sheet('<row><c r="7"><v>1</v></c></row>'))
    yield "cell far right", with_sheet(sheet('<row><c r="XFE1"><v>1</v></c></row>'))
    yield "cells out of order", with_sheet(sheet('<row><c r="C1"><v>1</v></c><c r="A1"><v>1</v></c></row>'))
    yield "rows out of order", with_sheet(sheet('<row r="9"><c><v>1</v></c></row><row r="2"><c><v>1</v></c></row>'))
    yield "row beyond the sheet", with_sheet(sheet('<row r="99999999999"><c><v>1</v></c></row>'))
    yield "row of no number", with_sheet(sheet('<row r="x"><c><v>1</v></c></row>'))


def _hostile() -> Iterator[tuple[str, bytes]]:
    laughs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    yield "entities", with_sheet(sheet("<row><c><v>&a9;</v></c></row>", f'<!DOCTYPE x [<!ENTITY a0 "ha">{laughs}]>'))
    yield "outer entity", with_sheet(sheet("<row/>", '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'))
    yield "parameter entity", with_sheet(sheet("<row/>", '<!DOCTYPE x [<!ENTITY % a SYSTEM "http://127.0.0.1/"> %a;]>'))
    yield (
        "quadratic entity",
        with_sheet(
            sheet("<row><c><v>" + "&a;" * 1_000 + "</v></c></row>", f'<!DOCTYPE x [<!ENTITY a "{"x" * 10_000}">]>')
        ),
    )
    yield "deep XML", with_sheet(sheet("<a>" * 100_000 + "</a>" * 100_000))
    yield "long tag", with_sheet(sheet(f'<row x="{"y" * 3_000_000}"/>'))
    yield "many attributes", with_sheet(sheet("<row " + " ".join(f'a{n}="1"' for n in range(50_000)) + "/>"))
    yield "one long text", with_sheet(sheet(f'<row><c t="str"><v>{"x" * 3_000_000}</v></c></row>'))
    yield "bomb of one sheet", _bomb(300)
    yield "bomb of cells", with_sheet(sheet("<row>" + "<c><v>1</v></c>" * 400_000 + "</row>"))
    yield (
        "bomb of shared texts",
        changed_entry(
            "xl/sharedStrings.xml", lambda _: b"<sst>" + (b"<si><t>" + b"x" * 3_000 + b"</t></si>") * 30_000 + b"</sst>"
        ),
    )
    yield "many entries", archive({"xl/workbook.xml": b"", **{f"x{n}.xml": b"" for n in range(700)}})
    yield "archive within an archive", archive({"xl/workbook.xml": SOUND_BOOK})
    yield "names that climb", archive({"../../xl/workbook.xml": b"<workbook/>", "xl/workbook.xml": b"<workbook/>"})
    yield "lying size", SOUND_BOOK.replace(struct.pack("<I", 1), struct.pack("<I", 2**31), 3)
    yield "protected", bytes(_with_flag(SOUND_BOOK, 0x1))
    yield "PDF and archive", b"%PDF-1.7\n" + SOUND_BOOK
    yield "picture and archive", b"\x89PNG\r\n\x1a\n" + SOUND_BOOK
    yield "page and archive", b"<html></html>" + SOUND_BOOK
    yield "script and table", b"#!/bin/sh\nrm -rf /\n" + SOUND_CSV.encode()
    yield "archive and table", SOUND_BOOK + SOUND_CSV.encode()
    yield "old workbook and archive", (DATA / "libreoffice.xls").read_bytes()[:4096] + SOUND_BOOK


def _other_formats() -> Iterator[tuple[str, bytes]]:
    yield "ODS", (DATA / "libreoffice.ods").read_bytes()
    yield "HTML named xls", (DATA / "libreoffice-html.xls").read_bytes()
    yield "SpreadsheetML", b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>'
    yield "binary workbook", archive({"xl/workbook.bin": b"\x83\x01"})
    yield "letter", archive({"word/document.xml": b"<w/>", "[Content_Types].xml": b"<Types/>"})
    yield "JSON", b'[{"registry_id": 1}]'
    yield "SQLite", b"SQLite format 3\x00" + b"\x00" * 100
    yield "gzip", b"\x1f\x8b\x08\x00" + b"\x00" * 50
    yield "RAR", b"Rar!\x1a\x07\x01\x00"
    old = (DATA / "libreoffice.xls").read_bytes()
    start = old.index(b"\x09\x08\x10\x00")
    yield "protected old workbook", old[: start + 20] + b"\x2f\x00" + old[start + 22 :]


def _damaged() -> Iterator[tuple[str, bytes]]:
    old = (DATA / "libreoffice.xls").read_bytes()
    for name, content, count in (("workbook", SOUND_BOOK, 24), ("old workbook", old, 12)):
        for seed in range(count):
            random, damaged = Random(seed), bytearray(content)
            for _ in range(random.randint(1, 40)):
                damaged[random.randrange(len(damaged))] = random.randrange(256)
            yield f"{name} damaged {seed}", bytes(damaged)
        for part in range(1, 6):
            yield f"{name} cut to {part} sixths", content[: len(content) * part // 6]


def _bomb(megabytes: int) -> bytes:
    """A workbook whose first sheet unpacks to this much, made without ever holding it."""
    entries = {
        "xl/workbook.xml": b'<workbook xmlns:r="r"><sheets><sheet name="a" r:id="x"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": b'<r><Relationship Id="x" Type="/worksheet" Target="s.xml"/></r>',
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for name, body in entries.items():
            made.writestr(name, body)
        with made.open("xl/s.xml", "w") as entry:
            entry.write(b"<worksheet>")
            for _ in range(megabytes):
                entry.write(b" " * 1_000_000)
    return target.getvalue()


def _with_flag(content: bytes, flag: int) -> bytearray:
    changed, place = bytearray(content), content.find(b"PK\x01\x02")
    while place >= 0:
        changed[place + 8] |= flag
        place = content.find(b"PK\x01\x02", place + 4)
    return changed

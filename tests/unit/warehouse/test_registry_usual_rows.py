"""Rows in the usual spelling are found by a pattern: it must say what the XML parser says, or leave the row to it."""

import io
import zipfile
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from services.warehouse.registry_file import read_rows, sheet
from services.warehouse.registry_file.usual_rows import ROW_END, read_usual_row, starts_usually
from shared.contracts.refusals import Refusal
from tests.unit.warehouse.test_registry_file import with_entry, workbook

DATA = Path(__file__).parents[2] / "data" / "registry"
SHEET = "xl/worksheets/sheet1.xml"
START = '<?xml version="1.0" encoding="UTF-8"?>\n<worksheet xmlns="x">'
EMPTY = with_entry(workbook(), "xl/sharedStrings.xml", b"<sst><si><t>shared text</t></si></sst>")
ROWS = "".join(
    f'<row r="{n}"><c r="A{n}" t="inlineStr"><is><t>متن {n}</t></is></c><c r="C{n}"><v>{n}.5</v></c></row>'
    for n in range(1, 6)
)
INSERTED = (
    *("<!--", "-->", "<![CDATA[", "]]>", "<?x", "?>", "</row>", "<row/>", '<row r="3">', '<row r="9"/>', "</x:row>"),
    *("<sheetData>", "</sheetData>", "<x:row>", "<is>", "</is>", "<t>", "</t>", "</c>", "<c>", "<c/>", '<c r="D4"/>'),
    *('<c r="D2" t="s"><v>0</v></c>', '<c r="D2" t="b"><v>1</v></c>', '<c r="CW1"><v>1</v></c>', "<f>1</f>"),
    *('<c r="B1"><v>1</v></c>', '<c r="D1" t="s"><v>7</v></c>', "<v></v>", '<rPh sb="0" eb="1"><t>x</t></rPh>'),
    *("&amp;", "&#65;", "&x;", "\r\n", "\n", "\t", "\x01", "\ufffe", "]", "]]>", '"', "<", ">", ' r="2"', ' s="1"'),
    '<c r="D2" t="s"><v>0000000000009999999</v></c>',
    *("<x>" * 70, "x" * 4_000, ' spans="1:2"', "<!DOCTYPE a>", "ك"),
)


def answer(content: bytes) -> object:
    """The rows, or why the file is refused."""
    try:
        return [(number, list(cells)) for number, cells in read_rows(io.BytesIO(content))]
    except Refusal as refusal:
        return refusal.reason.code, refusal.details


def never(_: bytes) -> bool:
    """Nothing is usual."""
    return False


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(INSERTED)), max_size=3), st.booleans())
def test_the_pattern_says_what_the_parser_says(inserted: list[tuple[int, str]], at_marks: bool) -> None:
    xml = f"{START}<sheetData>{ROWS}</sheetData></worksheet>"
    for number, text in inserted:
        places = [place for place, character in enumerate(xml) if character == "<" or not at_marks]
        place = places[number % len(places)]
        xml = xml[:place] + text + xml[place:]
    assert_read_alike(xml)


FIRST, SECOND, *LATER = (row + "</row>" for row in ROWS.split("</row>")[:-1])
REST = "".join(LATER)


@pytest.mark.parametrize(
    "table",
    [
        f"{FIRST}<!--{SECOND}-->{REST}",
        f"{FIRST}<row r='2'/><!--</row>{SECOND}-->{REST}",
        f"{FIRST}<![CDATA[</row>{SECOND}]]>{REST}",
        f"{FIRST}<?x </row>{SECOND}?>{REST}",
        f"{FIRST}<x>{SECOND}</x></row>{REST}",
        f"<rPh>{FIRST}{SECOND}</rPh>{REST}",
        f"{FIRST}</sheetData>{SECOND}<sheetData>{REST}",
        f"</sheetData><rPh>{FIRST}{SECOND}</rPh><sheetData>{REST}",
        f"{FIRST}{SECOND.replace('متن', '&amp;')}{REST}",
        f"{FIRST}{SECOND.replace('متن', '<b>')}{REST}",
        f"{FIRST}{SECOND.replace('متن', ']]>')}{REST}",
        f"{FIRST}{SECOND.replace('متن', chr(1))}{REST}",
        f"{FIRST}{SECOND.replace('متن', chr(0xFFFE))}{REST}",
        f"{FIRST}{SECOND.replace('متن', chr(13))}{REST}",
        f"{FIRST}{SECOND.replace('متن', '')}{REST}",
        f"{FIRST}{REST}{SECOND}",
        FIRST + SECOND.replace('r="2"', 'r="2" r="2"') + REST,
        FIRST + SECOND.replace('r="2"', 'r="2" ht="9" x="1" ht="9"') + REST,
        f'{FIRST}<row r="2"><c r="A2" t="s"><v>0000000000009999999</v></c></row>{REST}',
    ],
)
def test_what_only_looks_like_a_row_is_the_parsers(table: str) -> None:
    assert_read_alike(f"{START}<sheetData>{table}</sheetData></worksheet>")


def assert_read_alike(xml: str) -> None:
    """With the pattern and without it."""
    content = with_entry(EMPTY, SHEET, xml.encode())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sheet, "starts_usually", never)
        heard = answer(content)
    assert answer(content) == heard


def _by_openpyxl() -> bytes:
    book = openpyxl.Workbook()
    for row in (["a", 1], ["ب", 2.5], [True, None, "c"]):
        book.worksheets[0].append(row)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _by_xlsxwriter() -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True, "constant_memory": True}) as book:
        written = book.add_worksheet()
        for number, row in enumerate((["a", 1], [" ب ", 2.5], ["x", "c"])):
            written.write_row(number, 0, row)
    return target.getvalue()


@pytest.mark.parametrize(
    "content",
    [_by_openpyxl(), _by_xlsxwriter(), (DATA / "libreoffice.xlsx").read_bytes()],
    ids=["openpyxl", "xlsxwriter", "LibreOffice"],
)
def test_what_programs_write_is_usual(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        xml = archive.read(SHEET)
    rows = [row + ROW_END for row in xml.split(ROW_END)[1:-1]]
    assert starts_usually(xml)
    assert rows
    assert all(map(read_usual_row, rows))


@pytest.mark.parametrize(
    ("start", "usual"),
    [
        (START.encode(), True),
        (START.encode().replace(b"UTF-8", b"windows-1256"), False),
        (START.encode("utf-16"), False),
        (START.partition("\n")[2].encode(), True),
        (START.partition("\n")[2].encode("utf-16-le"), False),
        (b"<x:worksheet>", False),
    ],
)
def test_only_utf_8_is_usual(start: bytes, usual: bool) -> None:
    assert starts_usually(start) is usual


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1256", "utf-16"])
def test_a_sheet_in_another_encoding_is_read_alike(encoding: str) -> None:
    xml = f"{START}<sheetData>{ROWS}</sheetData></worksheet>".replace("UTF-8", encoding)
    assert answer(with_entry(EMPTY, SHEET, xml.encode(encoding))) == [
        (number, [f"متن {number}", None, number + 0.5]) for number in range(1, 6)
    ]


def test_an_unknown_encoding_is_refused() -> None:
    xml = f"{START}<sheetData>{ROWS}</sheetData></worksheet>".replace("UTF-8", "klingon")
    assert answer(with_entry(EMPTY, SHEET, xml.encode())) == (
        "warehouse.import.file_unreadable",
        {"problem": "damaged XML"},
    )

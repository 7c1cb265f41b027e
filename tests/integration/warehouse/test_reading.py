"""Lists with filters and cursors, the map, the export that the import reads back, one site, inspections."""

import csv
import io
import json
from typing import Any
from uuid import UUID

import httpx
import openpyxl
import pytest

from shared.contracts.counties import County
from tests.integration.warehouse.province import Province, as_csv, site_row

WHO = "province_officer"
NOTHING: set[str] = set()
NAMES = ("سردخانهٔ كوثر", "انبار علي‌آباد ۱۲", "Tehran Depot", "سیلوی بزرگ")


def placed(number: int, latitude: str, longitude: str, **changes: str) -> dict[str, str]:
    return site_row(number) | {"latitude": latitude, "longitude": longitude} | changes


async def found(province: Province, query: str, who: str = WHO) -> set[str]:
    page = await province.ask("GET", f"/warehouses?{query}", who)
    assert page["next"] is None
    return {item["registry_id"] for item in page["items"]}


async def get(province: Province, path: str, who: str = WHO) -> httpx.Response:
    answer = await province.client.get(path, headers=province.headers(who))
    assert answer.status_code == 200, answer.text
    return answer


async def test_every_filter_finds_what_it_says(province: Province) -> None:
    sites = await province.register(
        site_row(1) | {"status": ""},
        site_row(2, kind="خطرناک") | {"status": ""},
        site_row(3, County.QODS) | {"status": ""},
        site_row(4, County.QODS, kind="سیلو") | {"status": "تعطیل"},
    )
    await province.inspect(sites[0], found={"capacity_tonnes": 500}, suspicion="biological_hazard")
    await province.inspect(sites[1], found={"kind": "hazardous"})
    for query, expected in (
        ("", {"1", "2", "3", "4"}),
        ("county=rey", {"1", "2"}),
        ("kind=silo", {"4"}),
        ("status=closed", {"4"}),
        ("risk_class=A", {"2"}),
        ("on_hold=true", {"1"}),
        ("on_hold=false", {"2", "3", "4"}),
        ("verdict=confirmed", {"2"}),
        ("verdict=differs", {"1"}),
        ("county=rey&verdict=confirmed&kind=hazardous", {"2"}),
        ("county=qods&verdict=confirmed", NOTHING),
        ("due_before=1300-01-01", NOTHING),
        ("due_before=2100-01-01", {"1", "2", "3", "4"}),
    ):
        assert await found(province, query) == expected, query
    assert await found(province, "on_hold=true", "reviewer.qods") == set()
    due = await province.superuser.fetchval("SELECT next_due_on FROM warehouse WHERE registry_id = '3'")
    assert "3" not in await found(province, f"due_before={due}")


async def test_a_name_is_found_in_any_spelling_and_only_the_name_is_searched(province: Province) -> None:
    rows = [site_row(number) | {"name": name, "operator": "شرکت رضایی"} for number, name in enumerate(NAMES, 1)]
    await province.register(*rows)
    for name, expected in (
        ("سردخانه کوثر", {"1"}),
        ("سردخانة‌ كوثر", {"1"}),
        ("علی آباد", {"2"}),
        ("علي آباد١٢", {"2"}),
        ("DEPOT", {"3"}),
        ("tehran-depot", {"3"}),
        ("بزرگ", {"4"}),
        ("رضایی", NOTHING),
        ("%", NOTHING),
        ("_", NOTHING),
        ("' OR 1=1 --", NOTHING),
        ("ان", {"1", "2"}),
    ):
        page = await province.client.get("/warehouses", params={"name": name}, headers=province.headers(WHO))
        assert {item["registry_id"] for item in page.json()["items"]} == expected, name


async def test_pages_are_stable_while_sites_are_added_and_cursors_belong_to_their_list(province: Province) -> None:
    before = await province.register(*(site_row(number) for number in range(10)))
    seen: list[str] = []
    after = ""
    for extra in range(100, 110):
        page = await province.ask("GET", f"/warehouses?county=rey&limit=3{after}", WHO)
        seen += [item["warehouse_id"] for item in page["items"]]
        if page["next"] is None:
            break
        await province.register(site_row(extra))
        after = f"&after={page['next']}"
    assert seen[:10] == [str(site) for site in before]
    assert len(seen) == len(set(seen))
    assert len(seen) > 10
    cursor = after.removeprefix("&after=")
    assert str(before[0])[:8] not in cursor
    for wrong in (f"limit=3&after={cursor}", "after=x", f"county=rey&after={cursor[:-2]}", "after=%00", "after=۱۲۳"):
        problem = await province.ask("GET", f"/warehouses?{wrong}", WHO, status=422)
        assert problem["code"] == "warehouse.query.cursor_unreadable", wrong
    for limit in (0, 1001):
        await province.ask("GET", f"/warehouses?limit={limit}", WHO, status=422)


async def test_the_map_is_geojson_within_its_box(province: Province) -> None:
    sites = await province.register(
        placed(1, "35.60", "51.40"), placed(2, "35.70", "51.50", kind="سیلو"), placed(3, "", "")
    )
    answer = await get(province, "/warehouses.geojson")
    assert answer.headers["content-type"] == "application/geo+json"
    document: dict[str, Any] = json.loads(answer.content)
    assert document["type"] == "FeatureCollection"
    assert [feature["id"] for feature in document["features"]] == [str(site) for site in sites[:2]]
    first = document["features"][0]
    assert (first["type"], first["geometry"]) == ("Feature", {"type": "Point", "coordinates": [51.4, 35.6]})
    assert first["properties"]["registry_id"] == "1"
    for query, expected in (
        ("bbox=51.45,35,52,36", ["2"]),
        ("bbox=51,35,52,36&kind=general", ["1"]),
        ("bbox=10,10,11,11", []),
    ):
        features = json.loads((await get(province, f"/warehouses.geojson?{query}")).content)["features"]
        assert [feature["properties"]["registry_id"] for feature in features] == expected
    assert json.loads((await get(province, "/warehouses.geojson", "reviewer.qods")).content)["features"] == []
    for box in ("1,2,3", "a,b,c,d", "52,35,51,36", "51,35,NaN,36", "51,91,52,92", "51,35,52,36,1"):
        problem = await province.ask("GET", f"/warehouses.geojson?bbox={box}", WHO, status=422)
        assert problem["code"] == "warehouse.query.bbox_not_valid", box


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
async def test_what_is_exported_is_read_back_as_unchanged(province: Province, file_format: str) -> None:
    rows = [
        placed(number, "35.612345", "51.4", name=name, kind=kind)
        | {
            "address": "خیابان یکم، پلاک ۲",
            "postal_code": "0123456789",
            "operator": "+شرکت",
            "operator_id": "01234567890",
            "status": "غیرفعال",
            "updated_on": "1404/08/01",
            "capacity_tonnes": "12345.678",
        }
        for number, (name, kind) in enumerate(
            (("=HYPERLINK(1)", "عمومی"), ("@سردخانه", "سردخانه"), ("-انبار، «دو»", "مرکز توزیع"), ("ساده", "سیلو")), 1
        )
    ]
    await province.register(*rows)
    answer = await get(province, f"/warehouses/export?format={file_format}", "registry_clerk")
    assert answer.headers["content-disposition"] == f'attachment; filename="warehouses.{file_format}"'
    imported = await province.send_file(answer.content)
    assert (imported["rows"], imported["unchanged"], imported["refused_rows"]) == (4, 4, 0), imported
    cells = [str(cell) for row in _cells(answer.content, file_format) for cell in row if isinstance(cell, str)]
    assert "شناسه انبار" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def _cells(content: bytes, file_format: str) -> list[tuple[object, ...]]:
    if file_format == "csv":
        assert content.startswith(b"\xef\xbb\xbf")
        return [tuple(row) for row in csv.reader(io.StringIO(content.decode("utf-8-sig")))]
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    assert sheet.sheet_view.rightToLeft
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}
    return list(sheet.iter_rows(values_only=True))


async def test_an_export_is_of_the_callers_counties_with_filters_and_not_for_inspectors(province: Province) -> None:
    await province.register(site_row(1), site_row(2, kind="سیلو"), site_row(3, County.QODS))
    for who, query, expected in (
        (WHO, "", ["1", "2", "3"]),
        ("reviewer.rey", "", ["1", "2"]),
        ("reviewer.rey", "&kind=silo", ["2"]),
        ("reviewer.pardis", "", []),
    ):
        content = (await get(province, f"/warehouses/export?format=csv{query}", who)).content
        assert [row[0] for row in _cells(content, "csv")[1:]] == expected
    for hidden in ("/warehouses/export", "/warehouses", "/warehouses.geojson", f"/warehouses/{UUID(int=0)}"):
        await province.ask("GET", hidden, "inspector.rey", status=403)  # they count blind


async def test_more_sites_than_a_page_are_exported_once_each(
    province: Province, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.warehouse.api.reading.EXPORT_PAGE_ITEMS", 3)
    await province.register(*(placed(number, "35.6", "51.4") for number in range(9)))
    numbers = [str(number) for number in range(9)]
    for file_format in ("csv", "xlsx"):
        content = (await get(province, f"/warehouses/export?format={file_format}")).content
        assert [row[0] for row in _cells(content, file_format)[1:]] == numbers
    features = json.loads((await get(province, "/warehouses.geojson")).content)["features"]
    assert [feature["properties"]["registry_id"] for feature in features] == numbers


async def test_one_site_with_what_is_open_on_it(province: Province) -> None:
    [site] = await province.register(site_row(1))
    path = f"/warehouses/{site}"
    empty = await province.ask("GET", path, "reviewer.rey")
    assert (empty["open_actions"], empty["open_holds"], empty["last_inspection"]) == ([], [], None)
    review = await province.inspect(site, failed={"structure": "major"}, suspicion="smuggling_suspicion")
    full = await province.ask("GET", path, "reviewer.rey")
    assert full["site"]["within_interval"] is True
    assert [action["action_id"] for action in full["open_actions"]] == review["action_ids"]
    assert [hold["hold_id"] for hold in full["open_holds"]] == [review["hold_id"]]
    assert full["last_inspection"]["inspection_id"] == review["inspection_id"]
    assert full["last_inspection"]["state"] == "completed"
    assert (await province.ask("GET", path, "reviewer.qods", status=404))["code"] == "warehouse.site.not_found"


async def test_inspections_by_county_state_inspector_and_due_day(province: Province) -> None:
    first, second, third = await province.register(site_row(1), site_row(2), site_row(3, County.QODS))
    done = (await province.inspect(first))["inspection_id"]
    mine = await province.assign(second, inspector="inspector2.rey")
    theirs = await province.assign(third, County.QODS)
    due = await province.superuser.fetchval("SELECT due_on FROM inspection WHERE inspection_id = $1", UUID(mine))
    for query, who, expected in (
        ("", WHO, [done, mine, theirs]),
        ("county=rey", WHO, [done, mine]),
        ("state=assigned", WHO, [mine, theirs]),
        ("inspector=me", "inspector2.rey", [mine]),
        ("inspector=me&state=completed", "inspector.rey", [done]),
        ("inspector=inspector.rey", WHO, [done]),
        (f"warehouse_id={second}", WHO, [mine]),
        (f"due_before={due}&warehouse_id={second}", WHO, []),
        ("due_before=1500-01-01", WHO, None),
        ("", "reviewer.qods", [theirs]),
    ):
        status = 422 if expected is None else None
        page = await province.ask("GET", f"/inspections?{query}", who, status=status)
        if expected is not None:
            assert [item["inspection_id"] for item in page["items"]] == expected, query
    page = await province.ask("GET", "/inspections?limit=2", WHO)
    rest = await province.ask("GET", f"/inspections?limit=2&after={page['next']}", WHO)
    assert [item["inspection_id"] for item in page["items"] + rest["items"]] == [done, mine, theirs]


async def test_a_registry_import_keeps_what_it_shields(province: Province) -> None:
    """The mark before a formula is taken off again, so that a name that begins so is the same name."""
    await province.register(site_row(1) | {"name": "=نام"})
    imported = await province.send_file(as_csv([site_row(1) | {"name": "\u200e=نام"}]))
    assert imported["unchanged"] == 1

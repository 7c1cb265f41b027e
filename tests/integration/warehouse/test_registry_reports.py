"""What a clerk gets back: the report, the sites a file does not name, and refusals for files as they must not be."""

import csv
import io
import json
import resource
from typing import Any

import httpx
import openpyxl
import pytest

from services.warehouse.registry_report import FORMULA_STARTS
from services.warehouse.store import registry_imports
from shared.contracts.counties import County
from shared.contracts.warehouse import WarehouseChanged
from tests.integration.warehouse.province import Province, as_csv, site_row
from tests.support.malformed_registry import malformed_files

GROWTH_BYTES_MAX = 200 * 1024 * 1024


async def report_of(province: Province, import_id: str) -> dict[str, list[list[Any]]]:
    """The report's rows by sheet; fails where a cell is a formula or might become one."""
    answer = await download(province, import_id)
    assert answer.status_code == 200
    assert "attachment" in answer.headers["content-disposition"]
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    for sheet in book.worksheets:
        assert sheet.sheet_view.rightToLeft
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type in ("s", "n"), cell
                assert cell.value is None or isinstance(cell.value, str)
                assert not str(cell.value or "").startswith(FORMULA_STARTS), cell.value
    return {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book.worksheets}


async def download(province: Province, import_id: str, who: str = "registry_clerk") -> httpx.Response:
    return await province.client.get(f"/registry-imports/{import_id}/report", headers=province.headers(who))


async def send_with_mapping(province: Province, content: bytes, mapping: bytes) -> httpx.Response:
    files = {"file": ("registry", content), "mapping": ("mapping.yaml", mapping)}
    headers = province.headers("registry_clerk")
    return await province.client.post("/registry-imports?mode=apply", files=files, headers=headers)


async def test_the_report_says_what_became_of_every_row(province: Province) -> None:
    await province.register(site_row(1), site_row(2), site_row(3))
    rows = [
        site_row(1, capacity="1500", address="=HYPERLINK(1)"),
        site_row(2),
        site_row(4) | {"name": "=cmd|' /C calc'!A0"},
        site_row(5) | {"kind": "+پارکینگ", "area_m2": "-5"},
    ]
    for row in rows:
        row.setdefault("address", "")
    answer = await province.send_file(as_csv(rows), "dry_run")
    report = await report_of(province, answer["import_id"])
    assert list(report) == ["خلاصه", "ردشده‌ها", "افزوده‌ها", "تغییرها", "نام‌نبرده‌ها"]
    summary = {line[0]: line[1] for line in report["خلاصه"]}
    assert (summary["سطرها"], summary["افزوده"], summary["تغییریافته"], summary["ردشده"]) == ("4", "1", "1", "1")
    assert [line[:3] + line[4:] for line in report["ردشده‌ها"][1:]] == [
        ["5", "kind", "'+پارکینگ", "kind_unknown"],
        ["5", "area_m2", "'-5", "negative"],
    ]
    assert [line[:3] for line in report["افزوده‌ها"][1:]] == [["4", "4", "'=cmd|' /C calc'!A0"]]
    assert [line[1:2] + line[3:] for line in report["تغییرها"][1:]] == [
        ["1", "ظرفیت (تن)", "1000.000", "1500.000"],
        ["1", "نشانی", "—", "'=HYPERLINK(1)"],
    ]
    assert [line[0] for line in report["نام‌نبرده‌ها"][1:]] == ["3"]
    assert await province.superuser.fetchval("SELECT count(*) FROM warehouse") == 3


async def test_sites_that_a_file_does_not_name_are_listed_and_stay(province: Province) -> None:
    sites = await province.register(*(site_row(n) for n in range(5)), site_row(9, County.QODS))
    before = await province.superuser.fetch("SELECT * FROM warehouse ORDER BY warehouse_id")
    # A refused row names its site too.
    answer = await province.send_file(as_csv([site_row(0), site_row(1) | {"kind": "؟"}]))
    assert (answer["missing"], answer["unchanged"], answer["refused_rows"]) == (4, 1, 1)
    path = f"/registry-imports/{answer['import_id']}/missing"
    first = await province.ask("GET", f"{path}?limit=3", "registry_clerk")
    rest = await province.ask("GET", f"{path}?limit=3&after={first['next']}", "registry_clerk")
    assert rest["next"] is None
    found = [line["warehouse_id"] for line in first["items"] + rest["items"]]
    assert found == [str(site) for site in sites[2:]]
    assert len((await province.ask("GET", path, "registry_clerk.qods"))["items"]) == 1
    assert await province.superuser.fetch("SELECT * FROM warehouse ORDER BY warehouse_id") == before
    assert len(await province.events()) == 6


async def test_an_older_file_overwrites_nothing(province: Province) -> None:
    await province.register(site_row(1, updated_on="1404/06/01"))
    older = await province.send_file(as_csv([site_row(1, capacity="5", updated_on="1404/05/31")]))
    assert [(cell["reason_code"], cell["column"], cell["value"]) for cell in older["refused"]] == [
        ("older_than_stored", "updated_on", "2025-08-22 < 2025-08-23")
    ]
    assert await province.superuser.fetchval("SELECT capacity_tonnes FROM warehouse") == 1000
    newer = await province.send_file(as_csv([site_row(1, capacity="5", updated_on="1404/06/02")]))
    assert newer["changed"] == 1
    assert len(await province.events(WarehouseChanged)) == 1


async def test_who_may_see_a_report(province: Province) -> None:
    answer = await province.send_file(as_csv([site_row(1)]))
    assert (await download(province, answer["import_id"], "registry_clerk2")).status_code == 200
    assert (await download(province, answer["import_id"], "registry_clerk.rey")).status_code == 403
    assert (await download(province, answer["import_id"], "reviewer.rey")).status_code == 403
    nobody = await download(province, "01a201a6-925b-70e5-beec-41752ffc1721")
    assert (nobody.status_code, nobody.json()["code"]) == (404, "warehouse.import.not_found")
    listed = await province.ask("GET", "/registry-imports", "registry_clerk")
    assert [(one["import_id"], one["added_count"]) for one in listed["items"]] == [(answer["import_id"], 1)]


async def test_reports_of_the_latest_files_are_kept(province: Province, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_imports, "REPORTS_KEPT", 2)
    applied = await province.send_file(as_csv([site_row(1)]))
    looked_at = [await province.send_file(as_csv([site_row(n)]), "dry_run") for n in range(2, 5)]
    statuses = [(await download(province, one["import_id"])).status_code for one in [applied, *looked_at]]
    assert statuses == [200, 404, 200, 200]


async def test_a_mapping_is_a_part_of_the_command(province: Province) -> None:
    content = as_csv([{("رمز" if name == "registry_id" else name): value for name, value in site_row(1).items()}])
    refused = await province.send_file(content, status=422)
    assert refused["code"] == "warehouse.import.column_missing"
    wrong = await send_with_mapping(province, content, b"columns: {registry_id: [1]}")
    assert (wrong.status_code, wrong.json()["code"]) == (422, "warehouse.import.mapping_invalid")
    taken = await send_with_mapping(province, content, "columns: {registry_id: رمز}".encode())
    assert (taken.status_code, taken.json()["added"]) == (201, 1)


async def test_personal_ids_leave_no_trace(province: Province, capsys: pytest.CaptureFixture[str]) -> None:
    personal = ("0012345679", "0499370899", "0790419904")
    rows = [site_row(n, کارشناس=personal_id) for n, personal_id in enumerate(personal)]
    problem = await province.send_file(as_csv(rows), status=422, key="once")
    assert (problem["code"], "کارشناس" in json.dumps(problem, ensure_ascii=False)) == (
        "warehouse.import.personal_id_column",
        True,
    )
    left_out = await send_with_mapping(province, as_csv(rows), "ignored: [کارشناس]".encode())
    assert left_out.json()["ignored_columns"] == ["کارشناس"]
    book = (await download(province, left_out.json()["import_id"])).content
    tables = ("warehouse", "registry_import", "outbox", "idempotency")
    kept = [str(await province.superuser.fetch(f"SELECT * FROM {table}")) for table in tables]
    seen = "".join([json.dumps(problem), left_out.text, capsys.readouterr().out, *kept])
    report = openpyxl.load_workbook(io.BytesIO(book))
    seen += str([list(sheet.iter_rows(values_only=True)) for sheet in report.worksheets])
    assert not any(personal_id in seen for personal_id in personal)


@pytest.mark.slow
async def test_malformed_files_are_refused_or_give_row_errors(province: Province) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    taken = count = 0
    for name, content in malformed_files():
        count += 1
        answer = await province.client.post(
            "/registry-imports?mode=dry_run",
            files={"file": ("registry.xlsx", content)},
            headers=province.headers("registry_clerk"),
        )
        if answer.status_code == 201:
            taken += 1
            assert answer.json()["refused_rows"], name
        else:
            assert answer.status_code in (413, 422), (name, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["code"].startswith("warehouse.import."), name
    assert count >= 200
    assert 0 < taken < count
    assert await province.superuser.fetchval("SELECT count(*) FROM registry_import") == taken
    assert await province.superuser.fetchval("SELECT count(*) FROM warehouse") == 0
    assert await province.events() == []
    growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert growth < GROWTH_BYTES_MAX


async def test_progress_is_told_to_the_sender_alone(province: Province) -> None:
    assert await province.ask("GET", "/registry-imports/progress", "registry_clerk") == []
    await province.ask("GET", "/registry-imports/progress", "reviewer.rey", status=403)


async def test_a_csv_of_unusual_shape_changes_nothing_it_does_not_say(province: Province) -> None:
    await province.register(site_row(1, address="خیابان یک"))
    target = io.StringIO()
    csv.writer(target, delimiter=";").writerows([list(site_row(1)), list(site_row(1).values())])
    answer = await province.send_file(target.getvalue().encode("utf-8-sig"))
    assert (answer["unchanged"], answer["refused"]) == (1, [])

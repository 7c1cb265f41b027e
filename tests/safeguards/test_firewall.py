"""Nothing of one half of the nationals service can be joined to the other: by role, key, function, value or answer."""

import tomllib
from collections.abc import AsyncIterator, Callable, Iterable
from itertools import combinations
from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, FastAPI

from deploy.embedded.migrations import ROOT
from services.nationals.app import service
from services.nationals.casework import api as casework_api
from services.nationals.complaints import api as complaints_api
from services.nationals.free_services import api as free_services_api
from shared.kit.connections import Connection
from shared.kit.database import open_pool
from shared.kit.http import connect, mount
from tests.integration.nationals.office import Office
from tests.safeguards.canary_requests import Document, World
from tests.safeguards.firewall_catalogue import (
    COMPARTMENTS,
    GROUPS,
    LOGIN_ROLES,
    OWNER,
    SHARED_TABLES,
    compartment_roles,
    crossings,
    reachable_roles,
    refused_reads,
    schemas_touched,
    tables_of,
)
from tests.safeguards.firewall_scenario import live
from tests.safeguards.firewall_values import empty_tables, ids_in, ids_of, pairs_tried, shared, stored_values, topics
from tests.support.environment import ServiceDatabase
from tests.support.identity import bearer, client_of, create_test_verifier

API_OF = {"casework": casework_api, "complaints": complaints_api, "free_services": free_services_api}
PAIRS_MIN = 2_000
"""Far below what the scenario fills: with empty tables every join finds nothing."""
UNTRIED = {"casework.centre_place_counter", "casework.county_case_counter", "free_services.service_waiting_day"}
"""Folds of a compartment's own events, which the scenario does not run."""
ONE_VISIT = "one-visit-of-one-client"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SECOND_VISIT_HEADERS = {
    "X-Correlation-Id": ONE_VISIT,
    "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
    "Idempotency-Key": "one-key-of-one-client",
}


@pytest.fixture
async def office(database: Callable[[str], ServiceDatabase]) -> AsyncIterator[Office]:
    nationals = database("nationals")
    api = await open_pool(nationals.api_url, size=4, name="firewall-test-api", acquire_timeout_s=30)
    worker = await open_pool(nationals.worker_url, size=4, name="firewall-test-worker", acquire_timeout_s=30)
    superuser = await asyncpg.connect(nationals.superuser_url)
    yield Office(nationals, api, worker, superuser)
    await superuser.close()
    api.terminate()
    worker.terminate()


@pytest.fixture
async def client(office: Office) -> AsyncIterator[httpx.AsyncClient]:
    connect(service.api, pool=office.api, verifier=create_test_verifier())
    async with client_of(service.api) as opened:
        yield opened


@pytest.fixture
async def lively(office: Office, client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    await live(office, client, tmp_path, monkeypatch)
    return office


async def test_every_role_reaches_one_compartment_at_most(office: Office) -> None:
    for role in (*LOGIN_ROLES, *GROUPS):
        assert await schemas_touched(office.superuser, role) == set(), role
    for role in compartment_roles():
        assert await schemas_touched(office.superuser, role) == {role.rpartition("_")[0]}
        assert await reachable_roles(office.superuser, role) <= {role, f"payesh_{role.rpartition('_')[2]}"}
    for role in LOGIN_ROLES:
        kind = role.rpartition("_")[2]
        own = {f"{compartment}_{kind}" for compartment in COMPARTMENTS}
        assert await reachable_roles(office.superuser, role) == own | {role, f"payesh_{kind}"}
    others = await office.superuser.fetch(
        "SELECT rolname FROM pg_roles WHERE NOT rolsuper AND rolname NOT LIKE 'pg\\_%' AND NOT rolname = ANY ($1)",
        [*LOGIN_ROLES, *GROUPS, *compartment_roles(), OWNER],
    )
    for role in others:
        assert await schemas_touched(office.superuser, role["rolname"]) == set(), role["rolname"]


async def test_no_role_reads_two_tables_of_different_compartments(office: Office) -> None:
    tables = {
        compartment: [f"{compartment}.{table}" for table in await tables_of(office.superuser, compartment)]
        for compartment in COMPARTMENTS
    }
    pairs = [
        (left, right) for one, other in combinations(COMPARTMENTS, 2) for left in tables[one] for right in tables[other]
    ]
    roles = [*LOGIN_ROLES, *GROUPS, *compartment_roles()]
    connection = await asyncpg.connect(office.database.superuser_url)
    try:
        for role in roles:
            assert await refused_reads(connection, role, pairs) == len(pairs), role
            own = tables.get(role.rpartition("_")[0], [])
            assert await refused_reads(connection, role, [(table, table + " AS again") for table in own]) < max(
                len(own), 1
            )
    finally:
        await connection.close()
    print(f"{len(pairs)} pairs of tables, each refused to {len(roles)} roles")


async def test_of_the_kit_a_compartment_reads_what_is_listed_and_nothing_else(office: Office) -> None:
    kit = await tables_of(office.superuser, "public")
    for role in compartment_roles():
        readable = {
            table
            for table in kit
            if await office.superuser.fetchval(
                "SELECT has_any_column_privilege($1, $2, 'SELECT')", role, f"public.{table}"
            )
        }
        assert readable == SHARED_TABLES[role.rpartition("_")[2]], role


async def test_nothing_in_the_catalogue_leads_across(office: Office) -> None:
    assert await crossings(office.superuser) == []
    schemas = await office.superuser.fetch(
        "SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)'"
    )
    assert {row["nspname"] for row in schemas} == {*COMPARTMENTS, "public"}


@pytest.mark.parametrize(
    "planted",
    [
        "ALTER TABLE free_services.slot_booking ADD COLUMN x uuid REFERENCES casework.return_case (case_id)",
        "CREATE VIEW public.both AS SELECT FROM casework.return_case, free_services.slot",
        "CREATE VIEW casework.visits AS SELECT slot_id FROM free_services.slot_booking",
        "CREATE FUNCTION casework.visits() RETURNS bigint LANGUAGE sql SECURITY DEFINER"
        " AS 'SELECT count(*) FROM free_services.slot'",
        "CREATE FUNCTION public.both() RETURNS void LANGUAGE plpgsql SECURITY DEFINER"
        " AS 'BEGIN PERFORM casework.is_held(complaint_id) FROM complaints.complaint; END'",
        "CREATE POLICY planted ON free_services.slot USING (EXISTS (SELECT FROM casework.booking))",
        "ALTER TABLE complaints.complaint ADD COLUMN x casework.return_case",
        "CREATE TRIGGER planted AFTER INSERT ON casework.booking EXECUTE FUNCTION free_services.slot_follows_booking()",
    ],
)
async def test_a_planted_crossing_is_found(office: Office, planted: str) -> None:
    await office.superuser.execute(planted)
    assert await crossings(office.superuser) != []


@pytest.mark.parametrize(
    ("planted", "role"),
    [
        ("GRANT USAGE ON SCHEMA casework TO payesh_api", "free_services_api"),
        ("GRANT SELECT (case_id) ON casework.return_case TO free_services_worker", "free_services_worker"),
        ("GRANT complaints_api TO casework_api", "casework_api"),
        ("GRANT SELECT ON free_services.slot TO PUBLIC", "casework_worker"),
    ],
)
async def test_a_planted_grant_is_found(office: Office, planted: str, role: str) -> None:
    transaction = office.superuser.transaction()
    await transaction.start()  # memberships are the whole server's: never committed
    try:
        await office.superuser.execute(planted)
        assert await schemas_touched(office.superuser, role) != {role.rpartition("_")[0]}
    finally:
        await transaction.rollback()


async def test_no_value_is_shared(lively: Office) -> None:
    values = await stored_values(lively.superuser)
    assert shared(values) == {}
    assert pairs_tried(values) > PAIRS_MIN
    assert empty_tables(values) == UNTRIED
    print(f"{pairs_tried(values)} pairs of columns tried")


@pytest.mark.parametrize(
    ("free_services_type", "casework_type"), [("uuid", "uuid"), ("text", "uuid"), ("bigint", "text"), ("bytea", "text")]
)
async def test_a_planted_shared_identifier_is_found(
    lively: Office, free_services_type: str, casework_type: str
) -> None:
    samples = {"uuid": "'4ad1f0a2-3c8e-7f3c-9d55-0d5f6a3e7b11'", "bigint": "9712345678", "bytea": "'\\x0a1b2c3d4e5f'"}
    written = samples.get(free_services_type) or samples["uuid"]
    text = "'0a1b2c3d4e5f'" if free_services_type == "bytea" else f"'{written.strip(chr(39))}'"
    for statement in (
        f"ALTER TABLE free_services.slot_booking ADD COLUMN visitor {free_services_type} DEFAULT {written}",
        f"ALTER TABLE casework.return_case ADD COLUMN visitor {casework_type} DEFAULT {text}",
    ):
        await lively.superuser.execute(statement)
    assert set(shared(await stored_values(lively.superuser))) == {
        ("casework.return_case.visitor", "free_services.slot_booking.visitor")
    }


def test_no_compartment_may_import_another() -> None:
    """The contract itself is kept by `make lint`; here only that it names every compartment."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    modules = {f"services.nationals.{name}" for name in COMPARTMENTS}
    assert any(one["type"] == "independence" and set(one["modules"]) == modules for one in contracts)
    assert {path.parent.name for path in (ROOT / "services" / "nationals").glob("*/domain")} == set(COMPARTMENTS)


async def test_no_topic_is_shared() -> None:
    for one, other in combinations(topics().values(), 2):
        assert one
        assert not one & other


async def test_one_callers_ids_join_nothing(office: Office, client: httpx.AsyncClient) -> None:
    """The same person, client, correlation id, trace and Idempotency-Key, in all three compartments."""
    case = {"reference": "REY-0001", "county": "rey", "adults": 2, "children_under_5": 0, "children_5_to_17": 0}
    centre = {"county": "rey", "name_fa": "مرکز", "name_en": "centre"}
    complaint = {"county": "rey", "channel": "letter", "category": "delay", "language": "fa", "text": "it takes long"}
    roles = bearer("caseworker", "services_manager", subject="one.person")
    for path, body in (("/cases", case), ("/service-centres", centre), ("/complaints", complaint)):
        answer = await client.post(path, json=body, headers={**roles, **SECOND_VISIT_HEADERS})
        assert answer.status_code == 201, answer.text
        assert answer.headers["x-correlation-id"] != ONE_VISIT
    assert shared(await stored_values(office.superuser)) == {}
    kept = "".join(
        [await whole_table(office.superuser, table) for table in await tables_of(office.superuser, "public")]
    )
    assert ONE_VISIT not in kept
    assert TRACE not in kept
    assert "one-key" not in kept
    values = await stored_values(office.superuser)
    answers = await office.superuser.fetch("SELECT key, convert_from(response, 'UTF8') AS text FROM idempotency")
    assert len({row["key"] for row in answers}) == len(answers) == 3
    for row in answers:
        assert sum(bool(ids_in(row["text"]) & ids_of(columns)) for columns in values.values()) == 1


async def whole_table(superuser: Connection, table: str) -> str:
    return "".join(
        row["text"] for row in await superuser.fetch(f"SELECT kept::text AS text FROM public.{table} AS kept")
    )


async def test_no_answer_of_one_half_names_an_id_of_another(lively: Office, client: httpx.AsyncClient) -> None:
    values = await stored_values(lively.superuser)
    ids: dict[str, set[str]] = {name: ids_of(columns) for name, columns in values.items()}
    answers = await ask_for_everything(client, values)
    for name, texts in answers.items():
        others = {one for other, known in ids.items() if other != name for one in known}
        named = ids_in(" ".join(texts))
        print(f"{name}: {len(texts)} answers name {len(named)} ids")
        assert len(named & ids[name]) > 1, name
        assert not named & others, name


async def ask_for_everything(client: httpx.AsyncClient, values: dict[str, dict[str, set[str]]]) -> dict[str, list[str]]:
    """The bodies of all successful answers to GET, by compartment; each route is asked with several ids that exist."""
    known: dict[str, list[str]] = {}
    for columns in values.values():
        for column, kept in columns.items():
            known.setdefault(column.partition(".")[2], []).extend(sorted(ids_in(" ".join(kept)))[:5])
    document = Document(service.documents()["openapi"], World(known))
    routes = {name: routes_of(api.routers) for name, api in API_OF.items()}
    answers: dict[str, list[str]] = {name: [] for name in COMPARTMENTS}
    for name, probe in (
        (name, probe)
        for _ in range(5)
        for probe in document.plain("GET")
        for name in COMPARTMENTS
        if probe.route in routes[name]
    ):
        answered = await client.get(probe.path, params=dict(probe.query), headers=reader_of(name))
        if answered.is_success:
            answers[name].append(answered.text)
    return answers


def routes_of(routers: Iterable[APIRouter]) -> set[str]:
    alone = FastAPI()
    mount(alone, routers)
    return set(alone.openapi()["paths"])


def reader_of(compartment: str) -> dict[str, str]:
    if compartment == "complaints":
        return bearer("complaints_officer", subject="complaints.one")
    roles = [
        "services_manager",
        "province_officer",
        "caseworker",
        "protection_officer",
        "legal_officer",
        "casework_supervisor",
    ]
    return bearer(
        *roles, "appeal_officer", "legal_basis_registrar", "medical_officer", "centre_manager", subject="caseworker.one"
    )

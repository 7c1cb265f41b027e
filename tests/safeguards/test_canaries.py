"""Invented people go into every input of the nationals service, and come out nowhere but where they can be erased.

100 people with make test-kafka, 1,000 with PAYESH_CANARIES=1000; every route of the OpenAPI document is asked either way.
"""

import base64
import gzip
import json
import os
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from fastapi import APIRouter
from prometheus_client import generate_latest
from starlette.types import Scope
from structlog.testing import capture_logs

from services.nationals.app import service
from shared.kit import http_boundary, metrics
from shared.kit.health import Readiness
from shared.kit.http import create_api
from tests.integration.nationals.partner_office import last_period
from tests.safeguards.canary_allowed import ABOUT_OFFICES, ACCOUNTS, ERASABLE, PLANTED, STORY
from tests.safeguards.canary_identities import Identity, identities
from tests.safeguards.canary_planting import PLANTED as PLANTED_PEOPLE
from tests.safeguards.canary_planting import TOPIC, plant
from tests.safeguards.canary_platform import Answers, Town, collector, running_town
from tests.safeguards.canary_requests import Document, Probe, World
from tests.safeguards.canary_scanner import Scanner
from tests.safeguards.canary_sinks import Sinks, collect, columns_with, read_letter
from tests.safeguards.canary_story import tell_the_story
from tests.support.platform_process import APACHE

CANARIES = int(os.environ.get("PAYESH_CANARIES", "100"))
FIRST_OF_STORY, STORY_PEOPLE, FIRST_PLANTED = 20_000, 40, 30_000
ROUTES_MIN = 100
"""Far below what there is: a document that lost its routes would prove nothing."""
ACCEPTED_ROUTES_MIN = 60
MAY_SHOW_PLANTED = (f"kafka {TOPIC}", "state broker/", "state kafka/", "payesh events")
"""The topic itself, and who reads it."""
IDS_OFFERED_MAX = 8
TIMEOUT_S = 900

PEOPLE = identities(CANARIES)
TOLD = identities(STORY_PEOPLE, FIRST_OF_STORY)
PLANTS = identities(PLANTED_PEOPLE, FIRST_PLANTED)


async def existing_ids(town: Town) -> dict[str, list[str]]:
    """Ids in use, by the names of their columns."""
    ids: dict[str, list[str]] = {"period": [last_period().key]}
    columns = await town.superuser.fetch(
        """
        SELECT table_schema || '.' || table_name AS name, column_name FROM information_schema.columns
        WHERE data_type = 'uuid' AND table_schema IN ('casework', 'free_services', 'complaints')
        """
    )
    for column in columns:
        rows = await town.superuser.fetch(
            f"SELECT DISTINCT {column['column_name']}::text AS id FROM {column['name']}"
            f" WHERE {column['column_name']} IS NOT NULL LIMIT {IDS_OFFERED_MAX}"
        )
        ids.setdefault(column["column_name"], []).extend(row["id"] for row in rows)
    parked = await town.superuser.fetch("SELECT parked_id FROM parked_event ORDER BY parked_id")
    return {**ids, "parked_id": [str(row["parked_id"]) for row in parked]}


async def ask_everywhere(town: Town) -> tuple[list[Probe], Answers]:
    document = await town.ask("anybody", "operator", "GET", "/openapi.json")
    probes = list(Document(document, World(await existing_ids(town))).probes(PEOPLE))
    answers = await town.send(probes)
    asked = {f"{probe.method} {probe.route}" for probe in probes}
    described = {f"{method.upper()} {route}" for route, item in document["paths"].items() for method in item}
    assert asked == described
    assert len(asked) > ROUTES_MIN
    return probes, answers


def leaks(sinks: Sinks, people: list[Identity]) -> dict[str, int]:
    """How many people are found in which sink."""
    scanner = Scanner(people)
    return {name: len(found) for name, content in sinks.items() if (found := scanner.find(content))}


def assert_worth_scanning(sinks: Sinks) -> None:
    """Every kind of sink was written to, or finding nothing there would mean nothing."""
    for name in ("nationals-return-cases", "nationals-centres", "nationals-complaints", "nationals-service-centres"):
        assert len(sinks[f"kafka {name}"]) > 1000, name
    assert b"http_refused" in sinks["state logs/nationals.log"]
    assert b"http.route" in sinks["traces"]
    assert b"payesh_" in sinks["metrics nationals"]
    assert "X-Correlation-Id" in sinks["state mail/mail.mbox"].decode()
    assert len(sinks["letters"]) > 1000
    assert b"unreadable" in sinks["payesh parked list"]
    assert sinks["export /service-overview.xlsx"].startswith(b"PK")
    assert len(sinks["payesh events tail"]) > 1000
    assert any("reports" in name and content.startswith(b"PK") for name, content in sinks.items())


@pytest.mark.slow
@pytest.mark.skipif(
    not (APACHE or os.environ.get("PAYESH_CANARIES")),
    reason="takes a minute: run with BROKER=apache (make test-kafka) or PAYESH_CANARIES=1000",
)
@pytest.mark.timeout(TIMEOUT_S)
async def test_no_canary_leaves_the_service(tmp_path: Path) -> None:
    async with running_town(tmp_path) as town:
        await tell_the_story(town, TOLD)
        await town.settle()
        assert set(await columns_with(town, Scanner(TOLD))) == STORY
        await plant(town, PLANTS)
        probes, answers = await ask_everywhere(town)
        await town.settle()
        sinks = await collect(town)
        columns = await columns_with(town, Scanner([*PEOPLE, *TOLD]))
        planted = await columns_with(town, Scanner(PLANTS))
    accepted, refused = sum(answers.accepted.values()), sum(answers.refused.values())
    print(
        f"{CANARIES} people in {len(probes)} requests to {len(answers.accepted | answers.refused)} routes: {accepted} accepted "
        f"on {len(answers.accepted)} routes, {refused} refused; {len(sinks)} sinks of {sum(map(len, sinks.values()))} bytes"
    )
    assert answers.unforeseen == []
    assert len(answers.accepted) >= ACCEPTED_ROUTES_MIN
    assert_worth_scanning(sinks)
    assert leaks(sinks, [*PEOPLE, *TOLD]) == {}
    assert set(columns) - ERASABLE - ABOUT_OFFICES - ACCOUNTS == set()
    assert {name for name in leaks(sinks, PLANTS) if not name.startswith(MAY_SHOW_PLANTED)} == set()
    assert set(planted) == PLANTED
    assert f"kafka {TOPIC}" in leaks(sinks, PLANTS)


@pytest.mark.parametrize("person", identities(20), ids=lambda person: str(person.number))
def test_scanner_finds_a_person_however_written_and_wrapped(person: Identity) -> None:
    scanner = Scanner(PEOPLE)
    for writing in person.writings():
        letter = EmailMessage()
        letter["Subject"] = f"در باره {writing}"
        letter.set_content(f"متن نامه دربارهٔ {writing}\n" * 3)
        for wrapped in (
            writing,
            f"<{writing}>".encode(),
            json.dumps({"a": [writing]}),
            quote(f"/x/{writing}?y"),
            base64.b64encode(writing.encode()),
            base64.urlsafe_b64encode(writing.encode()),
            json.dumps(list(f"{{{writing}}}".encode())).replace(" ", ""),
            gzip.compress(writing.encode()),
            b"\x0a\x12\xff" + writing.encode() + b"\x00\x01",
            read_letter(letter),
        ):
            assert scanner.find(wrapped) == {person}, (writing, wrapped)


def test_scanner_finds_nobody_in_what_programs_write() -> None:
    assert Scanner(identities(1000)).find(Path(http_boundary.__file__).read_bytes() + b"0123456789" * 100) == set()


@pytest.fixture
def leaky_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """The boundary's log line names the path, as many servers' do."""
    route_of = http_boundary.route_of

    def route_and_path_of(scope: Scope) -> str:
        return f"{route_of(scope)} {scope['path']}"

    monkeypatch.setattr(http_boundary, "route_of", route_and_path_of)


@pytest.mark.usefixtures("leaky_place")
async def test_planted_leak_is_found_in_logs_and_metrics() -> None:
    router = APIRouter()

    @router.get("/things/{name}")
    async def read(name: str) -> str:
        return name

    app = create_api(service="leaky", routers=[router], readiness=Readiness(), asyncapi=dict)
    with capture_logs() as lines:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://leaky.test") as client:
            await client.get(f"/things/{quote(PEOPLE[0].name_persian)}")
            await client.get(f"/things/{PEOPLE[1].national_id}")
    sinks = {"logs": json.dumps(lines).encode(), "metrics": generate_latest(metrics.REGISTRY)}
    assert leaks(sinks, PEOPLE) == {"logs": 2, "metrics": 2}
    assert read


def test_planted_leak_is_found_in_a_trace() -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    with collector() as (endpoint, bodies):
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces")))
        with provider.get_tracer("leaky").start_as_current_span("read", attributes={"name": PEOPLE[2].name_persian}):
            pass
        provider.shutdown()
    assert leaks({"traces": b"\n".join(bodies)}, PEOPLE) == {"traces": 1}


def test_every_route_gets_a_canary_in_every_place() -> None:
    """Parameters, headers, each text of each body and each place of a workbook, whatever routes there are."""
    document = service.documents()["openapi"]
    probes = list(Document(document, World({})).probes(identities(1), repeated=False))
    places = {(f"{probe.method} {probe.route}", probe.place) for probe in probes}
    for route, item in document["paths"].items():
        for method, operation in item.items():
            name = f"{method.upper()} {route}"
            for parameter in operation.get("parameters", []):
                assert (name, f"{parameter['in']} {parameter['name']}") in places
            assert (name, "header X-Correlation-Id") in places
    for name, place in (
        ("POST /complaints", "body text"),
        ("POST /complaints", "body stated_reference"),
        ("PUT /cases/{case_id}/contacts", "body entries.0.value"),
        ("POST /cases/{case_id}/pauses/{pause_id}/clearances", "body note"),
        ("POST /cases/{case_id}/legal-review/proposals", "body reasons"),
        ("POST /work-permits/import", "upload property of layout 1"),
        ("POST /partner-agreements/{agreement_id}/reports/{period}", "upload file name of layout 0"),
    ):
        assert (name, place) in places

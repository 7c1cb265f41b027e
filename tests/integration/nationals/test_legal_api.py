"""Phase two over HTTP: who may do what, refusals that say what is missing, reads that are logged, texts that stay in."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from services.nationals.app import service
from services.nationals.casework.handlers.legal_stage import APPEAL_WINDOW
from shared.contracts.nationals import ReturnCaseReferred
from shared.kit.http import connect
from tests.integration.nationals import legal_office as legal
from tests.integration.nationals.office import Office
from tests.support.identity import bearer, client_of, create_test_verifier

SECRET = "what the decision says about this household"
CONSIDERED = [
    "protection",
    "children",
    "health",
    "family_unity",
    "household_heard",
    "voluntary_return_offered_anew",
]
SERVICE = {"language": "fa", "interpreter": {"relation": "professional"}, "understood": True}
BASIS = {"title": "T", "instrument_number": "1", "in_force_from": "2020-01-01", "in_force_until": "2099-01-01"}


@pytest.fixture
async def client(office: Office) -> AsyncIterator[httpx.AsyncClient]:
    connect(service.api, pool=office.api, verifier=create_test_verifier())
    async with client_of(service.api) as opened:
        yield opened


async def ask(
    client: httpx.AsyncClient, method: str, path: str, who: str, body: Any = None, status: int = 200, **headers: str
) -> Any:
    """`who` is ``role`` or ``role:name``."""
    role = who.partition(":")[0]
    answer = await client.request(method, path, json=body, headers={**bearer(role, subject=who), **headers})
    assert answer.status_code == status, answer.text
    return answer.json()


async def basis_in_force(client: httpx.AsyncClient) -> str:
    entered = await ask(client, "POST", "/legal-bases", "legal_basis_registrar:1", BASIS, 201)
    path = f"/legal-bases/{entered['basis_id']}/confirmation"
    refused = await ask(client, "POST", path, "legal_basis_registrar:1", None, 409, **{"Accept-Language": "fa"})
    assert (refused["safeguard"], refused["details"]["satisfied_by"]) == (6, "another_registrar")
    assert (await ask(client, "POST", path, "legal_basis_registrar:2"))["confirmed"]
    return entered["basis_id"]


async def test_whole_way_by_named_people_and_what_leaves_the_service(office: Office, client: httpx.AsyncClient) -> None:
    case_id = await legal.lapsed(office)
    case = f"/cases/{case_id}"
    [queued] = (await ask(client, "GET", "/legal-reviews", "legal_officer"))["items"]
    assert queued["first_reviewer"] is None
    await ask(client, "POST", f"{case}/legal-review/first-reviewer", "legal_officer:1", {})
    assessed = {"considered": CONSIDERED}
    await ask(client, "POST", f"{case}/legal-review/assessments", "legal_officer:1", assessed, 201)
    proposal = {
        "outcome": "refer_to_competent_authority",
        "reasons": SECRET,
        "appeal_instructions": SECRET,
        "legal_basis_id": str(uuid4()),
    }
    path = f"{case}/legal-review/proposals"
    for language, word in (("en", "legal-basis"), ("fa", "مبنای قانونی")):
        headers = {"Accept-Language": language}
        refused = await ask(client, "POST", path, "legal_officer:1", proposal, 409, **headers)
        assert (refused["code"], refused["safeguard"]) == ("nationals.safeguard.no_legal_basis", 10)
        assert refused["details"] == {"satisfied_by": "legal_basis_record_in_force"}
        assert word in refused["detail"]
    proposal["legal_basis_id"] = await basis_in_force(client)
    key = {"Idempotency-Key": "propose-once"}
    proposed = await ask(client, "POST", path, "legal_officer:1", proposal, 201, **key)
    assert await ask(client, "POST", path, "legal_officer:1", proposal, 201, **key) == proposed, (
        "once, however often asked"
    )
    body = {"decision_id": proposed["decision_id"]}
    await ask(client, "POST", f"{case}/legal-review/confirmation", "legal_officer:1", body, 409)
    confirmed = await ask(client, "POST", f"{case}/legal-review/confirmation", "legal_officer:2", body)
    assert confirmed["state"] == "awaiting_legal_review"
    seen = await ask(client, "GET", f"{case}/legal-decision?purpose=legal_review", "legal_officer:2")
    assert (seen["reasons"], seen["basis_title"], seen["appeal_window_days"]) == (SECRET, "T", 30)
    served = await ask(client, "POST", f"{case}/legal-decision/service", "legal_officer:3", SERVICE)
    assert served["state"] == "decision_served"
    early = await ask(client, "POST", f"{case}/referral", "legal_officer:3", None, 409)
    assert (early["safeguard"], early["details"]["satisfied_by"]) == (4, "the_end_of_the_appeal_window")
    await ask(client, "POST", f"{case}/appeals", "protection_officer", {}, 201)
    assert len((await ask(client, "GET", "/appeals", "appeal_officer"))["items"]) == 1
    outcome = {"outcome": "upheld", "reasons": SECRET}
    await ask(client, "POST", f"{case}/appeals/outcome", "appeal_officer", outcome)
    await office.fire(APPEAL_WINDOW, served["decision_id"])
    assert (await ask(client, "POST", f"{case}/referral", "legal_officer:3"))["state"] == "referred"
    assert set(ReturnCaseReferred.model_fields) == {"case_id", "county"}
    for table in ("outbox", "idempotency", "timer"):
        rows = await office.superuser.fetch(f"SELECT t::text AS row FROM {table} AS t")
        assert not any(SECRET in row["row"] or SECRET.encode().hex() in row["row"] for row in rows), table


async def test_each_step_is_its_own_role_s(office: Office, client: httpx.AsyncClient) -> None:
    case_id = await legal.lapsed(office)
    case = f"/cases/{case_id}"
    some = str(uuid4())
    steps: list[tuple[str, Any, set[str]]] = [
        (f"{case}/legal-review/first-reviewer", {}, {"legal_officer"}),
        (f"{case}/legal-review/assessments", {"considered": CONSIDERED}, {"legal_officer"}),
        (f"{case}/legal-review/proposals", {"outcome": "regularised"}, {"legal_officer"}),
        (f"{case}/legal-review/confirmation", {"decision_id": some}, {"legal_officer"}),
        (f"{case}/legal-review/return", {"decision_id": some, "reason": "r"}, {"legal_officer"}),
        (f"{case}/legal-decision/service", SERVICE, {"legal_officer", "caseworker"}),
        (f"{case}/appeals", {}, {"legal_officer", "caseworker", "protection_officer"}),
        (f"{case}/appeals/outcome", {"outcome": "upheld", "reasons": "r"}, {"appeal_officer"}),
        (f"{case}/referral", None, {"legal_officer"}),
        (f"{case}/voluntary-stage", None, {"legal_officer"}),
        ("/legal-bases", BASIS, {"legal_basis_registrar"}),
    ]
    roles = {"caseworker", "protection_officer", "legal_officer", "appeal_officer", "legal_basis_registrar", "operator"}
    for path, body, allowed in steps:
        for role in sorted(roles - allowed):
            await ask(client, "POST", path, role, body, 403)
    elsewhere = bearer("legal_officer", "appeal_officer", counties=["varamin"])
    for path, body, _ in steps[:-1]:
        if "legal_basis" not in path:
            answer = await client.post(path, json=body, headers=elsewhere)
            assert answer.status_code in {403, 404}, (path, answer.text)
    assert await office.state(case_id) == "awaiting_legal_review"
    assert (await client.get("/appeals", headers=elsewhere)).json()["items"] == []


async def test_reads_of_a_decision_are_logged_and_county_bound(office: Office, client: httpx.AsyncClient) -> None:
    case_id, _ = await legal.decided(office)
    path = f"/cases/{case_id}/legal-decision?purpose=legal_review"
    await ask(client, "GET", path, "appeal_officer")
    await ask(client, "GET", path, "protection_officer", status=403)
    await ask(client, "GET", path, "legal_officer", status=422, **{"Idempotency-Key": "k" * 20})
    elsewhere = await client.get(path, headers=bearer("legal_officer", counties=["varamin"]))
    assert elsewhere.status_code == 404
    rows = await office.superuser.fetch("SELECT read_by, purpose FROM casework.case_read_log")
    assert [tuple(row) for row in rows] == [("appeal_officer", "legal_review")]


async def test_no_bulk_no_lists_and_no_free_outcomes(client: httpx.AsyncClient) -> None:
    document = orjson.loads((await client.get("/openapi.json", headers=bearer("operator"))).content)
    paths = [
        path for path in document["paths"] if "legal-review" in path or "legal-decision" in path or "referral" in path
    ]
    assert all("{case_id}" in path for path in paths if path != "/legal-reviews")
    assert not any("fee" in name for name in document["components"]["schemas"])

"""What operators ask for, over HTTP: a key that is asked again gets the first answer, and nothing is done twice (rule 11)."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from shared.kit.consumer import BatchConsumer
from shared.kit.database import open_pool
from shared.kit.health import Readiness
from shared.kit.http import connect, create_api
from shared.kit.operations import OPERATOR, OperatedService, operations_router
from tests.integration.spine.test_parking import park_some, parked_ids
from tests.integration.spine.test_rule_05_batches import UNLUCKY, refusing_reactions
from tests.integration.spine.test_rule_09_counters import apply_all
from tests.support.identity import bearer, client_of, create_test_verifier
from tests.support.spine import Spine

KEY = {"Idempotency-Key": "one"}


@asynccontextmanager
async def operated(spine: Spine, consumer: BatchConsumer) -> AsyncGenerator[httpx.AsyncClient]:
    """The operations of a service with this consumer, as an operator reaches them."""

    async def lag() -> dict[str, int]:
        return {}

    service = OperatedService(spine.pool, consumer, spine.reactions(), spine.bootstrap_servers, lag)
    app = create_api(service="test", routers=[operations_router(lambda: service)], readiness=Readiness(), asyncapi=dict)
    pool = await open_pool(spine.database.api_url, size=2, name="operations-test")
    connect(app, pool=pool, verifier=create_test_verifier())
    async with client_of(app, bearer(OPERATOR)) as client:
        yield client
    await pool.close()


@pytest.fixture
def consumer(quiet_spine: Spine) -> BatchConsumer:
    return quiet_spine.consumer(refusing_reactions(quiet_spine), tries_max=2)


@pytest.fixture
async def operator(quiet_spine: Spine, consumer: BatchConsumer) -> AsyncIterator[httpx.AsyncClient]:
    async with operated(quiet_spine, consumer) as client:
        yield client


async def test_a_retry_asked_again_with_its_key_answers_the_same_and_applies_nothing_twice(
    quiet_spine: Spine, consumer: BatchConsumer, operator: httpx.AsyncClient
) -> None:
    thing = await park_some(quiet_spine, consumer, [UNLUCKY, 2, 3])
    ids = await parked_ids(quiet_spine)
    body = {"body": {"thing_id": str(thing), "amount": 1}}
    answers = await asyncio.gather(
        *(operator.post(f"/operations/parked/{ids[0]}/retry", json=body, headers=KEY) for _ in range(3))
    )
    later = await operator.post(f"/operations/parked/{ids[0]}/retry", json=body, headers=KEY)
    assert [answer.status_code for answer in [*answers, later]] == [200] * 4
    assert sorted(answer.headers.get("idempotency-replayed", "") for answer in answers) == ["", "true", "true"]
    assert later.json() == {"parked_ids": ids}
    assert await quiet_spine.seen(thing) == [1, 2, 3]
    without_key = await operator.post(f"/operations/parked/{ids[0]}/retry", json=body)
    assert (without_key.status_code, without_key.json()["code"]) == (404, "kit.parked.not_found")


async def test_the_answer_kept_under_a_key_is_what_was_settled_when_a_later_event_fails(
    quiet_spine: Spine, consumer: BatchConsumer, operator: httpx.AsyncClient
) -> None:
    thing = await park_some(quiet_spine, consumer, [UNLUCKY, 2, UNLUCKY])
    first, second, third = await parked_ids(quiet_spine)
    body = {"body": {"thing_id": str(thing), "amount": 1}}
    for _ in range(2):
        answer = await operator.post(f"/operations/parked/{first}/retry", json=body, headers=KEY)
        assert answer.json() == {"parked_ids": [first, second]}
    assert await parked_ids(quiet_spine) == [third]


async def test_a_refused_retry_keeps_no_key(
    quiet_spine: Spine, consumer: BatchConsumer, operator: httpx.AsyncClient
) -> None:
    thing = await park_some(quiet_spine, consumer, [UNLUCKY])
    [parked_id] = await parked_ids(quiet_spine)
    path = f"/operations/parked/{parked_id}/retry"
    refused = await operator.post(path, json={}, headers=KEY)
    assert (refused.status_code, refused.json()["code"]) == (409, "kit.parked.replay_failed")
    mended = await operator.post(path, json={"body": {"thing_id": str(thing), "amount": 1}}, headers=KEY)
    assert mended.json() == {"parked_ids": [parked_id]}


async def test_a_discard_asked_again_with_its_key_answers_the_same(
    quiet_spine: Spine, consumer: BatchConsumer, operator: httpx.AsyncClient
) -> None:
    await park_some(quiet_spine, consumer, [UNLUCKY])
    [parked_id] = await parked_ids(quiet_spine)
    path = f"/operations/parked/{parked_id}/discard"
    for _ in range(2):
        answer = await operator.post(path, json={"reason": "sent by mistake"}, headers=KEY)
        assert answer.json() == {"parked_ids": [parked_id]}
    other = await operator.post(path, json={"reason": "another reason"}, headers=KEY)
    assert (other.status_code, other.json()["code"]) == (422, "kit.idempotency_key_reused")


async def test_a_rebuild_asked_again_with_its_key_answers_the_same_and_a_check_looks_again(spine: Spine) -> None:
    await spine.publish()
    await apply_all(spine, spine.reactions(), 1)
    tampered = "UPDATE tally SET amount = 7"
    async with operated(spine, spine.consumer()) as operator:
        await spine.pool.execute(tampered)
        first = await operator.post("/operations/projections/rebuild", headers=KEY)
        [report] = first.json()
        assert (report["agrees"], report["missing"], report["events_folded"]) == (
            False,
            [{"name": "all", "amount": 1}],
            1,
        )
        await spine.pool.execute(tampered)
        again = await operator.post("/operations/projections/rebuild", headers=KEY)
        assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
        assert await spine.tally() == 7
        for amount, agrees in ((7, False), (1, True)):
            await spine.pool.execute("UPDATE tally SET amount = $1", amount)
            [report] = (await operator.post("/operations/projections/check", headers={"Idempotency-Key": "two"})).json()
            assert report["agrees"] is agrees

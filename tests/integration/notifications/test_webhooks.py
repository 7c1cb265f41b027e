"""Webhooks over real sockets: verified by libraries not written here, kept out of private networks, rotated, replayed."""

import asyncio
import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook

from deploy.embedded.smtp_sink import SmtpSink
from services.notifications.channels.webhook import WebhookSender
from services.notifications.domain.channels import Channel
from services.notifications.store import webhooks as store
from services.notifications.workers.channel_worker import ChannelWorker
from services.notifications.workers.composing import Composer
from tests.support.channels import all_are, history, owe, prefer, rows, until
from tests.support.notifications import Desk
from tests.support.tls import Authority, create_authority, https_server
from tests.support.webhook_receiver import Received, WebhookReceiver

NAME = "rey-desk"
NPM_TIMEOUT_S = 60
NODE_VERIFIES = """
const { Webhook } = require("standardwebhooks");
const fs = require("node:fs");
const given = JSON.parse(fs.readFileSync(0, "utf8"));
console.log(JSON.stringify(new Webhook(given.secret).verify(given.body, given.headers)));
"""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return create_authority(tmp_path / "tls", "hooks.test")


@pytest.fixture
def receiver(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[WebhookReceiver, int]]:
    """The receiver and its port; webhooks may reach this machine, and their keys can be sealed."""
    key_file = tmp_path / "webhook.key"
    key_file.write_text(f"1 {base64.b64encode(os.urandom(32)).decode()}\n")
    key_file.chmod(0o600)
    monkeypatch.setenv("PAYESH_WEBHOOK_KEY_FILE", str(key_file))
    monkeypatch.setenv("PAYESH_WEBHOOK_NETWORKS", '["127.0.0.0/8"]')
    monkeypatch.setenv("PAYESH_WEBHOOK_TIMEOUT_S", "5")
    one = WebhookReceiver()
    with https_server(one.app(), authority) as port:
        yield one, port


Hook = tuple[WebhookReceiver, int]


async def call(desk: Desk, method: str, path: str, status: int = 200, **body: Any) -> Any:
    async with desk.client("notifications_admin") as client:
        answer = await client.request(method, path, json=body if method != "GET" else None)
    assert answer.status_code == status, answer.text
    return answer.json()


async def register(desk: Desk, port: int, host: str = "localhost") -> None:
    await call(desk, "POST", "/webhook-endpoints", name=NAME, county="rey", url=f"https://{host}:{port}/hook")
    await prefer(desk, ("webhook", NAME))


async def keys(desk: Desk) -> list[dict[str, Any]]:
    return await call(desk, "GET", f"/webhook-endpoints/{NAME}/keys")


def verify_ed25519(public_key: str, message: Received) -> bool:
    """As the specification says it, with no library of webhooks."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))
    signed = f"{message.headers['webhook-id']}.{message.headers['webhook-timestamp']}.".encode() + message.body
    for one in message.headers["webhook-signature"].split(" "):
        scheme, _, signature = one.partition(",")
        if scheme == "v1a":
            try:
                key.verify(base64.b64decode(signature), signed)
            except InvalidSignature:
                continue
            return True
    return False


async def test_a_webhook_is_verified_by_the_python_library_and_by_its_public_key(
    desk: Desk, receiver: Hook, authority: Authority
) -> None:
    hook, port = receiver
    await register(desk, port)
    await owe(desk)
    desk.start_delivery(ca_file=authority.ca_file)
    [row] = await all_are(desk, "sent")
    [message] = hook.received
    first, second = await keys(desk)
    secret, public_key = (first, second) if first["secret"] else (second, first)
    content = Webhook(secret["secret"]).verify(message.body, message.headers)
    assert content["type"] == "alert.notified"
    assert content["data"]["delivery_id"] == message.headers["webhook-id"] == str(row["delivery_id"])
    assert content["data"]["acknowledge_url"].startswith("http://service.test/acknowledge/")
    assert message.headers["host"] == f"localhost:{port}"
    assert verify_ed25519(public_key["public_key"], message)
    stored = await desk.pool.fetchval("SELECT sealed FROM webhook_key WHERE scheme = 'v1'")
    assert base64.b64decode(secret["secret"].removeprefix("whsec_")) not in stored, "sealed, not merely stored"


@pytest.mark.parametrize("asked", ["find_endpoint", "note_success"])
async def test_a_database_that_is_away_for_a_moment_is_no_failure_of_the_message(
    desk: Desk, receiver: Hook, authority: Authority, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    hook, port = receiver
    await register(desk, port)
    await owe(desk)
    ask, errors = getattr(store, asked), [asyncpg.AdminShutdownError("the primary is another one now")]

    async def ask_when_it_is_back(*arguments: Any) -> Any:
        if errors:
            raise errors.pop()
        return await ask(*arguments)

    monkeypatch.setattr(store, asked, ask_when_it_is_back)
    desk.start_delivery(ca_file=authority.ca_file)
    [row] = await all_are(desk, "sent")
    assert not errors
    assert (len(hook.received), row["attempts"]) == (1, 1)
    assert "may_repeat" not in [entry for entry, _ in await history(desk)]


async def test_a_webhook_is_verified_by_the_npm_library(
    desk: Desk, receiver: Hook, authority: Authority, tmp_path: Path
) -> None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node or npm is not installed")
    home = tmp_path / "npm"
    home.mkdir()
    installed = subprocess.run(
        [npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "standardwebhooks@1"],
        cwd=home, capture_output=True, text=True, timeout=NPM_TIMEOUT_S, check=False,
    )  # fmt: skip
    if installed.returncode != 0:
        pytest.skip("npm cannot fetch standardwebhooks here")
    hook, port = receiver
    await register(desk, port)
    await owe(desk)
    desk.start_delivery(ca_file=authority.ca_file)
    await all_are(desk, "sent")
    [message] = hook.received
    [secret] = [key["secret"] for key in await keys(desk) if key["secret"]]
    body = message.body.decode()
    given = {"secret": secret, "body": body, "headers": message.headers}
    verified = subprocess.run(
        [node, "-e", NODE_VERIFIES], cwd=home, input=json.dumps(given), capture_output=True, text=True, check=False
    )
    assert verified.returncode == 0, verified.stderr
    assert json.loads(verified.stdout)["data"]["delivery_id"] == message.headers["webhook-id"]
    forged = given | {"body": body.replace("alert", "alarm")}
    refused = subprocess.run(
        [node, "-e", NODE_VERIFIES], cwd=home, input=json.dumps(forged), capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0


async def test_during_a_rotation_old_and_new_keys_verify_and_then_only_the_new(
    desk: Desk, receiver: Hook, authority: Authority
) -> None:
    hook, port = receiver
    await register(desk, port)
    [old] = [key["secret"] for key in await keys(desk) if key["secret"]]
    await call(desk, "POST", f"/webhook-endpoints/{NAME}/keys", overlap_hours=1)
    new, again = [key["secret"] for key in await keys(desk) if key["secret"]]
    assert again == old
    desk.start_delivery(ca_file=authority.ca_file)
    await owe(desk)
    await all_are(desk, "sent")
    for secret in (old, new):
        Webhook(secret).verify(hook.received[0].body, hook.received[0].headers)
    async with desk.api_pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('payesh.counties', 'rey', true)")
        await connection.execute("UPDATE webhook_key SET ends_at = clock_timestamp() WHERE ends_at IS NOT NULL")
    await owe(desk)
    await all_are(desk, "sent")
    Webhook(new).verify(hook.received[1].body, hook.received[1].headers)
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(old).verify(hook.received[1].body, hook.received[1].headers)


async def test_a_redirect_is_not_followed(desk: Desk, receiver: Hook, authority: Authority, sink: SmtpSink) -> None:
    hook, port = receiver
    hook.status, hook.location = 307, f"https://localhost:{port}/elsewhere"
    await register(desk, port)
    await owe(desk)
    desk.start_delivery(ca_file=authority.ca_file, delivery_attempts_max=2)
    [row] = await all_are(desk, "sent")
    assert (row["channel"], len(hook.received), hook.elsewhere, len(sink.letters)) == ("email", 2, 0, 1)


async def test_a_private_address_is_neither_saved_nor_reached(
    desk: Desk, receiver: Hook, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook, port = receiver
    await register(desk, port)
    monkeypatch.setenv("PAYESH_WEBHOOK_NETWORKS", "[]")
    refused = await call(
        desk, "PUT", f"/webhook-endpoints/{NAME}/address", 422, url="https://169.254.169.254/latest/meta-data"
    )
    assert refused["code"] == "notifications.webhook.address_unsafe"
    await owe(desk)
    desk.start_delivery(ca_file=authority.ca_file, delivery_attempts_max=2)
    [row] = await all_are(desk, "sent")
    assert (row["channel"], hook.received) == ("email", [])
    assert "not public" in next(details["error"] for entry, details in await history(desk) if entry == "fallback")


async def test_a_rebinding_name_reaches_only_what_was_checked(
    desk: Desk, receiver: Hook, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first answer is this machine, allowed here; the next ones are not asked for. Its certificate is checked for the
    name, not for the number."""
    hook, port = receiver
    monkeypatch.setenv("PAYESH_WEBHOOK_NETWORKS", '["127.0.0.1/32"]')
    await register(desk, port, "hooks.test")
    answers = iter(["127.0.0.1", "127.0.0.2"])

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return [next(answers)]

    context = desk.context(ca_file=authority.ca_file)
    worker = ChannelWorker(context, Channel.WEBHOOK, WebhookSender(context, resolve=resolve), Composer(context))
    await owe(desk)
    assert await worker.deliver_batch() == 1
    assert len(hook.received) == 1
    await owe(desk)
    assert await worker.deliver_batch() == 1
    assert len(hook.received) == 1
    assert "not public" in (await rows(desk))[1]["last_error"]


async def test_a_certificate_of_another_name_is_refused(desk: Desk, receiver: Hook, authority: Authority) -> None:
    hook, port = receiver
    await register(desk, port, "other.test")

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    context = desk.context(ca_file=authority.ca_file)
    worker = ChannelWorker(context, Channel.WEBHOOK, WebhookSender(context, resolve=resolve), Composer(context))
    await owe(desk)
    await worker.deliver_batch()
    assert hook.received == []
    assert (await rows(desk))[0]["last_error"] == "not reached: ConnectError"


async def test_sustained_failure_switches_off_is_an_alert_and_what_was_missed_is_replayed(
    desk: Desk, receiver: Hook, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook, port = receiver
    hook.status = 503
    monkeypatch.setenv("PAYESH_WEBHOOK_DISABLE_AFTER_S", "0.2")
    began = datetime.now(UTC) - timedelta(minutes=1)
    await register(desk, port)
    await owe(desk)
    desk.start_delivery(ca_file=authority.ca_file)
    [row] = await until(desk, lambda found: found[0]["channel"] == "email" and found[0]["state"] == "sent")
    [endpoint] = await call(desk, "GET", "/webhook-endpoints")
    assert (endpoint["disabled_by"], endpoint["disabled_reason"]) == ("system", "failing: HTTP 503")
    running = "SELECT name FROM operations_trouble WHERE trouble = 'webhook_endpoint_disabled' AND ended_at IS NULL"
    assert [one["name"] for one in await desk.pool.fetch(running)] == [NAME]
    assert "OperationsTroubleFound" in await desk.published()
    refused = await call(desk, "POST", f"/webhook-endpoints/{NAME}/replay", 409, since=began.isoformat())
    assert refused["code"] == "notifications.webhook.disabled"
    hook.status = 204
    tried = len(hook.received)
    enabled = await call(desk, "POST", f"/webhook-endpoints/{NAME}/enabling")
    assert enabled["disabled_at"] is None
    assert await desk.pool.fetch(running) == []
    replayed = await call(desk, "POST", f"/webhook-endpoints/{NAME}/replay", since=began.isoformat())
    assert replayed == {"messages": 1, "answered": 0}
    _, again = await until(desk, lambda found: len(found) == 2 and all(one["state"] == "sent" for one in found))
    [details] = [details for entry, details in await history(desk) if entry == "replayed"]
    assert (details["delivery_id"], details["endpoint"]) == (str(again["delivery_id"]), NAME)
    repeated = await call(desk, "POST", f"/webhook-endpoints/{NAME}/replay", since=began.isoformat())
    assert repeated == {"messages": 0, "answered": 0}
    [message] = hook.received[tried:]
    assert json.loads(message.body)["data"]["alert_id"] == str(row["alert_id"])


async def test_what_somebody_has_answered_is_not_replayed(desk: Desk, receiver: Hook, authority: Authority) -> None:
    hook, port = receiver
    hook.status = 410
    began = datetime.now(UTC) - timedelta(minutes=1)
    await register(desk, port)
    await owe(desk, 3)
    desk.start_delivery(ca_file=authority.ca_file)
    await until(desk, lambda found: {(one["channel"], one["state"]) for one in found} == {("email", "sent")})
    acknowledged, dead, _ = await desk.alerts()
    async with desk.client("member", subject="m0.rey") as client:
        (await client.post(f"/alerts/{acknowledged['alert_id']}/acknowledgement")).raise_for_status()
    await desk.pool.execute(
        "UPDATE delivery SET channel = 'webhook', address = $2, state = 'dead' WHERE alert_id = $1 AND channel = 'email'",
        UUID(dead["alert_id"]),
        NAME,
    )
    hook.status = 204
    await call(desk, "POST", f"/webhook-endpoints/{NAME}/enabling")
    tried = len(hook.received)
    replayed = await call(desk, "POST", f"/webhook-endpoints/{NAME}/replay", since=began.isoformat())
    assert replayed == {"messages": 2, "answered": 1}
    await until(desk, lambda found: sum((one["channel"], one["state"]) == ("webhook", "sent") for one in found) == 2)
    told = {json.loads(message.body)["data"]["alert_id"] for message in hook.received[tried:]}
    assert dead["alert_id"] in told
    assert acknowledged["alert_id"] not in told
    assert [entry for entry, _ in await history(desk)].count("replayed") == len(told) == 2


async def test_a_replay_since_a_time_without_a_zone_is_refused(desk: Desk, receiver: Hook) -> None:
    _, port = receiver
    await register(desk, port)
    await call(desk, "POST", f"/webhook-endpoints/{NAME}/replay", 422, since="2026-11-22T08:00:00")


async def test_gone_switches_off_at_once(desk: Desk, receiver: Hook, authority: Authority) -> None:
    hook, port = receiver
    hook.status = 410
    await register(desk, port)
    await owe(desk, 2)
    desk.start_delivery(ca_file=authority.ca_file)
    found = await all_are(desk, "sent")
    assert {row["channel"] for row in found} == {"email"}
    [endpoint] = await call(desk, "GET", "/webhook-endpoints")
    assert endpoint["disabled_at"] is not None


async def test_an_endpoint_that_hangs_delays_neither_mail_nor_other_endpoints(
    desk: Desk, receiver: Hook, authority: Authority, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook, port = receiver
    monkeypatch.setenv("PAYESH_WEBHOOK_TIMEOUT_S", "10")
    held: list[asyncio.StreamWriter] = []

    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    silent = await asyncio.start_server(hang, "127.0.0.1", 0)
    silent_port = silent.sockets[0].getsockname()[1]
    await call(
        desk, "POST", "/webhook-endpoints", name="silent", county="rey", url=f"https://localhost:{silent_port}/hook"
    )
    await prefer(desk, ("webhook", "silent"))
    await owe(desk)
    await register(desk, port)
    await owe(desk)
    await prefer(desk)
    await owe(desk)
    began_s = asyncio.get_running_loop().time()
    desk.start_delivery(ca_file=authority.ca_file)
    await until(desk, lambda _found: len(hook.received) == 1 and len(sink.letters) == 1)
    assert asyncio.get_running_loop().time() - began_s < 8
    for writer in held:
        writer.transport.abort()
    silent.close()
    desk.stopping.set()


async def test_an_endpoint_of_another_county_gets_nothing(
    desk: Desk, receiver: Hook, authority: Authority, sink: SmtpSink
) -> None:
    hook, port = receiver
    await call(desk, "POST", "/webhook-endpoints", name=NAME, county="pardis", url=f"https://localhost:{port}/hook")
    await prefer(desk, ("webhook", NAME))
    await owe(desk)
    desk.start_delivery(ca_file=authority.ca_file)
    [row] = await all_are(desk, "sent")
    assert (row["channel"], hook.received, len(sink.letters)) == ("email", [], 1)


async def test_endpoints_of_other_counties_are_not_seen(desk: Desk, receiver: Hook) -> None:
    _hook, port = receiver
    await register(desk, port)
    async with desk.client("notifications_admin", counties=["pardis"]) as client:
        assert (await client.get("/webhook-endpoints")).json() == []
        assert (await client.get(f"/webhook-endpoints/{NAME}/keys")).status_code == 404
        assert (await client.post(f"/webhook-endpoints/{NAME}/enabling")).status_code == 404
        body = {"name": "province", "url": f"https://localhost:{port}/hook"}
        assert (await client.post("/webhook-endpoints", json=body)).status_code == 403

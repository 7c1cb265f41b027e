"""Webhook endpoints are set by people; the worker keeps how they do and switches off one that fails for long."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from uuid_utils.compat import uuid7

from services.notifications.domain.channels import Channel
from services.notifications.domain.webhook_refusals import (
    ENDPOINT_ADDRESS_UNSAFE,
    ENDPOINT_EXISTS,
    ENDPOINT_IS_DISABLED,
    ENDPOINT_KEYS_TOO_MANY,
    ENDPOINT_NEEDS_PROVINCE,
    ENDPOINT_NOT_FOUND,
)
from services.notifications.handlers.operations import end_trouble, report_trouble
from services.notifications.store import webhooks as store
from services.notifications.store.alerts import HistoryLine, add_histories
from services.notifications.webhooks.safe_address import AddressRules, UnsafeAddressError, checked_url
from services.notifications.webhooks.sealing import seal, unseal
from services.notifications.webhooks.settings import WebhookSettings
from services.notifications.webhooks.signing import (
    new_secret,
    public_key_of,
    shown_public_key,
    shown_secret,
)
from shared.contracts.counties import County
from shared.contracts.notifications import OperationsTrouble
from shared.contracts.refusals import Refusal
from shared.kit.logging import get_logger
from shared.kit.service import WorkerContext
from shared.kit.transaction import Connection, Transaction

KEY_PAIRS_MAX: Final = 3
"""So many pairs sign at once: a header with more would be long, and nobody changes keys so often."""
OVERLAP_HOURS_DEFAULT: Final = 24
OVERLAP_HOURS_MAX: Final = 30 * 24
REPLAY_DAYS_MAX: Final = 30
REASON_CHARACTERS_MAX: Final = 500
BY_SYSTEM: Final = "system"

_log = get_logger(__name__)


class NewEndpoint(BaseModel):
    """`name`: what a member's webhook contact says. Without a county it is the province's; else it gets only what is about
    its county.
    """

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
    county: County | None = None
    url: Annotated[str, Field(min_length=1, max_length=500)]


class ChangeAddress(BaseModel):
    name: str
    url: Annotated[str, Field(min_length=1, max_length=500)]


class RotateKeys(BaseModel):
    """`overlap_hours`: how long the keys there are go on signing beside the new ones."""

    name: str
    overlap_hours: Annotated[int, Field(ge=0, le=OVERLAP_HOURS_MAX)] = OVERLAP_HOURS_DEFAULT


class DisableEndpoint(BaseModel):
    name: str
    reason: Annotated[str, Field(min_length=1, max_length=REASON_CHARACTERS_MAX)]


class EnableEndpoint(BaseModel):
    name: str


class ReplayMissed(BaseModel):
    """Messages made since `since`, at most `REPLAY_DAYS_MAX` days ago."""

    name: str
    since: AwareDatetime


class ShownEndpoint(BaseModel):
    """`failing_since`: since when nothing has succeeded; null after a success."""

    name: str
    county: County | None
    url: str
    created_at: datetime
    created_by: str
    failing_since: datetime | None
    last_error: str | None
    disabled_at: datetime | None
    disabled_by: str | None
    disabled_reason: str | None


class ShownKey(BaseModel):
    """`secret`: of v1, to be kept as secret as a password. `public_key`: of v1a. `ends_at`: when it stops signing."""

    key_id: UUID
    scheme: str
    secret: str | None
    public_key: str | None
    created_at: datetime
    ends_at: datetime | None


class Replayed(BaseModel):
    """`messages`: owed again. `answered`: missed too, and left out, because somebody has acted on their alerts by now."""

    messages: int
    answered: int


async def create_endpoint(command: NewEndpoint, tx: Transaction) -> ShownEndpoint:
    """Make an endpoint with a first pair of keys. Raises Refusal."""
    _require_province(command.county, tx)
    _require_safe(command.url)
    endpoint = store.Endpoint(
        command.name, command.county, command.url, tx.now, tx.principal.subject, None, None, None, None, None
    )
    if not await store.insert_endpoint(tx.connection, endpoint):
        raise Refusal(ENDPOINT_EXISTS, name=command.name)
    await _add_keys(command.name, tx)
    return shown(endpoint)


async def change_address(command: ChangeAddress, tx: Transaction) -> ShownEndpoint:
    """Send to another address from now on. Raises Refusal."""
    await _locked(command.name, tx)
    _require_safe(command.url)
    await store.set_url(tx.connection, command.name, command.url)
    return shown(await _locked(command.name, tx))


async def rotate_keys(command: RotateKeys, tx: Transaction) -> ShownEndpoint:
    """Add a pair of keys; those there are sign beside it until the overlap ends. Raises Refusal."""
    endpoint = await _locked(command.name, tx)
    if len(await store.list_keys(tx.connection, command.name)) >= 2 * KEY_PAIRS_MAX:
        raise Refusal(ENDPOINT_KEYS_TOO_MANY, keys_max=KEY_PAIRS_MAX)
    await store.end_keys(tx.connection, command.name, timedelta(hours=command.overlap_hours))
    await _add_keys(command.name, tx)
    return shown(endpoint)


async def disable_endpoint(command: DisableEndpoint, tx: Transaction) -> ShownEndpoint:
    """Send nothing there any more; members go on to their next contacts. Raises Refusal."""
    await _locked(command.name, tx)
    await store.set_disabled(tx.connection, command.name, tx.principal.subject, command.reason)
    return shown(await _locked(command.name, tx))


async def enable_endpoint(command: EnableEndpoint, tx: Transaction) -> ShownEndpoint:
    """Send there again, with its failures forgotten; what it has missed is replayed on demand. Raises Refusal."""
    await _locked(command.name, tx)
    await store.set_enabled(tx.connection, command.name)
    await end_trouble(OperationsTrouble.WEBHOOK_ENDPOINT_DISABLED, name=command.name, tx=tx)
    return shown(await _locked(command.name, tx))


async def replay_missed(command: ReplayMissed, tx: Transaction) -> Replayed:
    """Owe anew what did not reach the endpoint. Raises Refusal."""
    endpoint = await _locked(command.name, tx)
    if endpoint.disabled_at is not None:
        raise Refusal(ENDPOINT_IS_DISABLED)
    since = max(command.since, tx.now - timedelta(days=REPLAY_DAYS_MAX))
    answered = await store.lock_missed(tx.connection, command.name, since)
    owed = await store.owe_again(tx.connection, command.name, since)
    lines = [
        HistoryLine(
            one.alert_id,
            County(one.county),
            "replayed",
            one.step,
            tx.principal.subject,
            {
                "delivery_id": str(one.delivery_id),
                "recipient": one.recipient,
                "channel": Channel.WEBHOOK,
                "endpoint": command.name,
            },
        )
        for one in owed
        if one.alert_id is not None
    ]
    await add_histories(tx.connection, lines, tx.now)
    return Replayed(messages=len(owed), answered=answered)


async def list_shown_keys(connection: Connection, name: str, by: str) -> list[ShownKey]:
    """The keys that sign now, v1 secrets opened. Raises Refusal."""
    if await store.find_endpoint(connection, name) is None:
        raise Refusal(ENDPOINT_NOT_FOUND, name=name)
    _log.info("webhook_keys_read", endpoint=name, by=by)
    return [
        ShownKey(
            key_id=key.key_id,
            scheme=key.scheme,
            secret=shown_secret(unseal(key.sealed, key_context(name, key.key_id))) if key.scheme == "v1" else None,
            public_key=None if key.public_key is None else shown_public_key(key.public_key),
            created_at=key.created_at,
            ends_at=key.ends_at,
        )
        for key in await store.list_keys(connection, name)
    ]


async def note_success(context: WorkerContext[Any], name: str) -> None:
    """A message has arrived: the endpoint's failures are over."""
    async with context.pool.acquire() as connection:
        await store.note_success(connection, name)


async def note_failure(
    context: WorkerContext[Any], name: str, county: County, error: str, disable_after_s: float
) -> None:
    """Keep a failure; one that has lasted `disable_after_s` switches the endpoint off and is a trouble of the platform."""
    async with context.begin() as tx:
        if not await store.note_failure(tx.connection, name, error, timedelta(seconds=disable_after_s)):
            return
        if await store.set_disabled(tx.connection, name, BY_SYSTEM, f"failing: {error}"):
            _log.warning("webhook_endpoint_disabled", endpoint=name, error=error)
            await report_trouble(OperationsTrouble.WEBHOOK_ENDPOINT_DISABLED, name=name, tx=tx, county=county)


def key_context(endpoint: str, key_id: UUID) -> str:
    """What a sealed key is bound to."""
    return f"payesh.notifications.webhook-key {endpoint} {key_id}"


def shown(endpoint: store.Endpoint) -> ShownEndpoint:
    return ShownEndpoint.model_validate(endpoint, from_attributes=True)


async def _add_keys(name: str, tx: Transaction) -> None:
    secret, seed = new_secret(), new_secret()
    secret_id, seed_id = uuid7(), uuid7()
    sealed_secret, sealed_seed = seal(secret, key_context(name, secret_id)), seal(seed, key_context(name, seed_id))
    await store.insert_keys(
        tx.connection,
        [
            store.Key(secret_id, name, "v1", sealed_secret, None, tx.now, None),
            store.Key(seed_id, name, "v1a", sealed_seed, public_key_of(seed), tx.now, None),
        ],
    )


async def _locked(name: str, tx: Transaction) -> store.Endpoint:
    endpoint = await store.find_endpoint(tx.connection, name, lock=True)
    if endpoint is None:
        raise Refusal(ENDPOINT_NOT_FOUND, name=name)
    return endpoint


def _require_safe(url: str) -> None:
    settings = WebhookSettings()
    try:
        checked_url(url, AddressRules(settings.networks, settings.plain_http))
    except UnsafeAddressError as error:
        raise Refusal(ENDPOINT_ADDRESS_UNSAFE, problem=str(error), problem_fa=error.problem_fa) from error


def _require_province(county: County | None, tx: Transaction) -> None:
    if county is None and tx.principal.counties != frozenset(County):
        raise Refusal(ENDPOINT_NEEDS_PROVINCE)
    if county is not None and county not in tx.principal.counties:
        raise Refusal(ENDPOINT_NEEDS_PROVINCE)

"""From a leased delivery to what its channel sends: the letter in the recipient's language, and the signed link."""

import secrets
from typing import Final

from services.notifications.channels.base import Outgoing, RefusedError
from services.notifications.domain.digests import DigestContent
from services.notifications.letters.digest_letters import digest_link, render_digest
from services.notifications.letters.letter import Letters
from services.notifications.letters.links import (
    KEY_BYTES,
    VALID_FOR,
    AcknowledgementLink,
    ShortLink,
    sign_digest_link,
    sign_link,
    sign_short_link,
)
from services.notifications.letters.saved_texts import refresh_letters
from services.notifications.routing_rules import RULES
from services.notifications.settings import Settings
from services.notifications.store import deliveries as store
from shared.kit.logging import get_logger
from shared.kit.service import WorkerContext

CASE_PURPOSE: Final = "legal_review"
CASE_KIND: Final = "phase_two_review_requested"

_log = get_logger(__name__)


class Composer:
    """Composes for all channels of a process. Call `refresh` before each batch."""

    def __init__(self, context: WorkerContext[Settings]) -> None:
        """Raises MissingTemplateError."""
        self._context = context
        self._settings = context.settings
        self._letters = Letters()
        self._letters.require(frozenset(rule.kind for rule in RULES.rules))
        self._key = b""

    async def refresh(self) -> None:
        """Take on texts that were saved since, and the key that signs links."""
        async with self._context.pool.acquire() as connection:
            await refresh_letters(self._letters, connection)
        if not self._key:
            async with self._context.begin() as tx:
                await store.ensure_link_key(tx.connection, secrets.token_bytes(KEY_BYTES))
                self._key = (await store.list_link_keys(tx.connection))[0]

    def compose(self, delivery: store.LeasedDelivery) -> Outgoing:
        """Raises RefusedError if there is no way to put it into words."""
        try:
            return self._compose(delivery)
        except Exception as error:
            _log.error("message_not_composed", delivery_id=str(delivery.delivery_id), error=repr(error))
            raise RefusedError(f"could not be composed: {error!r}") from error

    def _compose(self, delivery: store.LeasedDelivery) -> Outgoing:
        if delivery.digest_id is not None:
            stop_url = f"{self._settings.base_url}/digests/stop/{sign_digest_link(digest_link(delivery), self._key)}"
            told_here = DigestContent.model_validate(delivery.details).told_here
            tells_of = tuple(line.alert_id for line in told_here if line.alert_id is not None)
            return Outgoing(delivery, render_digest(delivery, stop_url), stop_url, tells_of)
        expires_at = delivery.created_at + VALID_FOR
        link = AcknowledgementLink(delivery.alert_id, delivery.member_id, delivery.county, expires_at)
        acknowledge_url = f"{self._settings.base_url}/acknowledge/{sign_link(link, self._key)}"
        short_link = ShortLink(delivery.delivery_id, delivery.county, expires_at)
        short_url = f"{self._settings.base_url}/a/{sign_short_link(short_link, self._key)}"
        letter = self._letters.render(delivery, acknowledge_url, self._case_url(delivery), short_url=short_url)
        return Outgoing(delivery, letter, acknowledge_url, tuple(one.alert_id for one in delivery.grouped))

    def _case_url(self, delivery: store.LeasedDelivery) -> str | None:
        if delivery.kind != CASE_KIND or self._settings.case_url is None:
            return None
        return f"{self._settings.case_url.rstrip('/')}/{delivery.subject_id}?purpose={CASE_PURPOSE}"

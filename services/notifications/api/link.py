"""The page behind a signed link. GET and HEAD show a button and change nothing (mail scanners open links); POST acts."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from services.notifications.domain.escalation import AlertState
from services.notifications.domain.members import Member
from services.notifications.domain.refusals import (
    ALERT_ALREADY_RESOLVED,
    ALERT_NOT_FOUND,
    LINK_MEMBER_LEFT,
    LINK_NOT_VALID,
)
from services.notifications.domain.terms import county_label, term
from services.notifications.handlers import AcknowledgeByLink, acknowledge_by_link
from services.notifications.handlers.acknowledging import answered_with
from services.notifications.handlers.digests import StopDigest, stop_digest
from services.notifications.letters.letter import Letters
from services.notifications.letters.links import (
    TOKEN_CHARACTERS_MAX,
    AcknowledgementLink,
    DigestLink,
    read_digest_link,
    read_link,
    read_short_link,
)
from services.notifications.letters.texts import WORDS, number, site_code
from services.notifications.store import alerts, deliveries, groups, reading
from services.notifications.store import members as people
from services.notifications.store.readers import Reader
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.auth import Principal
from shared.kit.database import read_transaction
from shared.kit.http import ApiResources, Commands
from shared.kit.http_boundary import CONTEXT_KEY, RequestContext

LINK_ROLE: Final = "acknowledgement_link"
NOBODY: Final = Principal("acknowledgement-link", frozenset({LINK_ROLE}), frozenset())
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
)

router = APIRouter()
_letters = Letters()


class LinkVisit:
    """One request that carries a link instead of a bearer token; it may see the link's county and no other."""

    def __init__(self, request: Request, response: Response) -> None:
        self._request = request
        self._response = response
        self._resources: ApiResources = request.app.state.resources
        context: RequestContext = request.scope[CONTEXT_KEY]
        self.language: str = context.language

    async def open(self, token: str) -> AcknowledgementLink:
        """Check the token on the database's clock. Raises Refusal."""
        keys, now = await self._keys_and_now()
        return read_link(token[: TOKEN_CHARACTERS_MAX + 1], keys, now)

    async def open_short(self, token: str) -> AcknowledgementLink:
        """The same for the token of an SMS, whose delivery names the alert and the person. Raises Refusal."""
        keys, now = await self._keys_and_now()
        link = read_short_link(token[: TOKEN_CHARACTERS_MAX + 1], keys, now)
        async with read_transaction(self._resources.pool, principal_of_link(link.county)) as connection:
            told = await deliveries.find_told(connection, link.delivery_id)
        if told is None:
            raise Refusal(LINK_NOT_VALID)
        alert_id, member_id = told
        return AcknowledgementLink(alert_id, member_id, link.county, link.expires_at)

    async def open_digest(self, token: str) -> DigestLink:
        """Check the token of a digest's link, and learn the language of its reader. Raises Refusal."""
        keys, now = await self._keys_and_now()
        link = read_digest_link(token[: TOKEN_CHARACTERS_MAX + 1], keys, now)
        async with read_transaction(self._resources.pool, principal_of_link(link.county)) as connection:
            member = await people.find_member(connection, link.member_id)
        if member is not None:
            self.language = member.language
        return link

    async def stop_digest(self, link: DigestLink) -> None:
        """End the summaries of the link's member, who may have left: then nothing is sent any more either."""
        principal = principal_of_link(link.county, f"link:{link.member_id}")
        commands = Commands(principal, self._resources, self._request, self._response, None)
        await commands.execute(stop_digest, StopDigest(member_id=link.member_id))

    async def _keys_and_now(self) -> tuple[list[bytes], datetime]:
        async with read_transaction(self._resources.pool, NOBODY) as connection:
            return await deliveries.list_link_keys(connection), await deliveries.database_now(connection)

    async def look(self, link: AcknowledgementLink) -> tuple[Member, reading.Row]:
        """The member and the alert of a link. Raises Refusal."""
        async with read_transaction(self._resources.pool, self._principal(link)) as connection:
            member = await groups.find_member(connection, link.member_id)
            alert = await reading.find_alert(connection, link.alert_id, self._reader(link))
            if alert is not None and alert["state"] == AlertState.RESOLVED and _has_led(alert):
                alert = await reading.find_alert(connection, alert["lead_alert_id"], self._reader(link))
        if member is None:
            raise Refusal(LINK_MEMBER_LEFT)
        self.language = member.language
        if alert is None:
            raise Refusal(ALERT_NOT_FOUND, alert_id=str(link.alert_id))
        if alert["state"] == AlertState.RESOLVED:
            raise Refusal(ALERT_ALREADY_RESOLVED)
        return member, alert

    async def count_answered(self, link: AcknowledgementLink, alert_id: UUID) -> int:
        """How many alerts the button answers: this one, and those of its group that its letters told of."""
        async with read_transaction(self._resources.pool, self._principal(link)) as connection:
            alert = await alerts.find_alert(connection, alert_id)
            if alert is None:
                raise Refusal(ALERT_NOT_FOUND, alert_id=str(alert_id))
            return len(answered_with(alert, await alerts.list_members(connection, alert_id)))

    async def acknowledge(self, link: AcknowledgementLink) -> None:
        """Acknowledge as the link's member. Raises Refusal."""
        commands = Commands(self._principal(link), self._resources, self._request, self._response, None)
        command = AcknowledgeByLink(alert_id=link.alert_id, member_id=link.member_id)
        await commands.execute(acknowledge_by_link, command)

    def _reader(self, link: AcknowledgementLink) -> Reader:
        """Also of an office's alert; of a case the page shows nothing."""
        return Reader(self._principal(link).subject, sees_offices=True)

    def _principal(self, link: AcknowledgementLink) -> Principal:
        return principal_of_link(link.county, f"link:{link.member_id}")


def principal_of_link(county: County | None, subject: str = NOBODY.subject) -> Principal:
    """Whoever follows a link: for its county and no other; None, a link of the provincial office, for all of them."""
    return Principal(subject, frozenset({LINK_ROLE}), frozenset(County) if county is None else frozenset({county}))


@router.head("/acknowledge/{token}", response_class=HTMLResponse, include_in_schema=False)
@router.get("/acknowledge/{token}", response_class=HTMLResponse)
async def show_acknowledgement(token: str, visit: Annotated[LinkVisit, Depends(LinkVisit)]) -> HTMLResponse:
    """Show what would be acknowledged, with a button."""
    return await _show(visit, visit.open(token))


@router.post("/acknowledge/{token}", response_class=HTMLResponse)
async def press_acknowledgement(token: str, visit: Annotated[LinkVisit, Depends(LinkVisit)]) -> HTMLResponse:
    """The button was pressed."""
    return await _press(visit, visit.open(token))


@router.head("/a/{token}", response_class=HTMLResponse, include_in_schema=False)
@router.get("/a/{token}", response_class=HTMLResponse)
async def show_short_acknowledgement(token: str, visit: Annotated[LinkVisit, Depends(LinkVisit)]) -> HTMLResponse:
    """As `/acknowledge`, by the link of an SMS."""
    return await _show(visit, visit.open_short(token))


@router.post("/a/{token}", response_class=HTMLResponse)
async def press_short_acknowledgement(token: str, visit: Annotated[LinkVisit, Depends(LinkVisit)]) -> HTMLResponse:
    """The button was pressed."""
    return await _press(visit, visit.open_short(token))


async def _show(visit: LinkVisit, opening: Awaitable[AcknowledgementLink]) -> HTMLResponse:
    try:
        link = await opening
        _, alert = await visit.look(link)
        answered = await visit.count_answered(link, alert["alert_id"])
    except Refusal as refusal:
        return answer_refused(refusal, visit.language)
    words = WORDS[visit.language]
    site = () if alert["registry_id"] is None else (site_code(alert["registry_id"], visit.language),)
    about = " · ".join((term(alert["kind"], visit.language), county_label(link.county, visit.language), *site))
    if alert["state"] == AlertState.ACKNOWLEDGED:
        return answer_page(visit.language, (about, words["page_already"]), None)
    how_many = words["page_number"].format(number=number(answered, visit.language))
    return answer_page(visit.language, (about, how_many, words["page_question"]), words["acknowledge"])


async def _press(visit: LinkVisit, opening: Awaitable[AcknowledgementLink]) -> HTMLResponse:
    try:
        link = await opening
        await visit.look(link)
        await visit.acknowledge(link)
    except Refusal as refusal:
        return answer_refused(refusal, visit.language)
    return answer_page(visit.language, (WORDS[visit.language]["page_done"],), None)


def answer_refused(refusal: Refusal, language: str, title: str | None = None) -> HTMLResponse:
    """A page that says why not."""
    return answer_page(language, (refusal.text(language),), None, title=title, status=refusal.reason.status)


def answer_page(
    language: str, lines: tuple[str, ...], button: str | None, *, title: str | None = None, status: int = 200
) -> HTMLResponse:
    """A page behind a link; without `button` it can only be read."""
    html = _letters.render_page(language, title or WORDS[language]["page_title"], lines, button)
    headers = {"content-security-policy": CONTENT_SECURITY_POLICY, "referrer-policy": "no-referrer"}
    return HTMLResponse(html, status, headers)


def _has_led(alert: reading.Row) -> bool:
    """Whether its group goes on under another alert: then the link of its letter answers for that."""
    return alert["lead_alert_id"] is not None and alert["step_told_at"] is not None

"""The page behind a signed link. GET shows a button and changes nothing (mail scanners open links); POST acts."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from services.notifications.domain.escalation import AlertState, Member
from services.notifications.domain.refusals import ALERT_ALREADY_RESOLVED, ALERT_NOT_FOUND, LINK_MEMBER_LEFT
from services.notifications.domain.terms import county_label, term
from services.notifications.handlers import AcknowledgeByLink, acknowledge_by_link
from services.notifications.links import TOKEN_CHARACTERS_MAX, AcknowledgementLink, read_link
from services.notifications.mail import WORDS, Letters
from services.notifications.store import deliveries, groups, reading
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
        async with read_transaction(self._resources.pool, NOBODY) as connection:
            keys = await deliveries.list_link_keys(connection)
            now = await deliveries.database_now(connection)
        return read_link(token[: TOKEN_CHARACTERS_MAX + 1], keys, now)

    async def look(self, link: AcknowledgementLink) -> tuple[Member, reading.Row]:
        """The member and the alert of a link. Raises Refusal."""
        async with read_transaction(self._resources.pool, self._principal(link)) as connection:
            member = await groups.find_member(connection, link.member_id)
            alert = await reading.find_alert(connection, link.alert_id)
        if member is None:
            raise Refusal(LINK_MEMBER_LEFT)
        self.language = member.language
        if alert is None:
            raise Refusal(ALERT_NOT_FOUND, alert_id=str(link.alert_id))
        if alert["state"] == AlertState.RESOLVED:
            raise Refusal(ALERT_ALREADY_RESOLVED)
        return member, alert

    async def acknowledge(self, link: AcknowledgementLink) -> None:
        """Acknowledge as the link's member. Raises Refusal."""
        commands = Commands(self._principal(link), self._resources, self._request, self._response, None)
        command = AcknowledgeByLink(alert_id=link.alert_id, member_id=link.member_id)
        await commands.execute(acknowledge_by_link, command)

    def _principal(self, link: AcknowledgementLink) -> Principal:
        return Principal(f"link:{link.member_id}", frozenset({LINK_ROLE}), frozenset({link.county}))


@router.get("/acknowledge/{token}", response_class=HTMLResponse)
async def show_acknowledgement(token: str, visit: Annotated[LinkVisit, Depends(LinkVisit)]) -> HTMLResponse:
    """Show what would be acknowledged, with a button."""
    try:
        link = await visit.open(token)
        _, alert = await visit.look(link)
    except Refusal as refusal:
        return _refused(refusal, visit.language)
    words = WORDS[visit.language]
    about = f"{term(alert['kind'], visit.language)} · {county_label(link.county, visit.language)}"
    if alert["state"] == AlertState.ACKNOWLEDGED:
        return _page(visit.language, (about, words["page_already"]), None)
    return _page(visit.language, (about, words["page_question"]), words["acknowledge"])


@router.post("/acknowledge/{token}", response_class=HTMLResponse)
async def press_acknowledgement(token: str, visit: Annotated[LinkVisit, Depends(LinkVisit)]) -> HTMLResponse:
    """The button was pressed."""
    try:
        link = await visit.open(token)
        await visit.look(link)
        await visit.acknowledge(link)
    except Refusal as refusal:
        return _refused(refusal, visit.language)
    return _page(visit.language, (WORDS[visit.language]["page_done"],), None)


def _refused(refusal: Refusal, language: str) -> HTMLResponse:
    return _page(language, (refusal.text(language),), None, refusal.reason.status)


def _page(language: str, lines: tuple[str, ...], button: str | None, status: int = 200) -> HTMLResponse:
    html = _letters.render_page(language, WORDS[language]["page_title"], lines, button)
    headers = {"content-security-policy": CONTENT_SECURITY_POLICY, "referrer-policy": "no-referrer"}
    return HTMLResponse(html, status, headers)

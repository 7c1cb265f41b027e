"""HTTP of digests: who wants one, and the page behind the link by which a reader ends them.

The link follows RFC 8058: GET shows a page and changes nothing, POST acts, be it a mail program's one click or the button.
"""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from services.notifications.api.link import LinkVisit, answer_page, answer_refused
from services.notifications.api.roles import ADMINISTRATORS, READING, require_people_of
from services.notifications.handlers import digests as handlers
from services.notifications.handlers.digests import WISHES_MAX, DigestOffice, DigestWishes, WishBody
from services.notifications.letters.digest_letters import WORDS
from services.notifications.store import digests as store
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.http import Commands, Queries, allow, allow_read

router = APIRouter()


class WishesBody(BaseModel):
    wishes: Annotated[list[WishBody], Field(max_length=WISHES_MAX)]


@router.put("/working-groups/{working_group}/digests")
async def set_digests(
    working_group: DigestOffice, body: WishesBody, commands: Annotated[Commands, Depends(allow(*ADMINISTRATORS))]
) -> DigestWishes:
    """Say who of the office is sent a summary, and how often; whoever is not named is sent none."""
    if isinstance(working_group, County):
        commands.require_county(working_group)
    return await commands.execute(handlers.set_wishes, DigestWishes(working_group=working_group, wishes=body.wishes))


@router.get("/working-groups/{working_group}/digests")
async def get_digests(
    working_group: DigestOffice, queries: Annotated[Queries, Depends(allow_read(*READING))]
) -> DigestWishes:
    """Who of the office is sent a summary."""
    require_people_of(working_group, queries)
    async with queries.read() as connection:
        wishes = await store.list_wishes(connection, working_group)
    return DigestWishes(working_group=working_group, wishes=[WishBody.model_validate(wish) for wish in wishes])


@router.head("/digests/stop/{token}", response_class=HTMLResponse, include_in_schema=False)
@router.get("/digests/stop/{token}", response_class=HTMLResponse)
async def show_stop(token: str, visit: Annotated[LinkVisit, Depends(LinkVisit)]) -> HTMLResponse:
    """Show what would end, with a button."""
    try:
        await visit.open_digest(token)
    except Refusal as refusal:
        return answer_refused(refusal, visit.language, WORDS[visit.language]["stop_title"])
    words = WORDS[visit.language]
    return answer_page(visit.language, (words["stop_question"],), words["stop"], title=words["stop_title"])


@router.post("/digests/stop/{token}", response_class=HTMLResponse)
async def press_stop(token: str, visit: Annotated[LinkVisit, Depends(LinkVisit)]) -> HTMLResponse:
    """The button was pressed, or a mail program's own (List-Unsubscribe-Post). Again is as good as once."""
    try:
        await visit.stop_digest(await visit.open_digest(token))
    except Refusal as refusal:
        return answer_refused(refusal, visit.language, WORDS[visit.language]["stop_title"])
    words = WORDS[visit.language]
    return answer_page(visit.language, (words["stop_done"],), None, title=words["stop_title"])

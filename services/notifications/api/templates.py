"""HTTP of the texts of alerts: what is in force, new versions, and previews with a sample event."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from services.notifications.api.roles import ADMINISTRATORS, READING
from services.notifications.handlers import templates as handlers
from services.notifications.handlers.templates import Language, SavedVersion, Source
from services.notifications.letters.letter import sms_units
from services.notifications.letters.texts import LANGUAGES, known_kinds, shipped_source
from services.notifications.routing_rules import rules_in_force
from services.notifications.store import templates as store
from shared.contracts.counties import County
from shared.kit.http import Commands, Queries, allow, allow_read
from shared.kit.paging import Page

router = APIRouter()


class TemplateItem(BaseModel):
    """`version` 0: as it ships with the service; then nobody saved it."""

    model_config = ConfigDict(from_attributes=True)

    kind: str
    language: Language
    version: int
    source: str
    saved_by: str | None = None
    saved_at: datetime | None = None


class TemplateBody(BaseModel):
    """`follows`: the version that was read before, so that nobody's newer text is replaced unseen."""

    model_config = ConfigDict(extra="forbid")

    source: Source
    follows: int | None = None


class PreviewBody(BaseModel):
    """Without `source`, the text in force is shown. `rule_id`: whose sample event; any rule of the kind if it is left out."""

    model_config = ConfigDict(extra="forbid")

    source: Source | None = None
    rule_id: str | None = None


class Preview(BaseModel):
    """The letter as a person gets it: `html` and `text` by e-mail, `short` by SMS. `short_units`: UTF-16 units of it."""

    subject: str
    text: str
    html: str
    short: str
    short_units: int


@router.get("/message-templates")
async def list_templates(queries: Annotated[Queries, Depends(allow_read(*READING))]) -> Page[TemplateItem]:
    """The text in force of every kind and language."""
    async with queries.read() as connection:
        saved = {(one.kind, one.language): one for one in await store.list_in_force(connection)}
    shipped = {(kind, language) for kind in known_kinds() for language in LANGUAGES}
    items = [
        TemplateItem.model_validate(saved[place]) if place in saved else _shipped(*place)
        for place in sorted(shipped | saved.keys())
    ]
    return Page(items=items)


@router.get("/message-templates/{kind}/{language}")
async def list_versions(
    kind: str, language: Language, queries: Annotated[Queries, Depends(allow_read(*READING))]
) -> Page[TemplateItem]:
    """Every version of one text, the one in force first and what ships last. 404 for an unknown kind."""
    async with queries.read() as connection:
        handlers.rules_of_kind(await rules_in_force(connection), kind)
        saved = await store.list_versions(connection, kind, language)
    items = [TemplateItem.model_validate(one) for one in saved]
    if kind in known_kinds():
        items.append(_shipped(kind, language))
    return Page(items=items)


@router.put("/message-templates/{kind}/{language}")
async def save_template(
    kind: str, language: Language, body: TemplateBody, commands: Annotated[Commands, Depends(allow(*ADMINISTRATORS))]
) -> SavedVersion:
    """Save a new version, for letters that leave from now on. Texts are the province's: all counties must be granted."""
    for county in County:
        commands.require_county(county)
    command = handlers.SaveTemplate(kind=kind, language=language, source=body.source, follows=body.follows)
    return await commands.execute(handlers.save_template, command)


@router.post("/message-templates/{kind}/{language}/preview")
async def preview_template(
    kind: str, language: Language, body: PreviewBody, queries: Annotated[Queries, Depends(allow_read(*READING))]
) -> Preview:
    """Try a text as saving would, and show it with a sample event; nothing is saved."""
    async with queries.read() as connection:
        rules = handlers.rules_of_kind(await rules_in_force(connection), kind)
        versions = await store.list_versions(connection, kind, language)
    source = body.source or (versions[0].source if versions else handlers.shipped_or_refused(kind, language))
    handlers.try_source(source, language, rules)
    letter = handlers.preview(source, language, handlers.rule_to_show(rules, body.rule_id))
    return Preview(
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        short=letter.short,
        short_units=sms_units(letter.short),
    )


def _shipped(kind: str, language: str) -> TemplateItem:
    return TemplateItem.model_validate(
        {"kind": kind, "language": language, "version": 0, "source": shipped_source(kind, language)}
    )

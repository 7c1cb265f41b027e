"""HTTP of routing rules: what is in force, its versions, checking, trying and saving them."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from services.notifications.api.roles import ADMINISTRATORS, PAGE_ITEMS_DEFAULT, READING, Limit
from services.notifications.domain.dry_run import RuleOutcome, Telling
from services.notifications.domain.rule_faults import RulesError
from services.notifications.domain.rule_refusals import RULES_VERSION_UNKNOWN
from services.notifications.handlers.dry_runs import (
    DryRunResult,
    Recipients,
    find_recipients,
    read_surroundings,
    run_dry,
)
from services.notifications.handlers.rules import (
    FAULTS_SHOWN_MAX,
    DocumentText,
    SavedRules,
    SaveRules,
    check_rules,
    read_sound_rules,
    save_rules,
    shown_fault,
)
from services.notifications.past import Past, configured_past
from services.notifications.routing_rules import RULES, rules_in_force
from services.notifications.store import rules as store
from shared.contracts.counties import County
from shared.contracts.notifications import AlertSeverity
from shared.contracts.refusals import Refusal
from shared.kit.http import Commands, Queries, allow, allow_read
from shared.kit.paging import Page, page_of

DRY_RUN_DAYS_DEFAULT = 7
DRY_RUN_DAYS_MAX = 31
VERSION_MAX = 2**31 - 1
YAML = "application/yaml"
_YAML_ANSWER: dict[int | str, dict[str, Any]] = {200: {"content": {YAML: {"schema": {"type": "string"}}}}}

router = APIRouter()
Reader = Annotated[Queries, Depends(allow_read(*READING))]
Administrator = Annotated[Queries, Depends(allow_read(*ADMINISTRATORS))]


class RulesVersion(BaseModel):
    """Who saved a version, when and why."""

    model_config = ConfigDict(from_attributes=True)

    version: int
    saved_at: datetime
    saved_by: str
    note: str


class RoutingRules(BaseModel):
    """What is in force. `version` 0: as it ships. `newest_version` differs where what was saved is refused by now."""

    version: int
    newest_version: int
    policies: dict[str, JsonValue]
    rules: list[JsonValue]
    inhibitions: list[JsonValue]


class CheckBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    document: DocumentText


class Fault(BaseModel):
    """What is wrong at a line (from 1) of the document."""

    line: int
    place: str
    text_en: str
    text_fa: str


class CheckReport(BaseModel):
    """At most 200 faults are listed. `rules`: how many rules a sound document has."""

    sound: bool
    faults_count: int
    faults: list[Fault]
    rules: int


class DryRunBody(BaseModel):
    """`document` null: the rules in force. The events of the last `days` days are looked at."""

    model_config = ConfigDict(extra="forbid")

    document: DocumentText | None = None
    days: Annotated[int, Field(ge=1, le=DRY_RUN_DAYS_MAX)] = DRY_RUN_DAYS_DEFAULT


class DryRunExample(BaseModel):
    at: datetime
    county: County
    subject_id: str
    details: dict[str, JsonValue]


class DryRunPerson(BaseModel):
    """Somebody who would have been told at the first step; `instead_of` is away today."""

    name: str
    role: str
    working_group: str
    instead_of: str | None
    counties: list[County]


class DryRunRule(BaseModel):
    """`told` letters begin, `grouped` alerts join one of them, `held_back` wait for another alert or a silence of that time
    to end (of which `told_after_hold` were told then), `digest` wait for the summary, `answered` were resolved before they
    came. Nobody acts in it: groups grow until the wait of their first step is over.

    Of rules about cases and complaints neither counties nor examples are given.
    """

    rule_id: str
    kind: str
    severity: AlertSeverity
    audience: str
    alerts: int
    resolved: int
    told: int
    grouped: int
    held_back: int
    told_after_hold: int
    digest: int
    answered: int
    by_county: dict[County, int]
    examples: list[DryRunExample]
    people: list[DryRunPerson]
    nobody_in: list[County]


class DryRunReport(BaseModel):
    """`whole` false: there were more events than are looked at in one go; `records_left` were not."""

    rules_version: int | None
    since: datetime
    until: datetime
    whole: bool
    records_read: int
    records_unreadable: int
    records_left: int
    alerts: int
    rules: list[DryRunRule]
    matched_nothing: list[str]


@router.get("/routing-rules")
async def get_routing_rules(queries: Reader) -> RoutingRules:
    """The rules in force."""
    async with queries.read() as connection:
        book = await rules_in_force(connection)
        newest = await store.find_version(connection)
    inhibitions = book.document.get("inhibitions", [])
    return RoutingRules.model_validate(
        {
            **book.document,
            "version": book.version,
            "newest_version": 0 if newest is None else newest.version,
            "inhibitions": inhibitions,
        }
    )


@router.get("/routing-rules/versions")
async def list_versions(
    queries: Reader,
    after: Annotated[int | None, Query(ge=0, le=VERSION_MAX)] = None,
    limit: Limit = PAGE_ITEMS_DEFAULT,
) -> Page[RulesVersion]:
    """Saved versions, the newest first. Version 0, as it ships, is not among them."""
    async with queries.read() as connection:
        versions = await store.list_versions(connection, after, limit)
    items = [RulesVersion.model_validate(version) for version in versions]
    return page_of(items, limit, lambda item: item.version)


@router.get("/routing-rules/versions/{version}", response_class=Response, responses=_YAML_ANSWER)
async def get_document(version: Annotated[int, Path(ge=0, le=VERSION_MAX)], queries: Reader) -> Response:
    """The text of a version, as it was saved; of version 0, as it ships."""
    async with queries.read() as connection:
        text = RULES.text if version == RULES.version else await store.find_document(connection, version)
    if text is None:
        raise Refusal(RULES_VERSION_UNKNOWN, version=version)
    return Response(text, media_type=YAML)


@router.post("/routing-rules/check")
async def check_document(body: CheckBody, queries: Administrator) -> CheckReport:
    """Whether a document could be saved, and everything that is wrong with it. Saves nothing."""
    async with queries.read() as connection:
        try:
            book = await check_rules(connection, body.document)
        except RulesError as error:
            faults = [Fault.model_validate(shown_fault(fault)) for fault in error.faults[:FAULTS_SHOWN_MAX]]
            return CheckReport(sound=False, faults_count=len(error.faults), faults=faults, rules=0)
    return CheckReport(sound=True, faults_count=0, faults=[], rules=len(book.rules))


@router.put("/routing-rules")
async def put_routing_rules(
    body: SaveRules, commands: Annotated[Commands, Depends(allow(*ADMINISTRATORS))]
) -> SavedRules:
    """Put a document in force as the next version. To go back, save an older version's text again."""
    return await commands.execute(save_rules, body)


@router.post("/routing-rules/dry-run")
async def try_rules(
    body: DryRunBody, queries: Administrator, past: Annotated[Past, Depends(configured_past)]
) -> DryRunReport:
    """Which alerts the events of the last days would have raised, and who would have been told. Changes nothing."""
    async with queries.read() as connection:
        if body.document is None:
            book = await rules_in_force(connection)
        else:
            book = await read_sound_rules(connection, body.document)
        now = await store.database_now(connection)
        since = now - timedelta(days=body.days)
        surroundings = await read_surroundings(connection, book, since, now, queries.principal.counties)
    result = await run_dry(book, past, since, queries.principal.counties, surroundings)
    recipients = find_recipients(surroundings, result.outcomes)
    version = book.version if body.document is None else None
    return _report(result, recipients, version, since, now)


def _report(
    result: DryRunResult, recipients: list[Recipients], version: int | None, since: datetime, until: datetime
) -> DryRunReport:
    return DryRunReport(
        rules_version=version,
        since=since,
        until=until,
        whole=result.is_whole,
        records_read=result.read.records_read,
        records_unreadable=result.read.records_unreadable,
        records_left=result.read.records_left,
        alerts=sum(outcome.alerts for outcome in result.outcomes),
        rules=[
            _rule_report(outcome, found)
            for outcome, found in zip(result.outcomes, recipients, strict=True)
            if outcome.alerts
        ],
        matched_nothing=[outcome.rule.rule_id for outcome in result.outcomes if not outcome.alerts],
    )


def _rule_report(outcome: RuleOutcome, found: Recipients) -> DryRunRule:
    rule = outcome.rule
    examples = [] if rule.is_restricted else outcome.examples
    return DryRunRule(
        rule_id=rule.rule_id,
        kind=rule.kind,
        severity=rule.severity,
        audience=rule.audience,
        alerts=outcome.alerts,
        resolved=outcome.resolved,
        told=outcome.telling[Telling.TOLD],
        grouped=outcome.telling[Telling.GROUPED],
        held_back=outcome.telling[Telling.HELD_BACK],
        told_after_hold=outcome.told_after_hold,
        digest=outcome.telling[Telling.DIGEST],
        answered=outcome.telling[Telling.ANSWERED],
        by_county={} if rule.is_restricted else dict(outcome.by_county),
        examples=[
            DryRunExample(at=one.at, county=one.county, subject_id=one.subject_id, details=one.details)
            for one in examples
        ],
        people=[
            DryRunPerson(
                name=one.on_duty.member.name,
                role=one.on_duty.member.role,
                working_group=one.on_duty.member.working_group,
                instead_of=None if one.on_duty.instead_of is None else one.on_duty.instead_of.name,
                counties=[] if rule.is_restricted else one.counties,
            )
            for one in found.told
        ],
        nobody_in=[] if rule.is_restricted else found.nobody_in,
    )

"""A dry run of routing rules: which alerts past events would have raised, and who would have been told. Changes nothing."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from services.notifications.domain.dry_run import Circumstances, DryRun, PastEvent, RuleOutcome
from services.notifications.domain.escalation import EscalationPolicy
from services.notifications.domain.grouping import group_wait_s
from services.notifications.domain.holding import PastSilence
from services.notifications.domain.members import Office, OnDuty, on_duty
from services.notifications.domain.rule_refusals import DRY_RUN_BUSY, PAST_UNAVAILABLE
from services.notifications.domain.rules import Audience, Rule, RuleBook
from services.notifications.domain.telling import office_of, tell
from services.notifications.past import Past
from services.notifications.store import groups, silences
from shared.contracts.base import Event
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.kit.clock import wall_delay
from shared.kit.past_events import PastBounds, PastRead, PastUnavailableError
from shared.kit.routing import Received
from shared.kit.transaction import Connection
from shared.persian.calendar import office_date

RECORDS_MAX: Final = 300_000
READ_TIMEOUT_S: Final = 20.0
_FIRST_STEP: Final = 0

_running = asyncio.Lock()
"""One at a time in a process: each may hold tens of megabytes."""


@dataclass(frozen=True, slots=True)
class DryRunResult:
    """`is_whole`: every event of the days asked for was looked at."""

    outcomes: Sequence[RuleOutcome]
    read: PastRead
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What of a service decides, besides the rules and the events: its policies and offices as they are at `until`, and the
    silences that ran since the first day looked at."""

    until: datetime
    policies: Mapping[str, EscalationPolicy]
    offices: Mapping[str, Office]
    silences: Sequence[PastSilence]


@dataclass(slots=True)
class Told:
    """Who would have been told at the first step, and for which counties; `instead_of`: who is away today."""

    on_duty: OnDuty
    counties: list[County] = field(default_factory=list[County])


@dataclass(slots=True)
class Recipients:
    """`nobody_in`: counties with alerts of which nobody would have been told, because the office has no members."""

    told: list[Told] = field(default_factory=list[Told])
    nobody_in: list[County] = field(default_factory=list[County])


async def read_surroundings(
    connection: Connection, book: RuleBook, since: datetime, until: datetime, counties: Collection[County]
) -> Surroundings:
    """Of a dry run over the events of these counties."""
    saved = await groups.list_policies(connection)
    policies = {**book.policies, **{name: policy for name, (_, policy) in saved.items()}}
    provincial = {audience.value for audience in Audience} - {Audience.WORKING_GROUP.value}
    offices = await groups.load_offices(connection, sorted({*counties, *provincial}))
    return Surroundings(until, policies, offices, await silences.list_past(connection, since))


async def run_dry(
    book: RuleBook, past: Past, since: datetime, counties: Collection[County], surroundings: Surroundings
) -> DryRunResult:
    """Apply `book` to what was published since then, in memory. Raises Refusal."""
    if _running.locked():
        raise Refusal(DRY_RUN_BUSY)
    async with _running:
        circumstances = Circumstances(surroundings.until, _joined_until(surroundings), surroundings.silences)
        dry_run = DryRun(book, counties, circumstances)
        has_room = True

        def take(received: Sequence[Received[Event]]) -> bool:
            nonlocal has_room
            has_room = dry_run.take(PastEvent(one.event, one.id, one.sequence, one.time) for one in received)
            return has_room

        try:
            read = await past.read(book.event_types, PastBounds(since, RECORDS_MAX, READ_TIMEOUT_S), take)
        except PastUnavailableError as error:
            raise Refusal(PAST_UNAVAILABLE) from error
        outcomes = await asyncio.to_thread(dry_run.outcomes)
        return DryRunResult(outcomes, read, has_room and read.records_left == 0)


def _joined_until(surroundings: Surroundings) -> Callable[[Rule, County, datetime], datetime]:
    """As `escalating.send_group_letter` says it of a lead: its letter leaves, and the first step waits."""

    def joined_until(rule: Rule, county: County, began_at: datetime) -> datetime:
        told_at = began_at + wall_delay(timedelta(seconds=group_wait_s(rule) or 0))
        office = office_of(
            rule.audience, county, surroundings.offices, office_date(told_at), restricted=rule.is_restricted
        )
        step = surroundings.policies[rule.policy].step_at(_FIRST_STEP)
        return told_at + wall_delay(tell(step, office, told_at, restricted=rule.is_restricted).wait)

    return joined_until


def find_recipients(surroundings: Surroundings, outcomes: Sequence[RuleOutcome]) -> list[Recipients]:
    """For each outcome, who is on duty at the first step of its rule's policy, today."""
    today = office_date(surroundings.until)
    return [_recipients_of(outcome, surroundings, today) for outcome in outcomes]


def _recipients_of(outcome: RuleOutcome, surroundings: Surroundings, today: date) -> Recipients:
    found = Recipients()
    policy = surroundings.policies[outcome.rule.policy]
    for county in (county for county in County if outcome.counties[county]):
        person = _first_told(outcome.rule, policy, county, surroundings.offices, today)
        if person is None:
            found.nobody_in.append(county)
            continue
        told = next((one for one in found.told if one.on_duty == person), None)
        if told is None:
            told = Told(person)
            found.told.append(told)
        told.counties.append(county)
    return found


def _first_told(
    rule: Rule, policy: EscalationPolicy, county: County, offices: Mapping[str, Office], today: date
) -> OnDuty | None:
    office = office_of(rule.audience, county, offices, today, restricted=rule.is_restricted)
    return on_duty(policy.step_at(_FIRST_STEP).position, office, today)

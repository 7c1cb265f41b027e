"""Digests: who wants them, what they say, and their letters."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notifications.domain.digests import (
    LISTED_MAX,
    SUMMARISED_TYPES,
    CountyFigures,
    DigestContent,
    DigestLine,
    Period,
)
from services.notifications.store.deliveries import WAKE_CHANNEL
from shared.contracts.counties import County
from shared.kit.transaction import Connection


@dataclass(frozen=True, slots=True)
class Wish:
    """Somebody of an office wants a digest."""

    member_id: UUID
    email: str
    name: str
    language: str
    period: Period


@dataclass(frozen=True, slots=True)
class Scope:
    """What a digest is about. `county` None: the whole province."""

    working_group: str
    county: County | None
    period: Period
    audiences: tuple[str, ...]
    since: datetime
    until: datetime


async def list_wishes(connection: Connection, working_group: str) -> list[Wish]:
    """Wishes of an office's active members."""
    rows = await connection.fetch(
        """
        SELECT member_id, email, name, language, period FROM digest_wish JOIN working_group_member USING (member_id)
        WHERE working_group = $1 AND active ORDER BY position
        """,
        working_group,
    )
    return [Wish(row["member_id"], row["email"], row["name"], row["language"], Period(row["period"])) for row in rows]


async def wished_offices(connection: Connection) -> list[tuple[str, Period]]:
    """Offices of whose active members somebody wants a digest, with the period."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT working_group, period FROM digest_wish JOIN working_group_member USING (member_id)
        WHERE active ORDER BY working_group, period
        """
    )
    return [(row["working_group"], Period(row["period"])) for row in rows]


async def armed_subjects(connection: Connection, kind: str) -> set[str]:
    """Subjects of the armed timers of a kind."""
    rows = await connection.fetch("SELECT subject_id FROM timer WHERE kind = $1", kind)
    return {row["subject_id"] for row in rows}


async def replace_wishes(
    connection: Connection, working_group: str, wishes: Mapping[str, Period], by: str, at: datetime
) -> list[Wish]:
    """Make `wishes` (by e-mail address) those of the office; returns them. Unknown addresses are left out."""
    await connection.execute(
        "DELETE FROM digest_wish USING working_group_member AS member "
        "WHERE member.member_id = digest_wish.member_id AND working_group = $1",
        working_group,
    )
    await connection.execute(
        """
        INSERT INTO digest_wish (member_id, county, period, set_at, set_by)
        SELECT member_id, county, wish.period, $4, $5
        FROM unnest($2::text[], $3::text[]) AS wish (email, period) JOIN working_group_member AS member USING (email)
        WHERE working_group = $1 AND active
        """,
        working_group,
        list(wishes),
        list(wishes.values()),
        at,
        by,
    )
    return await list_wishes(connection, working_group)


async def drop_wish(connection: Connection, member_id: UUID) -> bool:
    """The member wants no digest any more; False if none was wanted."""
    status = await connection.execute("DELETE FROM digest_wish WHERE member_id = $1", member_id)
    return status == "DELETE 1"


async def last_covered(connection: Connection, working_group: str, period: Period) -> datetime | None:
    """Until when the last digest of the office and period went."""
    covered: datetime | None = await connection.fetchval(
        "SELECT max(covers_until) FROM digest WHERE working_group = $1 AND period = $2", working_group, period
    )
    return covered


_IN_SCOPE = "source_type = ANY ($1) AND audience = ANY ($2) AND ($3::text IS NULL OR alert.county = $3)"


async def summarise(connection: Connection, scope: Scope) -> DigestContent:
    """What there is to say."""
    about: tuple[Any, ...] = (SUMMARISED_TYPES, scope.audiences, scope.county)
    figures = await connection.fetch(
        f"""
        SELECT county,
               count(*) FILTER (WHERE raised_at > $4 AND raised_at <= $5)::int AS raised,
               count(*) FILTER (WHERE acknowledged_at > $4 AND acknowledged_at <= $5)::int AS acknowledged,
               count(*) FILTER (WHERE resolved_at > $4 AND resolved_at <= $5)::int AS resolved,
               count(*) FILTER (WHERE state IN ('open', 'escalated') AND held_back IS NULL AND NOT digest)::int AS open,
               count(*) FILTER (WHERE state <> 'resolved' AND held_back IS NOT NULL)::int AS held_back,
               count(*) FILTER (WHERE EXISTS (
                   SELECT FROM alert_history AS history
                   WHERE history.alert_id = alert.alert_id AND entry = 'escalated' AND at > $4 AND at <= $5
               ))::int AS escalated
        FROM alert
        WHERE {_IN_SCOPE} AND (state <> 'resolved' OR resolved_at > $4)
        GROUP BY county
        """,
        *about,
        scope.since,
        scope.until,
    )
    waiting = "state IN ('open', 'escalated') AND held_back IS NULL AND NOT digest"
    told_here = "digest AND raised_at > $4 AND raised_at <= $5"
    return DigestContent(
        county=scope.county,
        period=scope.period,
        since=scope.since,
        until=scope.until,
        figures={County(row["county"]): CountyFigures(**dict(row)) for row in figures},
        open=await _lines(connection, waiting, about),
        open_total=await _count(connection, waiting, about),
        told_here=await _lines(connection, told_here, (*about, scope.since, scope.until)),
        told_here_total=await _count(connection, told_here, (*about, scope.since, scope.until)),
    )


async def insert_digest(
    connection: Connection, digest_id: UUID, scope: Scope, content: DigestContent, at: datetime
) -> bool:
    """Keep a digest; False if the office has one of this period that ends at the same moment."""
    status = await connection.execute(
        """
        INSERT INTO digest (digest_id, working_group, county, period, covers_from, covers_until, content, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING
        """,
        digest_id,
        scope.working_group,
        scope.county,
        scope.period,
        scope.since,
        scope.until,
        content.model_dump_json(),
        at,
    )
    return status == "INSERT 0 1"


async def owe_letters(
    connection: Connection,
    digest_id: UUID,
    county: County,
    letters: Mapping[UUID, Wish],
    at: datetime,
    correlation: str,
) -> None:
    """Owe a letter to each, by its id. Wakes the delivery workers."""
    await connection.execute(
        """
        INSERT INTO delivery (delivery_id, digest_id, county, step, member_id, recipient, recipient_name, language,
                              channel, address, contact_since, state, next_attempt_at, created_at, correlation_id)
        SELECT delivery_id, $1, $2, 0, member_id, email, name, language, 'email', email, $3, 'pending', $3, $3, $4
        FROM unnest($5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[])
             AS letter (delivery_id, member_id, email, name, language)
        """,
        digest_id,
        county,
        at,
        correlation,
        list(letters),
        [wish.member_id for wish in letters.values()],
        [wish.email for wish in letters.values()],
        [wish.name for wish in letters.values()],
        [wish.language for wish in letters.values()],
    )
    await connection.execute("SELECT pg_notify($1, '')", WAKE_CHANNEL)


async def _lines(connection: Connection, which: str, about: tuple[Any, ...]) -> tuple[DigestLine, ...]:
    rows = await connection.fetch(
        f"""
        SELECT alert_id, county, kind, severity, state, subject_id, raised_at FROM alert
        WHERE {_IN_SCOPE} AND {which} ORDER BY raised_at LIMIT {LISTED_MAX}
        """,
        *about,
    )
    return tuple(DigestLine(**dict(row)) for row in rows)


async def _count(connection: Connection, which: str, about: tuple[Any, ...]) -> int:
    number: int = await connection.fetchval(f"SELECT count(*) FROM alert WHERE {_IN_SCOPE} AND {which}", *about)
    return number

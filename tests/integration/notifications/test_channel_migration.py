"""Messages that were owed before there were channels are owed after the migration too, to the same address."""

from pathlib import Path
from uuid import uuid4

import asyncpg

from deploy.embedded.migrations import create_database, migration_directories
from deploy.embedded.postgresql import EmbeddedPostgreSQL
from services.notifications.domain.channels import Channel
from tests.support.environment import DatabaseFactory, run_aside

BEFORE = "01040"
DATABASE = "notifications_before_channels"
OWED = """
    INSERT INTO working_group_member (member_id, working_group, county, position, name, role, language, email)
    VALUES ($1, 'rey', 'rey', 0, 'name', 'expert', 'fa', 'm0.rey@payesh.example');
"""
ALERT = """
    INSERT INTO alert (alert_id, county, rule_id, rules_version, kind, severity, audience, state, policy_name, policy,
                       subject_id, source_type, source_event_id, source_aggregate, source_aggregate_id, source_sequence,
                       source_time, details, correlation_id, raised_at)
    VALUES ($1, 'rey', 'r', 1, 'k', 'warning', 'working_group', 'open', 'p', '{}', 's', 't', $1, 'a', 'a', 1, now(), '{}',
            'c', now())
"""
DELIVERY = """
    INSERT INTO delivery (delivery_id, alert_id, county, step, member_id, recipient, recipient_name, language, channel,
                          state, next_attempt_at, created_at, correlation_id)
    VALUES ($1, $2, 'rey', 0, $3, 'm0.rey@payesh.example', 'name', 'fa', $4, 'pending', now(), now(), 'c')
"""


def migrations() -> list[Path]:
    """All of the service's migrations in the order in which they are run."""
    found = [path for directory in migration_directories("notifications") for path in directory.glob("*.sql")]
    return sorted(found, key=lambda path: path.name)


async def apply(url: str, paths: list[Path]) -> None:
    connection = await asyncpg.connect(url)
    try:
        for path in paths:
            forward = path.read_text().partition("-- migrate:down")[0]
            async with connection.transaction():
                await connection.execute(forward)
    finally:
        await connection.close()


async def owe_before(url: str) -> None:
    member_id, alert_id = uuid4(), uuid4()
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(OWED.strip().rstrip(";"), member_id)
        await connection.execute(ALERT, alert_id)
        for channel in (Channel.EMAIL, Channel.INBOX):
            await connection.execute(DELIVERY, uuid4(), alert_id, member_id, channel)
    finally:
        await connection.close()


async def addresses(url: str) -> list[tuple[str, str, str, str, bool]]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT * FROM delivery ORDER BY channel")
    finally:
        await connection.close()
    return [
        (row["channel"], row["address"], row["fallbacks"], row["state"], row["contact_since"] == row["created_at"])
        for row in rows
    ]


def test_rows_survive(postgresql: EmbeddedPostgreSQL, database_factory: DatabaseFactory) -> None:
    database_factory.drop(database_factory.create("notifications"))  # the roles are there
    owner, worker = (postgresql.url(f"notifications_{kind}", DATABASE) for kind in ("owner", "worker"))
    superuser = postgresql.superuser_url(DATABASE)
    run_aside(create_database(postgresql, "notifications", DATABASE))
    before = [path for path in migrations() if path.name < BEFORE]
    after = [path for path in migrations() if path.name >= BEFORE]
    assert before
    assert after
    run_aside(apply(owner, before))
    run_aside(owe_before(superuser))
    run_aside(apply(owner, after))
    address = "m0.rey@payesh.example"
    assert run_aside(addresses(worker)) == [
        ("email", address, "[]", "pending", True),
        ("inbox", address, "[]", "pending", True),
    ]

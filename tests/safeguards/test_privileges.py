"""Row-level security and privileges are guards too: for each policy and each missing privilege a mutant that
has it, and what then
happens that must not. The lists come from PostgreSQL's catalogue; what the roles may do is written here once, by hand.
"""

from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import asyncpg
import pytest

from shared.kit.connections import Connection
from tests.safeguards.situations import install, script
from tests.safeguards.sql_guards import attempt
from tests.support.environment import ServiceDatabase

OTHER_COUNTY = "SET LOCAL payesh.counties = 'varamin'"
DELETABLE = frozenset({("casework_worker", "county_case_counter"), ("casework_worker", "centre_place_counter")})
"""Projections are rebuilt from nothing; nothing else is ever deleted by the service's roles."""
INSERTED_BY_WORKER = frozenset(
    {"county_case_counter", "centre_place_counter", "legal_review", "booking", "case_erasure"}
)
"""What software records: that a review is asked for, offers of places, that data are erased, and counters. All else is
people's.
"""
WRITTEN_BY_WORKER = frozenset(
    [
        "return_case.state",
        "return_case.state_changed_at",
        "return_case.voluntary_until",
        "case_pause.reminders",
        "case_pause.review_by",
        "booking.state",
        "booking.ended_at",
        "centre_place.threshold_percent",
        "centre_place.waiting_list_first",
        "legal_review.reminders",
        "legal_review.review_by",
        "appeal.reminders",
        "appeal.review_by",
        "break_glass.reminders",
        "break_glass.review_by",
        "retention_hold.reminders",
        "retention_hold.review_by",
    ]
)
"""Columns that software may change in what people recorded."""
RECORDED = {
    "centre": "INSERT INTO casework.centre (centre_id, county, name, created_by) VALUES (gen_random_uuid(), 'rey', 'x', 'x')",
    "centre_record": (
        "INSERT INTO casework.centre_record (record_id, centre_id, county, floor_area_m2, toilets, staff_per_shift, "
        "standards_version, floor_area_m2_per_person, persons_per_toilet, persons_per_staff_member, recorded_by) "
        "SELECT gen_random_uuid(), centre_id, 'rey', 99, 99, 99, 'v', 1, 9, 9, 'x' FROM casework.centre LIMIT 1"
    ),
    "centre_capacity_change": (
        "INSERT INTO casework.centre_capacity_change (centre_id, place_kind, county, capacity_before, capacity, reason, "
        "changed_by) "
        "SELECT centre_id, 'family', 'rey', 0, 0, 'x', 'x' FROM casework.centre LIMIT 1"
    ),
}
"""For tables that everybody may read, or nobody: what would be recorded for another county."""
FILLED = (
    "everything_of_a_case",
    "clearance_proposed",
    "child_recorded",
    "split_requested",
    "waiting",
    "appealed",
    "family_booked",
)
"""Between them these situations have a row in every table."""


@pytest.fixture
async def superuser(database: Callable[[str], ServiceDatabase]) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database("nationals").superuser_url)
    await install(connection)
    places = {name: uuid4() for name in ("centre", "full", "listed", "basis", "ended_basis")}
    for name in ("centre", "full", "listed"):
        await connection.execute(f"SELECT proof.centre('{places[name]}', 10)")
    await connection.execute(f"SELECT proof.basis('{places['basis']}')")
    for situation in FILLED:
        await connection.execute(script(situation, uuid4(), **places))
    await connection.execute("INSERT INTO casework.county_case_counter VALUES ('rey', 'opened', 1)")
    await connection.execute(
        "INSERT INTO casework.centre_place_counter VALUES ($1, 'family', 'rey', 10, 0, 0, 1)", places["centre"]
    )
    yield connection
    await connection.close()


async def test_every_policy_keeps_other_counties_out(superuser: Connection) -> None:
    rows = await superuser.fetch(
        """
        SELECT tablename AS table, policyname AS policy, EXISTS (
            SELECT FROM pg_policies AS other WHERE (other.schemaname, other.tablename) = (guarding.schemaname, guarding.tablename)
              AND other.roles = '{payesh_api}' AND other.cmd = 'SELECT' AND other.qual = 'true') AS for_all_to_read
        FROM pg_policies AS guarding WHERE schemaname = 'casework' AND roles = '{payesh_api}'
          AND qual LIKE '%payesh_counties()%' ORDER BY 1, 2
        """
    )
    guarded = await superuser.fetch(
        """
        SELECT relname AS table, relrowsecurity AND relforcerowsecurity AS forced FROM pg_class
        JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'county' AND NOT attisdropped
        WHERE relnamespace = 'casework'::regnamespace AND relkind = 'r'
        """
    )
    assert {row["table"] for row in guarded} == {row["table"] for row in rows}, "a table of counties without a policy"
    assert all(row["forced"] for row in guarded)
    survivors: list[str] = []
    for row in rows:
        name = row["table"]
        column = await superuser.fetchval(
            """
            SELECT column_name FROM information_schema.column_privileges
            WHERE table_schema = 'casework' AND table_name = $1 AND grantee = 'casework_api' AND privilege_type = 'UPDATE'
            ORDER BY 1 LIMIT 1
            """,
            name,
        )
        see = f"SELECT proof.refuse('seen') FROM casework.{name} LIMIT 1"
        updated = f"UPDATE casework.{name} SET {column} = {column} RETURNING 1"
        change = f"WITH changed AS ({updated}) SELECT proof.refuse('changed') FROM changed"
        without = f"ALTER POLICY {row['policy']} ON casework.{name} USING (true) WITH CHECK (true)"
        questions = [see, *([change] if column else []), *([RECORDED[name]] if name in RECORDED else [])]
        killed = False
        for question in questions:
            kept = await attempt(superuser, f"{OTHER_COUNTY}; {question}", "casework_api")
            open_to_all = await attempt(superuser, f"{OTHER_COUNTY}; {question}", "casework_api", without)
            killed |= kept.said != open_to_all.said
        idle = not killed and row["for_all_to_read"] and not column and name not in RECORDED
        print(
            f"policy {row['policy']} on {name} | {'killed' if killed else 'nothing to guard' if idle else 'SURVIVES'}"
        )
        if not killed and not idle:
            survivors.append(f"{row['policy']} on {name}")
    assert not survivors, survivors


@pytest.mark.parametrize("role", ["casework_api", "casework_worker"])
async def test_every_missing_privilege_is_missed(superuser: Connection, role: str) -> None:
    tables = await superuser.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'casework'::regnamespace AND relkind = 'r'"
    )
    survivors: list[str] = []
    mutants = 0
    for name in sorted(row["relname"] for row in tables):
        deleting = f"DELETE FROM casework.{name} WHERE false"
        refused = await attempt(superuser, deleting, role)
        assert refused.accepted is ((role, name) in DELETABLE), f"{role} deletes from {name}"
        if not refused.accepted:
            mutants += 1
            if not (
                await attempt(superuser, deleting, role, f"GRANT DELETE, SELECT ON casework.{name} TO {role}")
            ).accepted:
                survivors.append(f"DELETE on {name}")
        columns = await superuser.fetch(
            """
            SELECT attname AS name, has_column_privilege($2, attrelid, attname, 'INSERT') AS inserts,
                   has_column_privilege($2, attrelid, attname, 'UPDATE') AS updates
            FROM pg_attribute WHERE attrelid = ('casework.' || $1)::regclass AND attnum > 0 AND NOT attisdropped
              AND attgenerated = '' AND attidentity = ''
            """,
            name,
            role,
        )
        if role == "casework_worker":
            assert not any(column["inserts"] for column in columns) or name in INSERTED_BY_WORKER, (
                f"software records {name}"
            )
            for column in columns:
                allowed = f"{name}.{column['name']}" in WRITTEN_BY_WORKER or (role, name) in DELETABLE
                assert not column["updates"] or allowed, f"software changes {name}.{column['name']}"
        for column in columns:
            if column["updates"]:
                continue
            mutants += 1
            changing = f"UPDATE casework.{name} SET {column['name']} = {column['name']} WHERE false"
            granted = f"GRANT UPDATE ({column['name']}), SELECT ON casework.{name} TO {role}"
            if (await attempt(superuser, changing, role)).accepted or not (
                await attempt(superuser, changing, role, granted)
            ).accepted:
                survivors.append(f"UPDATE of {name}.{column['name']}")
    print(f"{role}: {mutants} privileges that it has not, each missed")
    assert not survivors, survivors


async def test_casework_reads_no_complaint_and_complaints_no_case(superuser: Connection) -> None:
    for role in ("casework_api", "casework_worker"):
        assert not (await attempt(superuser, "SELECT count(*) FROM complaints.complaint", role)).accepted
    for role in ("complaints_api", "complaints_worker"):
        assert not (await attempt(superuser, "SELECT count(*) FROM casework.return_case", role)).accepted

"""Retention on a real database: each purpose on its own date, unless a person holds the records."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from services.nationals.app import service
from services.nationals.casework.domain import vault_refusals
from services.nationals.casework.domain.contacts import HoldGround, RetentionPurpose
from services.nationals.casework.handlers import retention_holds
from services.nationals.casework.handlers.erasure import RETENTION, ErasureWaitsFor
from services.nationals.casework.handlers.retention_holds import RETENTION_HOLD_REVIEW, ReleaseRecords
from services.nationals.casework.periods import CaseworkPeriods, RetentionPolicy, casework_periods
from shared.contracts.refusals import Refusal
from shared.kit.http import connect
from tests.integration.nationals.office import Office
from tests.integration.nationals.vault import (
    KEY_FILE_SETTING,
    SUPERVISOR,
    close,
    end_as,
    erase,
    hold,
    key_line,
    read,
    reference,
    tell_end,
    write,
    write_keys,
)
from tests.support.identity import bearer, client_of, create_test_verifier


@pytest.fixture(autouse=True)
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = write_keys(tmp_path / "keys", key_line(1))
    monkeypatch.setenv(KEY_FILE_SETTING, str(path))
    return path


async def test_retention_erases_contacts_first_and_the_case_on_its_own_date(office: Office) -> None:
    case_id = await office.open()
    await write(office, case_id, "value")
    kept = await reference(office, case_id)
    await tell_end(office, case_id)
    assert await office.armed(RETENTION) == [], "a running case has no retention date"
    await close(office, case_id)
    policy, wait = await retention(office, case_id)
    periods = casework_periods()
    assert (policy.purpose, wait.days) == (RetentionPurpose.CONTACTS, periods.contact_retention_days - 1)
    await office.superuser.execute("UPDATE timer SET due_at = due_at - interval '9 days' WHERE kind = $1", RETENTION)
    await tell_end(office, case_id)
    assert (await retention(office, case_id))[1].days == periods.contact_retention_days - 10, "repeated: not prolonged"

    await office.fire(RETENTION, case_id)
    assert await read(office, case_id) is None
    assert await reference(office, case_id) == kept
    assert await office.events("CaseDataErased") == []
    policy, wait = await retention(office, case_id)
    rest = periods.case_retention_days - periods.contact_retention_days
    assert (policy.purpose, wait.days) == (RetentionPurpose.CASE, rest - 1)
    await office.fire(RETENTION, case_id)
    assert (await reference(office, case_id)).startswith("ERASED-")
    assert await office.armed(RETENTION) == []
    assert len(await office.events("CaseDataErased")) == 1
    await tell_end(office, case_id)
    assert await office.armed(RETENTION) == [], "late: nothing is left to erase"
    rows = await office.superuser.fetch(
        "SELECT cause, scope, recorded_by FROM casework.case_erasure ORDER BY erasure_id"
    )
    assert [tuple(row) for row in rows] == [("retention", "contacts", "system"), ("retention", "case", "system")]


async def retention(office: Office, case_id: UUID) -> tuple[RetentionPolicy, timedelta]:
    """The armed retention timer's policy, and how long it still waits."""
    row = await office.superuser.fetchrow(
        "SELECT policy, due_at - now() AS wait FROM timer WHERE kind = $1 AND subject_id = $2", RETENTION, str(case_id)
    )
    assert row is not None
    return RetentionPolicy.model_validate_json(row["policy"]), row["wait"]


async def test_hold_keeps_records_until_a_person_releases_it(office: Office) -> None:
    case_id = await office.open()
    await write(office, case_id, "value")
    await close(office, case_id)
    hold_id = await hold(office, case_id)
    with pytest.raises(Refusal) as error:
        await hold(office, case_id)
    assert error.value.reason is vault_refusals.ALREADY_HELD
    await office.fire(RETENTION, case_id)
    assert await read(office, case_id) == "value"
    policy, wait = await retention(office, case_id)
    assert (policy.purpose, wait.days) == (RetentionPurpose.CONTACTS, 0), "looked at again the next day"

    await office.fire(RETENTION_HOLD_REVIEW, hold_id)
    [overdue] = await office.events("RetentionReviewOverdue")
    assert (overdue["hold_id"], overdue["reminder"]) == (str(hold_id), 1)
    assert await office.armed(RETENTION_HOLD_REVIEW) == [str(hold_id)]

    answer = await erase(office, case_id)
    assert (answer.contacts_erased, answer.waits_for) == (True, ErasureWaitsFor.RELEASE_OF_HOLD)
    assert not (await reference(office, case_id)).startswith("ERASED-")
    release = ReleaseRecords(case_id=case_id, hold_id=hold_id)
    answer = await office.run(retention_holds.release_records, release, SUPERVISOR)
    assert answer.holds[0].released_by == "supervisor.one"
    assert (await reference(office, case_id)).startswith("ERASED-"), "asked for meanwhile, done on release"
    assert await office.superuser.fetchval("SELECT count(*) FROM timer WHERE kind LIKE '%retention%'") == 0
    with pytest.raises(Refusal) as error:
        await office.run(retention_holds.release_records, release, SUPERVISOR)
    assert error.value.reason is vault_refusals.HOLD_NOT_FOUND
    assert len(await office.events("RetentionHeld")) == len(await office.events("RetentionReleased")) == 1


async def test_only_supervisor_and_legal_office_hold_records(office: Office) -> None:
    connect(service.api, pool=office.api, verifier=create_test_verifier())
    path = f"/cases/{await office.open()}/retention-holds"
    async with client_of(service.api) as client:
        for role, status in (("caseworker", 403), ("protection_officer", 403), ("legal_officer", 201)):
            answer = await client.post(
                path, json={"ground": "legal_claim"}, headers=bearer(role, subject=f"{role}.one")
            )
            assert answer.status_code == status, answer.text
        [held] = answer.json()["holds"]
        assert (held["ground"], held["held_by"], held["released_at"]) == ("legal_claim", "legal_officer.one", None)
        other = await client.post(path, json={"ground": "curiosity"}, headers=bearer("legal_officer"))
        assert other.status_code == 422
        supervisor = bearer("casework_supervisor", subject="supervisor.one")
        for status in (200, 404):
            released = await client.post(f"{path}/{held['hold_id']}/release", headers=supervisor)
            assert released.status_code == status, released.text
        assert (await client.get(path, headers=supervisor)).json()["holds"][0]["released_by"] == "supervisor.one"
        elsewhere = bearer("casework_supervisor", counties=["varamin"])
        assert (await client.get(path, headers=elsewhere)).status_code == 404


async def test_released_hold_lets_the_date_count_again(office: Office) -> None:
    case_id = await office.open()
    await write(office, case_id, "value")
    hold_id = await hold(office, case_id, HoldGround.HOUSEHOLD_WISH)
    await close(office, case_id)
    await office.fire(RETENTION, case_id)
    await office.run(retention_holds.release_records, ReleaseRecords(case_id=case_id, hold_id=hold_id), SUPERVISOR)
    assert await read(office, case_id) == "value"
    await office.fire(RETENTION, case_id)
    assert await read(office, case_id) is None


async def test_household_that_split_shares_no_contacts(office: Office) -> None:
    case_id = await office.open()
    await write(office, case_id, "value")
    await end_as(office, case_id, "split")
    await tell_end(office, case_id)
    assert await read(office, case_id) is None
    policy, wait = await retention(office, case_id)
    assert (policy.purpose, wait.days) == (RetentionPurpose.CASE, casework_periods().case_retention_days - 1)


def test_contacts_are_not_kept_longer_than_the_case() -> None:
    with pytest.raises(ValueError, match="contact_retention_days"):
        CaseworkPeriods(contact_retention_days=91, case_retention_days=90)

"""If somebody does not act, somebody else is told: by every step a person whom no earlier step of the chain told."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.notifications.handlers import escalate_alert, send_group_letter
from shared.contracts.warehouse import Severity
from shared.persian.calendar import office_date
from tests.support.notifications import Desk, overdue

WAIT_S = 3600


async def go_on(desk: Desk, *, step: int, reopened: bool = False) -> None:
    """The wait of the only chain's `step` ends."""
    lead = await desk.pool.fetchval("SELECT alert_id FROM alert WHERE lead_alert_id IS NULL AND state <> 'resolved'")
    async with desk.begin() as tx:
        await escalate_alert(lead, step, tx, reopened=reopened)


async def told(desk: Desk) -> list[tuple[int, str]]:
    """Step and mailbox of every e-mail that is or was owed, in order."""
    rows = await desk.pool.fetch(
        "SELECT step, recipient FROM delivery WHERE channel = 'email' ORDER BY step, delivery_id"
    )
    return [(row["step"], row["recipient"].partition("@")[0]) for row in rows]


async def away(desk: Desk, who: int, deputy: int) -> None:
    """The member at place `who` of the group of rey is away around today."""
    today = office_date(datetime.now(UTC))
    async with desk.client("notifications_admin") as client:
        group = (await client.get("/working-groups/rey")).raise_for_status().json()["members"]
        body = {
            "absences": [
                {
                    "first_day": str(today - timedelta(days=2)),
                    "last_day": str(today + timedelta(days=2)),
                    "deputy_id": group[deputy]["member_id"],
                }
            ]
        }
        path = f"/members/{group[who]['member_id']}/absences"
        (await client.put(path, json=body)).raise_for_status()


async def test_a_deputy_told_for_the_first_is_not_told_as_the_second(desk: Desk) -> None:
    await desk.set_group("province_office")
    await desk.set_policy(WAIT_S)
    await away(desk, 0, deputy=1)
    await desk.take(overdue())
    for step in (0, 1):
        await go_on(desk, step=step)
    assert await told(desk) == [(0, "m1.rey"), (1, "m2.rey"), (2, "m0.province-office")]
    [alert] = await desk.alerts()
    *_, last = await desk.history(alert["alert_id"])
    assert (last["entry"], last["details"]["instead_of_office"]) == ("escalated", "rey")


async def test_a_group_of_one_gives_way_to_the_province_and_the_last_step_repeats_its_own_person(desk: Desk) -> None:
    await desk.set_group("rey", 1)
    await desk.set_group("province_office", 2)
    await desk.set_policy(WAIT_S, repeats=1)
    await desk.take(overdue())
    for step in (0, 1, 2):
        await go_on(desk, step=step)
    assert await told(desk) == [
        (0, "m0.rey"),
        (1, "m0.province-office"),
        (2, "m1.province-office"),
        (3, "m1.province-office"),
    ]


async def test_where_nobody_else_is_there_the_same_person_is_told_again(desk: Desk) -> None:
    await desk.set_group("rey", 1)
    await desk.set_policy(WAIT_S)
    await desk.take(overdue())
    await go_on(desk, step=0)
    assert await told(desk) == [(0, "m0.rey"), (1, "m0.rey")]


async def test_who_was_told_before_the_lead_of_a_group_ended_counts_as_told(desk: Desk) -> None:
    await desk.set_group("rey", 2)
    await desk.set_group("province_office", 1)
    await desk.set_policy(WAIT_S, name="standard")
    for _ in range(2):
        await desk.take(overdue(severity=Severity.MAJOR))
    lead = (await desk.alerts())[0]["alert_id"]
    async with desk.begin() as tx:
        await send_group_letter(UUID(lead), tx)
    async with desk.client("member", subject="m0.rey") as client:
        (await client.post(f"/alerts/{lead}/resolution", json={"reason": "settled"})).raise_for_status()
    for step in (0, 1):
        await go_on(desk, step=step)
    assert {each for each in await told(desk) if each[0]} == {(1, "m1.rey"), (2, "m0.province-office")}


async def test_after_an_acknowledgement_was_handed_back_people_may_be_told_again(desk: Desk) -> None:
    await desk.set_group("rey", 2)
    await desk.set_group("province_office", 1)
    await desk.set_policy(WAIT_S)
    await desk.take(overdue())
    await go_on(desk, step=0)
    [alert] = await desk.alerts()
    async with desk.client("member", subject="m1.rey") as client:
        for method in ("POST", "DELETE"):
            (await client.request(method, f"/alerts/{alert['alert_id']}/acknowledgement")).raise_for_status()
    await go_on(desk, step=1, reopened=True)
    assert await told(desk) == [(0, "m0.rey"), (1, "m1.rey"), (2, "m1.rey")]

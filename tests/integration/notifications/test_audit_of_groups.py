"""The auditor with many alerts: along indexes, and what waits for a lead that has ended is told together."""

from datetime import timedelta
from typing import Any

from services.notifications.domain.auditing import UNANSWERED_MARGIN
from services.notifications.handlers.auditing import TIMER_KINDS
from services.notifications.store import auditing as store
from services.notifications.workers.auditor import Auditor
from services.notifications.workers.heartbeat import Heartbeat
from shared.contracts.warehouse import Severity
from tests.support.disturbed_day import everything
from tests.support.notifications import Desk, overdue

WAITING = 3


async def test_a_round_goes_along_the_indexes_that_were_made_for_it(desk: Desk) -> None:
    """Their conditions are those of the queries: with a million open alerts anything else takes half a minute."""
    made_for: list[tuple[str, str, tuple[Any, ...]]] = [
        ("alert_step_owed", store.STEP_TIMER_MISSING, (TIMER_KINDS.step,)),
        ("alert_letter_owed", store.LETTER_TIMER_MISSING, (TIMER_KINDS.letter,)),
        ("alert_lapse_owed", store.LAPSE_TIMER_MISSING, (TIMER_KINDS.lapse,)),
        ("alert_joined", store.LAPSE_TIMER_MISSING, (TIMER_KINDS.lapse,)),
        ("alert_joined", store.LEAD_ENDED, ()),
        ("alert_chain_ended", store.UNANSWERED_COUNTIES, ("none", timedelta(seconds=1), UNANSWERED_MARGIN)),
    ]
    async with desk.begin() as tx:
        await tx.connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        for index, query, arguments in made_for:
            plan = "\n".join(row[0] for row in await tx.connection.fetch(f"EXPLAIN {query}", *arguments))
            assert f" using {index} on" in plan, plan


async def test_what_waits_for_a_lead_that_has_ended_is_told_by_one_letter_at_once(desk: Desk) -> None:
    for _ in range(1 + WAITING):
        await desk.take(overdue(severity=Severity.MAJOR))
    async with everything(desk.database) as connection:
        await connection.execute("UPDATE alert SET state = 'resolved', resolved_at = now() WHERE lead_alert_id IS NULL")
        await connection.execute("DELETE FROM timer")
    await Auditor(desk.context(), Heartbeat(None)).run_round()
    desk.start_timers()
    await desk.until(lambda alerts: alerts[1]["deliveries"])
    _, lead, *joined = [alert for alert in await desk.alerts() if alert["kind"] == "corrective_action_overdue"]
    assert [alert["lead_alert_id"] for alert in (lead, *joined)] == [None, *[lead["alert_id"]] * (WAITING - 1)]
    assert {(told["recipient"], told["step"]) for told in lead["deliveries"]} == {("m0.rey@payesh.example", 0)}
    assert [alert["deliveries"] for alert in joined] == [[]] * (WAITING - 1)
    assert "regrouped" in [entry["entry"] for entry in await desk.history(lead["alert_id"])]

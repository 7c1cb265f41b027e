"""The people who get the alerts: each county has its habit, each person acts only on what has reached them."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from deploy.demo.actors import (
    NOTIFICATIONS_ADMIN,
    OFFICES,
    Habit,
    escalation_policies,
    habit_of,
    member_subject,
    position_of_email,
    working_group_body,
)
from deploy.demo.client import Command, DemoClient
from deploy.embedded.smtp_sink import ReceivedLetter
from shared.contracts.counties import County

SERVICE = "notifications"
LOOK_INTERVAL_S = 0.5
INBOX_PAGE = 500
ALREADY_RESOLVED = "notifications.alert.already_resolved"
_COUNTY_OF_MAILBOX = {county.value.replace("_", "-"): county for county in County}


async def set_up_groups(client: DemoClient, escalation_wait_s: int) -> None:
    """Members of all sixteen working groups and of the provincial offices, and the day's escalation policies."""
    groups: list[tuple[str, County | None]] = [(county.value, county) for county in County]
    groups += [(office, None) for office in OFFICES]
    async with asyncio.TaskGroup() as tasks:
        for group, county in groups:
            body = working_group_body(group, county)
            tasks.create_task(_put(client, "group.set", f"/working-groups/{group}", body, {"group": group}))
        for name, policy in escalation_policies(escalation_wait_s).items():
            intent = {"policy": name, "body": policy}
            tasks.create_task(_put(client, "policy.set", f"/escalation-policies/{name}", policy, intent))


async def _put(client: DemoClient, kind: str, path: str, body: Mapping[str, Any], intent: Mapping[str, Any]) -> None:
    await client.run(Command(kind, NOTIFICATIONS_ADMIN, SERVICE, "PUT", path, body, intent=intent))


class Responders:
    """Watches the mailbox and the inboxes until stopped. `letters` grows while the sink receives."""

    def __init__(self, client: DemoClient, letters: Sequence[ReceivedLetter]) -> None:
        self._client = client
        self._letters = letters
        self._read = 0
        self._answered: set[str] = set()
        self._seen_in_inbox: set[str] = set()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Answer what has arrived, look again, until `stop`; what arrived before the stop is still answered."""
        while True:
            last_round = self._stopping.is_set()
            await self._answer_letters()
            await self._answer_inboxes()
            if last_round:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), LOOK_INTERVAL_S)

    def stop(self) -> None:
        self._stopping.set()

    async def _answer_letters(self) -> None:
        fresh = list(self._letters[self._read :])
        self._read += len(fresh)
        for letter in fresh:
            county = county_of_letter(letter)
            if county is None or letter.alert_id in self._answered or letter.acknowledge_link is None:
                continue
            position = position_of_email(letter.recipient)
            habit = habit_of(county)
            if (habit is Habit.LINK and position == 0) or (habit is Habit.SECOND_PERSON and position == 1):
                self._answered.add(letter.alert_id)
                await self._client.press_link(
                    letter.acknowledge_link,
                    kind="alert.acknowledge",
                    actor=member_subject(county, position),
                    intent={"alert_id": letter.alert_id, "county": county, "step": letter.step, "by": "link"},
                    tolerated=frozenset({ALREADY_RESOLVED}),
                )

    async def _answer_inboxes(self) -> None:
        for county in County:
            if habit_of(county) is Habit.INBOX:
                await self._answer_inbox(county)

    async def _answer_inbox(self, county: County) -> None:
        actor = member_subject(county, 0)
        page = await self._client.read(actor, SERVICE, "/inbox", {"limit": str(INBOX_PAGE)})
        for alert in page["items"]:
            alert_id = str(alert["alert_id"])
            if alert_id in self._seen_in_inbox or alert["state"] not in ("open", "escalated"):
                continue
            self._seen_in_inbox.add(alert_id)
            await self._client.run(
                Command(
                    "alert.acknowledge",
                    actor,
                    SERVICE,
                    "POST",
                    f"/alerts/{alert_id}/acknowledgement",
                    {},
                    intent={"alert_id": alert_id, "county": county, "step": alert["step"], "by": "inbox"},
                    tolerated=frozenset({ALREADY_RESOLVED}),
                )
            )


def county_of_letter(letter: ReceivedLetter) -> County | None:
    """The county of the working group a letter went to; None for a provincial office."""
    mailbox = letter.recipient.partition("@")[0].partition(".")[2]
    return _COUNTY_OF_MAILBOX.get(mailbox)

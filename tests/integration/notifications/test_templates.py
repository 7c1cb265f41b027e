"""Texts of alerts are saved as versions, tried before, and used by the next letter."""

from typing import Any

import asyncpg
import pytest

from services.notifications.letters.letter import SMS_UNITS_MAX
from services.notifications.letters.texts import shipped_source
from tests.support.notifications import Desk, overdue

KIND = "corrective_action_overdue"
PLACE = f"/message-templates/{KIND}/fa"
SOURCE = """{% block subject %}متن تازه برای {{ county }}{% endblock %}
{% block short %}متن تازه: {{ details.due_at | short_day }}{% endblock %}
{% block body %}
{{ recipient_name }} گرامی،
شدت: {{ details.severity | term }}
{% endblock %}
"""


async def put(desk: Desk, source: str, status: int = 200, **body: Any) -> dict[str, Any]:
    async with desk.client("notifications_admin") as client:
        answer = await client.put(PLACE, json={"source": source, **body})
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_saved_text_is_a_version_that_the_next_letter_uses(desk: Desk) -> None:
    desk.start_delivery()
    for version in (0, 1):
        await desk.take(overdue())
        await desk.until(lambda alerts: {d["state"] for alert in alerts for d in alert["deliveries"]} == {"sent"})
        if version == 0:
            assert (await put(desk, SOURCE))["version"] == 1
    before, after = desk.sink.letters
    assert not before.subject.startswith("متن تازه برای")
    assert after.subject.startswith("متن تازه برای")
    async with desk.client("operator") as client:
        lines = (await client.get("/deliveries", params={"channel": "email"})).raise_for_status().json()["items"]
    assert [line["text_version"] for line in lines] == [1, 0], "what each was made from, the newest first"


async def test_versions_are_kept_and_nobody_replaces_what_they_have_not_read(desk: Desk) -> None:
    await put(desk, SOURCE, follows=0)
    refused = await put(desk, SOURCE, 409, follows=0)
    assert refused["code"] == "notifications.template.version_changed"
    await put(desk, SOURCE.replace("تازه", "نو"), follows=1)
    async with desk.client("operator") as client:
        versions = (await client.get(PLACE)).raise_for_status().json()["items"]
        in_force = (await client.get("/message-templates")).raise_for_status().json()["items"]
    assert [one["version"] for one in versions] == [2, 1, 0]
    assert versions[0]["saved_by"] == "somebody"
    assert versions[-1]["source"] == shipped_source(KIND, "fa")
    newest = {(one["kind"], one["language"]): one["version"] for one in in_force}
    assert newest[KIND, "fa"] == 2
    assert newest[KIND, "en"] == 0


@pytest.mark.parametrize(
    ("bad", "code", "line"),
    [
        (SOURCE.replace("{{ details.severity | term }}", "{{ details.operator }}"), "field_unknown", 5),
        (SOURCE.replace("{{ details.severity | term }}", "{{ details.severity | moment }}"), "fails", 5),
        (SOURCE.replace("{{ details.severity | term }}", "{{ nix.foo }}"), "field_unknown", 5),
        (SOURCE.replace("| short_day }}", "| short_day"), "does_not_parse", 2),
        (SOURCE.replace("block short", "block brief"), "block_missing", None),
        (SOURCE.replace("متن تازه: ", "متن تازه " * 12), "short_too_long", 2),
    ],
)
async def test_what_cannot_be_used_is_refused_with_its_line_and_nothing_is_saved(
    desk: Desk, bad: str, code: str, line: int | None
) -> None:
    refused = await put(desk, bad, 422)
    assert refused["code"] == f"notifications.template.{code}"
    assert line is None or refused["details"]["line"] == line
    assert refused["details"].get("known") != "", "what is known is named"
    assert await desk.pool.fetchval("SELECT count(*) FROM message_template") == 0


async def test_a_preview_shows_the_letter_as_a_person_gets_it_and_saves_nothing(desk: Desk) -> None:
    async with desk.client("operator") as client:
        shipped = (await client.post(f"{PLACE}/preview", json={})).raise_for_status().json()
        own = (await client.post(f"{PLACE}/preview", json={"source": SOURCE})).raise_for_status().json()
        bad = await client.post(f"{PLACE}/preview", json={"source": "{{"})
        other = await client.post(f"{PLACE}/preview", json={"rule_id": "discrepancy_found"})
    assert shipped["subject"] == "اقدام اصلاحی دیرکرده در تهران"
    assert own["short"].startswith("متن تازه: ۱۴۰۵/۰۹/۰۱\nhttps://")
    assert own["short_units"] <= SMS_UNITS_MAX
    assert 'dir="rtl"' in own["html"]
    assert "زهرا احمدی گرامی" in own["text"]
    assert bad.status_code == 422
    assert (other.status_code, other.json()["code"]) == (422, "notifications.template.rule_unknown")
    assert await desk.pool.fetchval("SELECT count(*) FROM message_template") == 0


async def test_texts_are_the_provinces_and_unknown_kinds_are_refused(desk: Desk) -> None:
    async with desk.client("notifications_admin", counties=["rey"]) as client:
        assert (await client.put(PLACE, json={"source": SOURCE})).status_code == 403
    async with desk.client("operator") as client:
        assert (await client.put(PLACE, json={"source": SOURCE})).status_code == 403
        assert (await client.get("/message-templates/unheard_of/fa")).status_code == 404


async def test_a_text_that_fails_when_it_is_needed_goes_out_plain_and_is_an_alert_itself(desk: Desk) -> None:
    fails = "{% block subject %}{{ details.gone }}{% endblock %}{% block short %}{% endblock %}{% block body %}{% endblock %}"
    await _insert(desk, fails)
    await desk.take(overdue())
    desk.start_delivery()
    await desk.until(lambda alerts: alerts[0]["deliveries"][0]["state"] == "sent")
    [letter] = desk.sink.letters
    assert letter.subject.startswith("هشدار تازه")
    assert "OperationsTroubleFound" in await desk.published()


async def _insert(desk: Desk, source: str) -> None:
    """As an older release may have left it, whose checks knew other fields."""
    owner = await asyncpg.connect(desk.database.owner_url)
    try:
        await owner.execute(
            "INSERT INTO message_template VALUES ($1, 'fa', 1, $2, 'an older release', now())", KIND, source
        )
    finally:
        await owner.close()

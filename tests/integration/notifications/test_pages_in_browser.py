"""Letters and the pages behind links in a real browser with the window of a phone: direction, order, size, and the button."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.notifications.api import routers
from services.notifications.domain.digests import CountyFigures, DigestContent, Period
from services.notifications.domain.samples import sample_of
from services.notifications.letters.digest_letters import render_digest
from services.notifications.letters.letter import Letters
from services.notifications.letters.links import KEY_BYTES, ShortLink, sign_short_link
from services.notifications.letters.previews import SampleNotice
from services.notifications.routing_rules import RULES
from services.notifications.store.deliveries import ensure_link_key
from shared.contracts.counties import County
from shared.kit.health import Readiness
from shared.kit.http import connect, create_api
from tests.support.browser import PHONE_HEIGHT, PHONE_WIDTH, Page, open_page
from tests.support.http_server import address_of, serve
from tests.support.identity import create_test_verifier
from tests.support.notifications import Desk, overdue

TOUCH_HEIGHT_MIN = 40
MARGIN_PX_MIN, MARGIN_PX_MAX = 8, 24
ENDS = """
(selector => {
    const at = (node, place) => {
        const range = document.createRange();
        range.setStart(node, place); range.setEnd(node, place + 1);
        return range.getBoundingClientRect().toJSON();
    };
    const walker = document.createTreeWalker(document.querySelector(selector), NodeFilter.SHOW_TEXT);
    const node = walker.nextNode();
    const text = node.data, first = at(node, text.search(/\\S/));
    let last = first;
    for (let place = 0; place < text.length; place += 1) {
        const one = at(node, place);
        if (one.width > 0 && Math.abs(one.top - first.top) < 2) last = one;
    }
    return {first, last, direction: getComputedStyle(document.querySelector(selector)).direction};
})
"""
"""Where the first character and the last one of the first line of an element stand."""


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with open_page(tmp_path / "browser") as opened:
        yield opened


async def ends(page: Page, selector: str) -> dict[str, Any]:
    return await page.evaluate(f"{ENDS}({selector!r})")


def letter_html(language: str) -> str:
    rule = next(rule for rule in RULES.rules if rule.kind == "corrective_action_overdue")
    notice = SampleNotice.of(sample_of(rule), language)
    other = replace(notice, subject_id="other")
    letter = Letters().render(
        replace(notice, grouped=(other,), grouped_total=1), "https://payesh.example/acknowledge/" + "a" * 300
    )
    return letter.html


async def test_a_persian_letter_is_read_from_right_to_left(page: Page) -> None:
    await page.show(letter_html("fa"))
    for selector in ("h1", "p", "li", "a"):
        line = await ends(page, selector)
        assert line["direction"] == "rtl", selector
        assert line["first"]["left"] > line["last"]["left"], selector
    assert (await ends(page, "h1"))["first"]["right"] >= PHONE_WIDTH - MARGIN_PX_MAX
    identifier = await ends(page, "bdi")
    assert identifier["direction"] == "ltr"
    assert identifier["first"]["left"] < identifier["last"]["left"], "an identifier keeps its own order"


async def test_an_english_letter_is_read_from_left_to_right(page: Page) -> None:
    await page.show(letter_html("en"))
    for selector in ("h1", "p", "li"):
        line = await ends(page, selector)
        assert line["direction"] == "ltr", selector
        assert line["first"]["left"] < line["last"]["left"], selector
    assert (await ends(page, "h1"))["first"]["left"] <= MARGIN_PX_MAX


@pytest.mark.parametrize("language", ["fa", "en"])
async def test_a_letter_fits_a_phone_and_its_lines_follow_one_another(page: Page, language: str) -> None:
    await page.show(letter_html(language))
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE_WIDTH
    tops = await page.evaluate("[...document.querySelectorAll('h1, p, li')].map(e => e.getBoundingClientRect().top)")
    assert tops == sorted(tops)
    assert len(set(tops)) == len(tops)


@pytest.mark.parametrize("language", ["fa", "en"])
async def test_the_provinces_digest_fits_a_phone(page: Page, language: str) -> None:
    figures = dict.fromkeys(County, CountyFigures(raised=1234, acknowledged=1234, escalated=1234, resolved=1234))
    content = DigestContent(
        county=None,
        period=Period.WEEKLY,
        since=datetime(2026, 11, 14, 4, tzinfo=UTC),
        until=datetime(2026, 11, 21, 4, tzinfo=UTC),
        figures=figures,
        open=(),
        open_total=0,
        told_here=(),
        told_here_total=0,
    )
    notice = replace(SampleNotice.of(sample_of(RULES.rules[0]), language), details=content.model_dump(mode="json"))
    await page.show(render_digest(notice, "https://payesh.example/digests/stop/" + "a" * 300).html)
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE_WIDTH
    assert await page.evaluate("document.querySelectorAll('tr').length") == len(County) + 1
    assert await page.evaluate("document.querySelector('table').offsetWidth") <= PHONE_WIDTH, "nothing is hidden"


async def test_the_button_behind_an_sms_link_acknowledges_on_a_phone_in_persian(desk: Desk, page: Page) -> None:
    await desk.take(overdue())
    row = await desk.pool.fetchrow("SELECT delivery_id FROM delivery WHERE channel = 'email'")
    assert row is not None
    async with desk.begin() as tx:
        await ensure_link_key(tx.connection, bytes(KEY_BYTES))
    token = sign_short_link(
        ShortLink(UUID(str(row["delivery_id"])), County.REY, datetime.now(UTC) + timedelta(days=7)), bytes(KEY_BYTES)
    )
    app = create_api(service="notifications", routers=routers, readiness=Readiness(), asyncapi=dict)
    connect(app, pool=desk.api_pool, verifier=create_test_verifier())
    async with serve(app) as server:
        await page.visit(f"{address_of(server)}/a/{token}")
        title = await ends(page, "h1")
        assert title["direction"] == "rtl"
        assert MARGIN_PX_MIN <= PHONE_WIDTH - title["first"]["right"] <= MARGIN_PX_MAX
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE_WIDTH
        button = await page.evaluate("document.querySelector('button').getBoundingClientRect().toJSON()")
        assert button["height"] >= TOUCH_HEIGHT_MIN
        assert button["left"] >= 0
        assert button["right"] <= PHONE_WIDTH
        assert button["bottom"] <= PHONE_HEIGHT
        assert (await desk.alerts())[0]["state"] == "open", "looking acknowledges nothing"
        await page.press("button")
        assert "ثبت شد" in await page.evaluate("document.querySelector('main').innerText")
        assert await page.evaluate("document.querySelector('button')") is None
    [alert] = await desk.alerts()
    assert alert["state"] == "acknowledged"
    assert alert["acknowledged_by"] == "m0.rey"

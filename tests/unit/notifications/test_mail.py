"""Letters in both languages for every kind of alert, as a mail reader sees them."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from email import charset, message_from_bytes
from email.header import decode_header, make_header
from email.policy import default
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from services.notifications.channels.base import Outgoing
from services.notifications.channels.email import compose_alert_mail
from services.notifications.domain.samples import sample_of
from services.notifications.domain.terms import TERMS
from services.notifications.letters.letter import Letters, MissingTemplateError
from services.notifications.letters.texts import LANGUAGES, day, moment
from services.notifications.routing_rules import RULES
from services.notifications.store.deliveries import LeasedDelivery
from shared.contracts import nationals, warehouse
from shared.contracts.counties import County

KINDS = sorted({rule.kind for rule in RULES.rules})
SERVICES = Path(__file__).parents[3] / "services"
RAISED_AT = datetime(2026, 11, 22, 4, 15, tzinfo=UTC)
LINK = "http://127.0.0.1:8083/acknowledge/a.b.c"
letters = Letters()


def delivery(kind: str, language: str, **changes: Any) -> LeasedDelivery:
    sample = sample_of(next(rule for rule in RULES.rules if rule.kind == kind))
    values: dict[str, Any] = {
        "delivery_id": uuid4(),
        "alert_id": uuid4(),
        "county": County.ROBAT_KARIM,
        "step": 1,
        "member_id": uuid4(),
        "recipient": "zahra@example.ir",
        "address": "zahra@example.ir",
        "recipient_name": "زهرا احمدی <b>",
        "language": language,
        "channel": "email",
        "attempts": 1,
        "correlation_id": "abc-123",
        "traceparent": None,
        "kind": kind,
        "severity": "critical",
        "subject_id": sample.subject_id,
        "raised_at": RAISED_AT,
        "created_at": RAISED_AT,
        "details": sample.details,
    }
    return LeasedDelivery(**(values | changes))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_renders_from_the_fields_its_rule_shows(kind: str, language: str) -> None:
    letter = letters.render(delivery(kind, language), LINK)
    assert WORDS_OF_A_BROKEN_TEMPLATE[language] not in letter.subject
    assert LINK in letter.text
    assert f'href="{LINK}"' in letter.html
    assert f'dir="{"rtl" if language == "fa" else "ltr"}"' in letter.html
    assert "<b>" not in letter.html, "names are escaped"
    assert "زهرا احمدی <b>" in letter.text
    if language == "fa":
        visible = re.sub(r"[0-9a-f-]{36}|https?://\S+|a{36}", "", letter.text)
        assert not re.search(r"[0-9]", visible), f"only Persian digits: {visible}"


WORDS_OF_A_BROKEN_TEMPLATE = {"fa": "هشدار تازه", "en": "New alert"}


def test_dates_are_jalali_in_persian_and_gregorian_in_english_both_in_tehran() -> None:
    late_evening = datetime(2026, 3, 20, 21, 0, tzinfo=UTC)
    assert moment(late_evening, "fa") == "شنبه ۰۱ فروردین ۱۴۰۵، ساعت ۰۰:۳۰"
    assert moment(late_evening, "en") == "Saturday 21 March 2026, 00:30 (Tehran)"


def test_days_are_jalali_in_persian_and_gregorian_in_english() -> None:
    assert day(date(2026, 3, 21), "fa") == "شنبه ۰۱ فروردین ۱۴۰۵"
    assert day(date(2026, 3, 21), "en") == "Saturday 21 March 2026"


def test_the_legal_office_is_asked_for_a_review_and_learns_nothing_else_of_the_case() -> None:
    leased = delivery("phase_two_review_requested", "fa")
    letter = letters.render(leased, LINK, "https://payesh.example/cases/4")
    assert "بررسی حقوقی" in letter.subject
    assert str(leased.details["case_id"]) in letter.text
    assert "https://payesh.example/cases/4" in letter.html
    assert "هیچ تصمیمی در بر ندارد" in letter.text


@pytest.mark.parametrize("encoding", [charset.BASE64, charset.QP])
def test_the_message_carries_its_delivery_in_every_place_a_receiver_may_look(
    encoding: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a library has made the process's own way of writing headers."""
    monkeypatch.setitem(charset.CHARSETS, "utf-8", (encoding, encoding, "utf-8"))
    leased = delivery("discrepancy_found", "fa")
    letter = letters.render(leased, LINK)
    raw = compose_alert_mail(Outgoing(leased, letter, LINK), "payesh@rey.example").as_bytes()
    message = message_from_bytes(raw, policy=default)
    assert raw.isascii()
    assert message["Message-ID"] == f"<{leased.delivery_id}@rey.example>"
    assert message["X-Payesh-Delivery-Id"] == str(leased.delivery_id)
    assert message["X-Correlation-Id"] == "abc-123"
    assert message["X-Payesh-Step"] == "1"
    assert message["Content-Language"] == "fa"
    assert message["Subject"] == letter.subject
    assert message["To"].addresses[0].display_name == "زهرا احمدی <b>"
    text, html = message.get_body(["plain"]), message.get_body(["html"])
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == letter.text
    assert html.get_content().replace("\r\n", "\n") == letter.html


def test_the_spaces_of_long_persian_subjects_and_names_arrive() -> None:
    """As readers decode them: white space between two encoded words is none (RFC 2047, section 6.2)."""
    leased = delivery("warehouse_put_on_hold", "fa")
    letter = letters.render(leased, LINK)
    places = "ملارد اسلامشهر بهارستان رباط‌کریم و همهٔ شهرستان‌های دیگر استان که آنجا انباری هست"
    for length in range(len(places)):
        text = f"بحرانی: توقف موقت انبار در {places[:length]}".strip()
        outgoing = Outgoing(replace(leased, recipient_name=text), replace(letter, subject=text), LINK)
        raw = compose_alert_mail(outgoing, "payesh@rey.example").as_bytes()
        message = message_from_bytes(raw)
        name, _, address = message["To"].rpartition("<")
        assert str(make_header(decode_header(message["Subject"]))) == text
        assert str(make_header(decode_header(name.strip()))) == text
        assert address == "zahra@example.ir>"
        assert all(len(line) <= 78 for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n"))


def test_a_letter_is_the_same_every_time_it_is_composed() -> None:
    leased = delivery("discrepancy_found", "en")
    once, again = letters.render(leased, LINK), letters.render(leased, LINK)
    assert once == again


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_template_that_fails_gives_way_to_a_plain_letter(language: str) -> None:
    letter = letters.render(delivery("discrepancy_found", language, details={}), LINK)
    assert letter.subject.startswith(WORDS_OF_A_BROKEN_TEMPLATE[language])
    assert LINK in letter.text
    assert LINK in letter.html


def test_a_kind_without_a_template_refuses_the_start() -> None:
    letters.require(frozenset(KINDS))
    with pytest.raises(MissingTemplateError, match="unheard_of"):
        letters.require(frozenset({"unheard_of"}))


@pytest.mark.parametrize(
    "words",
    [warehouse.Severity, warehouse.Verdict, warehouse.HoldGround, warehouse.ChecklistItem, nationals.PlaceKind],
)
def test_every_word_that_a_template_shows_has_a_persian_name(words: type[StrEnum]) -> None:
    assert {word.value for word in words} <= TERMS["fa"].keys()


def test_every_kind_of_alert_has_a_persian_name() -> None:
    assert set(KINDS) <= TERMS["fa"].keys()


def test_every_essential_good_has_a_persian_name() -> None:
    catalogue = yaml.safe_load((SERVICES / "warehouse" / "essential_goods.yaml").read_text(encoding="utf-8"))
    assert {key: goods["fa"] for key, goods in catalogue["commodities"].items()}.items() <= TERMS["fa"].items()

"""What a saved template may not do, and at which line it is said."""

from dataclasses import replace

import pytest

from services.notifications.domain import text_refusals
from services.notifications.domain.samples import sample_of
from services.notifications.letters.letter import (
    GROUPED_SHOWN_MAX,
    SHORT_BLOCK_UNITS_MAX,
    Letters,
    SavedText,
    sms_units,
)
from services.notifications.letters.previews import SampleNotice
from services.notifications.letters.text_checks import check_source
from services.notifications.letters.texts import WORDS, period, short_day, short_moment
from services.notifications.routing_rules import RULES
from shared.contracts.notifications import AlertSeverity
from shared.contracts.refusals import Refusal, RefusalType

RULE = next(rule for rule in RULES.rules if rule.kind == "discrepancy_found")
NOTICE = SampleNotice.of(sample_of(RULE), "fa")
GOOD = """{% block subject %}مغایرت در {{ county }}{% endblock %}
{% block short %}مغایرت: {{ details.verdict | term }}{% endblock %}
{% block body %}
{% for field in details.fields %}{{ loop.index | number }}: {{ field | term }}{% if not loop.last %}، {% endif %}{% endfor %}
{% endblock %}
"""
LINK = "https://payesh.example/acknowledge/a.b.c"


def check(source: str) -> None:
    check_source(source, "fa", frozenset(RULE.show), [NOTICE])


def test_a_sound_template_passes_and_renders() -> None:
    check(GOOD)
    letter = Letters([SavedText("discrepancy_found", "fa", 1, GOOD)]).render(NOTICE, LINK)
    assert letter.template_error is None
    assert letter.subject.startswith("مغایرت در")
    assert "۱:" in letter.lines[0]


@pytest.mark.parametrize(
    ("bad", "reason", "line"),
    [
        ("{{ county", text_refusals.TEMPLATE_DOES_NOT_PARSE, 6),
        ("{% if county %}", text_refusals.TEMPLATE_DOES_NOT_PARSE, None),
        ("{{ details.operator }}", text_refusals.TEMPLATE_FIELD_UNKNOWN, 5),
        ("{{ alert }}", text_refusals.TEMPLATE_FIELD_UNKNOWN, 5),
        ("{{ county.upper }}", text_refusals.TEMPLATE_FIELD_UNKNOWN, 5),
        ("{{ ''.__class__ }}", text_refusals.TEMPLATE_FIELD_UNKNOWN, 5),
        ("{{ details.verdict | reverse }}", text_refusals.TEMPLATE_FILTER_UNKNOWN, 5),
        ("{{ details.verdict | center(1000000000) }}", text_refusals.TEMPLATE_FILTER_UNKNOWN, 5),
        ("{{ details.verdict | moment }}", text_refusals.TEMPLATE_FAILS, 5),
        ("{{ 'a' * 1000000000 }}", text_refusals.TEMPLATE_CONSTRUCT_NOT_ALLOWED, 5),
        ("{{ 10 ** 1000000 }}", text_refusals.TEMPLATE_CONSTRUCT_NOT_ALLOWED, 5),
        ("{% for a in range(9) %}{% endfor %}", text_refusals.TEMPLATE_CONSTRUCT_NOT_ALLOWED, 5),
        (
            "{% for a in details.fields %}{% for b in details.fields %}{% endfor %}{% endfor %}",
            text_refusals.TEMPLATE_CONSTRUCT_NOT_ALLOWED,
            5,
        ),
        ("{% include 'fa/appeal_lodged.j2' %}", text_refusals.TEMPLATE_CONSTRUCT_NOT_ALLOWED, 5),
        ("{% set county = 1 %}", text_refusals.TEMPLATE_CONSTRUCT_NOT_ALLOWED, 5),
        ("{% macro m() %}{% endmacro %}", text_refusals.TEMPLATE_CONSTRUCT_NOT_ALLOWED, 5),
        ("{{ details.fields | join(details.fields | join) }}", text_refusals.TEMPLATE_CONSTRUCT_NOT_ALLOWED, 5),
        ("{{ " + "(" * 2000 + "county" + ")" * 2000 + " }}", text_refusals.TEMPLATE_DOES_NOT_PARSE, None),
        ("{% if county %}" * 300 + "{% endif %}" * 300, text_refusals.TEMPLATE_DOES_NOT_PARSE, None),
        ("{{ " + "9" * 5000 + " }}", text_refusals.TEMPLATE_DOES_NOT_PARSE, None),
        ("{{ county() }}", text_refusals.TEMPLATE_CONSTRUCT_NOT_ALLOWED, 5),
        ("{{ details['verdict'] }}", text_refusals.TEMPLATE_CONSTRUCT_NOT_ALLOWED, 5),
    ],
)
def test_what_a_template_may_not_contain_is_refused_with_its_line(
    bad: str, reason: RefusalType, line: int | None
) -> None:
    with pytest.raises(Refusal) as refused:
        check(GOOD.replace("{% block body %}\n", f"{{% block body %}}\n\n{bad}\n"))
    assert refused.value.reason is reason
    assert line is None or refused.value.details["line"] == line
    assert str(refused.value.details["line"]) in refused.value.text("fa")


@pytest.mark.parametrize("block", ["subject", "short", "body"])
def test_a_template_without_one_of_the_blocks_is_refused(block: str) -> None:
    with pytest.raises(Refusal) as refused:
        check(GOOD.replace(f"block {block}", "block other"))
    assert refused.value.reason is text_refusals.TEMPLATE_BLOCK_MISSING
    assert refused.value.details["block"] == block


def test_text_outside_the_blocks_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        check("سلام\n" + GOOD)
    assert refused.value.reason is text_refusals.TEMPLATE_CONSTRUCT_NOT_ALLOWED
    assert refused.value.details["line"] == 1


def test_a_short_block_that_leaves_no_room_for_a_link_is_refused_where_it_stands() -> None:
    with pytest.raises(Refusal) as refused:
        check(GOOD.replace("مغایرت: ", "مغایرت " * 14))
    assert refused.value.reason is text_refusals.TEMPLATE_SHORT_TOO_LONG
    assert refused.value.details["line"] == 2
    assert refused.value.details["units_max"] == SHORT_BLOCK_UNITS_MAX


def test_a_saved_template_that_fails_later_gives_way_to_the_plain_form_and_says_so() -> None:
    letters = Letters([SavedText("discrepancy_found", "fa", 1, GOOD)])
    letter = letters.render(replace(NOTICE, details={}), LINK, short_url=LINK)
    assert letter.template_error is not None
    assert letter.subject.startswith(WORDS["fa"]["plain"])
    assert LINK in letter.text
    assert letter.short.endswith(LINK)


def test_a_saved_template_that_does_not_compile_leaves_the_shipped_one_in_force() -> None:
    letter = Letters([SavedText("discrepancy_found", "fa", 1, "{% block")]).render(NOTICE, LINK)
    assert letter == Letters().render(NOTICE, LINK)


def test_what_a_template_sees_of_a_long_list_and_a_long_text_is_bounded() -> None:
    letters = Letters([SavedText("discrepancy_found", "fa", 1, GOOD)])
    letter = letters.render(replace(NOTICE, details={"fields": ["x" * 50_000] * 1_000, "verdict": "differs"}), LINK)
    assert letter.template_error is None
    assert len(letter.text) < 10_000


def test_grouped_alerts_are_listed_up_to_a_number_and_counted_beyond() -> None:
    grouped = tuple(replace(NOTICE, subject_id=f"subject-{place}") for place in range(GROUPED_SHOWN_MAX))
    letter = Letters().render(replace(NOTICE, grouped=grouped, grouped_total=25), LINK, short_url=LINK)
    assert all(f"subject-{place}" in letter.text for place in range(GROUPED_SHOWN_MAX))
    assert "و ۵ هشدار دیگر" in letter.text
    assert "(+۲۵ هشدار دیگر)" in letter.short
    assert letter.html.count("<li>") == GROUPED_SHOWN_MAX + 1


def test_an_sms_is_shortened_by_what_it_says_and_never_inside_a_word() -> None:
    rule = next(rule for rule in RULES.rules if rule.kind == "ops_alert")
    notice = SampleNotice.of(sample_of(rule), "fa")
    long = replace(notice, severity=AlertSeverity.WARNING, details={"name": "a" * 128})
    letter = Letters().render(long, LINK, short_url="https://" + "b" * 82)
    assert "a" not in letter.short.partition("\n")[0]
    assert letter.short.startswith(letter.subject)
    assert sms_units(letter.short) <= 201


def test_short_dates_are_jalali_with_persian_digits_and_iso_in_english() -> None:
    assert short_day(NOTICE.raised_at, "fa") == "۱۴۰۵/۰۹/۰۱"
    assert short_day(NOTICE.raised_at, "en") == "2026-11-22"
    assert short_moment(NOTICE.raised_at, "fa") == "۱۴۰۵/۰۹/۰۱ ۰۷:۴۵"
    assert period("1405-07", "fa") == "مهر ۱۴۰۵"
    assert period("1405-Q2", "fa") == "سه‌ماههٔ ۲ سال ۱۴۰۵"
    assert period("1405-Q2", "en") == "quarter 2 of 1405"

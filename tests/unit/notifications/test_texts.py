"""The texts of every kind of alert, tried with every sample event that the contracts allow."""

import re
from dataclasses import replace
from uuid import uuid4

import pytest

from services.notifications.domain.rules import Matcher, Rule
from services.notifications.domain.samples import Sample, choices_of, sample_of, samples_of
from services.notifications.letters.letter import SHORT_BLOCK_UNITS_MAX, SMS_UNITS_MAX, Letters, sms_units
from services.notifications.letters.previews import SampleNotice
from services.notifications.letters.text_checks import check_source
from services.notifications.letters.texts import BLOCKS, LANGUAGES, environment_of, known_kinds, number, shipped_source
from services.notifications.routing_rules import RULES
from shared.contracts.catalogue import event_types

KINDS = sorted({rule.kind for rule in RULES.rules})
OF_SITES = sorted({rule.kind for rule in RULES.rules if "warehouse_id" in rule.show})
LONGEST_LINK = "https://" + "a" * 82
LINK = "https://payesh.example/acknowledge/a.b.c"
letters = Letters()


def samples_of_kind(kind: str) -> list[Sample]:
    return [sample for rule in RULES.rules if rule.kind == kind for sample in samples_of(rule)]


def notices(kind: str, language: str) -> list[SampleNotice]:
    return [SampleNotice.of(sample, language) for sample in samples_of_kind(kind)]


def test_numbers_have_the_digits_and_the_decimal_separator_of_the_language() -> None:
    assert (number(7.5, "fa"), number(12, "fa"), number("1405/09/01", "fa")) == ("۷٫۵", "۱۲", "۱۴۰۵/۰۹/۰۱")
    assert (number(7.5, "en"), number(12, "en")) == ("7.5", "12")


def test_every_kind_that_a_rule_raises_has_both_languages_with_all_blocks() -> None:
    assert set(KINDS) <= known_kinds()
    for kind in known_kinds():
        for language in LANGUAGES:
            template = environment_of(language).get_template(f"{language}/{kind}.j2")
            assert set(template.blocks) == set(BLOCKS), (kind, language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_what_ships_passes_the_checks_that_a_saved_template_must_pass(kind: str, language: str) -> None:
    first, *others = (frozenset(rule.show) for rule in RULES.rules if rule.kind == kind)
    shown = first.intersection(*others)
    check_source(shipped_source(kind, language), language, shown, notices(kind, language))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_sample_fits_three_parts_of_an_sms_with_the_longest_link_and_many_grouped(
    kind: str, language: str
) -> None:
    for notice in notices(kind, language):
        _, block, _ = letters.render_blocks(notice)
        assert sms_units(block) <= SHORT_BLOCK_UNITS_MAX
        letter = letters.render(replace(notice, grouped_total=99_999), LINK, short_url=LONGEST_LINK)
        assert letter.template_error is None
        assert sms_units(letter.short) <= SMS_UNITS_MAX
        assert letter.short.startswith(" ".join(block.split()))
        assert letter.short.endswith(f"\n{LONGEST_LINK}")


@pytest.mark.parametrize("kind", KINDS)
def test_every_sample_is_written_in_persian_digits_and_no_key_is_left_untranslated(kind: str) -> None:
    for notice in notices(kind, "fa"):
        letter = letters.render(notice, LINK, short_url=LINK)
        for text in (letter.subject, *letter.lines, letter.short):
            spoken = text.replace(str(notice.details.get("name", "")) or "\0", "")
            visible = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|https?://\S+", "", spoken)
            assert not re.search(r"[0-9A-Za-z]", visible), visible


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", OF_SITES)
def test_a_site_is_named_by_its_id_in_the_register_and_by_ours_only_where_that_is_unknown(
    kind: str, language: str
) -> None:
    for sample in notices(kind, language):
        notice, ours = replace(sample, alert_id=uuid4()), str(sample.details["warehouse_id"])
        grouped = replace(notice, registry_id="PROVISIONAL-7", subject_id="another")
        named = letters.render(replace(notice, grouped=(grouped,), grouped_total=1), LINK, short_url=LINK)
        for text in ("\n".join(named.lines), named.text, named.html, named.short):
            assert ("۵۰۱۰۰۰۰۰۱" if language == "fa" else "501000001") in text, text
            assert ours not in text
        assert "· PROVISIONAL-7 · another" in named.text
        unknown = letters.render(replace(notice, registry_id=None), LINK, short_url=LINK)
        assert unknown.template_error is None
        assert ours in unknown.text
        assert ours not in unknown.short
        assert unknown.short.count("\n") == named.short.count("\n") == 1
        long = letters.render(replace(notice, registry_id="R" * 64), LINK, short_url=LONGEST_LINK)
        assert sms_units(long.short) <= SMS_UNITS_MAX


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.rule_id)
def test_samples_raise_the_alert_of_their_rule(rule: Rule) -> None:
    samples = samples_of(rule)
    assert samples[0] == sample_of(rule)
    assert all(rule.raises(sample.event) for sample in samples)
    assert {sample.county for sample in samples} == set(type(samples[0].county))


def test_every_event_type_of_the_contracts_that_names_a_county_can_be_sampled() -> None:
    for event_type in event_types():
        if "county" in event_type.model_fields:
            choices = choices_of(Matcher(event_type, {}, {}, ("county",)))
            event_type.model_validate({name: values[0] for name, values in choices.items()})

"""Certificate codes, the requirements as written, and what follows from them."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.warehouse.domain.certificate_code import CODE_CHARACTERS, RANDOM_BYTES, make_code, read_code, shown_code
from services.warehouse.domain.compliance import (
    CertificateState,
    ComplianceReason,
    ElementState,
    SiteFacts,
    assess,
    certificate_state,
)
from services.warehouse.domain.risk import RiskClass
from services.warehouse.requirements import read_requirements
from shared.contracts.warehouse import WarehouseKind

REQUIREMENTS = read_requirements()
TODAY = date(2025, 11, 22)
RANDOM_CODES = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES).map(make_code)
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def compliant(risk_class: RiskClass = RiskClass.A, kind: WarehouseKind = WarehouseKind.HAZARDOUS) -> SiteFacts:
    """A site with everything that it needs."""
    return SiteFacts(
        risk_class=risk_class,
        kind=kind,
        is_within_interval=True,
        elements={
            key: ElementState.PRESENT
            for key, item in REQUIREMENTS.elements.items()
            if item.needs.covers(risk_class, kind)
        },
        trained={
            key: item.staff_min for key, item in REQUIREMENTS.courses.items() if item.needs.covers(risk_class, kind)
        },
        critical_actions_open=0,
        holds_open=0,
    )


def reasons(facts: SiteFacts) -> list[tuple[ComplianceReason, str | None]]:
    return [(item.reason, item.subject) for item in assess(facts, REQUIREMENTS)]


@given(RANDOM_CODES)
def test_a_code_is_read_back_however_it_is_written(code: str) -> None:
    assert len(code) == CODE_CHARACTERS
    assert set(code) <= set(ALPHABET)
    written = shown_code(code).lower().replace("0", "o").replace("1", "l")
    assert read_code(code) == read_code(shown_code(code)) == read_code(written) == code
    persian = code.translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹"))
    assert read_code(f" {persian} ") == code


@given(RANDOM_CODES, st.integers(0, CODE_CHARACTERS - 1), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed(code: str, place: int, character: str) -> None:
    wrong = code[:place] + character + code[place + 1 :]
    assert (read_code(wrong) is None) == (wrong != code)


@given(RANDOM_CODES, st.integers(0, CODE_CHARACTERS - 2))
def test_two_neighbours_exchanged_are_noticed(code: str, place: int) -> None:
    wrong = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert (read_code(wrong) is None) == (wrong != code)


def test_no_two_of_many_random_values_share_a_code_and_each_bit_matters() -> None:
    random = Random(7)
    values = {random.randbytes(RANDOM_BYTES) for _ in range(2_000)}
    value = bytearray(random.randbytes(RANDOM_BYTES))
    for bit in range(8 * RANDOM_BYTES):
        flipped = bytearray(value)
        flipped[bit // 8] ^= 1 << bit % 8
        values.add(bytes(flipped))
    assert len({make_code(item) for item in values}) == len(values)
    with pytest.raises(ValueError, match="random bytes"):
        make_code(b"short")


@pytest.mark.parametrize("text", ["", "0" * 17, "0" * 19, "U" * 18, "٭" * 18, "<script>", "0" * 18])
def test_what_is_no_code_is_none(text: str) -> None:
    assert read_code(text) is None


@pytest.mark.parametrize("risk_class", RiskClass)
@pytest.mark.parametrize("kind", WarehouseKind)
def test_every_class_and_kind_needs_something_and_complies_with_just_that(
    risk_class: RiskClass, kind: WarehouseKind
) -> None:
    facts = compliant(risk_class, kind)
    assert facts.elements
    assert facts.trained
    assert reasons(facts) == []
    for key in facts.elements:
        absent = replace(facts, elements={**facts.elements, key: ElementState.ABSENT})
        assert reasons(absent) == [(ComplianceReason.ELEMENT_ABSENT, key)]
        waived = replace(facts, elements={**facts.elements, key: ElementState.NOT_REQUIRED})
        assert reasons(waived) == []
        missing = replace(facts, elements={name: state for name, state in facts.elements.items() if name != key})
        assert reasons(missing) == [(ComplianceReason.ELEMENT_NOT_RECORDED, key)]
    for key, people in facts.trained.items():
        short = replace(facts, trained={**facts.trained, key: people - 1})
        assert reasons(short) == [(ComplianceReason.TRAINING_SHORT, key)]


def test_an_element_that_is_not_needed_does_not_matter() -> None:
    facts = compliant(RiskClass.C, WarehouseKind.GENERAL)
    assert "dispersal" not in facts.elements
    assert reasons(replace(facts, elements={**facts.elements, "dispersal": ElementState.ABSENT})) == []


def test_everything_that_speaks_against_is_told() -> None:
    facts = replace(compliant(), is_within_interval=False, critical_actions_open=2, holds_open=1)
    assert [reason for reason, _ in reasons(facts)] == [
        ComplianceReason.NOT_INSPECTED_WITHIN_INTERVAL,
        ComplianceReason.CRITICAL_ACTION_OPEN,
        ComplianceReason.ON_HOLD,
    ]


def test_a_certificate_is_suspended_only_while_its_cause_lasts() -> None:
    def state(facts: SiteFacts, revoked: bool = False, days: int = 0) -> CertificateState:
        return certificate_state(TODAY, revoked, facts, REQUIREMENTS, TODAY + timedelta(days=days))

    held = replace(compliant(), holds_open=1)
    assert state(compliant()) is CertificateState.VALID
    assert state(held) is CertificateState.SUSPENDED
    assert state(replace(compliant(), trained={})) is CertificateState.SUSPENDED
    assert state(replace(compliant(), critical_actions_open=1)) is CertificateState.VALID
    assert state(held, days=1) is CertificateState.EXPIRED
    assert state(held, revoked=True, days=1) is CertificateState.REVOKED

"""County and kind names in many spellings; an unknown name is never a guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.warehouse.domain.names import (
    SiteStatus,
    is_tehran_province,
    read_county,
    read_kind,
    read_status,
)
from shared.contracts.counties import County
from shared.contracts.warehouse import WarehouseKind


@pytest.mark.parametrize("county", list(County))
def test_every_county_is_read_by_key_label_and_prefix(county: County) -> None:
    label = county.label_fa
    arabic = label.translate(str.maketrans("یک", "يك"))
    for written in (county.value, county.value.upper(), label, arabic, f"شهرستان {label}", f" شهرستان‌{arabic} "):
        assert read_county(written) is county
    assert read_county(label.replace("\u200c", " ")) is county
    assert read_county(label.replace("\u200c", "")) is county


@pytest.mark.parametrize("written", ["کرج", "شهرستان", "تهران بزرگ", "استان تهران", "ری و شهریار", "", "؟", "re"])
def test_an_unknown_county_is_no_county(written: str) -> None:
    assert read_county(written) is None


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("سردخانه", WarehouseKind.COLD_STORE),
        ("سرد\u200cخانه", WarehouseKind.COLD_STORE),
        ("انبار مواد خطرناك", WarehouseKind.HAZARDOUS),
        ("داروئي", WarehouseKind.PHARMACEUTICAL),
        ("Cold Store", WarehouseKind.COLD_STORE),
        ("cold_store", WarehouseKind.COLD_STORE),
        ("مركز پخش", WarehouseKind.DISTRIBUTION_CENTRE),
        ("پارکینگ", None),
        ("انبار", None),
    ],
)
def test_kinds(written: str, kind: WarehouseKind | None) -> None:
    assert read_kind(written) is kind


def test_states_and_province() -> None:
    assert read_status("غير فعال") is SiteStatus.INACTIVE
    assert read_status("فعال") is SiteStatus.ACTIVE
    assert read_status("تعطيل") is SiteStatus.CLOSED
    assert read_status("در دست ساخت") is None
    assert is_tehran_province("استان تهران")
    assert is_tehran_province("Tehran Province")
    assert not is_tehran_province("البرز")


@given(st.text(max_size=40))
def test_any_text_is_a_name_or_none(text: str) -> None:
    assert read_county(text) in {None, *County}
    assert read_kind(text) in {None, *WarehouseKind}

"""Units to exact tonnes, days of cover, and the hysteresis that keeps a stock from flapping."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.warehouse.domain.essential_goods import (
    UNITS_OF_EVERY_COMMODITY,
    Commodity,
    Need,
    check_need,
    cover_days,
    find_commodity,
    in_tonnes,
    is_low,
)
from services.warehouse.essential_goods_catalogue import CATALOGUE, SHIPPED_FILE, CatalogueError, read_catalogue
from shared.contracts.refusals import Refusal

NEED = Need(Decimal(10), Decimal(3), Decimal(5))
figures = st.decimals(0, 10**9, places=3)


@pytest.mark.parametrize(
    ("commodity", "quantity", "unit", "tonnes"),
    [
        ("rice", "1", "tonne", "1"),
        ("rice", "1", "kilogram", "0.001"),
        ("rice", "25", "sack_40", "1"),
        ("flour", "25", "sack_50", "1.25"),
        ("vegetable_oil", "1000", "litre", "0.92"),
        ("vegetable_oil", "0.001", "litre", "0.00000092"),
        ("milk", "3", "carton", "0.03708"),
        ("wheat", "999999999.999", "sack_50", "49999999.99995"),
    ],
)
def test_units_become_exact_tonnes(commodity: str, quantity: str, unit: str, tonnes: str) -> None:
    assert in_tonnes(CATALOGUE[commodity], Decimal(quantity), unit) == Decimal(tonnes)


@given(figures, figures)
def test_no_gram_is_lost_in_a_conversion(first: Decimal, second: Decimal) -> None:
    for commodity in CATALOGUE.values():
        for unit, kilograms in commodity.kilograms.items():
            tonnes = in_tonnes(commodity, first, unit)
            assert tonnes * 1000 == first * kilograms
            assert tonnes == round(tonnes, 9)
            if first + second <= 10**9:
                assert tonnes + in_tonnes(commodity, second, unit) == in_tonnes(commodity, first + second, unit)


def test_what_is_unknown_is_refused_with_the_list() -> None:
    with pytest.raises(Refusal) as refused:
        in_tonnes(CATALOGUE["meat"], Decimal(1), "litre")
    assert refused.value.reason.code == "warehouse.stock.unit_unknown"
    assert refused.value.details["units"] == "kilogram, tonne, carton"
    with pytest.raises(Refusal) as refused:
        find_commodity(CATALOGUE, "gold")
    assert str(refused.value.details["commodities"]).startswith("rice, wheat, flour, sugar")


def test_the_catalogue_is_data_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    assert {"rice", "wheat", "flour", "sugar", "vegetable_oil", "meat", "poultry"} <= CATALOGUE.keys()
    assert read_catalogue(SHIPPED_FILE) == CATALOGUE
    file = tmp_path / "goods.yaml"
    file.write_text(
        "version: 1\ncommodities:\n  salt: {fa: نمک, en: salt, kilograms: {bag: '2.5'}}\n", encoding="utf-8"
    )
    salt = Commodity("salt", "نمک", "salt", {**UNITS_OF_EVERY_COMMODITY, "bag": Decimal("2.5")})
    assert read_catalogue(file) == {"salt": salt}
    for text in (
        "version: 1\ncommodities: {}\n",
        "version: 1\ncommodities: {Salt: {fa: a, en: b}}\n",
        "version: 1\ncommodities: {salt: {fa: a, en: b, kilograms: {bag: '0'}}}\n",
        "version: 1\ncommodities: {salt: {fa: a, en: b, kilograms: {bag: '1.0001'}}}\n",
        "version: 1\ncommodities: {salt: {fa: a}}\n",
        "[",
    ):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(CatalogueError, match=r"goods\.yaml"):
            read_catalogue(file)


@pytest.mark.parametrize(
    ("was_low", "tonnes", "low"),
    [
        (False, "30", False),
        (False, "29.999999999", True),
        (True, "30", True),
        (True, "50", True),
        (True, "50.000000001", False),
        (False, "50", False),
    ],
)
def test_between_the_bounds_the_state_stays(was_low: bool, tonnes: str, low: bool) -> None:
    assert is_low(was_low, Decimal(tonnes), NEED) is low


@given(st.lists(st.decimals(0, 100, places=3), max_size=60))
def test_low_and_recovered_alternate_and_each_crosses_its_own_bound(stocks: list[Decimal]) -> None:
    low, events = False, list[tuple[bool, Decimal]]()
    for tonnes in stocks:
        after = is_low(low, tonnes, NEED)
        if after is not low:
            events.append((after, tonnes))
        low = after
    assert all(became is (number % 2 == 0) for number, (became, _) in enumerate(events))
    assert all(tonnes < 30 if became else tonnes > 50 for became, tonnes in events)
    assert low is (len(events) % 2 == 1)


def test_cover_is_never_shown_longer_than_it_is() -> None:
    assert cover_days(Decimal("29.9999"), NEED) == Decimal("2.999")
    assert cover_days(Decimal(100), Need(Decimal(3), Decimal(1), Decimal(2))) == Decimal("33.333")


@pytest.mark.parametrize(("daily", "low", "recovered"), [(0, 3, 5), (10, 5, 5), (10, 5, 3), (10, 0, 5)])
def test_a_need_without_a_gap_is_refused(daily: int, low: int, recovered: int) -> None:
    with pytest.raises(Refusal) as refused:
        check_need(Need(Decimal(daily), Decimal(low), Decimal(recovered)))
    assert refused.value.reason.code == "warehouse.need.without_gap"

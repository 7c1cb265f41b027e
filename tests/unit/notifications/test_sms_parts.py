"""Parts of an SMS, by the limits of 3GPP TS 23.038 and 23.040."""

import pytest

from services.notifications.channels.sms_kavenegar import local_id_of, receptor_of
from services.notifications.channels.sms_parts import parts_of


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 152, 3),  # the escape and its character are not cut: 152, 1 left over
        ("ش" * 70, 1),
        ("ش" * 71, 2),
        ("ش" * 134, 2),
        ("ش" * 135, 3),
        ("ش" * 201, 3),
        ("ش" * 202, 4),
        ("a" * 70 + "ش", 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("😀" * 67, 3),  # 33 in a part of 67 units, one unit stays empty
    ],
)
def test_parts(text: str, parts: int) -> None:
    assert parts_of(text) == parts


@pytest.mark.parametrize("written", ["+989121234567", "00989121234567", "09121234567", "9121234567", "0912 123-4567"])
def test_receptor(written: str) -> None:
    assert receptor_of(written) == "09121234567"


@pytest.mark.parametrize("written", ["", "02122334455", "+4917012345678", "0912123456", "091212345678", "x"])
def test_what_is_no_mobile_number_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="not an Iranian mobile number"):
        receptor_of(written)


def test_a_local_id_is_of_one_message_to_one_number_and_fits_a_signed_64_bit_number() -> None:
    ids = {local_id_of(delivery, number) for delivery in ("a", "b") for number in ("09121234567", "09121234568")}
    assert len(ids) == 4
    assert all(0 < one < 2**63 for one in ids)
    assert local_id_of("a", "09121234567") == local_id_of("a", "09121234567")

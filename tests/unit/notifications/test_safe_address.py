"""Addresses that webhooks must not reach, in every spelling; and a name that changes its answer."""

import re
from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_network

import httpx
import pytest

from services.notifications.webhooks.safe_address import (
    AddressRules,
    UnsafeAddressError,
    checked_destination,
    checked_url,
    is_public,
)

PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.1.1", "0.1.2.3", "192.0.2.1",
    "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fd00:ec2::254", "fec0::1", "ff02::1",
    "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:a00:1::",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe", "2001:db8::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "185.143.232.1", "2606:4700::1111", "2002:808:808::"])
def test_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://017700000001/",
        "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[fe80::1%25eth0]/", "http://hooks.example/",
        "https://user:pass@hooks.example/", "https://hooks.example/#part", "ftp://hooks.example/", "file:///etc/passwd",
        "https://localhost/", "https://api.LOCALHOST./", "https://hooks.example:99999/", "https://hooks.example:0/",
        "hooks.example", "", "https://", "https://hooks.example/ x", "https://hooks.example/" + "x" * 500,
    ],
)  # fmt: skip
def test_an_address_is_refused_when_it_is_saved(url: str) -> None:
    with pytest.raises(UnsafeAddressError) as refused:
        checked_url(url, AddressRules())
    assert re.search("[آ-ی]", refused.value.problem_fa)


def test_an_own_network_is_allowed_by_setting_and_plain_http_only_there() -> None:
    rules = AddressRules((ip_network("10.20.0.0/16"),), plain_http=True)
    assert checked_url("http://10.20.1.1:8080/hook", rules).port == 8080
    assert checked_url("https://[::ffff:10.20.1.1]/", rules)
    with pytest.raises(UnsafeAddressError):
        checked_url("https://10.21.1.1/", rules)


async def test_a_name_is_refused_if_any_of_its_answers_is_not_public() -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["93.184.215.14", "10.0.0.1"]

    with pytest.raises(UnsafeAddressError):
        await checked_destination(httpx.URL("https://hooks.example/"), AddressRules(), resolve)


async def test_a_name_that_answers_differently_the_second_time_gains_nothing() -> None:
    """Rebinding: the answer that was checked is the one that is connected to; there is no second question."""
    answers: Iterator[list[str]] = iter([["93.184.215.14"], ["127.0.0.1"]])

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return next(answers)

    url = httpx.URL("https://hooks.example/")
    assert await checked_destination(url, AddressRules(), resolve) == "93.184.215.14"
    with pytest.raises(UnsafeAddressError):
        await checked_destination(url, AddressRules(), resolve)


async def test_plain_http_does_not_leave_the_allowed_networks() -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["93.184.215.14"]

    rules = AddressRules((ip_network("127.0.0.0/8"),), plain_http=True)
    with pytest.raises(UnsafeAddressError):
        await checked_destination(httpx.URL("http://hooks.example/"), rules, resolve)
    with pytest.raises(OSError, match="no address"):
        await checked_destination(httpx.URL("https://hooks.example/"), rules, _no_answer)


async def _no_answer(_host: str, _port: int) -> Sequence[str]:
    return []

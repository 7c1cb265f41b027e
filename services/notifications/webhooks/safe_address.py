"""Where webhooks may go: an address that a person typed must not make the service reach into its own network (SSRF).

The name is resolved anew for each message, every answer is checked, and the connection is made to a checked answer itself:
a name that answers differently the second time (rebinding) is never asked a second time.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

import httpx

URL_CHARACTERS_MAX: Final = 500
ANSWERS_MAX: Final = 32
PORT_MAX: Final = 65_535
_LOOPBACK: Final = IPv4Address("127.0.0.1")
_NO_ADDRESS: Final = ("it is not an address", "نشانی درستی نیست")
_NOT_HTTPS: Final = ("it must begin with https://", "باید با https:// آغاز شود")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL: Final = IPv6Network("64:ff9b:1::/48")
_COMPATIBLE: Final = IPv6Network("::/96")

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class UnsafeAddressError(ValueError):
    """Webhooks do not go there; says why, and in Persian as `problem_fa`."""

    def __init__(self, problem: str, problem_fa: str) -> None:
        super().__init__(problem)
        self.problem_fa = problem_fa


@dataclass(frozen=True, slots=True)
class AddressRules:
    """`networks`: not public and allowed all the same. `plain_http`: http:// is allowed inside `networks`."""

    networks: Sequence[Network] = ()
    plain_http: bool = False

    def allows(self, address: Address) -> bool:
        return is_public(address) or self.is_inside(address)

    def is_inside(self, address: Address) -> bool:
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address.version == network.version and address in network for network in self.networks)


def is_public(address: Address) -> bool:
    """Whether the address is of the public Internet, also where it carries an IPv4 address inside an IPv6 one."""
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    if isinstance(address, IPv4Address):
        return True
    if address.is_site_local or address in _NAT64_LOCAL:
        return False
    carried = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64 or address in _COMPATIBLE:
        carried.append(IPv4Address(int(address) & 0xFFFF_FFFF))
    return all(is_public(inner) for inner in carried if inner is not None)


def checked_url(text: str, rules: AddressRules) -> httpx.URL:
    """`text` as an address that may be tried. What its name resolves to is checked when a message leaves.

    Raises UnsafeAddressError.
    """
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise UnsafeAddressError(*_NO_ADDRESS) from error
    if url.port is not None and not 0 < url.port <= PORT_MAX:
        raise UnsafeAddressError(*_NO_ADDRESS)
    if len(text) > URL_CHARACTERS_MAX or not text.isprintable() or " " in text:
        raise UnsafeAddressError(*_NO_ADDRESS)
    if url.scheme not in ("https", "http") or not url.host:
        raise UnsafeAddressError(*_NOT_HTTPS)
    if url.scheme == "http" and not rules.plain_http:
        raise UnsafeAddressError(*_NOT_HTTPS)
    if url.userinfo or url.fragment:
        raise UnsafeAddressError("it must name no user and no fragment", "نام کاربر یا بخش # در آن پذیرفته نیست")
    literal = _LOOPBACK if _is_localhost(url.host) else _literal(url.host)
    if literal is not None and not rules.allows(literal):
        raise UnsafeAddressError("it is not public", "نشانی عمومی اینترنت نیست")
    return url


async def checked_destination(url: httpx.URL, rules: AddressRules, resolve: Resolve) -> str:
    """The numeric address to connect to. Raises UnsafeAddressError if any answer is not allowed, OSError if none comes."""
    literal = _literal(url.host)
    port = url.port or (443 if url.scheme == "https" else 80)
    answers = [str(literal)] if literal is not None else list(await resolve(url.host, port))[:ANSWERS_MAX]
    addresses = [ip_address(answer.partition("%")[0]) for answer in answers]
    if not addresses:
        raise OSError("the name has no address")
    if not all(rules.allows(address) for address in addresses):
        raise UnsafeAddressError(
            "its name resolves to an address that is not public", "نام آن به نشانی‌ای غیرعمومی می‌رسد"
        )
    if url.scheme == "http" and not all(rules.is_inside(address) for address in addresses):
        raise UnsafeAddressError("plain http leaves the allowed networks", "http از شبکه‌های مجاز بیرون می‌رود")
    return str(addresses[0])


async def resolve_by_system(host: str, port: int) -> list[str]:
    """Addresses of `host`, as the machine's resolver answers. Raises OSError."""
    answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(answer[4][0]) for answer in answers]


def _is_localhost(host: str) -> bool:
    """Whether the name is this machine's own wherever it is asked for (RFC 6761, section 6.3)."""
    name = host.rstrip(".").lower()
    return name == "localhost" or name.endswith(".localhost")


def _literal(host: str) -> Address | None:
    """`host` as a number, also in the forms that resolvers take for one (decimal, hexadecimal, short)."""
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeEncodeError):
        return None

"""Headers that keep their spaces: between two encoded words a reader drops white space (RFC 2047, section 6.2).

The folding of Python's email package leaves a space of a long text between two encoded words, so that words run together.
Here every encoded word holds its own spaces.
"""

from email.charset import BASE64, Charset
from email.header import Header
from email.headerregistry import BaseHeader, HeaderRegistry, UniqueAddressHeader, UniqueUnstructuredHeader
from email.policy import SMTP, Policy
from typing import Final, cast

_UTF_8: Final = Charset("utf-8")
_UTF_8.header_encoding = BASE64  # said here, because a library may change the process's own way (Apprise does)


class _Text(UniqueUnstructuredHeader):
    name: str  # BaseHeader's, with which the registry mixes it

    def fold(self, *, policy: Policy) -> str:
        """The header as it is sent."""
        if str(self).isascii():
            return BaseHeader.fold(cast("BaseHeader", self), policy=policy)
        return f"{self.name}: {_encoded(str(self), self.name, policy)}{policy.linesep}"


class _Addresses(UniqueAddressHeader):
    name: str  # BaseHeader's, with which the registry mixes it

    def fold(self, *, policy: Policy) -> str:
        """The header as it is sent: each name on lines of its own, its address below."""
        if str(self).isascii():
            return BaseHeader.fold(cast("BaseHeader", self), policy=policy)
        between = f"{policy.linesep} "
        written = [
            f"{_encoded(each.display_name, self.name, policy)}{between}<{each.addr_spec}>" for each in self.addresses
        ]
        return f"{self.name}: {f',{between}'.join(written)}{policy.linesep}"


def _encoded(text: str, name: str, policy: Policy) -> str:
    return Header(text, _UTF_8, header_name=name).encode(linesep=policy.linesep)


def _registry() -> HeaderRegistry:
    registry = HeaderRegistry()
    for name, header in (("subject", _Text), ("to", _Addresses)):
        registry.map_to_type(name, cast("type[BaseHeader]", header))
    return registry


MAIL: Final = SMTP.clone(header_factory=_registry())

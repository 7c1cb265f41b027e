"""How every service says no: a stable code, a status, and the reason in Persian and English (RFC 9457)."""

from dataclasses import dataclass

from pydantic import JsonValue


@dataclass(frozen=True, slots=True)
class RefusalType:
    """One reason to refuse. `code` is stable and documented; `text_*` may use ``{name}`` placeholders filled from details.

    `safeguard` is the number of the rule in the safeguards that it serves, where it serves one.
    """

    code: str
    status: int
    text_en: str
    text_fa: str
    safeguard: int | None = None


class Refusal(Exception):
    """Raised by domain and handlers; the HTTP boundary rolls back and answers problem+json. Nothing is half-applied."""

    def __init__(self, reason: RefusalType, **details: JsonValue) -> None:
        super().__init__(f"{reason.code}: {reason.text_en.format_map(_Missing(details))}")
        self.reason = reason
        self.details = details

    def text(self, language: str) -> str:
        template = self.reason.text_fa if language == "fa" else self.reason.text_en
        return template.format_map(_Missing(self.details))


class _Missing(dict[str, JsonValue]):
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"

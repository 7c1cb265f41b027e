"""A phone with ODK Collect, as the service sees one: HTTP Basic, XML, multipart POSTs; forms filled from their XForm."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree as ET

import httpx

from services.warehouse.app import service
from shared.contracts.counties import County
from shared.kit.basic_auth import Grant, PasswordVerifier
from shared.kit.http import connect
from tests.integration.warehouse.province import Province
from tests.support.field_forms import answers_of_site, form_filler
from tests.support.form_filler import FormFiller
from tests.support.identity import bearer, create_test_verifier

PASSWORD = "بازرس-۱۲۳"
OPENROSA_HEADERS = {"X-OpenRosa-Version": "1.0", "Date": "Sat, 22 Nov 2025 06:30:00 GMT", "User-Agent": "Collect"}


async def exchange(username: str, password: str) -> Grant | None:
    """The issuer of the tests: ``role.county`` with one password."""
    if password != PASSWORD:
        return None
    role, _, county = username.partition(".")
    header = bearer(role.rstrip("0123456789"), subject=username, counties=[County(county)] if county else list(County))
    return Grant(header["Authorization"].removeprefix("Bearer "), 3600.0)


def offer_passwords(province: Province) -> None:
    """Have the service take HTTP Basic as well."""
    verifier = create_test_verifier()
    connect(service.api, pool=province.api, verifier=verifier, passwords=PasswordVerifier(exchange, verifier))


@dataclass
class Phone:
    """`username` is ``inspector.<county>``; a digit after the role makes another inspector."""

    client: httpx.AsyncClient
    username: str = "inspector.rey"
    password: str = PASSWORD
    filler: FormFiller = field(default_factory=form_filler)
    headers: dict[str, str] = field(default_factory=dict[str, str])

    async def ask(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        headers = OPENROSA_HEADERS | self.headers | arguments.pop("headers", {})
        auth = httpx.BasicAuth(self.username.encode(), self.password.encode())
        return await self.client.request(method, path, headers=headers, auth=auth, **arguments)

    def fill(
        self,
        inspection_id: str,
        instance_id: str | None = None,
        deprecated_id: str | None = None,
        **changes: Any,
    ) -> bytes:
        """A filled form; `changes` as `answers_of_site` takes them."""
        return self.filler.fill(
            answers_of_site(inspection_id, **changes),
            instance_id=instance_id or f"uuid:{uuid4()}",
            deprecated_id=deprecated_id,
        )

    async def send(
        self,
        form: bytes,
        photos: Mapping[str, bytes] | None = None,
        *,
        is_incomplete: bool = False,
        form_last: bool = False,
        language: str | None = None,
    ) -> httpx.Response:
        """One POST of the form and these photos, as Collect builds it."""
        parts: list[tuple[str, tuple[str | None, bytes, str]]] = [
            ("xml_submission_file", ("بازرسی انبار_2025-11-22_10-00-00.xml", form, "text/xml"))
        ]
        if is_incomplete:
            parts.append(("*isIncomplete*", (None, b"yes", "text/plain")))
        parts += [(name, (name, content, "image/jpeg")) for name, content in (photos or {}).items()]
        headers = {} if language is None else {"Accept-Language": language}
        return await self.ask(
            "POST",
            "/openrosa/submission?deviceID=collect%3Aabc",
            files=parts[::-1] if form_last else parts,
            headers=headers,
        )


def told(answer: httpx.Response) -> str:
    """The message that Collect shows."""
    root = ET.fromstring(answer.content)  # noqa: S314 - the service's own
    assert root.tag == "{http://openrosa.org/http/response}OpenRosaResponse"
    assert answer.headers["x-openrosa-version"] == "1.0"
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    return root[0].text or ""


def texts(answer: httpx.Response, name: str) -> Sequence[str]:
    """Texts of the elements of this name, in order."""
    root = ET.fromstring(answer.content)  # noqa: S314 - the service's own
    return [node.text or "" for node in root.iter() if node.tag.rpartition("}")[2] == name]

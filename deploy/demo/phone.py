"""A simulated phone with ODK Collect: it downloads the form, fills it while it is offline, comes back, and sends twice."""

import base64
import copy
import hashlib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from deploy.demo.client import LOCAL_PASSWORD, Command, DemoClient
from deploy.demo.ledger import Entry

SERVICE: Final = "warehouse"
OPENROSA: Final = {"X-OpenRosa-Version": "1.0"}
FORM_LIST: Final = "/openrosa/formList"
SUBMISSION: Final = "/openrosa/submission"
PICTURE_PIXELS: Final = (96, 72)
PICTURE_BLOCKS: Final = (8, 6)

_XFORMS: Final = "{http://www.w3.org/2002/xforms}"
_LIST: Final = "{http://openrosa.org/xforms/xformsList}"
_MANIFEST: Final = "{http://openrosa.org/xforms/xformsManifest}"
_FAILED: Final = re.compile(r"\s*/\S+/(\w+)\s*=\s*'fail'\s*")


@dataclass(frozen=True, slots=True)
class Outbox:
    """What a phone has to send: a filled form and its pictures by name."""

    form: bytes
    pictures: Mapping[str, bytes]


class Form:
    """The form as a phone downloaded it."""

    def __init__(self, xform: bytes) -> None:
        model = ET.fromstring(xform).find(f".//{_XFORMS}model")  # noqa: S314 - from the platform's own service
        instance = None if model is None else model.find(f"{_XFORMS}instance")
        if model is None or instance is None:
            raise ValueError("the downloaded form has no instance")
        self._instance = instance[0]
        self._asked_on_fail = {
            str(bind.get("nodeset")).rpartition("/")[2]: found[1]
            for bind in model.iter(f"{_XFORMS}bind")
            if (found := _FAILED.fullmatch(bind.get("relevant", "")))
        }

    def fill(self, answers: Mapping[str, str], instance_id: str, deprecated_id: str | None = None) -> bytes:
        """A filled form; `answers` by the question's own name."""
        root = copy.deepcopy(self._instance)
        meta = root.find(f"{_XFORMS}meta")
        if meta is None:
            raise ValueError("the downloaded form has no meta block")
        for name, text in (("instanceID", instance_id), ("deprecatedID", deprecated_id)):
            if text is not None:
                node = meta.find(f"{_XFORMS}{name}")
                (ET.SubElement(meta, f"{_XFORMS}{name}") if node is None else node).text = text
        for group in root.iter():
            for node in list(group):
                name = node.tag.rpartition("}")[2]
                item = self._asked_on_fail.get(name)
                if item is not None and answers.get(item) != "fail":
                    group.remove(node)
                elif name in answers:
                    node.text = answers[name]
        content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
        return content


class Phone:
    """One inspector's phone. What it fills in is kept in it until it is sent."""

    def __init__(self, client: DemoClient, inspector: str) -> None:
        self._client = client
        self._inspector = inspector
        self._form: Form | None = None
        self._manifest_path = ""

    async def download_form(self) -> None:
        """Get the newest form of the list, once. Raises UnexpectedAnswer, Unanswered."""
        if self._form is not None:
            return
        listed = ET.fromstring(await self._get(FORM_LIST))  # noqa: S314 - from the platform's own service
        self._manifest_path = urlsplit(_text(listed, f"{_LIST}manifestUrl")).path
        self._form = Form(await self._get(urlsplit(_text(listed, f"{_LIST}downloadUrl")).path))

    async def download_media(self) -> dict[str, bytes]:
        """The files of the manifest by name, each of the hash that the manifest gives.

        Raises ValueError where a file has another hash: it changed in between.
        """
        await self.download_form()
        manifest = ET.fromstring(await self._get(self._manifest_path))  # noqa: S314 - as above
        files: dict[str, bytes] = {}
        for entry in manifest.iter(f"{_MANIFEST}mediaFile"):
            content = await self._get(urlsplit(_text(entry, f"{_MANIFEST}downloadUrl")).path)
            told = _text(entry, f"{_MANIFEST}hash")
            if told != f"md5:{hashlib.md5(content, usedforsecurity=False).hexdigest()}":
                raise ValueError(f"{_text(entry, f'{_MANIFEST}filename')} is not what the manifest says")
            files[_text(entry, f"{_MANIFEST}filename")] = content
        return files

    def fill(self, inspection_id: str, body: Mapping[str, Any], pictures: Mapping[str, bytes]) -> Outbox:
        """Fill the downloaded form with what `body` says as JSON. Needs no signal."""
        if self._form is None:
            raise ValueError("a form is downloaded before it is filled")
        answers = _answers(inspection_id, body)
        return Outbox(self._form.fill(answers, str(body["instance_id"]), body.get("deprecated_id")), pictures)

    async def probe(self) -> Entry:
        """Ask whether and where submissions are taken, as Collect does before it sends."""
        headers = OPENROSA | credentials(self._inspector)
        return await self._client.run(
            Command("phone.probe", self._inspector, SERVICE, "HEAD", SUBMISSION, headers=headers)
        )

    async def send_twice(self, outbox: Outbox) -> None:
        """A first POST whose answer is lost on the way, then everything again."""
        await self.send_lost(outbox)
        await self.send_again(outbox)

    async def send_lost(self, outbox: Outbox) -> None:
        """A POST with the form and the first picture. It arrives; its answer does not, so the phone knows nothing of it."""
        first = dict(list(outbox.pictures.items())[:1])
        await self._post(outbox, "phone.send_lost", first, is_incomplete=len(outbox.pictures) > 1)

    async def send_again(self, outbox: Outbox) -> None:
        """Everything, in two POSTs where there are several pictures, the last picture first."""
        backwards = list(outbox.pictures.items())[::-1]
        parts = [dict(backwards[:1]), dict(backwards[1:])] if len(backwards) > 1 else [dict(backwards)]
        for number, pictures in enumerate(parts, start=1):
            await self._post(outbox, "phone.send_again", pictures, is_incomplete=number < len(parts))

    async def send_refused(self, outbox: Outbox, refusal: str) -> Entry:
        """Send what the service must refuse."""
        return await self._post(outbox, "phone.send_other", outbox.pictures, is_incomplete=False, refusal=refusal)

    async def _get(self, path: str) -> bytes:
        headers = OPENROSA | credentials(self._inspector)
        return await self._client.fetch(self._inspector, SERVICE, path, headers)

    async def _post(
        self,
        outbox: Outbox,
        kind: str,
        pictures: Mapping[str, bytes],
        *,
        is_incomplete: bool,
        refusal: str | None = None,
    ) -> Entry:
        parts = [("xml_submission_file", "inspection.xml", "text/xml", outbox.form)]
        if is_incomplete:
            parts.append(("*isIncomplete*", "", "text/plain", b"yes"))
        parts += [(name, name, "image/jpeg", content) for name, content in pictures.items()]
        boundary = self._client.new_key()
        return await self._client.run(
            Command(
                kind,
                self._inspector,
                SERVICE,
                "POST",
                SUBMISSION,
                raw=(f"multipart/form-data; boundary={boundary}", _multipart(parts, boundary)),
                headers=OPENROSA | credentials(self._inspector),
                refusal=refusal,
            )
        )


def picture(seed: str, pixels: tuple[int, int] = PICTURE_PIXELS) -> bytes:
    """A small JPEG; every seed makes another."""
    from PIL import Image  # noqa: PLC0415 - memory that a launcher without the demo does not need

    blocks = Image.frombytes("RGB", PICTURE_BLOCKS, Random(seed).randbytes(PICTURE_BLOCKS[0] * PICTURE_BLOCKS[1] * 3))
    target = io.BytesIO()
    blocks.resize(pixels, Image.Resampling.BICUBIC).save(target, "JPEG", quality=80)
    return target.getvalue()


def credentials(username: str) -> dict[str, str]:
    """HTTP Basic, as Collect sends it."""
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{LOCAL_PASSWORD}".encode()).decode()}


def _text(node: ET.Element, tag: str) -> str:
    """The text of the first node with this tag."""
    return next(node.iter(tag)).text or ""


def _answers(inspection_id: str, body: Mapping[str, Any]) -> dict[str, str]:
    """A submission as answers to the questions of the form."""
    found = body["found"]
    answers = {
        "inspection": inspection_id,
        "inspected_at": str(body["inspected_at"]),
        "suspicion": str(body.get("suspicion") or "none"),
        "operating": "yes" if found["operating"] else "no",
    }
    answers |= {name: str(value) for name, value in found.items() if name != "operating"}
    for item in body["items"]:
        answers[item["item"]] = item["result"]
        if item["result"] == "fail":
            answers |= {f"{item['item']}_severity": item["severity"], f"{item['item']}_photo": item["photos"][0]}
    return answers


def _multipart(parts: list[tuple[str, str, str, bytes]], boundary: str) -> bytes:
    body = bytearray()
    for name, file_name, media_type, content in parts:
        file = f'; filename="{file_name}"' if file_name else ""
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\nContent-Type: {media_type}\r\n\r\n'
        )
        body += head.encode() + content + b"\r\n"
    return bytes(body + f"--{boundary}--\r\n".encode())

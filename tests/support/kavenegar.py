"""Kavenegar's REST interface as its documentation describes it (kavenegar.com/rest.html), for tests that need it to fail.

Methods answer ``{"return": {"status": …, "message": …}, "entries": […]}``; the HTTP status is the same number. A message
with a local id that is known already is not sent again: the first one's entry is the answer.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SENT, FAILED, DELIVERED, UNDELIVERED, UNKNOWN = 5, 6, 10, 11, 100


@dataclass(slots=True)
class Message:
    message_id: int
    local_id: str
    receptor: str
    text: str
    sender: str | None
    state: int = SENT


@dataclass(slots=True)
class FakeKavenegar:
    """`answer_after_s`: takes the message first and answers late. `fails_with`: (HTTP status, return status), in the words
    of `fails_saying`.
    """

    api_key: str
    messages: list[Message] = field(default_factory=list[Message])
    calls: list[str] = field(default_factory=list[str])
    answer_after_s: float = 0.0
    fails_with: tuple[int, int] | None = None
    fails_saying: str = "سرور قادر به پاسخگوئی نیست"

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/v1/{key}/sms/{method}.json", self._call, methods=["GET", "POST"])])

    async def _call(self, request: Request) -> Response:
        method = request.path_params["method"]
        self.calls.append(method)
        if request.path_params["key"] != self.api_key:
            return _answer(403, "کد شناسائی API-Key معتبر نمی‌باشد")
        if self.fails_with is not None:
            http_status, status = self.fails_with
            return _answer(status, self.fails_saying, http_status=http_status)
        form = dict(await request.form())
        match method:
            case "send":
                answer = self._send({key: str(value) for key, value in form.items()})
                await asyncio.sleep(self.answer_after_s)
                return answer
            case "status":
                ids = {int(one) for one in str(form["messageid"]).split(",")}
                found = [one for one in self.messages if one.message_id in ids]
                lost = ids - {one.message_id for one in found}
                unknown = [{"messageid": one, "status": UNKNOWN, "statustext": "نامعتبر"} for one in lost]
                return _answer(200, entries=[*map(_state, found), *unknown])
            case "statuslocalmessageid":
                found = [one for one in self.messages if one.local_id == form["localid"]]
                nothing = {"messageid": 0, "localid": form["localid"], "status": UNKNOWN, "statustext": "نامعتبر"}
                return _answer(200, entries=[_state(one) for one in found] or [nothing])
            case _:
                return _answer(404, "متدی با این نام پیدا نشده است")

    def _send(self, form: dict[str, str]) -> Response:
        if not form.get("receptor", "").startswith("09"):
            return _answer(411, "دریافت کننده نامعتبر است")
        if not form.get("message"):
            return _answer(413, "پیام خالی است و یا طول پیام بیش از حد مجاز می‌باشد")
        known = [one for one in self.messages if one.local_id == form["localid"]]
        if not known:
            message_id = 8_792_343 + len(self.messages)
            known = [Message(message_id, form["localid"], form["receptor"], form["message"], form.get("sender"))]
            self.messages += known
        return _answer(200, entries=[_entry(known[0])])


def _entry(message: Message) -> dict[str, Any]:
    return {
        "messageid": message.message_id,
        "message": message.text,
        "status": message.state,
        "statustext": "ارسال شده",
        "sender": message.sender or "10004346",
        "receptor": message.receptor,
        "date": 1_356_619_709,
        "cost": 120,
    }


def _state(message: Message) -> dict[str, Any]:
    return {"messageid": message.message_id, "localid": message.local_id, "status": message.state, "statustext": ""}


def _answer(
    status: int,
    message: str = "تایید شد",
    *,
    entries: list[dict[str, Any]] | None = None,
    http_status: int | None = None,
) -> Response:
    return JSONResponse(
        {"return": {"status": status, "message": message}, "entries": entries}, status_code=http_status or status
    )

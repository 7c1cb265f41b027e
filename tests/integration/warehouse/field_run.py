"""Carries out a scenario over HTTP as phones and people do: phones forget what was answered and send the rest again, people
decide about what they see, until nothing is left to send or to decide."""

import asyncio
import functools
import re
import zlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from services.warehouse.domain import photo_refusals, refusals, submission_refusals
from services.warehouse.domain.submission import CONFLICT_REFUSALS
from shared.contracts.refusals import RefusalType
from tests.integration.warehouse.field_story import (
    CAPACITY_TONNES,
    Channel,
    Decide,
    Finding,
    Form,
    Look,
    Reassign,
    Scenario,
    Send,
    SendPhoto,
    Step,
)
from tests.integration.warehouse.phone import Phone, told
from tests.integration.warehouse.province import Province, site_row, submission
from tests.support.field_forms import as_kobo_payload
from tests.support.pictures import encode, scene

ROUNDS_MAX = 12
"""Of sending and deciding what is left; more means that it would never end."""
THINKING_S = 0.01
"""Between what a person sees and decides, when others are busy at the same time."""
REASON = "سنجیده شد"
CONFLICTS = frozenset(reason.code for reason in CONFLICT_REFUSALS.values()) | {
    submission_refusals.CONFLICT_SETTLED.code
}
"""What a phone is told of a form that is kept for a person to decide."""
NOT_ASSIGNED = refusals.SUBMISSION_NOT_ASSIGNED.code
COMPLETED = refusals.INSPECTION_WRONG_STATE.code
PERSON_REFUSALS = frozenset(
    {
        "warehouse.inspection.wrong_state",
        "warehouse.inspection.already_open",
        "warehouse.review.photos_missing",
        "warehouse.review.conflict_open",
        "warehouse.submission.changed",
        "warehouse.submission_conflict.already_resolved",
    }
)
"""What a person may be told who decides at the same time as others."""


@dataclass(slots=True)
class FieldRun:
    """One execution of a scenario in an empty province. `told` holds, by site, what was refused to whom, in words that do
    not depend on the run; `kept` the forms that were answered with success, `arrived` the photos."""

    province: Province
    scenario: Scenario
    nonce: str = field(default_factory=lambda: uuid4().hex[:12])
    sites: list[str] = field(default_factory=list[str])
    inspections: list[list[str]] = field(default_factory=list[list[str]])
    told: list[set[str]] = field(default_factory=list[set[str]])
    kept: dict[Form, str] = field(default_factory=dict[Form, str])
    conflicting: set[Form] = field(default_factory=set[Form])
    arrived: set[tuple[Form, str]] = field(default_factory=set[tuple[Form, str]])
    refused_photos: set[tuple[Form, str]] = field(default_factory=set[tuple[Form, str]])
    handed_over: set[int] = field(default_factory=set[int])
    progress: int = 0
    thinking_s: float = 0.0
    _deciding: defaultdict[int, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def run(self) -> None:
        """The schedule, batch by batch, and then whatever is left to do. Fails where it would never end."""
        stories = self.scenario.stories
        registered = await self.province.register(*(site_row(one.site + 1, one.county) for one in stories))
        self.sites = [str(site) for site in registered]
        self.told = [set() for _ in stories]
        for story, site in zip(stories, registered, strict=True):
            assigned = await self.province.assign(site, story.county, self.inspector(story.site, 1))
            self.inspections.append([assigned])
        for batch in self.scenario.schedule:
            self.thinking_s = THINKING_S if len(batch) > 1 else 0.0
            await asyncio.gather(*(self._do(step) for step in batch))
        self.thinking_s = 0.0
        for _ in range(ROUNDS_MAX):
            before = self.progress
            for story in stories:
                await self._finish(story.site, story.forms)
            if self.progress == before:
                return
        raise AssertionError(f"people and phones are still busy after {ROUNDS_MAX} rounds")

    def inspector(self, site: int, number: int) -> str:
        return f"inspector{'' if number == 1 else number}.{self.scenario.stories[site].county}"

    def instance_id(self, label: str) -> str:
        return f"uuid:{self.nonce}-{label}"

    async def _do(self, step: Step) -> None:
        match step:
            case Send(form, channel, attached):
                await self._send(form, channel, attached)
            case SendPhoto(form, name):
                await self._send_photo(form, name, self.inspections[form.site][0])
            case Look(site, reviewer):
                await self._look(site, reviewer)
            case Decide(site, reviewer):
                await self._decide(site, reviewer)
            case Reassign(site):
                await self._reassign(site)

    async def _finish(self, site: int, forms: Iterable[Form]) -> None:
        """What is left: forms and photos without a final answer, conflicts, what waits for its review."""
        for form in forms:
            photos = [name for name in form.photos if (form, name) not in self.arrived | self.refused_photos]
            if form not in self.kept or photos:
                await self._send(form, Channel.JSON)
            for name in photos if form in self.kept else []:
                await self._send_photo(form, name, self.kept[form])
        await self._decide(site, 1)
        await self._look(site, 1)
        if site not in self.handed_over and any(form.inspector == 2 for form in forms):
            await self._reassign(site)

    async def _send(self, form: Form, channel: Channel, attached: tuple[str, ...] = ()) -> None:
        inspection_id = self.inspections[form.site][0]
        who = self.inspector(form.site, form.inspector)
        if channel is Channel.OPENROSA:
            return await self._send_form(form, attached, Phone(self.province.client, who))
        if channel is Channel.KOBO:
            path, body = "/hooks/kobo", as_kobo_payload(self._filled(form), who)
        else:
            path, body = f"/inspections/{inspection_id}/submission", self._document(form)
        key = f"{self.nonce}-{form.mark}" if channel is Channel.KEYED else None
        answer = await self.province.client.post(path, json=body, headers=self.province.headers(who, key))
        if answer.status_code == 201:
            self._keep(form, answer.json()["inspection_id"])
        else:
            self._refused(form, answer.json()["code"])
        return None

    async def _send_form(self, form: Form, attached: tuple[str, ...], phone: Phone) -> None:
        pictures = {name: self.picture(form, name) for name in attached}
        answer = await phone.send(self._filled(form), pictures, is_incomplete=set(attached) != set(form.photos))
        if answer.status_code in (201, 202):
            self._keep(form, None)
            self.arrived |= {(form, name) for name in attached}
            return
        code = code_of(told(answer))
        if code == COMPLETED and attached:
            self._keep(form, None)
            for name in attached:
                self._refuse_photo(form, name, code)
        else:
            self._refused(form, code)

    def _keep(self, form: Form, inspection_id: str | None) -> None:
        """The inspection that holds a form is known where the answer names it; a phone asks again where it does not."""
        self.progress += form not in self.kept
        if inspection_id is not None or form not in self.kept:
            self.kept[form] = inspection_id or self.inspections[form.site][0]

    def _refused(self, form: Form, code: str) -> None:
        assert code in CONFLICTS | {NOT_ASSIGNED}, f"a phone is refused {form} with {code}"
        if code in CONFLICTS:
            self.progress += form not in self.conflicting
            self.conflicting.add(form)
        if code != submission_refusals.CONFLICT_SETTLED.code:
            self.told[form.site].add(f"form {form.mark}: {code}")

    async def _send_photo(self, form: Form, name: str, inspection_id: str) -> None:
        path = f"/inspections/{inspection_id}/submissions/{self.instance_id(form.instance)}/photos/{name}"
        headers = self.province.headers(self.inspector(form.site, form.inspector)) | {"Content-Type": "image/jpeg"}
        answer = await self.province.client.post(path, content=self.picture(form, name), headers=headers)
        if answer.status_code == 201:
            self.progress += (form, name) not in self.arrived
            self.arrived.add((form, name))
            return None
        code = answer.json()["code"]
        assert code in {NOT_ASSIGNED, COMPLETED}, f"a phone is refused {name} of {form} with {code}"
        if code == COMPLETED and form in self.kept and inspection_id == self.inspections[form.site][0]:
            # Asked again, the form's own answer may name a further inspection that still takes photos.
            await self._send(form, Channel.JSON)
            if self.kept[form] != inspection_id:
                return await self._send_photo(form, name, self.kept[form])
        self._refuse_photo(form, name, code)
        return None

    def _refuse_photo(self, form: Form, name: str, code: str) -> None:
        """A photo whose form was refused needs no words of its own."""
        if code == COMPLETED and form in self.kept:
            self.told[form.site].add(f"photo {form.mark}/{name}: {code}")
            self.refused_photos.add((form, name))

    async def _look(self, site: int, reviewer: int) -> None:
        """Decide about what is there to review: what is faulty is returned, the rest approved."""
        who = self._reviewer(site, reviewer)
        for inspection_id in list(self.inspections[site]):
            path = f"/inspections/{inspection_id}"
            detail = await self.province.ask("GET", path, who)
            if detail["inspection"]["state"] != "submitted":
                continue
            seen = _in_force(detail)
            is_faulty = self._form_of(seen["in_use_capacity_tonnes"]).is_faulty
            body = {"decision": "return", "reasons": [REASON]} if is_faulty else {"decision": "approve"}
            answer = await self._ask_as_person(f"{path}/review", who, body | {"submission_id": seen["submission_id"]})
            self.progress += answer is not None

    async def _decide(self, site: int, reviewer: int) -> None:
        """The truer form holds; a faulty one never takes another's place."""
        who = self._reviewer(site, reviewer)
        query = f"/submission-conflicts?is_open=true&inspection_id={self.inspections[site][0]}"
        for line in (await self.province.ask("GET", query, who))["items"]:
            path = f"/submission-conflicts/{line['conflict_id']}"
            content = (await self.province.ask("GET", path, who))["content"]
            form = self._form_of(float(content["found"]["in_use_capacity_tonnes"]))
            if await self._is_completed(site, who):
                # Who has what is already approved inspected once more looks at the whole site, one person at a time.
                async with self._deciding[site]:
                    await self._resolve(path, form, who)
            else:
                await self._resolve(path, form, who)

    async def _resolve(self, path: str, form: Form, who: str) -> None:
        rank, seen = await self._best_in_force(form.site, who)
        takes = not form.is_faulty and form.rank > rank
        body = {"decision": "take_other" if takes else "keep_first", "reason": REASON, "submission_id": seen}
        answer = await self._ask_as_person(f"{path}/resolution", who, body)
        if answer is not None:
            self.progress += 1
            if answer["inspection_id"] not in self.inspections[form.site]:
                self.inspections[form.site].append(answer["inspection_id"])

    async def _is_completed(self, site: int, who: str) -> bool:
        detail = await self.province.ask("GET", f"/inspections/{self.inspections[site][0]}", who)
        return detail["inspection"]["state"] == "completed"

    async def _best_in_force(self, site: int, who: str) -> tuple[int, str | None]:
        """The highest rank in force at the site, and the submission in force at its first inspection."""
        details = [await self.province.ask("GET", f"/inspections/{one}", who) for one in self.inspections[site]]
        ranks = [
            self._form_of(_in_force(detail)["in_use_capacity_tonnes"]).rank
            for detail in details
            if detail["inspection"]["submission_id"]
        ]
        return max(ranks, default=-1), details[0]["inspection"]["submission_id"]

    async def _reassign(self, site: int) -> None:
        body = {"inspector": self.inspector(site, 2), "reason": REASON}
        path = f"/inspections/{self.inspections[site][0]}/reassignment"
        answer = await self._ask_as_person(path, self._reviewer(site, 1), body)
        if answer is None:
            self.told[site].add("reassignment refused")
        elif site not in self.handed_over:
            self.progress += 1
            self.handed_over.add(site)

    async def _ask_as_person(self, path: str, who: str, body: dict[str, Any]) -> Any:
        """The answer; None where it was refused as may happen to people who decide at the same time as others."""
        await asyncio.sleep(self.thinking_s)
        answer = await self.province.client.post(path, json=body, headers=self.province.headers(who))
        if answer.is_success:
            return answer.json()
        assert _code(answer) in PERSON_REFUSALS, f"{path} is refused with {answer.text}"
        return None

    def _reviewer(self, site: int, number: int) -> str:
        return f"reviewer{'' if number == 1 else number}.{self.scenario.stories[site].county}"

    def _form_of(self, mark: float) -> Form:
        [form] = [form for story in self.scenario.stories for form in story.forms if form.mark == mark]
        return form

    def picture(self, form: Form, name: str) -> bytes:
        return _picture(f"{form.site} {form.instance} {name}")

    def _document(self, form: Form) -> dict[str, Any]:
        changes: dict[str, Any] = {"photos": [name for name in form.photos if form.has_site_photo][-1:]}
        if form.deprecated is not None:
            changes["deprecated_id"] = self.instance_id(form.deprecated)
        return submission(
            instance_id=self.instance_id(form.instance),
            failed=dict(form.failed),
            suspicion=form.suspicion,
            found={
                "capacity_tonnes": CAPACITY_TONNES[form.finding],
                "in_use_capacity_tonnes": form.mark,
                "operating": form.finding is not Finding.CLOSED,
            },
            **changes,
        )

    def _filled(self, form: Form) -> bytes:
        answers: dict[str, Any] = {"suspicion": form.suspicion or "none"}
        if form.has_site_photo:
            answers["site_photo"] = form.photos[-1]
        return Phone(self.province.client).fill(
            self.inspections[form.site][0],
            self.instance_id(form.instance),
            form.deprecated and self.instance_id(form.deprecated),
            failed=dict(form.failed),
            capacity_tonnes=str(CAPACITY_TONNES[form.finding]),
            in_use_capacity_tonnes=str(form.mark),
            operating="no" if form.finding is Finding.CLOSED else "yes",
            **answers,
        )


def code_of(text: str) -> str:
    """The code of a refusal by what a phone shows in Persian."""
    for reason in _reasons():
        if re.fullmatch(re.sub(r"\\\{[a-z_]+\\\}", ".*", re.escape(reason.text_fa)), text):
            return reason.code
    return f"unknown: {text}"


@functools.cache
def _reasons() -> tuple[RefusalType, ...]:
    modules = (submission_refusals, refusals, photo_refusals)
    return tuple(value for one in modules for value in vars(one).values() if isinstance(value, RefusalType))


def _in_force(detail: dict[str, Any]) -> dict[str, Any]:
    [seen] = [one for one in detail["submissions"] if one["submission_id"] == detail["inspection"]["submission_id"]]
    return seen


def _code(answer: httpx.Response) -> str:
    return answer.json()["code"]


@functools.cache
def _picture(name: str) -> bytes:
    return encode(scene(zlib.crc32(name.encode()), (64, 48)))

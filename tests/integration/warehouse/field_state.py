"""What a run of a field scenario left behind, and what must hold of it whatever the order was.

Read beneath the API by the tests' own eye. Forms are recognised by their mark (`field_story.Form.mark`), so that two runs
are compared without their ids and moments.
"""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from shared.contracts.warehouse import InspectionCompleted, Verdict
from tests.integration.warehouse.field_run import FieldRun
from tests.integration.warehouse.field_story import CAPACITY_TONNES, VERDICTS, Form

Row = dict[str, Any]
NOT_COMPARED = frozenset({"due_on", "due_at", "inspected_at", "county"})


@dataclass(frozen=True, slots=True)
class SiteState:
    """All that is there of one site. `inspections` in their order; photos of a submission as ``name: its bytes' hash``."""

    warehouse: Row
    inspections: list[Row]
    submissions: list[Row]
    conflicts: list[Row]
    reviews: list[Row]
    reassignments: int
    discrepancies: list[Row]
    actions: list[Row]
    holds: list[Row]
    proposals: list[Row]
    events: list[tuple[str, Row]]

    def in_force(self, inspection: Row) -> Row:
        [found] = [one for one in self.submissions if one["submission_id"] == inspection["submission_id"]]
        return found

    def outcome(self) -> dict[str, Any]:
        """What two runs are compared by: everything but ids, moments and the way there."""
        return {
            "warehouse": _plain(self.warehouse),
            "inspections": [
                (one["state"], one["verdict"], one["inspector"], self.in_force(one)["mark"]) for one in self.inspections
            ],
            "submissions": sorted(
                (
                    one["mark"],
                    json.dumps({name: bool(sha256) for name, sha256 in one["photos"].items()}, sort_keys=True),
                )
                for one in self.submissions
            ),
            "conflicts": sorted((one["mark"], one["ground"], one["decision"]) for one in self.conflicts),
            "reassignments": self.reassignments,
            "discrepancies": sorted(map(_text, self.discrepancies)),
            "actions": sorted(map(_text, self.actions)),
            "holds": sorted(map(_text, self.holds)),
            "proposals": sorted(map(_text, self.proposals)),
            "events": sorted(f"{kind} {_text(body)}" for kind, body in self.events),
        }


async def read_sites(run: FieldRun) -> list[SiteState]:
    """The state of every site of a run, in the order of the stories."""
    return [await _read_site(run, warehouse_id) for warehouse_id in run.sites]


async def _read_site(run: FieldRun, warehouse_id: str) -> SiteState:
    async def rows(query: str) -> list[Row]:
        return [dict(row) for row in await run.province.superuser.fetch(query, warehouse_id)]

    of_site = "inspection_id IN (SELECT inspection_id FROM inspection WHERE warehouse_id = $1::text::uuid)"
    [warehouse] = await rows(
        """SELECT verified_capacity_tonnes::float8, in_use_capacity_tonnes::float8, last_inspected_at,
                  capacity_tonnes::float8, status
           FROM warehouse WHERE warehouse_id = $1::text::uuid"""
    )
    submissions = await rows(
        f"""SELECT submission_id, inspection_id, instance_id, deprecated_id, submitted_by, conflict_id,
                   found_in_use_capacity_tonnes::integer AS mark,
                   (SELECT coalesce(jsonb_object_agg(named.name, photo.original_sha256), '{{}}')::text
                    FROM submission_photo AS named LEFT JOIN photo USING (photo_id)
                    WHERE named.submission_id = submission.submission_id) AS photos
            FROM submission WHERE {of_site} ORDER BY submission_id"""
    )
    for one in submissions:
        one["photos"] = json.loads(one["photos"])
    return SiteState(
        warehouse=warehouse,
        inspections=await rows(
            """SELECT inspection_id, state, verdict, inspector, submission_id FROM inspection
               WHERE warehouse_id = $1::text::uuid ORDER BY inspection_id"""
        ),
        submissions=submissions,
        conflicts=await rows(
            f"""SELECT inspection_id, taken_submission_id, ground, decision,
                       (content -> 'found' ->> 'in_use_capacity_tonnes')::numeric::integer AS mark
                FROM submission_conflict WHERE {of_site} ORDER BY conflict_id"""
        ),
        reviews=await rows(
            f"SELECT inspection_id, submission_id, decision FROM inspection_review WHERE {of_site} ORDER BY review_id"
        ),
        reassignments=len(
            await rows(f"SELECT change FROM inspection_change WHERE {of_site} AND change = 'reassigned'")
        ),
        discrepancies=await rows(
            "SELECT verdict, fields, resolved_at FROM discrepancy WHERE warehouse_id = $1::text::uuid"
        ),
        actions=await rows("SELECT item, severity, state FROM corrective_action WHERE warehouse_id = $1::text::uuid"),
        holds=await rows("SELECT ground, referred_to, lifted_at FROM hold WHERE warehouse_id = $1::text::uuid"),
        proposals=await rows(
            "SELECT field, proposed_value, state FROM registry_proposal WHERE warehouse_id = $1::text::uuid"
        ),
        events=[
            (row["type"].split(".")[1], _plain(json.loads(row["body"])))
            for row in await rows(
                """SELECT type, convert_from(body, 'UTF8') AS body FROM outbox
                   WHERE convert_from(body, 'UTF8') LIKE '%' || $1 || '%' ORDER BY position"""
            )
        ],
    )


def check_site(run: FieldRun, number: int, state: SiteState) -> None:
    """What holds after every run. Fails by AssertionError."""
    forms = {form.mark: form for form in run.scenario.stories[number].forms}
    assert all(one["state"] == "completed" for one in state.inspections), "an inspection never ends"
    assert all(one["decision"] for one in state.conflicts), "a conflict that nobody sees"
    _check_nothing_lost(run, number, state, forms)
    _check_nothing_replaced_silently(state)
    _check_photos(run, state, forms)
    _check_counted_once(state, forms)
    _check_truest_holds(state, forms)


def _check_nothing_lost(run: FieldRun, number: int, state: SiteState, forms: dict[int, Form]) -> None:
    """Every content that a phone sent is a submission or a kept conflict, or was refused by name."""
    kept = Counter(one["mark"] for one in state.submissions)
    conflicting = Counter(one["mark"] for one in state.conflicts)
    assert not [mark for mark in kept if kept[mark] > 1], f"kept twice: {kept}"
    assert not [mark for mark in conflicting if conflicting[mark] > 1], f"in conflict twice: {conflicting}"
    for mark, form in forms.items():
        if form in run.kept:
            assert kept[mark], f"answered as received, and not there: {form}"
        if form in run.conflicting:
            assert conflicting[mark], f"told as a conflict, and not there: {form}"
        is_refused = any(one.startswith(f"form {mark}: ") for one in run.told[number])
        assert kept[mark] or conflicting[mark] or is_refused, f"lost without a word: {form}"
        # A conflict that a person took is a submission, too; nothing else is both.
        taken = [one["mark"] for one in state.submissions if one["conflict_id"]]
        assert not (kept[mark] and conflicting[mark] and mark not in taken), f"both kept and in conflict: {form}"


def _check_nothing_replaced_silently(state: SiteState) -> None:
    """A submission that does not hold was replaced by its inspector's own edit, returned, or put aside by a person."""
    edited = {(one["inspection_id"], one["deprecated_id"], one["submitted_by"]) for one in state.submissions}
    returned = {one["submission_id"] for one in state.reviews if one["decision"] == "return"}
    decided = {one["inspection_id"] for one in state.submissions if one["conflict_id"]}
    holding = {one["submission_id"] for one in state.inspections}
    for one in state.submissions:
        is_edited = (one["inspection_id"], one["instance_id"], one["submitted_by"]) in edited
        is_explained = is_edited or one["submission_id"] in returned or one["inspection_id"] in decided
        assert one["submission_id"] in holding or is_explained, f"replaced in silence: {one}"


def _check_photos(run: FieldRun, state: SiteState, forms: dict[int, Form]) -> None:
    """A photo that was taken from a phone is where its form names it, and no other one is."""
    for one in state.submissions:
        form = forms[one["mark"]]
        assert set(one["photos"]) == set(form.photos)
        for name, sha256 in one["photos"].items():
            expected = hashlib.sha256(run.picture(form, name)).hexdigest()
            assert sha256 in (None, expected), f"the photo {name} of {form} is another's"
            assert sha256 or (form, name) not in run.arrived, f"the photo {name} of {form} came and is not there"
    for inspection in state.inspections:
        assert all(state.in_force(inspection)["photos"].values()), "approved before its photos were there"


def _check_counted_once(state: SiteState, forms: dict[int, Form]) -> None:
    """Each inspection was approved once and told once, with what its submission says, and so was what follows from it."""
    approvals = Counter(one["submission_id"] for one in state.reviews if one["decision"] == "approve")
    assert approvals == Counter(one["submission_id"] for one in state.inspections), "approved twice, or something else"
    holding = [forms[state.in_force(one)["mark"]] for one in state.inspections]
    assert not [form for form in holding if form.is_faulty], "what nobody would have approved was approved"
    told = Counter(kind for kind, _ in state.events)
    completed = [body for kind, body in state.events if kind == InspectionCompleted.__name__]
    assert sorted(
        (body["in_use_capacity_tonnes"], body["verdict"], body["failed_items"]) for body in completed
    ) == sorted((form.mark, VERDICTS[form.finding], len(form.failed)) for form in holding)
    assert sorted(one["verdict"] for one in state.discrepancies) == sorted(
        VERDICTS[form.finding] for form in holding if VERDICTS[form.finding] is not Verdict.CONFIRMED
    )
    actions = Counter((one["item"], one["severity"]) for one in state.actions)
    assert actions == Counter(failed for form in holding for failed in form.failed)
    assert sorted(one["ground"] for one in state.holds) == sorted(
        {form.suspicion for form in holding if form.suspicion}
    )
    assert told["DiscrepancyFound"] == len(state.discrepancies)
    assert told["CorrectiveActionOpened"] == len(state.actions)
    assert told["WarehousePutOnHold"] == len(state.holds)
    assert told["InspectionScheduled"] == len(state.inspections)
    assert told["InspectionReassigned"] == state.reassignments, "an inspection changed hands and nobody was told"
    further = [one for one in state.conflicts if one["taken_submission_id"] in _holding_further(state)]
    assert len(further) == len(state.inspections) - 1, "a further inspection without a person's decision"


def _holding_further(state: SiteState) -> set[object]:
    return {one["submission_id"] for one in state.inspections[1:]}


def _check_truest_holds(state: SiteState, forms: dict[int, Form]) -> None:
    """Of all that was kept, the truest is what the site's last inspection holds and what its figures say."""
    truest = forms[
        max(one["mark"] for one in [*state.submissions, *state.conflicts] if not forms[one["mark"]].is_faulty)
    ]
    assert state.in_force(state.inspections[-1])["mark"] == truest.mark, f"{truest} was kept and does not hold"
    assert state.warehouse["in_use_capacity_tonnes"] == truest.mark
    assert state.warehouse["verified_capacity_tonnes"] == CAPACITY_TONNES[truest.finding]


def _plain(row: Row) -> Row:
    return {name: value for name, value in row.items() if not name.endswith("_id") and name not in NOT_COMPARED}


def _text(row: Row) -> str:
    return json.dumps(row, sort_keys=True, default=str)


def compare(serial: FieldRun, serial_states: list[SiteState], run: FieldRun, states: list[SiteState]) -> None:
    """A site whose people were refused and decided just what they are refused and decide in the serial run ends as there, to
    the last event; any other difference has its name in `told` or in a conflict. Fails by AssertionError."""
    for number, (before, after) in enumerate(zip(serial_states, states, strict=True)):
        expected, found = before.outcome(), after.outcome()
        if run.told[number] == serial.told[number] and found["conflicts"] == expected["conflicts"]:
            differing = {name: (expected[name], found[name]) for name in expected if expected[name] != found[name]}
            assert not differing, f"site {number} ends otherwise than in the serial run: {differing}"

"""The forms that phones are given, compiled by pyxform, and how a filled one is read."""

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from services.warehouse.domain.submission import Channel
from services.warehouse.forms.__main__ import compile_form
from services.warehouse.handlers.messages import SubmitInspection
from services.warehouse.openrosa import xml_form
from services.warehouse.openrosa.filled_form import FORM_DIRECTORY, FORM_ID, PUBLISHED, FilledForm, command_of
from services.warehouse.openrosa.kobo import read_kobo_payload, submitter_of
from services.warehouse.openrosa.xml_form import read_xml_form
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import ChecklistItem, HoldGround, WarehouseKind
from tests.support.field_forms import INSPECTION_2, VERSION_2, answers_of_site, as_kobo_payload, form_filler

SITE = "019aa000-0000-7000-8000-000000000001"


@pytest.mark.parametrize("source", [*FORM_DIRECTORY.glob("*.md"), INSPECTION_2], ids=lambda source: source.stem)
def test_a_compiled_form_is_what_its_source_says(source: Path) -> None:
    assert source.with_suffix(".xml").read_text(encoding="utf-8") == compile_form(source), "run `make forms`"


def test_every_source_is_published_and_nothing_else() -> None:
    assert {version.xform for version in PUBLISHED.values()} == {
        source.with_suffix(".xml") for source in FORM_DIRECTORY.glob("*.md")
    }


def test_every_published_version_says_which_it_is() -> None:
    for name, version in PUBLISHED.items():
        text = version.xform.read_text(encoding="utf-8")
        assert (version.version, f'id="{FORM_ID}" version="{name}"' in text, f"calculate=\"'{name}'\"" in text) == (
            name,
            True,
            True,
        )


def test_the_form_is_blind_and_speaks_both_languages() -> None:
    """Of the attached sites it reads the address alone, and it asks for every figure without a proposed one."""
    text = PUBLISHED["1"].xform.read_text(encoding="utf-8")
    assert set(re.findall(r"instance\('sites'\)[^\"]*\]/(\w+)", text)) == {"address"}
    root = ET.fromstring(text)  # noqa: S314 - our own
    instance = next(node for node in root.iter() if node.get("id") == FORM_ID)
    figures = next(node for node in instance if node.tag.endswith("figures"))
    assert [child.text for child in figures] == [None] * len(figures)
    translations = [node for node in root.iter() if node.tag.endswith("}translation")]
    assert {node.get("lang") for node in translations} == {"Persian (fa)", "English (en)"}
    counts = {len(list(node.iter("{http://www.w3.org/2002/xforms}text"))) for node in translations}
    assert len(counts) == 1


@pytest.mark.parametrize("openrosa_meta", [False, True])
def test_a_filled_form_becomes_the_command(openrosa_meta: bool) -> None:
    answers = answers_of_site(SITE, failed={"fire_safety": "critical"}, suspicion="biological_hazard")
    answers |= {
        "location": "35.5812345 51.4398761 1180.5 4.2",
        "operator_id": "۱۰۱۰۰۰۰۰۰۰۱",
        "capacity_tonnes": "۱۰۰۰٫۵",
    }
    content = form_filler().fill(answers, instance_id="uuid:1", deprecated_id="uuid:0", openrosa_meta=openrosa_meta)
    command = command_of(read_xml_form(content), Channel.OPENROSA)
    assert (str(command.inspection_id), command.instance_id, command.deprecated_id) == (SITE, "uuid:1", "uuid:0")
    assert (str(command.found.capacity_tonnes), command.found.kind) == ("1000.500", WarehouseKind.GENERAL)
    assert (str(command.found.latitude), str(command.found.longitude)) == ("35.581234", "51.439876")
    assert command.suspicion is HoldGround.BIOLOGICAL_HAZARD
    assert {given.item for given in command.items} == set(ChecklistItem)
    assert [(given.item, given.severity, given.photos) for given in command.items if given.result == "fail"] == [
        (ChecklistItem.FIRE_SAFETY, "critical", ["fire_safety.jpg"])
    ]


def test_versions_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new version with repeated photos, while the first one keeps working."""
    one = form_filler().fill(answers_of_site(SITE), instance_id="uuid:1")
    answers = answers_of_site(SITE, failed={"structure": "minor"}) | {"structure_photo": ["a.jpg", "b.jpg"]}
    two = form_filler(INSPECTION_2).fill(answers | {"site_photo": ["c.jpg"]}, instance_id="uuid:2")
    with pytest.raises(Refusal, match=r"form\.unknown"):
        command_of(read_xml_form(two), Channel.OPENROSA)
    monkeypatch.setitem(PUBLISHED, "2", VERSION_2)
    command = command_of(read_xml_form(two), Channel.OPENROSA)
    assert [given.photos for given in command.items if given.photos] == [["a.jpg", "b.jpg"]]
    assert (command.photos, command.form_version) == (["c.jpg"], "2")
    assert command_of(read_xml_form(one), Channel.OPENROSA).form_version == "1"


def test_json_xml_and_kobo_say_the_same() -> None:
    filled = form_filler().fill(answers_of_site(SITE, failed={"structure": "minor"}), instance_id="uuid:1")
    payload = as_kobo_payload(filled, submitted_by="inspector.rey")

    def content(command: SubmitInspection) -> dict[str, object]:
        return command.model_dump(exclude={"channel"})

    kobo = command_of(read_kobo_payload(payload), Channel.KOBO)
    assert content(kobo) == content(command_of(read_xml_form(filled), Channel.OPENROSA))
    assert submitter_of(payload) == "inspector.rey"


@pytest.mark.parametrize("payload", [{}, {"_submitted_by": None}, {"_submitted_by": " "}, {"_submitted_by": 7}])
def test_a_hook_that_does_not_say_who(payload: dict[str, object]) -> None:
    with pytest.raises(Refusal, match="submitter_missing"):
        submitter_of(payload)


def test_a_hook_that_does_not_say_which_version() -> None:
    with pytest.raises(Refusal, match="answer_missing"):
        read_kobo_payload({"__version__": "vAbC", "meta/instanceID": "uuid:1"})


BOMB = '<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d "&b;&b;">]><a id="payesh_inspection">&d;</a>'


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_xml"),
        (b"<a", "not_xml"),
        (b"{}", "not_xml"),
        (b"\xff\xd8\xff\xe0", "not_xml"),
        (b"<?xml version='1.0' encoding='no-such'?><a/>", "not_xml"),
        (b"<a>&b;</a>", "not_xml"),
        (BOMB.encode(), "dtd_forbidden"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "dtd_forbidden"),
        (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "dtd_forbidden"),
        (b"<a>" * 17 + b"</a>" * 17, "too_large"),
        (b"<a>" * 200_000, "too_large"),
        (b"<r>" + b"<a/>" * 5_000 + b"</r>", "too_large"),
        (b" " * (xml_form.FORM_BYTES_MAX + 1), "too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value[:24]),
)
def test_hostile_xml(content: bytes, code: str) -> None:
    with pytest.raises(Refusal, match=f"warehouse.form.{code}"):
        read_xml_form(content)


def _without(path: str) -> Callable[[FilledForm], FilledForm]:
    return lambda form: FilledForm(
        form.form_id, form.version, {name: texts for name, texts in form.answers.items() if name != path}
    )


def _with(path: str, text: str) -> Callable[[FilledForm], FilledForm]:
    return lambda form: FilledForm(form.form_id, form.version, {**form.answers, path: [text]})


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        (_without("meta/instanceID"), "answer_missing", "meta/instanceID"),
        (_without("site/inspection"), "answer_missing", "site/inspection"),
        (_without("checks/structure"), "answer_missing", "checks/structure"),
        (_with("checks/structure", "perhaps"), "answer_wrong", "checks/structure"),
        (_with("checks/fire_safety_severity", "huge"), "answer_wrong", "checks/fire_safety_severity"),
        (_with("checks/fire_safety_photo", "../../etc/passwd"), "answer_wrong", "checks/fire_safety_photo"),
        (_with("figures/capacity_tonnes", "many"), "answer_wrong", "figures/capacity_tonnes"),
        (_with("figures/capacity_tonnes", "NaN"), "answer_wrong", "figures/capacity_tonnes"),
        (_with("figures/operating", "maybe"), "answer_wrong", "figures/operating"),
        (_with("visit/location", "35.5"), "answer_wrong", "visit/location"),
        (_with("visit/inspected_at", "yesterday"), "answer_wrong", "visit/inspected_at"),
        (_with("site/inspection", "7"), "answer_wrong", "site/inspection"),
        (_with("meta/instanceID", "uuid:\0"), "answer_wrong", "meta/instanceID"),
        (_with("ending/suspicion", "rumour"), "answer_wrong", "ending/suspicion"),
        (_with("ending/site_photo", "a b"), "answer_wrong", "ending/site_photo"),
    ],
)
def test_answers_that_cannot_be(change: Callable[[FilledForm], FilledForm], code: str, told: str) -> None:
    form = read_xml_form(form_filler().fill(answers_of_site(SITE), instance_id="uuid:1"))
    with pytest.raises(Refusal, match=f"warehouse.form.{code}") as refused:
        command_of(change(form), Channel.OPENROSA)
    assert told in refused.value.text("fa")


def test_unknown_questions_are_ignored() -> None:
    form = read_xml_form(form_filler().fill(answers_of_site(SITE), instance_id="uuid:1"))
    assert command_of(_with("extra/question", "42")(form), Channel.OPENROSA) == command_of(form, Channel.OPENROSA)


@pytest.mark.parametrize(("form_id", "version"), [("other", "1"), (FORM_ID, "0"), (FORM_ID, ""), ("", "1")])
def test_unknown_forms(form_id: str, version: str) -> None:
    with pytest.raises(Refusal, match=r"form\.unknown"):
        command_of(FilledForm(form_id, version, {}), Channel.OPENROSA)


def test_the_second_form_is_test_data_only() -> None:
    assert Path(INSPECTION_2).parent != FORM_DIRECTORY

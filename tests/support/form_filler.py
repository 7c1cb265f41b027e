"""Fills a compiled XForm as ODK Collect does, from nothing but the form's own instance, binds and choices."""

import copy
import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET

XFORMS = "{http://www.w3.org/2002/xforms}"
JAVAROSA = "{http://openrosa.org/javarosa}"
OPENROSA_XFORMS = "http://openrosa.org/xforms"

Answers = Mapping[str, str | Sequence[str]]

_COMPARISON = re.compile(r"\s*(/\S+)\s*(!?=)\s*'([^']*)'\s*")


class FormFiller:
    """One published form. Answers are given by the question's own name; several of a name fill a repeat."""

    def __init__(self, xform: str) -> None:
        model = ET.fromstring(xform).find(f".//{XFORMS}model")  # noqa: S314 - the repository's own form
        assert model is not None
        instance = model.find(f"{XFORMS}instance")
        assert instance is not None
        self._template = instance[0]
        self._binds = {bind.attrib["nodeset"]: bind.attrib for bind in model.iter(f"{XFORMS}bind")}

    def fill(
        self, answers: Answers, *, instance_id: str, deprecated_id: str | None = None, openrosa_meta: bool = False
    ) -> bytes:
        """The instance as Collect writes it. Fails where a required question has no answer or an answer no question.

        `openrosa_meta` puts the meta block into its own namespace, as forms of other tools do.
        """
        root = copy.deepcopy(self._template)
        unused = set(answers)
        self._drop_templates(root)
        self._answer(root, f"/{_name(root)}", dict(answers), unused)
        assert not unused, f"the form does not ask {unused}"
        self._drop_irrelevant(root, root, f"/{_name(root)}")
        self._require(root, f"/{_name(root)}")
        meta = root.find(f"{XFORMS}meta")
        assert meta is not None
        _child(meta, "instanceID").text = instance_id
        if deprecated_id is not None:
            _child(meta, "deprecatedID").text = deprecated_id
        content = ET.tostring(root, encoding="unicode").replace("ns0:", "").replace("xmlns:ns0", "xmlns:xf")
        if openrosa_meta:
            content = re.sub(r"<(/?)(meta|instanceID|deprecatedID|instanceName)\b", r"<\1orx:\2", content)
            content = content.replace("<data ", f'<data xmlns:orx="{OPENROSA_XFORMS}" ', 1)
        return f"<?xml version='1.0' ?>{content}".encode()

    def _drop_templates(self, node: ET.Element) -> None:
        for child in list(node):
            if f"{JAVAROSA}template" in child.attrib:
                node.remove(child)
            else:
                self._drop_templates(child)

    def _answer(self, node: ET.Element, path: str, answers: dict[str, str | Sequence[str]], unused: set[str]) -> None:
        for child in list(node):
            child_path, name = f"{path}/{_name(child)}", _name(child)
            calculated = self._binds.get(child_path, {}).get("calculate", "")
            if re.fullmatch(r"\s*'[^']*'\s*", calculated):
                child.text = calculated.strip().strip("'")
            repeated = answers.get(_name(child[0])) if len(child) == 1 else None
            if repeated is not None and not isinstance(repeated, str):
                self._repeat(node, child, repeated)
                unused.discard(_name(child[0]))
            elif len(child):
                self._answer(child, child_path, answers, unused)
            elif name in answers:
                answer = answers[name]
                assert isinstance(answer, str), f"{child_path} is asked once"
                child.text = answer
                unused.discard(name)

    def _repeat(self, parent: ET.Element, node: ET.Element, texts: Sequence[str]) -> None:
        at = list(parent).index(node)
        parent.remove(node)
        for offset, text in enumerate(texts):
            one = copy.deepcopy(node)
            one[0].text = text
            parent.insert(at + offset, one)

    def _drop_irrelevant(self, root: ET.Element, node: ET.Element, path: str) -> None:
        for child in list(node):
            child_path = f"{path}/{_name(child)}"
            relevant = self._binds.get(child_path, {}).get("relevant")
            if relevant is not None and not self._holds(root, relevant):
                node.remove(child)
            else:
                self._drop_irrelevant(root, child, child_path)

    def _holds(self, root: ET.Element, expression: str) -> bool:
        found = _COMPARISON.fullmatch(expression)
        assert found is not None, f"the filler does not know {expression!r}"
        node: ET.Element | None = root
        for name in found[1].split("/")[2:]:
            node = None if node is None else node.find(f"{XFORMS}{name}")
        text = "" if node is None else node.text or ""
        return (text == found[3]) == (found[2] == "=")

    def _require(self, node: ET.Element, path: str) -> None:
        for child in node:
            child_path = f"{path}/{_name(child)}"
            if self._binds.get(child_path, {}).get("required") == "true()":
                assert child.text, f"{child_path} is required"
            self._require(child, child_path)


def _name(node: ET.Element) -> str:
    return node.tag.rpartition("}")[2]


def _child(node: ET.Element, name: str) -> ET.Element:
    found = node.find(f"{XFORMS}{name}")
    return ET.SubElement(node, f"{XFORMS}{name}") if found is None else found

"""A filled form as XML, read into answers by path; hostile XML is refused before anything of it is kept."""

import io
from collections import defaultdict
from typing import Final
from xml.etree.ElementTree import ParseError

from services.warehouse.domain import submission_refusals as refusals
from services.warehouse.openrosa.filled_form import FilledForm
from shared.contracts.refusals import Refusal

FORM_BYTES_MAX: Final = 1024 * 1024
FORM_DEPTH_MAX: Final = 16
FORM_NODES_MAX: Final = 5_000


def read_xml_form(content: bytes) -> FilledForm:
    """The form's id, version and answers, namespaces left out: ``{"figures/kind": ["silo"], "meta/instanceID": [...]}``.

    Takes the time of its parsing: call it off the event loop. Raises Refusal `warehouse.form.*`.
    """
    if len(content) > FORM_BYTES_MAX:
        raise Refusal(refusals.FORM_TOO_LARGE, limit=f"{FORM_BYTES_MAX} bytes")
    # Imported where it is used: the XML parser and its guard are memory that a service without forms does not need.
    from defusedxml.common import DefusedXmlException  # noqa: PLC0415

    try:
        return _read(content)
    except DefusedXmlException:
        raise Refusal(refusals.FORM_DTD_FORBIDDEN) from None
    except (ParseError, ValueError, LookupError):
        raise Refusal(refusals.FORM_NOT_XML) from None


def _read(content: bytes) -> FilledForm:
    from defusedxml.ElementTree import iterparse  # noqa: PLC0415 - see read_xml_form

    answers: dict[str, list[str]] = defaultdict(list)
    path: list[str] = []
    has_children: list[bool] = []
    identity: tuple[str, str] | None = None
    nodes = 0
    for event, node in iterparse(io.BytesIO(content), ("start", "end"), forbid_dtd=True):
        if event == "start":
            nodes += 1
            if nodes > FORM_NODES_MAX or len(path) >= FORM_DEPTH_MAX:
                raise Refusal(refusals.FORM_TOO_LARGE, limit=f"{FORM_NODES_MAX} nodes, {FORM_DEPTH_MAX} levels")
            if identity is None:
                identity = (node.get("id") or "", node.get("version") or "")
            if has_children:
                has_children[-1] = True
            path.append(_local_name(node.tag))
            has_children.append(False)
            continue
        text = (node.text or "").strip()
        if not has_children.pop() and text:
            answers["/".join(path[1:])].append(text)
        path.pop()
        node.clear()
    form_id, version = identity or ("", "")
    return FilledForm(form_id, version, dict(answers))


def _local_name(tag: str) -> str:
    return tag.rpartition("}")[2]

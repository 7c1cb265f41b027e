"""What a REST service of KoboToolbox posts: one submission as JSON, questions named by their path with slashes.

Groups and questions keep the names of our form; a repeat is a list of objects, whose keys are whole paths again. Names
that begin with ``_`` are Kobo's own, and so is ``__version__``, so the form's version is its own hidden answer.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final, cast

from services.warehouse.domain import submission_refusals as refusals
from services.warehouse.openrosa.filled_form import FORM_ID, FilledForm
from shared.contracts.refusals import Refusal

VERSION_QUESTION: Final = "form_version"
SUBMITTED_BY: Final = "_submitted_by"


def read_kobo_payload(payload: Mapping[str, Any]) -> FilledForm:
    """The filled form. Raises Refusal when it does not say its version."""
    answers: dict[str, list[str]] = defaultdict(list)
    _collect(payload, answers)
    version = answers.get(VERSION_QUESTION)
    if not version:
        raise Refusal(refusals.FORM_ANSWER_MISSING, questions=VERSION_QUESTION)
    return FilledForm(FORM_ID, version[0], dict(answers))


def submitter_of(payload: Mapping[str, Any]) -> str:
    """The account that filled the form. Raises Refusal when Kobo did not ask for one."""
    submitter = payload.get(SUBMITTED_BY)
    if not isinstance(submitter, str) or not submitter.strip():
        raise Refusal(refusals.FORM_SUBMITTER_MISSING)
    return submitter.strip()


def _collect(group: Mapping[str, Any], answers: dict[str, list[str]]) -> None:
    """Depth is bounded by the boundary's limit on JSON."""
    for path, value in group.items():
        if path.startswith("_") or value is None:
            continue
        if isinstance(value, list):
            for entry in cast("list[object]", value):
                if isinstance(entry, dict):
                    _collect(cast("dict[str, Any]", entry), answers)
        elif isinstance(value, str | int | float) and str(value).strip():
            answers[path].append(str(value).strip())

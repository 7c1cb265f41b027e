"""The text of routing rules: a YAML document, its shape, and the line of each of its places. Pure.

Aliases, tags and repeated keys are refused: an alias can make a short text enormous, a tag makes of a value what it does not
say, a repeated key hides what was meant.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from services.notifications.domain import rule_faults as texts
from services.notifications.domain.escalation import EscalationPolicy
from services.notifications.domain.rule_faults import Faults, Place, RuleFault, RulesError
from services.notifications.domain.rules import Audience
from shared.contracts.counties import County
from shared.contracts.notifications import AlertSeverity
from shared.persian.value_problems import value_problem

DOCUMENT_CHARACTERS_MAX: Final = 200_000
RULES_MAX: Final = 500
RESOLVERS_MAX: Final = 30
INHIBITIONS_MAX: Final = 100
VALUES_MAX: Final = 100
DEPTH_MAX: Final = 16
NODES_MAX: Final = 20_000
"""Values, lists and mappings of a document: what it costs to check grows with them, not with its length."""
FIELDS_MAX: Final = 30
GROUP_WAIT_S_MAX: Final = 3600

_TYPE_NAME_PATTERN = r"^[a-z]+\.[A-Za-z]+\.v[0-9]+$"
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
_Fields = Annotated[tuple[str, ...], Field(max_length=FIELDS_MAX)]
_Values = Annotated[tuple[JsonValue, ...], Field(max_length=VALUES_MAX)]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ConditionDocument(_Document):
    event: Annotated[str, Field(pattern=_TYPE_NAME_PATTERN)]
    when: dict[str, _Values] = {}
    unless: dict[str, _Values] = {}
    subject: Annotated[_Fields, Field(min_length=1)]


class GroupDocument(_Document):
    """`wait_s`: domain seconds that the first alert of a group waits for others."""

    wait_s: Annotated[int, Field(ge=1, le=GROUP_WAIT_S_MAX)]


class RuleDocument(ConditionDocument):
    id: Name
    counties: tuple[County, ...] | None = None
    kind: Name
    severity: AlertSeverity
    policy: Name
    audience: Audience = Audience.WORKING_GROUP
    show: _Fields = ()
    resolved_by: Annotated[tuple[ConditionDocument, ...], Field(max_length=RESOLVERS_MAX)] = ()
    group: GroupDocument | None = None
    digest: bool = False


class InhibitionDocument(_Document):
    """`targets` empty: every kind of the given severities. `severities` empty: all but critical."""

    source: Name
    targets: tuple[Name, ...] = ()
    severities: tuple[AlertSeverity, ...] = ()
    equal: Annotated[_Fields, Field(min_length=1)]


class RulesDocument(_Document):
    policies: dict[Name, EscalationPolicy]
    rules: Annotated[tuple[RuleDocument, ...], Field(min_length=1, max_length=RULES_MAX)]
    inhibitions: Annotated[tuple[InhibitionDocument, ...], Field(max_length=INHIBITIONS_MAX)] = ()


class DocumentText:
    """A text with the lines of its parts; `source` names it in messages. Raises RulesError if it is not YAML."""

    def __init__(self, text: str, source: str) -> None:
        self.source = source
        self._root: yaml.Node | None = None
        if len(text) > DOCUMENT_CHARACTERS_MAX:
            raise self._refused_whole(1, texts.TOO_LONG, limit=DOCUMENT_CHARACTERS_MAX)
        try:
            self._check_events(text)
            loader = _LOADER(text)
            try:
                self._root = cast("yaml.Node | None", loader.get_single_node())
                self._raw: Any = None if self._root is None else loader.construct_document(self._root)
            finally:
                loader.dispose()
        except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            line = 1 if mark is None else int(mark.line) + 1
            message = " ".join(str(getattr(error, "problem", None) or error or type(error).__name__).split())
            raise self._refused_whole(line, texts.NOT_YAML, message=message) from error

    def document(self) -> RulesDocument:
        """The document of the right shape. Raises RulesError."""
        faults = Faults()
        for place, key in _repeated_keys(self._root, ()):
            faults.add(place, texts.KEY_REPEATED, name=key)
        self.refuse(faults)
        try:
            return RulesDocument.model_validate(self._raw)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)
            for fault in found:
                if not _is_follow_up(fault["loc"], fault["type"], [other["loc"] for other in found]):
                    message_fa = value_problem(fault["type"], fault.get("ctx", {}))[1]
                    faults.add(fault["loc"], texts.SHAPE, message=fault["msg"], message_fa=message_fa)
            raise self.error(faults) from error

    def refuse(self, faults: Faults) -> None:
        """Raises RulesError if there is any fault."""
        if faults.found:
            raise self.error(faults)

    def error(self, faults: Faults) -> RulesError:
        return RulesError(
            self.source,
            [
                RuleFault(_line_of(self._root, place), ".".join(map(str, place)), text_en, text_fa)
                for place, text_en, text_fa in faults.found
            ],
        )

    def _check_events(self, text: str) -> None:
        depth = nodes = 0
        events = cast("Iterable[yaml.Event]", yaml.parse(text, Loader=_LOADER))
        for event in events:
            line = 1 if event.start_mark is None else int(event.start_mark.line) + 1
            if isinstance(event, yaml.AliasEvent):
                raise self._refused_whole(line, texts.ALIAS, name=event.anchor)
            if tag := getattr(event, "tag", None):
                raise self._refused_whole(line, texts.TAG, name=tag)
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            nodes += isinstance(event, yaml.NodeEvent)
            if depth > DEPTH_MAX:
                raise self._refused_whole(line, texts.TOO_DEEP, limit=DEPTH_MAX)
            if nodes > NODES_MAX:
                raise self._refused_whole(line, texts.TOO_MANY, limit=NODES_MAX)

    def _refused_whole(self, line: int, fault: texts.FaultType, **values: object) -> RulesError:
        found = RuleFault(line, "document", fault.en.format(**values), fault.fa.format(**values))
        return RulesError(self.source, [found])


def _is_follow_up(place: Place, kind: str, places: Iterable[Place]) -> bool:
    """Whether a list is called too short only because what stands in it is refused as well."""
    return kind == "too_short" and any(other != place and other[: len(place)] == place for other in places)


def _repeated_keys(node: yaml.Node | None, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                yield place, name
            seen.add(name)
            yield from _repeated_keys(value, (*place, name))
    elif isinstance(node, yaml.SequenceNode):
        for at, value in enumerate(node.value):
            yield from _repeated_keys(value, (*place, at))


def _line_of(node: yaml.Node | None, place: Place) -> int:
    """The line (1-based) of the deepest node on the way to `place`."""
    line = 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
        else:
            node = None
        if node is None:
            break
        line = int(node.start_mark.line) + 1
    return line

"""The mapping file: YAML or JSON that says where another layout keeps what an import reads."""

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from services.warehouse.domain import refusals
from services.warehouse.domain.names import SiteStatus
from services.warehouse.domain.registry_column import Column
from services.warehouse.domain.registry_header import HEADER_CHARACTERS_SHOWN_MAX
from services.warehouse.domain.registry_mapping import HEADER_ROW_DEFAULT, USUAL_LAYOUT, RegistryMapping
from services.warehouse.registry_file.limits import COLUMNS_MAX
from shared.contracts.counties import County
from shared.contracts.refusals import Refusal
from shared.contracts.warehouse import WarehouseKind
from shared.persian.text import comparison_key

MAPPING_BYTES_MAX = 64 * 1024
HEADER_ROW_MAX = 100
WORDS_MAX = 500
LEVELS_MAX = 8

_Heading = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=HEADER_CHARACTERS_SHOWN_MAX)
]


class MappingDocument(BaseModel):
    """What a mapping file may say; everything is optional.

    `columns`: field → heading. `ignored`: headings that are not read. `counties`, `kinds`, `statuses`: the file's own
    word → the key of the usual one. `header_row`: last row of the heading. `sheet`: name, or number from 1.
    """

    model_config = ConfigDict(extra="forbid")

    columns: dict[Column, _Heading] = {}
    ignored: Annotated[list[_Heading], Field(max_length=COLUMNS_MAX)] = []
    counties: Annotated[dict[_Heading, County], Field(max_length=WORDS_MAX)] = {}
    kinds: Annotated[dict[_Heading, WarehouseKind], Field(max_length=WORDS_MAX)] = {}
    statuses: Annotated[dict[_Heading, SiteStatus], Field(max_length=WORDS_MAX)] = {}
    header_row: Annotated[int, Field(ge=1, le=HEADER_ROW_MAX)] = HEADER_ROW_DEFAULT
    sheet: Annotated[int, Field(ge=1, le=COLUMNS_MAX)] | _Heading | None = None


def read_mapping(content: bytes | None) -> RegistryMapping:
    """The mapping that a file says; the usual layout without one.

    Raises Refusal `warehouse.import.mapping_invalid`, which says where and what is wrong.
    """
    if content is None:
        return USUAL_LAYOUT
    if len(content) > MAPPING_BYTES_MAX:
        raise _invalid(f"more than {MAPPING_BYTES_MAX:,} bytes")
    try:
        document = MappingDocument.model_validate(_parse(content))
    except ValidationError as error:
        raise _invalid(_problem(error)) from error
    headings = [comparison_key(text) for text in (*document.columns.values(), *document.ignored)]
    if len(set(headings)) < len(headings):
        raise _invalid("one heading is named twice")
    return RegistryMapping(
        columns=tuple((heading, column) for column, heading in document.columns.items()),
        ignored=tuple(document.ignored),
        words=MappingProxyType({
            Column.COUNTY: _by_key(document.counties),
            Column.KIND: _by_key(document.kinds),
            Column.STATUS: _by_key(document.statuses),
        }),
        header_row=document.header_row,
        sheet=document.sheet,
    )  # fmt: skip


def _by_key(words: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType({comparison_key(word): str(usual) for word, usual in words.items()})


def _parse(content: bytes) -> Any:
    import yaml  # noqa: PLC0415 - only an import with a mapping needs it

    try:
        text = content.decode("utf-8-sig")
        if text.lstrip().startswith("{"):
            return json.loads(text, object_pairs_hook=_unique)
        _refuse_tricks(text)
        return _plain(yaml.compose(text, Loader=yaml.SafeLoader))
    except UnicodeDecodeError as error:
        raise _invalid("not a text in UTF-8") from error
    except (yaml.YAMLError, json.JSONDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = getattr(error, "lineno", None) or (mark.line + 1 if mark else None)
        raise _invalid(f"line {line} is no YAML" if line else "no YAML or JSON") from error


def _refuse_tricks(text: str) -> None:
    import yaml  # noqa: PLC0415

    level = 0
    events = cast("Iterator[Any]", yaml.parse(text, Loader=yaml.SafeLoader))  # pyright: ignore[reportUnknownMemberType]
    for event in events:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _invalid("anchors and aliases are not read")
        level += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if level > LEVELS_MAX:
            raise _invalid("too many levels")


def _plain(node: Any) -> Any:
    """Scalars as the text that is written, so that ``no`` and ``012`` stay what they are."""
    import yaml  # noqa: PLC0415

    if isinstance(node, yaml.MappingNode):
        pairs = [(_plain(key), _plain(value)) for key, value in node.value]
        if not all(isinstance(key, str) for key, _ in pairs):
            raise _invalid("a key is no text")
        return _unique(pairs)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(one) for one in node.value]
    return None if node is None else node.value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise _invalid("one key is there twice")
    return dict(pairs)


def _problem(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    texts = [f"{'.'.join(map(str, one['loc'])) or 'file'}: {one['msg']}" for one in found[:5]]
    more = len(found) - len(texts)
    return "; ".join(texts) + (f"; {more} more" if more > 0 else "")


def _invalid(problem: str) -> Refusal:
    return Refusal(refusals.IMPORT_MAPPING_INVALID, problem=problem)

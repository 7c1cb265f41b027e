"""Whether a template may be used: what it may contain, and that it renders with every sample event of its kind.

The grammar is closed: output, conditions and loops over a field's items, with the filters named here. Nothing can be
called, no loop stands in another one and nothing multiplies, so that what a template costs is bounded by its length and
by what `letters` lets it see.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import Template, TemplateSyntaxError, nodes

from services.notifications.domain.text_refusals import (
    TEMPLATE_BLOCK_MISSING,
    TEMPLATE_CONSTRUCT_NOT_ALLOWED,
    TEMPLATE_DOES_NOT_PARSE,
    TEMPLATE_FAILS,
    TEMPLATE_FIELD_UNKNOWN,
    TEMPLATE_FILTER_UNKNOWN,
    TEMPLATE_SHORT_TOO_LONG,
)
from services.notifications.letters.letter import SHORT_BLOCK_UNITS_MAX, Notice, blocks_of, sms_units
from services.notifications.letters.texts import BLOCKS, OWN_FILTERS, environment_of
from shared.contracts.refusals import Refusal

SOURCE_CHARACTERS_MAX: Final = 8_000
NAMES: Final = frozenset(
    {"county", "severity_mark", "recipient_name", "subject_id", "registry_id", "raised_at", "details"}
)
FILTERS: Final = frozenset({*OWN_FILTERS, "default", "first", "join", "last", "length", "lower", "trim", "upper"})
_LOOP_NAMES: Final = frozenset({"first", "index", "last", "length"})
_ALLOWED: Final[tuple[type[nodes.Node], ...]] = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Block,
    nodes.If,
    nodes.For,
    nodes.Name,
    nodes.Getattr,
    nodes.Filter,
    nodes.Keyword,
    nodes.Const,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Concat,
)


@dataclass(frozen=True, slots=True)
class Checked:
    """A template that passed, compiled."""

    template: Template


def check_source(source: str, language: str, shown: frozenset[str], samples: Sequence[Notice]) -> Checked:
    """Try a template whole; `shown` are the fields that every rule of its kind shows. Raises Refusal with the line."""
    environment = environment_of(language)
    try:
        tree = environment.parse(source)
        _check_blocks(tree)
        _check_nodes(tree, shown, frozenset(), in_loop=False)
        template = environment.from_string(source)
    except TemplateSyntaxError as error:
        raise Refusal(TEMPLATE_DOES_NOT_PARSE, line=error.lineno, problem=error.message or "") from error
    except (RecursionError, SyntaxError, ValueError) as error:  # Python's own limits on nesting and on digits
        raise Refusal(TEMPLATE_DOES_NOT_PARSE, line=1, problem=type(error).__name__) from error
    for sample in samples:
        _check_sample(template, _line_of_block(tree, "short"), sample)
    return Checked(template)


def _check_blocks(tree: nodes.Template) -> None:
    names = [block.name for block in tree.find_all(nodes.Block)]
    for name in BLOCKS:
        if names.count(name) != 1:
            raise Refusal(TEMPLATE_BLOCK_MISSING, line=_last_line(tree), block=name)
    for part in tree.body:
        if isinstance(part, nodes.Output) and _is_blank(part):
            continue
        if not isinstance(part, nodes.Block) or part.name not in BLOCKS:
            raise Refusal(TEMPLATE_CONSTRUCT_NOT_ALLOWED, line=part.lineno, construct=type(part).__name__.lower())


def _check_nodes(node: nodes.Node, shown: frozenset[str], local: frozenset[str], *, in_loop: bool) -> None:
    """Refuse the first node, in reading order, that the grammar does not have."""
    if not isinstance(node, _ALLOWED) or (isinstance(node, nodes.For) and (in_loop or not _is_plain_loop(node))):
        raise Refusal(TEMPLATE_CONSTRUCT_NOT_ALLOWED, line=node.lineno, construct=type(node).__name__.lower())
    if isinstance(node, nodes.Filter):
        _check_filter(node)
    if isinstance(node, nodes.Name) and node.ctx == "load" and node.name not in NAMES | local:
        raise Refusal(TEMPLATE_FIELD_UNKNOWN, line=node.lineno, field=node.name, known=", ".join(sorted(NAMES)))
    if isinstance(node, nodes.Getattr):
        _check_attribute(node, shown, local)
    if isinstance(node, nodes.For) and isinstance(node.target, nodes.Name):
        local, in_loop = local | {"loop", node.target.name}, True
    for child in node.iter_child_nodes():
        _check_nodes(child, shown, local, in_loop=in_loop)


def _check_filter(node: nodes.Filter) -> None:
    """Arguments are constants: a filter's result as another's separator would multiply."""
    if node.name not in FILTERS:
        raise Refusal(TEMPLATE_FILTER_UNKNOWN, line=node.lineno, filter=node.name, known=", ".join(sorted(FILTERS)))
    given = (*node.args, *(pair.value for pair in node.kwargs))
    if (
        node.dyn_args is not None
        or node.dyn_kwargs is not None
        or not all(isinstance(one, nodes.Const) for one in given)
    ):
        raise Refusal(TEMPLATE_CONSTRUCT_NOT_ALLOWED, line=node.lineno, construct="argument")


def _check_attribute(node: nodes.Getattr, shown: frozenset[str], local: frozenset[str]) -> None:
    owner = node.node.name if isinstance(node.node, nodes.Name) else ""
    known = {"details": shown, "loop": _LOOP_NAMES if "loop" in local else frozenset[str]()}.get(
        owner, frozenset[str]()
    )
    if node.attr not in known:
        raise Refusal(
            TEMPLATE_FIELD_UNKNOWN,
            line=node.lineno,
            field=f"{owner}.{node.attr}",
            known=", ".join(sorted(f"{owner}.{name}" for name in known) or sorted(NAMES)),
        )


def _is_plain_loop(loop: nodes.For) -> bool:
    return (
        not loop.recursive
        and isinstance(loop.target, nodes.Name)
        and loop.target.name not in NAMES
        and isinstance(loop.iter, nodes.Getattr)
    )


def _check_sample(template: Template, short_line: int, sample: Notice) -> None:
    try:
        _, short, _ = blocks_of(template, sample)
    except Exception as error:
        line = _failing_line(template, error)
        raise Refusal(TEMPLATE_FAILS, line=line, problem=f"{type(error).__name__}: {error}") from error
    units = sms_units(" ".join(short.split()))
    if units > SHORT_BLOCK_UNITS_MAX:
        raise Refusal(TEMPLATE_SHORT_TOO_LONG, line=short_line, units=units, units_max=SHORT_BLOCK_UNITS_MAX)


def _failing_line(template: Template, error: BaseException) -> int:
    """The template's line at which it failed; 1 if it failed before its first."""
    line, at = 1, error.__traceback__
    while at is not None:
        if (
            at.tb_frame.f_globals.get("__jinja_template__") is not None
            or at.tb_frame.f_code.co_filename == "<template>"
        ):
            line = template.get_corresponding_lineno(at.tb_lineno)
        at = at.tb_next
    return line


def _line_of_block(tree: nodes.Template, name: str) -> int:
    return next(block.lineno for block in tree.find_all(nodes.Block) if block.name == name)


def _last_line(tree: nodes.Template) -> int:
    return max((node.lineno for node in _all(tree)), default=1)


def _all(node: nodes.Node) -> Iterator[Any]:
    for child in node.iter_child_nodes():
        yield child
        yield from _all(child)


def _is_blank(output: nodes.Output) -> bool:
    return all(isinstance(part, nodes.TemplateData) and not part.data.strip() for part in output.nodes)

"""``make docs`` writes docs/return-case-state-machine.md from the code.

The page says what `TRANSITIONS` says and nothing else; a test fails when the committed page is another.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from services.nationals.casework.domain.case_facts import CaseState
from services.nationals.casework.domain.case_machine import ENDED_STATES, TRANSITIONS, VOLUNTARY_STAGE
from services.nationals.casework.domain.legal_review_stage import LEGAL_REVIEW_STAGE
from services.nationals.casework.domain.names import state_names, step_names
from services.nationals.casework.domain.steps import Guard, Step, Transition
from shared.contracts.safeguards import SAFEGUARDS

PAGE = Path(__file__).parents[3] / "docs" / "return-case-state-machine.md"

_INTRODUCTION = """\
# The return case, state by state · پروندهٔ بازگشت، وضعیت به وضعیت

This page is written by `make docs` from the table that the software obeys; it is
not edited by hand. A step that is not on it does not exist. Every guard stands twice: in the service, which answers 409 with the
number of the safeguard, its text and what would satisfy it, and in PostgreSQL, which refuses raw SQL as the service's own role.

No software decides about a household. Steps without the guard "by a person" are those that give places back or offer them, ask
people for a legal review, or record a withdrawal, which nothing may delay; every other step is a named person's.

این صفحه از روی جدولی نوشته می‌شود که نرم‌افزار از آن پیروی می‌کند و دستی ویرایش نمی‌شود. گامی که در آن نیست وجود ندارد.
هر شرط دو بار برقرار است: در سرویس، که با کد ۴۰۹ شمارهٔ تضمین، متن آن و راه برآورده شدنش را می‌گوید، و در پایگاه داده، که
دستور مستقیم را هم رد می‌کند. نرم‌افزار دربارهٔ خانوار تصمیم نمی‌گیرد: گام‌های بی «by a person» جا را پس می‌دهد یا پیشنهاد
می‌کند، از انسان بررسی حقوقی می‌خواهد، یا انصراف را ثبت می‌کند که هیچ‌چیز نباید آن را به تأخیر اندازد.
"""


def render() -> str:
    """The whole page as Markdown."""
    return "\n".join([_INTRODUCTION, *_states(), *_diagram(), *_steps(), *_guards(), *_safeguards()]) + "\n"


def _states() -> Iterator[str]:
    yield "## States · وضعیت‌ها\n"
    yield "| state | وضعیت | key | stage |\n|---|---|---|---|"
    for state in CaseState:
        english, persian = state_names(state)
        yield f"| {english} | {persian} | `{state.value}` | {_stage(state)} |"
    yield ""


def _stage(state: CaseState) -> str:
    if state in VOLUNTARY_STAGE:
        return "voluntary · داوطلبانه"
    if state in LEGAL_REVIEW_STAGE:
        return "legal review · بررسی حقوقی"
    return "ended · پایان‌یافته"


def _diagram() -> Iterator[str]:
    yield "## Diagram · نمودار\n"
    yield "Steps that change the state. What leaves the state as it is stands in the list of steps below.\n"
    yield "```mermaid\nstateDiagram-v2"
    yield f"    [*] --> {CaseState.OPENED.value}"
    for line in TRANSITIONS:
        for source in _in_order(line.sources):
            if line.target is not None and line.target is not source:
                yield f"    {source.value} --> {line.target.value}: {step_names(line.step)[0]}"
    for state in _in_order(ENDED_STATES):
        yield f"    {state.value} --> [*]"
    yield "```\n"


def _steps() -> Iterator[str]:
    yield "## Steps · گام‌ها\n"
    for step in Step:
        lines = [line for line in TRANSITIONS if line.step is step]
        if lines:
            english, persian = step_names(step)
            yield f"### {english} · {persian}\n"
            yield f"`{step.value}`\n"
            for line in lines:
                yield from _step_line(line)


def _step_line(line: Transition) -> Iterator[str]:
    sources = ", ".join(_both(state_names(state)) for state in _in_order(line.sources))
    target = "the state stays · وضعیت می‌ماند" if line.target is None else f"**{_both(state_names(line.target))}**"
    yield f"- from {sources} → {target}"
    if line.guards:
        yield "  - if " + "; ".join(
            f"[{_title(guard)}](#{_anchor(guard)}) ({guard.safeguard})" for guard in line.guards
        )
    else:
        yield "  - always: no guard · همیشه: بدون شرط"
    yield ""


def _guards() -> Iterator[str]:
    yield "## Guards · شرط‌ها\n"
    yield "Each with the safeguard that it serves, what it requires, and what the service says when it is not met.\n"
    guards = {guard.name: guard for line in TRANSITIONS for guard in line.guards}
    for guard in sorted(guards.values(), key=lambda guard: (guard.safeguard, guard.name)):
        yield f"### {_title(guard)}\n"
        yield f"- safeguard · تضمین {guard.safeguard}: {SAFEGUARDS[guard.safeguard][0]}"
        yield f"- requires: {guard.requires}"
        yield f"- says: {_plain(guard.refusal.text_en)} (`{guard.refusal.code}`)"
        yield f"- می‌گوید: {_plain(guard.refusal.text_fa)}"
        yield ""


def _safeguards() -> Iterator[str]:
    yield "## Safeguards · تضمین‌ها\n"
    yield "| number | safeguard | تضمین |\n|---|---|---|"
    for number, (english, persian) in SAFEGUARDS.items():
        yield f"| {number} | {english} | {persian} |"


def _in_order(states: Iterable[CaseState]) -> list[CaseState]:
    wanted = frozenset(states)
    return [state for state in CaseState if state in wanted]


def _both(names: tuple[str, str]) -> str:
    return f"{names[0]} ({names[1]})"


def _title(guard: Guard) -> str:
    return guard.name.replace("_", " ")


def _anchor(guard: Guard) -> str:
    return guard.name.replace("_", "-")


def _plain(text: str) -> str:
    """A refusal's text with its placeholders shown as blanks to be filled."""
    return text.replace("{", "⟨").replace("}", "⟩")


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.relative_to(Path.cwd()) if PAGE.is_relative_to(Path.cwd()) else PAGE.name}\n")

"""The page about the return case says what the code says, in both languages, and nothing else."""

import re

from services.nationals.casework.domain.case_facts import CaseState
from services.nationals.casework.domain.case_machine import TRANSITIONS, state_changes
from services.nationals.casework.domain.names import STATE_NAMES, STEP_NAMES
from services.nationals.casework.state_machine_page import PAGE, render
from shared.contracts.safeguards import SAFEGUARDS

PERSIAN = re.compile("[؀-ۿ]")


def test_committed_page_is_what_the_code_says() -> None:
    committed = PAGE.read_text("utf-8")
    assert committed == render(), "write it anew: python -m services.nationals.casework.state_machine_page"


def test_page_has_every_state_step_guard_and_safeguard() -> None:
    page = render()
    for state in CaseState:
        assert f"`{state.value}`" in page
    for line in TRANSITIONS:
        assert f"`{line.step.value}`" in page
        for guard in line.guards:
            assert f"### {guard.name.replace('_', ' ')}\n" in page
            assert guard.requires in page
            assert guard.safeguard in SAFEGUARDS
    for english, persian in SAFEGUARDS.values():
        assert english in page
        assert persian in page


def test_diagram_has_every_change_of_state_and_no_other() -> None:
    drawn = set(re.findall(r"^    (\w+) --> (\w+):", render(), re.MULTILINE))
    assert drawn == {(source.value, target.value) for source, target in state_changes()}


def test_every_state_and_step_of_the_table_is_named_in_both_languages() -> None:
    assert set(STATE_NAMES) == set(CaseState)
    assert {line.step for line in TRANSITIONS} <= set(STEP_NAMES)
    for english, persian in (*STATE_NAMES.values(), *STEP_NAMES.values(), *SAFEGUARDS.values()):
        assert not PERSIAN.search(english)
        assert PERSIAN.search(persian)


def test_links_of_the_page_lead_to_a_guard_of_the_page() -> None:
    page = render()
    titles = {title.replace(" ", "-") for title in re.findall(r"^### (.+)$", page, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([\w-]+)\)", page)) <= titles

"""The routing rules that ship with the service, read and checked once; a fault refuses the start."""

from pathlib import Path
from typing import Final

from services.notifications.domain.rules import RuleBook, read_rules

RULES_FILE: Final = Path(__file__).parent / "rules.yaml"
RULES: Final[RuleBook] = read_rules(RULES_FILE.read_text(encoding="utf-8"), RULES_FILE.name)

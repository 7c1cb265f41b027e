"""How a file of another layout says what a registry file says: made by a person, never guessed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from services.warehouse.domain.registry_column import Column

HEADER_ROW_DEFAULT = 1


@dataclass(frozen=True, slots=True)
class RegistryMapping:
    """Where the fields of a file are: headings as the file writes them, the last row of the heading.

    `ignored`: headings of columns that are not read at all, even if they hold personal ids.
    `words`: per field, comparison keys of the file's own words and the usual word that each stands for.
    `sheet`: name or number (from 1) of the sheet; None for the first that is visible.
    """

    columns: tuple[tuple[str, Column], ...] = ()
    ignored: tuple[str, ...] = ()
    words: Mapping[Column, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    header_row: int = HEADER_ROW_DEFAULT
    sheet: str | int | None = None


USUAL_LAYOUT = RegistryMapping()

"""How a service says which function answers which event or timer. Marks only; `collect_*` reads them from the module."""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import ModuleType
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel

from shared.contracts.base import Event
from shared.kit.telemetry import read_traceparent
from shared.kit.transaction import Transaction

EventT_co = TypeVar("EventT_co", bound=Event, covariant=True)

ReactionCall = Callable[["Received[Any]", Transaction], Awaitable[None]]
FoldCall = Callable[[Sequence["Received[Any]"], Transaction], Awaitable[None]]
TimerCall = Callable[["DueTimer", Transaction], Awaitable[None]]


@dataclass(slots=True)  # not frozen: that would triple what making one costs, and one is made for every event
class Received(Generic[EventT_co]):
    """One event as it arrived: the typed body and what its envelope says. To be read, never changed."""

    event: EventT_co
    id: UUID
    time: datetime
    sequence: int
    correlation_id: str
    raw_traceparent: bytes | None = None

    @property
    def traceparent(self) -> str | None:
        """The sender's trace context; None also for an invalid one, which its standard says to ignore."""
        return read_traceparent(self.raw_traceparent)


@dataclass(frozen=True, slots=True)
class DueTimer:
    """A timer whose time has come. `fence` tells it from an older arming of the same subject."""

    kind: str
    subject_id: str
    fence: int
    due_at: datetime
    policy: BaseModel | None


@dataclass(frozen=True, slots=True, eq=False)
class Reaction:
    """A function and the event types it takes: one at a time, or (`folds`) the batch's list in order.

    `tables` of a fold are the projections it alone writes; they can be checked and rebuilt from the topics (rule 9).
    """

    event_types: tuple[type[Event], ...]
    call: Callable[[Any, Transaction], Awaitable[None]]
    folds: bool = False
    tables: tuple[str, ...] = ()
    compartment: str | None = None


@dataclass(frozen=True, slots=True)
class TimerRoute:
    kind: str
    policy: type[BaseModel] | None
    call: TimerCall
    compartment: str | None = None


CallT = TypeVar("CallT", bound=Callable[..., Awaitable[None]])
_MARK = "__payesh_route__"


def reaction(*event_types: type[Event]) -> Callable[[CallT], CallT]:
    """Mark ``async def verb_noun(received, tx)`` as the reaction to each event of these types."""

    def mark(call: CallT) -> CallT:
        setattr(call, _MARK, Reaction(event_types, call))
        return call

    return mark


def fold(*event_types: type[Event], tables: Sequence[str] = ()) -> Callable[[CallT], CallT]:
    """Mark ``async def fold_noun(received_list, tx)``: takes all events of these types in the batch, in order."""

    def mark(call: CallT) -> CallT:
        setattr(call, _MARK, Reaction(event_types, call, folds=True, tables=tuple(tables)))
        return call

    return mark


def timer(kind: str, policy: type[BaseModel] | None = None) -> Callable[[CallT], CallT]:
    """Mark ``async def verb_noun(due, tx)`` as what happens when a timer of `kind` is due."""

    def mark(call: CallT) -> CallT:
        setattr(call, _MARK, TimerRoute(kind, policy, call))
        return call

    return mark


def collect_reactions(module: ModuleType, compartment: str | None = None) -> list[Reaction]:
    """The module's reactions and folds, in the order of their definition; they act inside `compartment`."""
    return [replace(mark, compartment=compartment) for mark in _marks(module) if isinstance(mark, Reaction)]


def collect_timers(module: ModuleType, compartment: str | None = None) -> dict[str, TimerRoute]:
    """The module's timers by kind; they act inside `compartment`. Raises ValueError if two claim the same kind."""
    routes: dict[str, TimerRoute] = {}
    for mark in _marks(module):
        if isinstance(mark, TimerRoute):
            if mark.kind in routes:
                raise ValueError(f"two functions claim the timer {mark.kind!r} in {module.__name__}")
            routes[mark.kind] = replace(mark, compartment=compartment)
    return routes


def _marks(module: ModuleType) -> list[Any]:
    """Marks of a module, or of every module of a package: nothing has to be re-exported to be found."""
    modules = [module]
    if hasattr(module, "__path__"):
        names = sorted(found.name for found in pkgutil.iter_modules(module.__path__))
        modules += [importlib.import_module(f"{module.__name__}.{name}") for name in names]
    functions = {id(value): value for one in modules for value in vars(one).values() if hasattr(value, _MARK)}
    return [getattr(function, _MARK) for function in functions.values()]

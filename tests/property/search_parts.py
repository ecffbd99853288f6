"""Which parts of the exact search a trial enters, so that none is missed without anyone noticing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps
from inspect import isgeneratorfunction
from types import ModuleType
from typing import Any
from unittest.mock import patch

from hmcos.schedulers.exact import thresholds
from hmcos.schedulers.exact.commits import Commits, Root
from hmcos.schedulers.exact.descent import Descent
from hmcos.schedulers.exact.effects import Effects
from hmcos.schedulers.exact.levels import Levels
from hmcos.schedulers.exact.thresholds import Direction, Stretch


@dataclass(frozen=True)
class Part:
    """A part of the search: calls of a function, perhaps only those in which a condition holds."""

    name: str
    owner: type | ModuleType
    function: str
    counts: Callable[..., bool] = lambda *arguments: True
    """Whether a call counts, by its arguments."""
    finds: bool = False
    """Whether only calls count that return something."""


def _is_above_bound(stretch: Any, *_: object) -> bool:
    return stretch.peak - 1 - stretch.lower_bound >> stretch._halvings > 0


def _is_wide(stretch: object, width: int) -> bool:
    return width > 1


def _are_several(stretch: Any, *_: object) -> bool:
    return len(stretch._probes) > 2


def _leads_on(direction: object, root: Root) -> bool:
    return bool(root.steps)


PARTS = (
    Part("stepping", Stretch, "step"),
    Part("a budget", Stretch, "ask"),
    Part("meeting", Stretch, "meet"),
    Part("beams", Stretch, "_run_beams"),
    Part("wide beams", Stretch, "_run_beams", _is_wide),
    Part("a path by a beam", thresholds, "beam", finds=True),
    Part("a lower peak", Stretch, "_improve"),
    Part("probes below the peak", Stretch, "_probe_below_peak"),
    Part("probes at the bound", Stretch, "_probe_above_bound"),
    Part("probes above the bound", Stretch, "_probe_above_bound", _is_above_bound),
    Part("several probes", Stretch, "_probe", _are_several),
    Part("shares of directions", Stretch, "_favour"),
    Part("committed roots", Direction, "commit", _leads_on),
    Part("valley cuts", Descent, "_cut"),
    Part("runs", Commits, "_find_run", finds=True),
    Part("rests of runs remembered", Commits, "_keep_rests"),
    Part("what follows remembered", Commits, "known", finds=True),
    Part("runs remembered", Effects, "keep_run"),
    Part("effects remembered", Effects, "_recall"),
    Part("levels", Levels, "raised"),
)


def reached(faults_of: Callable[[int], object], cases: Iterable[int]) -> Counter[str]:
    """Return, per part of the search, in how many of some cases it was entered."""
    numbers: Counter[str] = Counter()
    with _watched() as entered:
        for case in cases:
            entered.clear()
            faults_of(case)
            numbers.update(entered)
    return numbers


@contextmanager
def _watched() -> Generator[set[str]]:
    """Give a set to which each part that is entered adds its name."""
    entered: set[str] = set()
    with ExitStack() as stack:
        for part in PARTS:
            stack.enter_context(patch.object(part.owner, part.function, _watching(part, entered)))
        yield entered


def _watching(part: Part, entered: set[str]) -> Callable[..., Any]:
    """Return the function of a part, which adds its name to the set."""
    function: Callable[..., Any] = getattr(part.owner, part.function)

    def note(counts: bool) -> None:
        if counts:
            entered.add(part.name)

    @wraps(function)
    def call(*arguments: Any) -> Any:
        counts = part.counts(*arguments)
        result = function(*arguments)
        note(counts and (bool(result) or not part.finds))
        return result

    @wraps(function)
    def generate(*arguments: Any) -> Generator[Any, Any, Any]:
        counts = part.counts(*arguments)
        note(counts and not part.finds)
        turns: Generator[Any, Any, Any] = function(*arguments)
        result = yield from turns
        note(counts and bool(result))
        return result

    return generate if isgeneratorfunction(function) else call

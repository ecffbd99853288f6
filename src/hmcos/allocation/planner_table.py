"""The planners by name."""

from __future__ import annotations

from functools import partial
from typing import cast

from hmcos.allocation.planner import Allocator
from hmcos.errors import OptionError
from hmcos.registry import imported
from hmcos.words import meant

ALLOCATORS: dict[str, str] = {
    "auto": "hmcos.allocation.auto:auto",
    "exact": "hmcos.allocation.exact.proof:exact",
    "largest_first": "hmcos.allocation.simple.largest_first:largest_first",
    "largest_area_first": "hmcos.allocation.simple.largest_area_first:largest_area_first",
    "birth_order": "hmcos.allocation.simple.birth_order:birth_order",
    "best_fit": "hmcos.allocation.simple.best_fit:best_fit",
    "tflite_arena": "hmcos.allocation.simple.tflite_arena:tflite_arena",
    "hill_climb": "hmcos.allocation.simple.hill_climb:hill_climb",
    "ejection": "hmcos.allocation.simple.ejection:ejection",
}
"""Name to "module:function", imported on demand; the first is the default."""

PARALLEL = ("auto", "exact")
"""The planners that can use more than one worker."""

PROVING = ("auto", "exact")
"""The planners that try to prove their arena smallest; with others, `schedule` keeps the order as it is."""


def names() -> tuple[str, ...]:
    """Return the names of all planners, the default first."""
    return tuple(ALLOCATORS)


def allocator(name: str, jobs: int = 1) -> Allocator:
    """Return the planner of that name, which will use `jobs` workers.

    Raises:
        OptionError: no planner has this name, or it cannot use more than one worker.
    """
    if name not in ALLOCATORS:
        known = ", ".join(ALLOCATORS)
        raise OptionError(f"no allocator is called {name!r}; choose from {known}.{meant(name, ALLOCATORS)}")
    planner = imported(ALLOCATORS[name])
    if jobs == 1:
        return cast(Allocator, planner)
    if jobs < 1:
        raise OptionError(f"the number of jobs must be at least 1, not {jobs}")
    if name not in PARALLEL:
        raise OptionError(
            f"{name} cannot use {jobs} jobs; only {' and '.join(PARALLEL)} can use more than one"
        )
    return cast(Allocator, partial(planner, jobs=jobs))

"""The planners by name."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from hmcos.allocation.base import Allocator
from hmcos.errors import OptionError

ALLOCATORS: dict[str, str] = {
    "auto": "hmcos.allocation.auto:auto",
    "exact": "hmcos.allocation.exact:exact",
    "largest_first": "hmcos.allocation.largest_first:largest_first",
    "largest_area_first": "hmcos.allocation.largest_area_first:largest_area_first",
    "birth_order": "hmcos.allocation.birth_order:birth_order",
    "best_fit": "hmcos.allocation.best_fit:best_fit",
    "tflite_arena": "hmcos.allocation.tflite_arena:tflite_arena",
    "hill_climb": "hmcos.allocation.hill_climb:hill_climb",
}
"""Name to "module:function", imported on demand; the first is the default."""


def names() -> tuple[str, ...]:
    """Return the names of all planners, the default first."""
    return tuple(ALLOCATORS)


def allocator(name: str) -> Allocator:
    """Return the planner of that name.

    Raises:
        OptionError: no planner has this name.
    """
    if name not in ALLOCATORS:
        raise OptionError(f"no allocator is called {name!r}; there are {', '.join(ALLOCATORS)}")
    module, function = ALLOCATORS[name].split(":")
    return cast(Allocator, getattr(import_module(module), function))

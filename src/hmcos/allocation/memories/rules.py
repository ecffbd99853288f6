"""Options of the search for the memories of lives."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MemoryRules:
    """The rules that save work; with any of them off the search gives the same answers, only later."""

    postpone: bool = True
    """Leave out lives for which the first memory has room whatever else is in it."""
    twins: bool = True
    """Of interchangeable lives, only the first ones may be in a faster memory."""
    core: bool = True
    """From lives that do not fit together, take away those that do not matter, so that more is ruled out."""
    lift: bool = True
    """Rule out as well what takes no less room than lives that do not fit together."""
    covers: bool = True
    """Tell the solver which pairs and triples of lives exceed a memory, which its relaxation does not see."""


ALL_RULES = MemoryRules()

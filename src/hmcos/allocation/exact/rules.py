"""Switches and styles of the search for an arena of a given size."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlacementRules:
    """What the search may leave out; every answer is the same with any of them off, only later."""

    heads: bool = True
    """Bound a section by stacking its items in order of their lowest starts, not just by the sum of them."""
    support: bool = True
    """In a left-justified arena every item stands on another one or on the ground."""
    twins: bool = True
    """Of items that are alike in every section, only one is tried at one place."""
    table: bool = True
    """Never enter a situation again that was seen to fail."""
    split: bool = True
    """What is left falls apart in time: solve the parts one by one."""
    anywhere: bool = True
    """Branch on the section with the fewest choices, also when it is not the lowest."""


ALL_RULES = PlacementRules()


@dataclass(frozen=True, slots=True)
class Style:
    """How one run of the search orders its choices; runs differ in style, and what failed is kept."""

    ranking: int = 0
    """Try first: 0 the largest, 1 the longest, 2 the largest area."""
    weighs: bool = False
    """Prefer sections that refuted often (Boussemart et al., dom/wdeg, ECAI 2004)."""
    noise: float = 0.0
    """Ranks are multiplied by a random number from 1 - noise to 1 + noise."""

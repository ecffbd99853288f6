"""Options of the search for an arena of a given size: pruning rules, and the order of choices."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlacementRules:
    """The pruning rules of the search; with any of them off it gives the same answers, only later."""

    heads: bool = True
    """Bound a section by stacking its items in order of their lowest starts, not just by adding sizes."""
    support: bool = True
    """Place an item only on top of another one or at its lowest legal address (left-justified arenas)."""
    twins: bool = True
    """Of interchangeable items, try only one at each place."""
    table: bool = True
    """Remember the states that failed, and never enter one of them again."""
    split: bool = True
    """If the remaining items fall into groups that never meet, solve the groups one by one."""
    anywhere: bool = True
    """Branch on the section with the fewest choices, even if its floor is not the lowest."""


ALL_RULES = PlacementRules()


@dataclass(frozen=True, slots=True)
class Style:
    """How one run of the search orders its choices. Runs differ in style and share the failed states."""

    ranking: int = 0
    """Try first: 0 the largest, 1 the longest, 2 the largest area."""
    weighs: bool = False
    """Prefer sections in which many states failed (Boussemart et al., dom/wdeg, ECAI 2004)."""
    noise: float = 0.0
    """Each rank is multiplied by a random number from 1 - noise to 1 + noise."""

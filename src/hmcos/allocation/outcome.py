"""From offsets of items to an arena."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.allocation.alive_bound import lower_bound
from hmcos.allocation.fit import highest_end
from hmcos.allocation.items import Item
from hmcos.allocation.lives import EXTERNAL, Lives
from hmcos.limits import Limits, Status, Watch
from hmcos.plan.arena import Arena


def outcome(
    lives: Lives,
    placed: tuple[Sequence[Item], Sequence[int]],
    name: str,
    limits: Limits,
    watch: Watch,
    proof: tuple[int, Status] | None = None,
) -> Arena:
    """Return the arena of items at offsets.

    Args:
        lives: what was asked for.
        placed: the items and an offset for each.
        name: the planner.
        limits: the budget.
        watch: when the planning began.
        proof: a proved lower bound and how the search ended; without it the bytes alive at once.
    """
    items, offsets = placed
    bound, ended = proof or (lower_bound(items), Status.FEASIBLE)
    spread = [EXTERNAL] * len(lives.lives)
    for item, offset in zip(items, offsets, strict=True):
        for life in item.lives:
            spread[life] = offset
    size = highest_end(items, offsets)
    status = conclude(size, bound, room(lives, limits), limits.budget, ended)
    seconds = watch.seconds
    return Arena(tuple(spread), size, bound, status, name, lives.alignment, seconds)


def room(lives: Lives, limits: Limits) -> int | None:
    """Return the bytes that an arena may have: the budget or all pools, whichever is less."""
    given = [b for b in (lives.capacity, limits.budget) if b is not None]
    return min(given, default=None)


def conclude(size: int, bound: int, room: int | None, budget: int | None, ended: Status) -> Status:
    """Return what is known about an arena of that size: `ended` when nothing was proved."""
    if room is not None and bound > room:
        return Status.DOES_NOT_FIT
    if budget is not None and room is not None and size <= room:
        return Status.FITS
    return Status.OPTIMAL if size == bound else ended

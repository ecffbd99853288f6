"""The last step of every planner: from the offsets of items to an arena and its status."""

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
        lives: the lives to place.
        placed: their items, and an offset per item.
        name: the name of the planner.
        limits: holds the budget.
        watch: says when the planner started.
        proof: a proved lower bound in bytes and how the search ended; by default the bound of the bytes alive
            at once, and `FEASIBLE`.
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
    """Return the bytes that an arena may have: the smaller of budget and pools, None if neither is given."""
    given = [b for b in (lives.capacity, limits.budget) if b is not None]
    return min(given, default=None)


def conclude(size: int, bound: int, room: int | None, budget: int | None, ended: Status) -> Status:
    """Return the status of an arena from its size and lower bound in bytes; `ended` if nothing was proved."""
    if room is not None and bound > room:
        return Status.DOES_NOT_FIT
    if budget is not None and room is not None and size <= room:
        return Status.FITS
    return Status.OPTIMAL if size == bound else ended

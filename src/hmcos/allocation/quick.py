"""The planners that are done soon: the least that any answer has to reach."""

from __future__ import annotations

from hmcos.allocation.fit import Meetings, board_of
from hmcos.allocation.lives import Lives
from hmcos.allocation.simple.best_fit import best_fit
from hmcos.allocation.simple.largest_area_first import largest_area_first
from hmcos.allocation.simple.largest_first import largest_first
from hmcos.allocation.simple.ordered import ended
from hmcos.limits import Limits, Status, Watch
from hmcos.plan.arena import Arena

OF_FEW = (largest_area_first, largest_first, best_fit)
OF_MANY = (largest_first, best_fit, largest_area_first)
"""Of many lives, best fit takes the least time, and its arena is mostly the smallest."""
ANSWERS = (Status.OPTIMAL, Status.FITS, Status.DOES_NOT_FIT)
"""Answers to a budget. Without one, the least is wanted even where pools cannot hold it."""


def is_settled(arena: Arena, limits: Limits) -> bool:
    """Return whether nothing is left to be looked for."""
    return arena.status in (ANSWERS if limits.budget is not None else (Status.OPTIMAL,))


def simplest(lives: Lives, limits: Limits, watch: Watch) -> Arena:
    """Return the smallest arena of those planners, the first one of several; never above `largest_first`.

    That one runs whatever the limits; the others only as long as there is time and nothing is settled.
    """
    best: Arena | None = None
    is_floor = False
    for plan in OF_FEW if isinstance(board_of(lives), Meetings) else OF_MANY:
        arena = plan(lives, limits, watch)
        is_floor = is_floor or plan is largest_first
        best = arena if best is None else min(best, arena, key=lambda arena: arena.size)
        is_enough = is_settled(best, limits) or watch.is_over(limits)
        if best.status is Status.OPTIMAL or (is_floor and is_enough):
            break
    assert best is not None
    return ended(best, limits, watch)

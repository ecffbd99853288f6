"""The cheap planners; the exact search starts from the smallest arena that they make."""

from __future__ import annotations

from hmcos.allocation.fit import Meetings, board_of
from hmcos.allocation.lives import Lives
from hmcos.allocation.simple.best_fit import best_fit
from hmcos.allocation.simple.largest_area_first import largest_area_first
from hmcos.allocation.simple.largest_first import largest_first
from hmcos.allocation.simple.ordered import with_limit
from hmcos.limits import Limits, Status, Watch
from hmcos.plan.arena import Arena

FOR_FEW_LIVES = (largest_area_first, largest_first, best_fit)
FOR_MANY_LIVES = (largest_first, best_fit, largest_area_first)
"""For many lives, best fit takes the least time and usually makes the smallest arena."""
ANSWERS = (Status.OPTIMAL, Status.FITS, Status.DOES_NOT_FIT)
"""The statuses that settle a budget. Without a budget the smallest arena is wanted, even if it is larger than
all pools."""


def is_settled(arena: Arena, limits: Limits) -> bool:
    """Return whether an arena leaves nothing to search for: it is optimal, or the budget is decided."""
    return arena.status in (ANSWERS if limits.budget is not None else (Status.OPTIMAL,))


def smallest_cheap(lives: Lives, limits: Limits, watch: Watch) -> Arena:
    """Return the smallest arena of the cheap planners, the first of several; never above `largest_first`.

    `largest_first` runs whatever the limits; the others run only while there is time and nothing is settled.
    """
    best: Arena | None = None
    is_floor = False
    for plan in FOR_FEW_LIVES if isinstance(board_of(lives), Meetings) else FOR_MANY_LIVES:
        arena = plan(lives, limits, watch)
        is_floor = is_floor or plan is largest_first
        best = arena if best is None else min(best, arena, key=lambda arena: arena.size)
        watch.progress(best.allocator.replace("_", " "), best.size, best.lower_bound, 0)
        is_enough = is_settled(best, limits) or watch.is_over(limits)
        if best.status is Status.OPTIMAL or (is_floor and is_enough):
            break
    assert best is not None
    return with_limit(best, limits, watch)

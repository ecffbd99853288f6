"""The cheap planners; the exact search starts from the smallest arena that they make."""

from __future__ import annotations

from dataclasses import replace

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
FEW_LIVES = 1_500
"""Up to this many lives that seldom meet, all cheap planners together take some hundredths of a second."""
ANSWERS = (Status.OPTIMAL, Status.FITS, Status.DOES_NOT_FIT)
"""The statuses that settle a budget. Without a budget the smallest arena is wanted, even if it is larger than
all pools."""


def is_settled(arena: Arena, limits: Limits) -> bool:
    """Return whether an arena leaves nothing to search for: it is optimal, or the budget is decided."""
    return arena.status in (ANSWERS if limits.budget is not None else (Status.OPTIMAL,))


def smallest_cheap(lives: Lives, limits: Limits, watch: Watch) -> Arena:
    """Return the smallest arena of the cheap planners, the first of several; never above `largest_first`.

    `largest_first` runs whatever the limits, and for few lives the others do, too, so that a search that was
    cut short does not end with an arena that is larger for want of milliseconds. Otherwise they run only
    while there is time. None runs after one that settles everything.
    """
    best: Arena | None = None
    is_floor, listed = False, isinstance(board_of(lives), Meetings)
    always = listed and len(lives.lives) <= FEW_LIVES
    within, running = (replace(limits, seconds=None), Watch(watch.observer)) if always else (limits, watch)
    for plan in FOR_FEW_LIVES if listed else FOR_MANY_LIVES:
        arena = plan(lives, within, running)
        is_floor = is_floor or plan is largest_first
        best = arena if best is None else min(best, arena, key=lambda arena: arena.size)
        watch.progress(best.allocator.replace("_", " "), best.size, best.lower_bound, 0)
        is_enough = is_settled(best, limits) or running.is_over(within)
        if best.status is Status.OPTIMAL or (is_floor and is_enough):
            break
    assert best is not None
    return with_limit(best, limits, watch)

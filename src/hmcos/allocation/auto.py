"""The cheap planners first, a proof only where they leave something open."""

from __future__ import annotations

from dataclasses import replace

from hmcos.allocation.best_fit import best_fit
from hmcos.allocation.exact import prove
from hmcos.allocation.largest_area_first import largest_area_first
from hmcos.allocation.largest_first import largest_first
from hmcos.allocation.problem import Lives
from hmcos.plan.arena import Arena
from hmcos.plan.limits import Limits, Observer
from hmcos.plan.schedule import Status

CHEAP = (largest_area_first, largest_first, best_fit)
SETTLED = (Status.OPTIMAL, Status.FITS, Status.DOES_NOT_FIT)
"""Answers to a budget. Without one, the least is wanted even where pools cannot hold it."""


def auto(lives: Lives, limits: Limits, observer: Observer, jobs: int = 1) -> Arena:
    """Return the first settled arena of a cheap planner, else the smallest one, proved if time allows.

    The arena bears the name of the planner that made it; `jobs` are workers of the constraint solver.
    """
    best: Arena | None = None
    for plan in CHEAP:
        arena = plan(lives, limits, observer)
        if arena.status in (SETTLED if limits.budget is not None else (Status.OPTIMAL,)):
            return arena
        if best is None or arena.size < best.size:
            best = arena
        if (limit := limits.reached(-1)) is not None:  # no states are counted here
            return replace(best, status=limit)
    assert best is not None
    if (limit := limits.reached(0)) is not None:
        return replace(best, status=limit)
    proved = prove(lives, best, limits, observer, jobs)
    return proved if proved.size < best.size else replace(proved, allocator=best.allocator)

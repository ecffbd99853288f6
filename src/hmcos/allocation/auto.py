"""The cheap planners first, a proof only where they leave something open."""

from __future__ import annotations

from dataclasses import replace

from hmcos.allocation.best_fit import best_fit
from hmcos.allocation.exact import prove
from hmcos.allocation.ordered import ended
from hmcos.allocation.problem import Lives
from hmcos.allocation.simple import simplest
from hmcos.plan.arena import Arena
from hmcos.plan.limits import Limits, Observer
from hmcos.plan.schedule import Status

SETTLED = (Status.OPTIMAL, Status.FITS, Status.DOES_NOT_FIT)
"""Answers to a budget. Without one, the least is wanted even where pools cannot hold it."""


def auto(lives: Lives, limits: Limits, observer: Observer, jobs: int = 1) -> Arena:
    """Return the first settled arena of a cheap planner, else the smallest one, proved if time allows.

    It is never larger than that of `largest_first`, whatever the limits. The arena bears the name of the
    planner that made it; `jobs` are workers of the constraint solver.
    """
    best = simplest(lives, limits, observer)
    if _is_settled(best, limits) or limits.stop():
        return ended(best, limits)
    best = min(best, best_fit(lives, limits, observer), key=lambda arena: arena.size)
    if _is_settled(best, limits) or limits.reached(0) is not None:
        return ended(best, limits, 0)
    proved = prove(lives, best, limits, observer, jobs)
    return proved if proved.size < best.size else replace(proved, allocator=best.allocator)


def _is_settled(arena: Arena, limits: Limits) -> bool:
    return arena.status in (SETTLED if limits.budget is not None else (Status.OPTIMAL,))

"""The least that any planner answers with."""

from __future__ import annotations

from hmcos.allocation.largest_area_first import largest_area_first
from hmcos.allocation.largest_first import largest_first
from hmcos.allocation.problem import Lives
from hmcos.plan.arena import Arena
from hmcos.plan.limits import Limits, Observer
from hmcos.plan.schedule import Status


def simplest(lives: Lives, limits: Limits, observer: Observer) -> Arena:
    """Return the smaller arena of the largest area first and the largest first; never above the latter.

    The first one ends when a limit is reached, the second one never does.
    """
    by_area = largest_area_first(lives, limits, observer)
    if by_area.status is Status.OPTIMAL:
        return by_area
    return min(by_area, largest_first(lives, limits, observer), key=lambda arena: arena.size)

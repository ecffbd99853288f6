"""The default planner: the cheap planners first, the exact search only if they prove nothing."""

from __future__ import annotations

from dataclasses import replace

from hmcos.allocation.exact.cluster import USUAL, ProofSettings
from hmcos.allocation.exact.proof import prove
from hmcos.allocation.lives import Lives
from hmcos.allocation.quick import is_settled, smallest_cheap
from hmcos.allocation.simple.ordered import with_limit
from hmcos.limits import Limits, Watch
from hmcos.plan.arena import Arena


def auto(lives: Lives, limits: Limits, watch: Watch, jobs: int = 1, settings: ProofSettings = USUAL) -> Arena:
    """Return the smallest arena that the cheap planners and then the exact search find within the limits.

    The exact search runs only if no cheap planner made an arena that is proved smallest, or that fits the
    budget. The arena is never larger than that of `largest_first`, whatever the limits, and names the planner
    that made it. `jobs` is the number of workers of the constraint solver.
    """
    best = smallest_cheap(lives, limits, watch)
    if is_settled(best, limits) or watch.reached(limits, 0) is not None:
        return with_limit(best, limits, watch, 0)
    proved = prove(lives, best, limits, watch, jobs, settings)
    return proved if proved.size < best.size else replace(proved, allocator=best.allocator)

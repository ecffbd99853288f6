"""Schedule a network after it was tiled, where that lowers its peak."""

from __future__ import annotations

from dataclasses import replace

from hmcos.limits import Watch
from hmcos.network.opening import Opened
from hmcos.network.tilings import Candidate, tiled
from hmcos.tasks.request import Request
from hmcos.tasks.schedule.last_stage import LastStage
from hmcos.tasks.schedule.solved import Solved
from hmcos.tasks.schedule.tiling_start import SEARCH, TilingStart, in_order, tiling_start


def solve_tiled(request: Request, opened: Opened, watch: Watch) -> Solved:
    """Return the plan of a network that was tiled; of the network as it is where that needs no more.

    Raises:
        OptionError: the network is a problem, or the target cannot be tiled for.
        ModelError: the model cannot be written otherwise than it is.
    """
    running, budget = watch.restarted(), request.limits.budget
    source = in_order(request, opened, watch)
    last = LastStage(replace(request, tiling=None), running, watch)
    if budget is not None and source.plan.peak <= budget:
        return last.untiled(source)
    start = tiling_start(request, source, watch)
    found = _found(start, running)
    if isinstance(found, str):
        return last.untiled(source, start.why(found))
    best = start.of_source(LastStage(replace(start.request, tiling=None), running, watch).least(found))
    if best.plan.peak >= source.plan.peak and (budget is None or best.plan.peak > budget):
        return last.untiled(source, f"no tiling needs less in the order of the scheduler {request.scheduler}")
    return best


def _found(start: TilingStart, running: Watch) -> list[Candidate] | str:
    """Return ways to change a network, by tiling where that helps, so that it needs less, or why not."""
    request = start.request
    assert request.tiling is not None, "somebody asked for it"
    limits = request.limits.part(SEARCH)
    return tiled(start.begin, start.accounting, request.tiling, (limits, running), start.source.plan.peak)

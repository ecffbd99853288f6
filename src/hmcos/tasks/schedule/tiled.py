"""Schedule a network after it was tiled, where that lowers its peak."""

from __future__ import annotations

from dataclasses import replace

from hmcos.limits import Limits, Watch
from hmcos.network.lowering import accounting_of
from hmcos.network.opening import Opened
from hmcos.network.transforming import tiled
from hmcos.tasks.request import Request
from hmcos.tasks.schedule.solved import Solved
from hmcos.tasks.schedule.solving import solve

ORDER, SEARCH = 0.15, 0.65
"""Parts of the time limit by which the order of the source, and then the tiling, have to be found."""
LAST_ORDER = 0.3
"""Part of what is left then for the order of the tiled graph; its arena, of many lives, needs the rest."""
STATES = 20_000
"""States of the search for an order of the tiled graph, where nobody set a limit: pieces are alike, so that
a proof would take minutes, and more states were not seen to find a better order."""


def solve_tiled(request: Request, opened: Opened, watch: Watch) -> Solved:
    """Return the plan of a network that was tiled; of the network as it is where that needs no more.

    Raises:
        OptionError: the network is a problem, or the target cannot be tiled for.
        ModelError: the model cannot be written otherwise than it is.
    """
    assert request.tiling is not None
    running, plain = watch.restarted(), replace(request, tiling=None)
    within = replace(_part(request.limits, ORDER), budget=None)
    source = solve(replace(plain, limits=within, arena=None, offsets=False), opened, watch)
    budget = request.limits.budget
    if budget is not None and source.plan.peak <= budget:
        return _last(plain, opened, running, watch)
    accounting = accounting_of(opened, request.target, request.alignment, external_io=request.external_io)
    limits = _part(request.limits, SEARCH)
    order = source.plan.schedule.order
    found = tiled(opened, source.network, accounting, order, request.tiling, (limits, running))
    if isinstance(found, str):
        whole = _last(plain, opened, running, watch)
        return replace(whole, plan=replace(whole.plan, untiled=found))
    if plain.limits.states == Limits().states:
        plain = replace(plain, limits=replace(plain.limits, states=STATES))
    better = _last(plain, found.opened, running, watch, LAST_ORDER)
    return replace(better, plan=replace(better.plan, rewriting=found.rewriting))


def _part(limits: Limits, part: float) -> Limits:
    """Return limits of which only a part of the seconds is left."""
    return limits if limits.seconds is None else replace(limits, seconds=limits.seconds * part)


def _last(request: Request, opened: Opened, running: Watch, watch: Watch, order_part: float = 1.0) -> Solved:
    """Return the plan of a network within what is left of the limits, with the seconds of all searches."""
    before = running.seconds
    solved = solve(replace(request, limits=running.left(request.limits)), opened, watch, order_part)
    seconds = solved.plan.seconds
    seconds = replace(seconds, schedule=seconds.schedule + before)
    return replace(solved, plan=replace(solved.plan, seconds=seconds))

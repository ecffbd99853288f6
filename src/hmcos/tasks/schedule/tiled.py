"""Schedule a network after it was tiled, where that lowers its peak."""

from __future__ import annotations

from dataclasses import replace

from hmcos.limits import Limits, Watch
from hmcos.network.bodies import Accounting
from hmcos.network.lowering import accounting_of
from hmcos.network.opening import Opened
from hmcos.network.stripping import ends_of, stripped
from hmcos.network.transforming import Begun, Transformed, of_source, tiled
from hmcos.tasks.request import Request
from hmcos.tasks.schedule.solved import Solved
from hmcos.tasks.schedule.solving import solve
from hmcos.tasks.schedule.written_offsets import check_alignment
from hmcos.transforms.tiling import Tiling

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
    if request.offsets and request.arena is not None:  # not after all searches
        check_alignment(opened, _accounting(request, opened).alignment)
    source = _in_order(plain, opened, watch)
    budget = request.limits.budget
    if budget is not None and source.plan.peak <= budget:
        return _last(plain, opened, running, watch)
    ends = ends_of(opened) if request.tiling.strip_quantize else ()
    bare = stripped(opened, ends)
    plain = replace(plain, target=bare.target(request.target))
    begun = _in_order(plain, bare.opened, watch) if ends else source
    found = _found(replace(plain, tiling=request.tiling), begun, running, source.plan.peak)
    if isinstance(found, str):
        whole = _last(replace(plain, target=request.target), opened, running, watch)
        return replace(whole, plan=replace(whole.plan, untiled=_why(found, request.tiling, ends)))
    rewriting = found.rewriting
    if ends:
        rewriting = of_source(rewriting, bare, source.plan.given_peak, source.plan.peak)
    if rewriting.regions and plain.limits.states == Limits().states:
        plain = replace(plain, limits=replace(plain.limits, states=STATES))
    better = _last(replace(plain, target=found.target), found.opened, running, watch, LAST_ORDER)
    return replace(better, plan=replace(better.plan, rewriting=rewriting, untiled=found.untiled))


def _in_order(request: Request, opened: Opened, watch: Watch) -> Solved:
    """Return the plan of a network as it is, found in the time for that."""
    within = replace(_part(request.limits, ORDER), budget=None)
    return solve(replace(request, limits=within, arena=None, offsets=False), opened, watch)


def _found(request: Request, begun: Solved, running: Watch, below: int) -> Transformed | str:
    """Return a network that needs less than some bytes, tiled where that helps, or why there is none."""
    assert request.tiling is not None
    accounting = _accounting(request, begun.opened)
    start = Begun(begun.opened, begun.network, begun.plan.schedule.order)
    limits = _part(request.limits, SEARCH)
    return tiled(start, accounting, request.tiling, (limits, running), below)


def _accounting(request: Request, opened: Opened) -> Accounting:
    return accounting_of(opened, request.target, request.alignment, external_io=request.external_io)


def _why(found: str, tiling: Tiling, ends: tuple[int, ...]) -> str:
    """Return why a network stays as it is, and what there was to strip."""
    if not tiling.strip_quantize:
        return found
    if not ends:
        return f"{found}; and it has no float inputs or outputs to strip"
    return f"{found}; and stripping its float inputs and outputs does not lower the peak"


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

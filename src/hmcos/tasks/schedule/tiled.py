"""Schedule a network after it was tiled, where that lowers its peak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hmcos.limits import Status, Watch
from hmcos.network.bodies import Accounting
from hmcos.network.lowering import Known, accounting_of
from hmcos.network.opening import Opened
from hmcos.network.stripping import ends_of, stripped
from hmcos.network.transforming import Begun, Candidate, of_source, tiled
from hmcos.tasks.request import Request
from hmcos.tasks.schedule.solved import Solved
from hmcos.tasks.schedule.solving import solve
from hmcos.tasks.schedule.written_offsets import check_alignment
from hmcos.transforms.judging import order_limits
from hmcos.transforms.tiling import Tiling

ORDER, SEARCH = 0.15, 0.65
"""Parts of the time limit by which the order of the source, and then the tilings, have to be found; arenas,
of many lives, need the rest."""


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
    last = _Last(plain, running, watch)
    budget = request.limits.budget
    if budget is not None and source.plan.peak <= budget:
        return last.untiled(source)
    ends = ends_of(opened) if request.tiling.strip_quantize else ()
    bare = stripped(opened, ends)
    plain = replace(plain, target=bare.target(request.target))
    begun = _in_order(plain, bare.opened, watch) if ends else source
    found = _found(replace(plain, tiling=request.tiling), begun, running, source.plan.peak)
    if isinstance(found, str):
        return last.untiled(source, _why(found, request.tiling, ends))
    best = _Last(plain, running, watch).least(found)
    if ends:
        assert best.plan.rewriting is not None, "it was changed"
        peaks = source.plan.given_peak, source.plan.peak
        rewriting = of_source(best.plan.rewriting, bare, *peaks)
        best = replace(best, plan=replace(best.plan, rewriting=rewriting))
    if best.plan.peak >= source.plan.peak and (budget is None or best.plan.peak > budget):
        return last.untiled(source, f"no tiling needs less in the order of the scheduler {request.scheduler}")
    return best


def _in_order(request: Request, opened: Opened, watch: Watch) -> Solved:
    """Return the plan of a network as it is, found in the time for that."""
    within = replace(request.limits.part(ORDER), budget=None)
    return solve(replace(request, limits=within, arena=None, offsets=False), opened, watch)


def _found(request: Request, begun: Solved, running: Watch, below: int) -> list[Candidate] | str:
    """Return ways to change a network, by tiling where that helps, so that it needs less, or why not."""
    assert request.tiling is not None
    accounting = _accounting(request, begun.opened)
    start = Begun(begun.opened, begun.network, begun.plan.schedule.order)
    return tiled(start, accounting, request.tiling, (request.limits.part(SEARCH), running), below)


def _accounting(request: Request, opened: Opened) -> Accounting:
    return accounting_of(opened, request.target, request.alignment, external_io=request.external_io)


def _why(found: str, tiling: Tiling, ends: tuple[int, ...]) -> str:
    """Return why a network stays as it is, and what there was to strip."""
    if not tiling.strip_quantize:
        return found
    if not ends:
        return f"{found}; and it has no float inputs or outputs to strip"
    return f"{found}; and stripping its float inputs and outputs does not lower the peak"


@dataclass(frozen=True, slots=True)
class _Last:
    """The last stage: arenas, and orders where none is known yet, within what is left of the limits."""

    request: Request
    running: Watch
    """Since the limits count."""
    watch: Watch
    """Of the whole task."""

    def solved(self, opened: Opened, known: Known | None, part: float = 1.0) -> Solved:
        """Return the plan of a network within a part of the time left, with the seconds of all searches."""
        before = self.running.seconds
        if known is not None and known.schedule.scheduler != self.request.scheduler:
            known = None
        request = replace(self.request, limits=self.running.left(self.request.limits).part(part))
        solved = solve(request, opened, self.watch, known)
        seconds = solved.plan.seconds
        seconds = replace(seconds, schedule=seconds.schedule + before)
        return replace(solved, plan=replace(solved.plan, seconds=seconds))

    def untiled(self, source: Solved, why: str = "") -> Solved:
        """Return the plan of a network as it is, in a better order where there is time to find one."""
        schedule = source.plan.schedule
        known = Known(source.network.problem, schedule)
        if schedule.status in (Status.OPTIMAL, Status.AT_MOST) or self.request.limits.seconds is None:
            whole = self.solved(source.opened, known)
        else:
            whole = self.solved(source.opened, None, 0.5)
            if whole.plan.peak > schedule.peak:
                whole = self.solved(source.opened, known)
        return replace(whole, plan=replace(whole.plan, untiled=why))

    def least(self, found: Sequence[Candidate]) -> Solved:
        """Return the plan of the tiling that has the least arena, or the least peak where none is wanted.

        A tiling is left out where its peak alone is no less than the best arena.
        """
        best: Solved | None = None
        for i, each in enumerate(found):
            if best is not None and each.peak >= _needed(best):
                break
            solved = self._tiled(each, 1 / (len(found) - i))
            if best is None or _needed(solved) < _needed(best):
                best = solved
        assert best is not None, "there is at least one"
        return best

    def _tiled(self, candidate: Candidate, part: float) -> Solved:
        found = candidate.written()
        limits = order_limits(self.request.limits) if found.rewriting.regions else self.request.limits
        last = replace(self, request=replace(self.request, limits=limits, target=found.target))
        solved = last.solved(found.opened, candidate.known, part)
        plan = replace(solved.plan, rewriting=found.rewriting, untiled=found.untiled)
        return replace(solved, plan=plan)


def _needed(solved: Solved) -> int:
    """Return the bytes of the arena, or of the peak where there is none."""
    arena = solved.plan.arena
    return solved.plan.peak if arena is None else arena.size

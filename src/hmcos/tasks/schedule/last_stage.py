"""The last stage of a tiled schedule: arenas, and orders where none is known yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hmcos.limits import Status, Watch
from hmcos.network.lowering import Known
from hmcos.network.opening import Opened
from hmcos.network.tilings import Candidate
from hmcos.tasks.request import Request
from hmcos.tasks.schedule.solved import Solved
from hmcos.tasks.schedule.solving import solve
from hmcos.transforms.judging import order_limits


@dataclass(frozen=True, slots=True)
class LastStage:
    """The last stage: arenas, and orders where none is known yet, within what is left of the limits."""

    request: Request
    running: Watch
    """Since the limits count."""
    watch: Watch
    """Of the whole task."""

    @property
    def is_over(self) -> bool:
        """Whether the time is over, or somebody interrupted it."""
        return self.running.is_over(self.request.limits)

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

    def untiled(self, source: Solved, why: str = "", part: float = 1.0) -> Solved:
        """Return the plan of a network as it is, in a better order where there is time to find one."""
        schedule = source.plan.schedule
        known = Known(source.network.problem, schedule)
        if schedule.status in (Status.OPTIMAL, Status.AT_MOST) or self.request.limits.seconds is None:
            whole = self.solved(source.opened, known, part)
        else:
            whole = self.solved(source.opened, None, 0.5 * part)
            if whole.plan.peak > schedule.peak:
                whole = self.solved(source.opened, known, part)
        return replace(whole, plan=replace(whole.plan, untiled=why))

    def least(self, found: Sequence[Candidate]) -> Solved:
        """Return the plan of the tiling that has the least arena, or the least peak where none is wanted.

        A tiling is left out where its peak alone is no less than the best arena.
        """
        best: Solved | None = None
        for i, each in enumerate(found):
            if best is not None and each.peak >= _needed(best):
                break
            solved = self.tiled(each, 1 / (len(found) - i))
            if best is None or _needed(solved) < _needed(best):
                best = solved
        assert best is not None, "there is at least one"
        return best

    def tiled(self, candidate: Candidate, part: float) -> Solved:
        """Return the plan of a tiling, within a part of the time left."""
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

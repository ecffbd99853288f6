"""What a search for tilings starts with: a source in order, without the ends that may go."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hmcos.limits import Watch
from hmcos.network.bodies import Accounting
from hmcos.network.lowering import accounting_of
from hmcos.network.opening import Opened
from hmcos.network.stripping import Stripped, ends_of, stripped
from hmcos.network.tilings import Begun
from hmcos.network.transforming import of_source
from hmcos.tasks.request import Request
from hmcos.tasks.schedule.solved import Solved
from hmcos.tasks.schedule.solving import solve
from hmcos.tasks.schedule.written_offsets import check_alignment

ORDER, SEARCH = 0.15, 0.65
"""Parts of the time limit by which the order of the source, and then the tilings, have to be found; arenas,
of many lives, need the rest."""


@dataclass(frozen=True, slots=True)
class TilingStart:
    """A source that is to be tiled."""

    request: Request
    """For the tiled network, without the tiling itself."""
    source: Solved
    """In the best order found in the time for that, without an arena."""
    bare: Stripped
    """The source without the ends that may go."""
    begun: Solved
    """The same in the best order found."""

    @property
    def begin(self) -> Begun:
        """What the search for tilings begins with."""
        return Begun(self.begun.opened, self.begun.network, self.begun.plan.schedule.order)

    @property
    def accounting(self) -> Accounting:
        """How memory is counted."""
        return _accounting(self.request, self.begun.opened)

    def of_source(self, solved: Solved) -> Solved:
        """Return the plan of a tiling with what is changed of the source, its ends included."""
        if not self.bare.ends:
            return solved
        assert solved.plan.rewriting is not None, "it was changed"
        peaks = self.source.plan.given_peak, self.source.plan.peak
        rewriting = of_source(solved.plan.rewriting, self.bare, *peaks)
        return replace(solved, plan=replace(solved.plan, rewriting=rewriting))

    def why(self, found: str) -> str:
        """Return why a network stays as it is, and what there was to strip."""
        tiling = self.request.tiling
        if tiling is None or not tiling.strip_quantize:
            return found
        if not self.bare.ends:
            return f"{found}; and it has no float inputs or outputs to strip"
        return f"{found}; and stripping its float inputs and outputs does not lower the peak"


def in_order(request: Request, opened: Opened, watch: Watch) -> Solved:
    """Return the plan of a network as it is, found in the time for that, without an arena.

    Raises:
        OptionError: the file cannot hold the offsets that are asked for.
    """
    if request.offsets and request.arena is not None:  # not after all searches
        check_alignment(opened, _accounting(request, opened).alignment)
    within = replace(request.limits.part(ORDER), budget=None)
    return solve(replace(request, limits=within, arena=None, offsets=False, tiling=None), opened, watch)


def tiling_start(request: Request, source: Solved, watch: Watch) -> TilingStart:
    """Return what a search for tilings of a source starts with.

    Raises:
        OptionError: the source is a problem.
        ModelError: the model cannot be written otherwise than it is.
    """
    assert request.tiling is not None, "somebody asked for it"
    ends = ends_of(source.opened) if request.tiling.strip_quantize else ()
    bare = stripped(source.opened, ends)
    request = replace(request, target=bare.target(request.target))
    return TilingStart(request, source, bare, in_order(request, bare.opened, watch) if ends else source)


def _accounting(request: Request, opened: Opened) -> Accounting:
    return accounting_of(opened, request.target, request.alignment, external_io=request.external_io)

"""Whether running parts of a network in pieces would lower its peak."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from hmcos.errors import HmcosError
from hmcos.limits import Limits, Watch
from hmcos.network.restoring import accounting_in
from hmcos.network.tilings import UNFINISHED, Begun, tiled
from hmcos.plan.plan import Plan
from hmcos.plan.rewriting import Rewriting
from hmcos.tasks.schedule.solved import Solved
from hmcos.transforms.tiling import Tiling


class TilingAnswer(StrEnum):
    """What is known of tiling a network."""

    HELPS = "helps"
    """A tiling was found that needs less than the plan."""
    DOES_NOT_HELP = "does not help"
    """No tiling that hmcos knows needs less, or the network cannot be tiled."""
    CUT_SHORT = "cut short"
    """None was found in the time given."""
    NOT_TRIED = "not tried"
    DONE = "done"
    """The plan is that of a tiled network."""


@dataclass(frozen=True, slots=True)
class TilingAdvice:
    """The answer, and what a tiling would change."""

    answer: TilingAnswer
    why: str = ""
    """Why it does not help."""
    peak: int | None = None
    """Bytes: of the tiled network, in the best order found."""
    operators: int = 0
    """Of the tiled network."""
    rewriting: Rewriting | None = None
    """Of the tiled network."""


SECONDS = 10.0
"""For the search for a tiling, where no limit is given."""


def tiling_limits(limits: Limits) -> Limits:
    """Return the limits of the search for a tiling, from those of the other searches."""
    return replace(limits, seconds=SECONDS if limits.seconds is None else limits.seconds, budget=None)


def tiling_advice(solved: Solved, limits: Limits | None, watch: Watch) -> TilingAdvice:
    """Return what tiling the network of a plan would save.

    Args:
        solved: the plan, with its network.
        limits: of the search for a tiling; None to try none.
        watch: that of this search.
    """
    known = _known(solved.plan)
    if known is not None:
        return known
    if solved.opened.model is None:
        return TilingAdvice(TilingAnswer.DOES_NOT_HELP, "a problem has no graph that could be changed")
    if limits is None or watch.is_over(limits):
        return TilingAdvice(TilingAnswer.NOT_TRIED)
    return _tried(solved, limits, watch)


def _tried(solved: Solved, limits: Limits, watch: Watch) -> TilingAdvice:
    accounting = accounting_in(solved.plan)
    try:
        begun = Begun(solved.opened, solved.network, solved.plan.schedule.order)
        found = tiled(begun, accounting, Tiling(), (limits, watch))
    except HmcosError as error:  # a format, a version or a target that cannot be tiled for
        return TilingAdvice(TilingAnswer.DOES_NOT_HELP, str(error))
    if isinstance(found, str):
        if found == UNFINISHED:
            return TilingAdvice(TilingAnswer.CUT_SHORT)
        return TilingAdvice(TilingAnswer.DOES_NOT_HELP, found)
    best = found[0].written()
    return TilingAdvice(
        TilingAnswer.HELPS, peak=found[0].peak, operators=best.operators, rewriting=best.rewriting
    )


def _known(plan: Plan) -> TilingAdvice | None:
    """Return what hmcos schedule --tile found; None where it was not asked."""
    if plan.rewriting is not None:
        return TilingAdvice(
            TilingAnswer.DONE, peak=plan.peak, operators=len(plan.operators), rewriting=plan.rewriting
        )
    return TilingAdvice(TilingAnswer.DOES_NOT_HELP, plan.untiled) if plan.untiled else None

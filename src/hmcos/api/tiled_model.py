"""Tile a network and keep the result in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike

from hmcos.frontends.model import Model
from hmcos.limits import SILENCE, Observer, Watch, never
from hmcos.memory.target import Target
from hmcos.network.opening import Openable, open_source
from hmcos.plan.plan import Plan
from hmcos.plan.rewriting import RegionRow
from hmcos.tasks.request import Request, chosen_arena, chosen_limits, chosen_target
from hmcos.tasks.schedule.task import run
from hmcos.transforms.tiling import Tiling


@dataclass(frozen=True, slots=True)
class Tiled:
    """A network that runs piece by piece where that lowers its peak."""

    model: Model
    """The changed model; that of the source where nothing was gained."""
    plan: Plan
    """Its plan; `plan.rewriting` holds what was changed, `plan.untiled` why nothing was."""

    @property
    def peak(self) -> int:
        """Bytes, in the order of the plan."""
        return self.plan.peak

    @property
    def peak_before(self) -> int:
        """Bytes: the peak of the source in its own order."""
        rewriting = self.plan.rewriting
        return self.plan.given_peak if rewriting is None else rewriting.peak_before

    @property
    def peak_best_order(self) -> int:
        """Bytes: the peak of the source in the best order found."""
        rewriting = self.plan.rewriting
        return self.plan.peak if rewriting is None else rewriting.peak_best_order

    @property
    def regions(self) -> tuple[RegionRow, ...]:
        """What runs piece by piece."""
        return () if self.plan.rewriting is None else self.plan.rewriting.regions

    @property
    def extra_macs(self) -> float:
        """What is computed once more, as a part of what the source computes."""
        return 0.0 if self.plan.rewriting is None else self.plan.rewriting.extra


def tile(  # noqa: PLR0913 (one keyword per option of the command line, so that both say the same)
    model: Openable,
    tiling: Tiling | None = None,
    *,
    target: str | PathLike[str] | Target = "default",
    kernels: str | None = None,
    bind: Mapping[str, int] | None = None,
    time_limit: float | None = None,
    budget: int | None = None,
    alignment: int | None = None,
    external_io: bool = False,
    observer: Observer = SILENCE,
    interrupted: Callable[[], bool] = never,
) -> Tiled:
    """Return a model whose regions run piece by piece where that lowers its peak, with its plan.

    The outputs have the same bits, as long as `tiling` does not allow other rounding; some values are
    computed more than once, at most `tiling.max_extra_macs` of all multiplications and additions. With a
    `budget` in bytes it is the least extra arithmetic within it that is looked for. The other options are
    those of `schedule`. No file is written.

    Raises:
        HmcosError: one of its subclasses for any wrong input. Gaining nothing is a result.
    """
    request = Request(
        target=chosen_target(target, kernels),
        bind=dict(bind or {}),
        limits=chosen_limits(time_limit, budget=budget),
        alignment=alignment,
        external_io=external_io,
        arena=chosen_arena(None, "peak", budget),
        tiling=tiling or Tiling(),
    )
    solved = run(request, open_source(model, request.bind), Watch(observer, interrupted))
    assert solved.opened.model is not None, "only models are tiled"
    return Tiled(solved.opened.model, solved.plan)

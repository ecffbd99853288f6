"""The least-memory order of a graph of torch.fx."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from torch.fx import GraphModule

from hmcos.frontends.torch.arranging import rearranged
from hmcos.frontends.torch.building import Traced
from hmcos.frontends.torch.tracing import model_in_memory, traced
from hmcos.limits import Watch
from hmcos.memory.target import Target
from hmcos.network.opening import open_source
from hmcos.plan.plan import Plan
from hmcos.schedulers.scheduler_table import scheduler
from hmcos.tasks.request import Request, chosen_limits, chosen_target
from hmcos.tasks.schedule.remembered import remembering
from hmcos.tasks.schedule.solved import Solved
from hmcos.tasks.schedule.solving import solve
from hmcos.words import human


@dataclass(frozen=True, slots=True)
class Ordered:
    """A graph in its least-memory order."""

    module: GraphModule
    """The graph in this order; it shares parameters and constants with the source."""
    trace: Traced
    """The source as a network."""
    solved: Solved
    """The plan and all that it was computed from: what reports, pictures and the page take."""

    @property
    def plan(self) -> Plan:
        """The plan: `plan.given_peak` and `plan.peak` are the peaks before and after, in bytes."""
        return self.solved.plan

    @property
    def words(self) -> str:
        """What was gained and proved, as text."""
        plan = self.plan
        return f"peak {human(plan.given_peak)} -> {human(plan.peak)}, {plan.status}"


def ordered(  # noqa: PLR0913
    module: GraphModule,
    inputs: Sequence[object],
    *,
    parameters: Collection[str] = (),
    held: Collection[str] | None = None,
    views: Collection[str] = (),
    target: str | PathLike[str] | Target = "torch",
    time_limit: float | None = None,
    state_limit: int | None = None,
    kept: Path | None = None,
) -> Ordered:
    """Return a graph in the order of its nodes that needs the least memory. The given graph is not changed.

    Args:
        module: the graph.
        inputs: one per placeholder: real or fake tensors, numbers, None. Nothing is computed. Symbolic sizes
            count as those of the example.
        parameters: names of the placeholders that take no memory of the plan, such as weights.
        held: names of the placeholders that the caller holds to the end; None for all of them.
        views: operators such as `aten::view_copy` that the target runs as views of their first argument.
        target: `torch`, `torch-cuda`, or another target.
        time_limit: seconds of the search; None for no limit.
        state_limit: states of the search; None for the default.
        kept: a folder that keeps orders between runs; None for no folder.

    Raises:
        HmcosError: a node cannot be scheduled (names node and module), or an option is wrong.
    """
    watch = Watch()
    request = Request(chosen_target(target), limits=chosen_limits(time_limit, state_limit))
    trace = traced(module, inputs, parameters=parameters, held=held, views=views)
    search = remembering(scheduler(request.scheduler), kept)
    solved = solve(request, open_source(model_in_memory(trace)), watch, search=search)
    return Ordered(rearranged(trace, solved.plan.orders), trace, solved)

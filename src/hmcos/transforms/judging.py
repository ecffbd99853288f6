"""A tiling as it will be run: written as a graph, lowered and scheduled."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hmcos.graph.rewrite import OperatorStep, Rewrite, rewritten
from hmcos.limits import Limits, Watch
from hmcos.memory.changes import without_external
from hmcos.memory.problem import Problem
from hmcos.memory.sharing import Sharing
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.optimal import optimal
from hmcos.transforms.choose import Found
from hmcos.transforms.ordered_network import OrderedNetwork
from hmcos.transforms.tile import expand

STATES = 20_000
"""States of the search for an order of a tiled graph, where nobody set a limit: pieces are alike, so that a
proof would take minutes, and more states were not seen to find a better order."""
GLANCE = 5_000
"""States of the search for an order where tilings are compared; the best one is scheduled once more."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A tiling that was written as a graph and scheduled."""

    network: OrderedNetwork
    """The source along the order that the regions are in."""
    found: Found
    rewrite: Rewrite
    sharing: Sharing
    """The graph of the rewrite, lowered."""
    problem: Problem
    """That of the graph, as its memory is counted."""
    schedule: Schedule
    """The best order that was found for the graph."""

    @property
    def peak(self) -> int:
        """Bytes, in the best order that was found."""
        return self.schedule.peak

    @property
    def total(self) -> int:
        """Bytes: the peak, and what the runtime keeps for operators beyond those of the source."""
        return self.peak + self.found.kept

    def again(self, limits: Limits, watch: Watch) -> Judged:
        """Return the tiling with the order that is found for its graph within other limits."""
        return replace(self, schedule=_scheduled(self.problem, limits, watch))

    def implied(self) -> tuple[int, ...]:
        """Return the operators of the source in the order in which their last pieces run."""
        last: dict[int, int] = {}
        for position, i in enumerate(self.schedule.order):
            step = self.rewrite.steps[self.sharing.numbers[i]]
            if isinstance(step, OperatorStep):
                last[step.number] = position
        return tuple(sorted(last, key=last.__getitem__))


def judged(network: OrderedNetwork, found: Found, limits: Limits, watch: Watch) -> Judged:
    """Return a tiling of a network after its graph was scheduled within some limits."""
    rewrite, rules = expand(network, found.regions), network.rules
    graph = rewritten(network.graph, rewrite, rules.spelling)
    scratch = {
        number: rules.body_scratch[step.number]
        for number, step in enumerate(rewrite.steps)
        if isinstance(step, OperatorStep) and step.pads is None and step.number in rules.body_scratch
    }
    sharing = rules.problem(graph, scratch)
    problem = without_external(sharing.problem) if rules.external_io else sharing.problem
    return Judged(network, found, rewrite, sharing, problem, _scheduled(problem, limits, watch))


def _scheduled(problem: Problem, limits: Limits, watch: Watch) -> Schedule:
    return optimal(problem, replace(order_limits(limits), budget=None, jobs=1), watch.restarted().silenced())


def left_whole(network: OrderedNetwork) -> Judged:
    """Return the tiling of no region, which leaves a network as it is."""
    return judged(network, Found(network.profile.peak, 0, ()), Limits(), Watch())


def order_limits(limits: Limits) -> Limits:
    """Return the limits of a search for an order of a tiled graph, from those that somebody asked for."""
    return replace(limits, states=STATES) if limits.states == Limits().states else limits

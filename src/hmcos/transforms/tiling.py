"""What is wanted of a tiling, and the best one that is found along some orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hmcos.errors import OptionError
from hmcos.graph.rewrite import OperatorStep, Rewrite, rewritten
from hmcos.limits import Limits, Status, Watch
from hmcos.memory.changes import without_external
from hmcos.memory.problem import Problem
from hmcos.memory.sharing import Sharing
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.optimal import optimal
from hmcos.transforms.choose import Found, Terms, TilingSearch
from hmcos.transforms.ordered_network import OrderedNetwork
from hmcos.transforms.tile import expand

JUDGED = 3
"""How many tilings are scheduled, of those that need the least in the order given."""
GLANCE, STATES = 5_000, 20_000
"""States of each of those searches, and of that for the best one: pieces are alike, so that a proof would
take minutes, and more states were not seen to find a better order."""
SEARCH = 0.7
"""Part of the time limit by which tilings have to be found; the rest is for their orders."""


@dataclass(frozen=True, slots=True)
class Tiling:
    """What a tiling may do."""

    max_extra_macs: float = 0.05
    """The most multiplications and additions that are computed once more, as a part of all."""
    allow_rounding: bool = False
    """Whether float results may round otherwise than those of the source."""
    strip_quantize: bool = False
    """Whether quantized tensors may go in and out instead of floats: without the operators that make one of
    the other."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            OptionError: the extra arithmetic is negative, or no number.
        """
        if not self.max_extra_macs >= 0:
            raise OptionError(f"extra MACs are a part of at least 0, not {self.max_extra_macs}")

    def terms(self, network: OrderedNetwork) -> Terms:
        """Return what a tiling of a network may cost."""
        share = min(self.max_extra_macs, 1000.0)  # a share beyond that is no limit, and may be infinite
        return Terms(int(network.macs * share), self.allow_rounding)


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

    def implied(self) -> tuple[int, ...]:
        """Return the operators of the source in the order in which their last pieces run."""
        last: dict[int, int] = {}
        for position, i in enumerate(self.schedule.order):
            step = self.rewrite.steps[self.sharing.numbers[i]]
            if isinstance(step, OperatorStep):
                last[step.number] = position
        return tuple(sorted(last, key=last.__getitem__))


def best_tilings(
    networks: Sequence[OrderedNetwork], tiling: Tiling, limits: Limits, watch: Watch
) -> list[Judged]:
    """Return the tilings that need less than the first of the orders does, the best one first.

    The search is repeated once along the order that the best one implies. With a budget the only one is that
    of the least extra arithmetic within it, if there is any.

    Args:
        networks: one network along several orders, the best one first.
        tiling: what is allowed.
        limits: seconds, and a budget in bytes.
        watch: is told how the search goes on.
    """
    searching = _Searching(tiling, limits, watch)
    candidates: list[_Candidate] = []
    for network in networks:
        least = min((found.peak for _, found in candidates), default=None)
        candidates += searching.along(network, least)
    fitting = [pair for pair in candidates if limits.budget is not None and pair[1].peak <= limits.budget]
    if fitting:
        network, found = min(fitting, key=lambda pair: (pair[1].macs, pair[1].peak))
        return [searching.judged(network, found)]
    judged = searching.best(candidates)
    if judged and not watch.is_over(limits):
        implied = judged[0].implied()
        if all(implied != network.order for network in networks):
            network = replace(networks[0], order=implied)
            judged += searching.best(searching.along(network, judged[0].peak))
    judged.sort(key=_by_peak)
    return [each for each in judged if each.peak < networks[0].profile.peak]


def left_whole(network: OrderedNetwork) -> Judged:
    """Return the tiling of no region, which leaves a network as it is."""
    found = Found(network.profile.peak, 0, ())
    return _Searching(Tiling(), Limits(), Watch()).judged(network, found)


def order_limits(limits: Limits) -> Limits:
    """Return the limits of a search for an order of a tiled graph, from those that somebody asked for."""
    return replace(limits, states=STATES) if limits.states == Limits().states else limits


_Candidate = tuple[OrderedNetwork, Found]


def _by_peak(judged: Judged) -> tuple[int, int]:
    return judged.peak, judged.found.macs


@dataclass(frozen=True, slots=True)
class _Searching:
    """What all searches for tilings of a network share."""

    tiling: Tiling
    limits: Limits
    watch: Watch

    def along(self, network: OrderedNetwork, below: int | None) -> list[_Candidate]:
        """Return tilings along one order, each of less bytes, and maybe more extra MACs, than the one before.

        With a budget that can be met it is the cheapest within it only.
        """
        limits = self.limits.part(SEARCH)
        search = TilingSearch(network, self.tiling.terms(network), limits, self.watch)
        if limits.budget is not None:
            found = search.cheapest(limits.budget)
            if found is not None:
                return [(network, found)]
        return [(network, each) for each in search.thresholds(below)]

    def best(self, candidates: Sequence[_Candidate]) -> list[Judged]:
        """Return the best candidates with their orders, the one that needs the least first."""
        ranked = sorted(candidates, key=lambda pair: (pair[1].peak, pair[1].macs))
        judged = sorted((self.judged(*pair, GLANCE) for pair in ranked[:JUDGED]), key=_by_peak)
        if judged and judged[0].schedule.status is not Status.OPTIMAL:
            judged[0] = self.judged(judged[0].network, judged[0].found)
        return judged

    def judged(self, network: OrderedNetwork, found: Found, states: int | None = None) -> Judged:
        """Return a tiling after its graph was scheduled, looking at so many states at most."""
        rewrite, rules = expand(network, found.regions), network.rules
        graph = rewritten(network.graph, rewrite, rules.spelling)
        scratch = {
            number: rules.body_scratch[step.number]
            for number, step in enumerate(rewrite.steps)
            if isinstance(step, OperatorStep) and step.pads is None and step.number in rules.body_scratch
        }
        sharing = rules.problem(graph, scratch)
        problem = without_external(sharing.problem) if rules.external_io else sharing.problem
        left = replace(order_limits(self.watch.left(self.limits)), budget=None)
        within = left if states is None else replace(left, states=min(states, left.states))
        schedule = optimal(problem, within, self.watch.restarted().silenced())
        return Judged(network, found, rewrite, sharing, problem, schedule)

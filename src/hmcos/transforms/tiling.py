"""What is wanted of a tiling, and the best one that is found along some orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hmcos.errors import OptionError
from hmcos.graph.rewrite import OperatorStep, Rewrite, rewritten
from hmcos.limits import Limits, Watch
from hmcos.memory.changes import without_external
from hmcos.memory.profile import peak
from hmcos.schedulers.optimal import optimal
from hmcos.transforms.choose import Found, Terms, TilingSearch
from hmcos.transforms.ordered_network import OrderedNetwork
from hmcos.transforms.tile import expand

JUDGED = 3
"""How many tilings are scheduled exactly, of those that need the least in the order given."""
STATES = 20_000
"""States of each of those searches."""


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
    peak: int
    """Bytes: in the best order that was found for the graph."""


def best_tiling(
    networks: Sequence[OrderedNetwork], tiling: Tiling, limits: Limits, watch: Watch
) -> Judged | None:
    """Return the tiling that needs the least; None where none needs less than the first of the orders does.

    With a budget it is the one of the least extra arithmetic among those within it, if there are any.

    Args:
        networks: one network along several orders, the best one first.
        tiling: what is allowed.
        limits: seconds, and a budget in bytes.
        watch: is told how the search goes on.
    """
    candidates: list[tuple[OrderedNetwork, Found]] = []
    for network in networks:
        search = TilingSearch(network, tiling.terms(network), limits, watch)
        found = None if limits.budget is None else search.cheapest(limits.budget)
        least = min((each.peak for _, each in candidates), default=None)
        wanted = search.thresholds(least) if found is None else [found]
        candidates += [(network, each) for each in wanted]
    if limits.budget is not None and any(found.peak <= limits.budget for _, found in candidates):
        candidates = [(n, found) for n, found in candidates if found.peak <= limits.budget]
        candidates.sort(key=lambda pair: (pair[1].macs, pair[1].peak))
        return _judged(*candidates[0], limits, watch)
    candidates.sort(key=lambda pair: (pair[1].peak, pair[1].macs))
    judged = [_judged(*pair, limits, watch) for pair in candidates[:JUDGED]]
    best = min(judged, key=lambda each: (each.peak, each.found.macs), default=None)
    return best if best is not None and best.peak < networks[0].profile.peak else None


def left_whole(network: OrderedNetwork) -> Judged:
    """Return the tiling of no region, which leaves a network as it is."""
    return Judged(network, Found(network.profile.peak, 0, ()), expand(network, ()), network.profile.peak)


def _judged(network: OrderedNetwork, found: Found, limits: Limits, watch: Watch) -> Judged:
    """Return a tiling after its graph was scheduled."""
    rewrite, rules = expand(network, found.regions), network.rules
    graph = rewritten(network.graph, rewrite, rules.spelling)
    scratch = {
        number: rules.body_scratch[step.number]
        for number, step in enumerate(rewrite.steps)
        if isinstance(step, OperatorStep) and step.pads is None and step.number in rules.body_scratch
    }
    problem = rules.problem(graph, scratch).problem
    problem = without_external(problem) if rules.external_io else problem
    within = replace(watch.left(limits), states=STATES, budget=None)
    schedule = optimal(problem, within, watch.restarted().silenced())
    return Judged(network, found, rewrite, min(schedule.peak, peak(problem, range(problem.operators))))

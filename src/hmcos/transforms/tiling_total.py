"""The tilings that need the least in all: peak and what the runtime keeps for every operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hmcos.limits import Limits, Status, Watch
from hmcos.transforms.choose import Found, TilingSearch
from hmcos.transforms.choose_total import TotalSearch
from hmcos.transforms.cost import Costing
from hmcos.transforms.judging import GLANCE, Judged, judged
from hmcos.transforms.ordered_network import OrderedNetwork
from hmcos.transforms.tiling import SEARCH, Tiling

SLACK = 0.1
"""Part by which a tiling may need more than the best one, along the order given, and still be scheduled: a
better order may lower the peak of either."""
GLANCED = 12
"""How many tilings are scheduled with a few states, of those that need the least in the order given."""
JUDGED = 5
"""How many of them are scheduled with all states, and then planned."""
ROUNDS = 3
"""How often the search is repeated along the order that the best tiling implies."""
PEAK = 0.5
"""Part of the time for the search by which the least peak along the first order has to be found."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The best tilings for all that the runtime takes."""

    best: list[Judged]
    """Those that need the least, and less than the network does; the best first."""
    lowest: Judged | None
    """The one that has the lowest peak along the first order, if any lowers that."""


def least_totals(networks: Sequence[OrderedNetwork], tiling: Tiling, limits: Limits, watch: Watch) -> Totals:
    """Return the tilings that need the least in all along some orders, the best one first in each.

    The search is repeated along the order that the best one implies, as long as that is a new one.

    Args:
        networks: one network along several orders, the best one first.
        tiling: what is allowed.
        limits: seconds, and states for the order of every tiling.
        watch: is told how the search goes on.
    """
    searching = _Totalling(networks, limits, watch)
    for rung in tiling.rungs():
        searching.look(rung)
    most = networks[0].profile.peak
    return Totals([each for each in searching.best[:JUDGED] if each.total < most], searching.lowest())


_Candidate = tuple[OrderedNetwork, Found]


@dataclass
class _Totalling:
    """Searches for tilings of one network along several orders."""

    networks: Sequence[OrderedNetwork]
    limits: Limits
    watch: Watch
    best: list[Judged] = field(default_factory=list[Judged])
    """The best tilings so far, the one that needs the least first."""
    _costings: dict[tuple[int, ...], Costing] = field(default_factory=dict[tuple[int, ...], Costing])
    """Order to what prices regions along it."""
    _lowest: _Candidate | None = None

    def __post_init__(self) -> None:
        for network in self.networks:
            self._add(network.order)

    def look(self, tiling: Tiling) -> None:
        """Look for better tilings along all orders so far, then along those that the best ones imply."""
        candidates: list[_Candidate] = []
        for costing in list(self._costings.values()):
            candidates += self._along(costing, tiling)
        self._judge(candidates)
        for _ in range(ROUNDS):
            if not self.best or self.watch.is_over(self.limits):
                return
            order = self.best[0].implied()
            if order in self._costings:
                return
            self._judge(self._along(self._add(order), tiling))

    def lowest(self) -> Judged | None:
        """Return the tiling of the lowest peak, scheduled."""
        if self._lowest is None:
            return None
        return judged(*self._lowest, self._glance(), self.watch)

    def _add(self, order: tuple[int, ...]) -> Costing:
        self._costings[order] = Costing(replace(self.networks[0], order=order))
        return self._costings[order]

    def _along(self, costing: Costing, tiling: Tiling) -> list[_Candidate]:
        """Return the tilings along one order that are worth a schedule."""
        network, within = costing.network, self.limits.part(SEARCH)
        terms = replace(tiling.terms(network), at_once=True)
        lowering = TilingSearch(costing, terms, within.part(PEAK), self.watch)
        lowest = list(lowering.thresholds())[-1:]
        if lowest and (self._lowest is None or lowest[0].peak < self._lowest[1].peak):
            self._lowest = network, lowest[0]
        search = TotalSearch(costing, terms, within, self.watch)
        if not lowering.grids.is_over:
            # No tiling of this order has a lower peak.
            search.floor = lowest[0].peak if lowest else network.profile.peak
        return [(network, each) for each in search.frontier(SLACK)]

    def _judge(self, candidates: Sequence[_Candidate]) -> None:
        """Schedule the best candidates, and the best of those once more with all the states."""
        known: dict[object, _Candidate] = {}
        for network, found in sorted(candidates, key=lambda pair: (pair[1].total, pair[1].macs)):
            cuts = tuple((r.begin, r.end, r.rows, r.columns) for r in found.regions)
            known.setdefault((network.order, cuts), (network, found))
        few = list(known.values())[:GLANCED]
        new = sorted((judged(*pair, self._glance(), self.watch) for pair in few), key=_by_total)
        for i, each in enumerate(new[:JUDGED]):
            if each.schedule.status is not Status.OPTIMAL:
                new[i] = each.again(self.watch.left(self.limits), self.watch)
        self.best = sorted([*self.best, *new], key=_by_total)

    def _glance(self) -> Limits:
        left = self.watch.left(self.limits)
        return replace(left, states=min(GLANCE, left.states))


def _by_total(tiling: Judged) -> tuple[int, int]:
    return tiling.total, tiling.found.macs

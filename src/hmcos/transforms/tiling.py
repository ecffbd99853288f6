"""What is wanted of a tiling, and the best ones that are found along some orders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from hmcos.errors import OptionError
from hmcos.limits import Limits, Status, Watch
from hmcos.transforms.choose import Found, Terms, TilingSearch
from hmcos.transforms.cost import Costing
from hmcos.transforms.judging import GLANCE, Judged, judged
from hmcos.transforms.ordered_network import OrderedNetwork

RUNGS = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Parts of extra arithmetic for which a search that may take more looks first."""
JUDGED = 3
"""How many tilings are scheduled, of those that need the least in the order given."""
SEARCH = 0.85
"""Part of the time limit by which tilings have to be found; the rest is for their orders."""

TileFor = Literal["peak", "total"]
"""What a tiling lowers: the peak; or the peak together with what the runtime keeps for every operator, which
is all that must be declared for TensorFlow Lite for Microcontrollers."""


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
    tile_for: TileFor | None = None
    """What to lower. None is `total` where that is known, for .tflite models and the target `tflm`, and no
    budget is for the peak; else `peak`."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            OptionError: the extra arithmetic is negative, or no number; or there is nothing of that name to
                lower.
        """
        if self.tile_for not in (None, *get_args(TileFor)):
            raise OptionError(f"a tiling is for {' or '.join(get_args(TileFor))}, not for {self.tile_for!r}")
        if not self.max_extra_macs >= 0:
            raise OptionError(f"extra MACs are a part of at least 0, not {self.max_extra_macs}")

    def rungs(self) -> Iterator[Tiling]:
        """Yield tilings of ever more extra arithmetic up to this one.

        Whoever allows more gets at least what those get who allow less, if that is one of the shares of
        `RUNGS`.
        """
        for share in (*(rung for rung in RUNGS if rung < self.max_extra_macs), self.max_extra_macs):
            yield replace(self, max_extra_macs=share)

    def terms(self, network: OrderedNetwork) -> Terms:
        """Return what a tiling of a network may cost."""
        share = min(self.max_extra_macs, 1000.0)  # a share beyond that is no limit, and may be infinite
        return Terms(int(network.macs * share), self.allow_rounding)


def best_tilings(
    networks: Sequence[OrderedNetwork], tiling: Tiling, limits: Limits, watch: Watch
) -> list[Judged]:
    """Return the tilings that need less than the first of the orders does, the best one first.

    The search is repeated along the order that the best one implies, as long as that is a new one. With a
    budget the only one is that of the least extra arithmetic within it, if there is any.

    Args:
        networks: one network along several orders, the best one first.
        tiling: what is allowed.
        limits: seconds, and a budget in bytes.
        watch: is told how the search goes on.
    """
    searching = _Searching(networks, limits, watch)
    for rung in tiling.rungs():
        searching.look(rung)
        if searching.fits:
            return searching.best[:1]
    return [each for each in searching.best[:JUDGED] if each.peak < networks[0].profile.peak]


def is_cut_short(limits: Limits, watch: Watch) -> bool:
    """Return whether a search for tilings that found none had to end before it had looked everywhere."""
    return watch.is_over(limits.part(SEARCH))


_Candidate = tuple[OrderedNetwork, Found]


@dataclass
class _Searching:
    """Searches for tilings of one network along several orders."""

    networks: Sequence[OrderedNetwork]
    limits: Limits
    watch: Watch
    best: list[Judged] = field(default_factory=list[Judged])
    """The best tilings so far, the one that needs the least first."""
    _costings: dict[tuple[int, ...], Costing] = field(default_factory=dict[tuple[int, ...], Costing])
    """Order to what prices regions along it."""

    def __post_init__(self) -> None:
        for network in self.networks:
            self._add(network.order)

    @property
    def fits(self) -> bool:
        """Whether the best tiling is within the budget."""
        budget = self.limits.budget
        return budget is not None and bool(self.best) and self.best[0].peak <= budget

    def look(self, tiling: Tiling) -> None:
        """Look for better tilings along all orders so far, then along those that the best ones imply."""
        candidates: list[_Candidate] = []
        for costing in list(self._costings.values()):
            candidates += self._along(costing, tiling, self._least(candidates))
        self._judge(candidates)
        while self.best and not self.fits and not self.watch.is_over(self.limits):
            order = self.best[0].implied()
            if order in self._costings:
                return
            self._judge(self._along(self._add(order), tiling, self.best[0].peak))

    def _add(self, order: tuple[int, ...]) -> Costing:
        self._costings[order] = Costing(replace(self.networks[0], order=order))
        return self._costings[order]

    def _least(self, candidates: Sequence[_Candidate]) -> int | None:
        """Return the bytes below which a tiling is worth a look."""
        peaks = [found.peak for _, found in candidates] + [each.peak for each in self.best[:1]]
        return min(peaks, default=None)

    def _along(self, costing: Costing, tiling: Tiling, below: int | None) -> list[_Candidate]:
        """Return tilings along one order, each of less bytes, and maybe more extra MACs, than the one before.

        With a budget that can be met it is the cheapest within it only.
        """
        network, budget = costing.network, self.limits.budget
        search = TilingSearch(costing, tiling.terms(network), self.limits.part(SEARCH), self.watch)
        cheapest = None if budget is None else search.cheapest(budget)
        found = search.thresholds(below) if cheapest is None else [cheapest]
        return [(network, each) for each in found]

    def _judge(self, candidates: Sequence[_Candidate]) -> None:
        """Schedule the best candidates, and the best of those once more with all the states."""
        budget, left = self.limits.budget, self.watch.left(self.limits)
        fitting = [pair for pair in candidates if budget is not None and pair[1].peak <= budget]
        if fitting:
            self.best = [
                judged(*min(fitting, key=lambda pair: (pair[1].macs, pair[1].peak)), left, self.watch)
            ]
            return
        ranked = sorted(candidates, key=lambda pair: (pair[1].peak, pair[1].macs))
        glance = replace(left, states=min(GLANCE, left.states))
        new = sorted((judged(*pair, glance, self.watch) for pair in ranked[:JUDGED]), key=_by_peak)
        if new and new[0].schedule.status is not Status.OPTIMAL:
            new[0] = new[0].again(self.watch.left(self.limits), self.watch)
        self.best = sorted([*self.best, *new], key=_by_peak)


def _by_peak(tiling: Judged) -> tuple[int, int]:
    return tiling.peak, tiling.found.macs

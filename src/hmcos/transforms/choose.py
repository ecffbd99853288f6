"""The tilings of an order that need the least memory for some extra arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hmcos.limits import Limits, Watch
from hmcos.transforms.cost import Costing
from hmcos.transforms.region_grids import RegionGrids, Terms
from hmcos.transforms.regions import Ends
from hmcos.transforms.tile import TiledRegion

STEP = 0.8
"""By which thresholds fall while they can be met."""


@dataclass(frozen=True, slots=True)
class Found:
    """Regions that lower the peak."""

    peak: int
    """Bytes, as it is in the order given."""
    macs: int
    """Multiplications and additions beyond those of the source."""
    regions: tuple[TiledRegion, ...]
    kept: int = 0
    """Bytes that the runtime keeps for its operators beyond those of the source; only where that counts."""

    @property
    def total(self) -> int:
        """Bytes: the peak, and what is kept beyond what the source keeps."""
        return self.peak + self.kept


class TilingSearch:
    """Looks for tilings along one order; what it has found out serves every threshold."""

    def __init__(self, costing: Costing, terms: Terms, limits: Limits, watch: Watch) -> None:
        self.terms, self.watch = terms, watch
        self.grids = RegionGrids(costing, terms, limits, watch)
        self.network = costing.network
        self.ends = Ends(self.network)

    def thresholds(self, below: int | None = None) -> Iterator[Found]:
        """Yield what meets ever lower thresholds, until none is left that can be met; the last is the best.

        Only peaks below a number of bytes are looked for; None for the peak of the order.

        Thresholds fall by a fifth while they can be met and are halved between the last two from then on. No
        tiling that is looked for needs less than the last one found, unless a limit is reached: so whoever
        allows more never gets less.
        """
        best, floor = self.network.profile.peak, self.ends.floor()
        if below is not None and below <= best:
            first = self.cheapest(below - 1)
            if first is None:
                return
            best = first.peak
            yield first
        failed, has_failed = floor - 1, False
        while best - failed > 1 and not self.grids.is_over:
            threshold = (best + failed) // 2 if has_failed else max(floor, int(best * STEP))
            found = self.cheapest(threshold)
            if found is None:
                failed, has_failed = self.grids.above - 1, True
                continue
            best = found.peak
            self.watch.progress("tiling", best, floor, self.grids.tried)
            yield found

    def cheapest(self, threshold: int) -> Found | None:
        """Return the tiling within a threshold that costs the fewest extra MACs; None where there is none.

        A shortest path over the positions of the order: a step within the threshold is free, a region costs
        what it computes again.
        """
        n, stable = len(self.network), self.network.stable
        running, hot = self.network.profile.running, self.ends.hot(threshold)
        self.grids.above = min(
            (each for each in running if each > threshold), default=self.network.profile.peak
        )
        cost: list[int | None] = [None] * (n + 1)
        came: list[TiledRegion | None] = [None] * (n + 1)
        peaks = [0] * (n + 1)
        cost[0] = 0 if self.grids.fits(stable[0], threshold) else None
        begins = frozenset(self.ends.begins)
        for p in range(n):
            here = cost[p]
            if here is None:
                continue
            if running[p] <= threshold and _less(here, cost[p + 1]):
                cost[p + 1], came[p + 1] = here, None
                peaks[p + 1] = max(running[p], stable[p + 1])
            if p not in begins or hot[p] == n:
                continue
            for end in self.ends.after(p, hot[p]):
                bound = cost[end]
                most = self.terms.macs if bound is None else min(self.terms.macs, bound - 1)
                found = self._region(p, end, threshold, most - here)
                if found is not None:
                    cost[end], came[end] = here + found[0], found[2]
                    peaks[end] = found[1]
            if self.grids.is_over:
                return None
        total = cost[n]
        return None if total is None else _traced(total, came, peaks, stable[0])

    def _region(self, begin: int, end: int, threshold: int, most: int) -> tuple[int, int, TiledRegion] | None:
        """Return extra MACs, peak and grid of the cheapest way to run a region within a threshold."""
        grids = self.grids
        if most < 0 or not grids.may_fit(begin, end, threshold) or grids.look_at_clock():
            return None
        for grid in grids.of(begin, end):
            if grid.macs > most:
                return None
            reached = grids.reached(begin, end, grid, threshold)
            if grids.is_over:
                return None
            if reached is not None and grids.fits(reached.peak, threshold):
                region = TiledRegion(begin, end, grid.rows, grid.columns, reached.early)
                return grid.macs, reached.peak, region
        return None


def _less(cost: int, other: int | None) -> bool:
    return other is None or cost < other


def _traced(macs: int, came: list[TiledRegion | None], peaks: list[int], start: int) -> Found:
    """Return the regions on the way to the end, and the greatest peak on it."""
    regions: list[TiledRegion] = []
    peak, p = start, len(came) - 1
    while p:
        peak = max(peak, peaks[p])
        region = came[p]
        if region is not None:
            regions.append(region)
        p = p - 1 if region is None else region.begin
    return Found(peak, macs, tuple(reversed(regions)))

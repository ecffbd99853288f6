"""The tilings of an order that need the least memory for some extra arithmetic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hmcos.limits import Limits, Watch
from hmcos.transforms.cost import Costing
from hmcos.transforms.regions import Ends, early_cuts, grids
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


@dataclass(frozen=True, slots=True)
class Terms:
    """What a tiling may cost."""

    macs: int
    """The most multiplications and additions beyond those of the source."""
    rounding: bool = False
    """Whether results may round otherwise than those of the source."""
    price: int = 0
    """What one more operator costs, in multiplications and additions: where every operator takes memory of
    its own, that is more than nothing."""


@dataclass
class _Grid:
    """One region cut in one way, and what is known of its peak."""

    rows: int
    columns: int
    macs: int
    untried: list[int | None]
    best: tuple[int, int, int | None] | None = None
    """Peak, operators, and first piece of early cuts of the best so far."""


class TilingSearch:
    """Looks for tilings along one order; what it has found out serves every threshold."""

    def __init__(self, costing: Costing, terms: Terms, limits: Limits, watch: Watch) -> None:
        self.costing, self.terms, self.limits, self.watch = costing, terms, limits, watch
        self.network = network = costing.network
        self.ends = Ends(network)
        self.tried = 0
        """How many regions were priced."""
        self.is_over = False
        self._edges: dict[tuple[int, int], list[_Grid]] = {}
        """Begin and end of a region to all ways to cut it, the cheapest first."""
        self._grids = grids(network.rules.spelling.most_parts)
        self._first: dict[tuple[int, int, int], int] = {}
        """End, axis and number of pieces to the first begin of a region that can be cut so along the axis."""
        self._above = 0
        """The least number of bytes above the last threshold that was too much for it: what cannot be met
        at the threshold cannot be met below this either."""

    def thresholds(self, below: int | None = None) -> Iterator[Found]:
        """Yield what meets ever lower thresholds, until none is left that can be met; the last is the best.

        Only peaks below a number of bytes are looked for; None for the peak of the order.

        Thresholds fall by a fifth while they can be met and are halved between the last two from then on. No
        tiling that is looked for needs less than the last one found, unless a limit is reached: so whoever
        allows more never gets less.
        """
        best, floor = self.network.profile.peak, self._floor()
        if below is not None and below <= best:
            first = self.cheapest(below - 1)
            if first is None:
                return
            best = first.peak
            yield first
        failed, has_failed = floor - 1, False
        while best - failed > 1 and not self.is_over:
            threshold = (best + failed) // 2 if has_failed else max(floor, int(best * STEP))
            found = self.cheapest(threshold)
            if found is None:
                failed, has_failed = self._above - 1, True
                continue
            best = found.peak
            self.watch.progress("tiling", best, floor, self.tried)
            yield found

    def _floor(self) -> int:
        """Return the least peak that any tiling can have: what operators need that have to stay whole."""
        running, spatial = self.network.profile.running, self.network.spatial
        whole = (running[p] for p in range(len(self.network)) if not spatial[p])
        return max((self.network.profile.start, self.network.stable[-1], *whole))

    def cheapest(self, threshold: int) -> Found | None:
        """Return the tiling within a threshold that costs the fewest extra MACs; None where there is none.

        A shortest path over the positions of the order: a step within the threshold is free, a region costs
        what it computes again.
        """
        n, stable = len(self.network), self.network.stable
        running, hot = self.network.profile.running, self.ends.hot(threshold)
        self._above = min((each for each in running if each > threshold), default=self.network.profile.peak)
        cost: list[int | None] = [None] * (n + 1)
        came: list[TiledRegion | None] = [None] * (n + 1)
        peaks = [0] * (n + 1)
        cost[0] = 0 if self._fits(stable[0], threshold) else None
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
            if self.is_over:
                return None
        total = cost[n]
        return None if total is None else _traced(total, came, peaks, stable[0])

    def _fits(self, needed: int, threshold: int) -> bool:
        """Return whether bytes are within a threshold, and note them where they are not."""
        if needed <= threshold:
            return True
        self._above = min(self._above, needed)
        return False

    def _region(self, begin: int, end: int, threshold: int, most: int) -> tuple[int, int, TiledRegion] | None:
        """Return cost, peak and grid of the cheapest way to run a region within a threshold."""
        if most < 0 or not self._fits(self.network.stable[end] + self._largest_exit(begin, end), threshold):
            return None
        self.is_over = self.is_over or self.watch.is_over(self.limits)
        if self.is_over:
            return None
        for grid in self._edge(begin, end):
            if grid.macs > most:
                return None
            reached = self._peak(begin, end, grid, threshold)
            if self.is_over:
                return None
            if reached is not None and self._fits(reached[0], threshold):
                price = grid.macs + self.terms.price * reached[1]
                if price <= most:
                    return price, reached[0], TiledRegion(begin, end, grid.rows, grid.columns, reached[2])
        return None

    def _largest_exit(self, begin: int, end: int) -> int:
        network = self.network
        return max(
            (
                network.size(t)
                for p in range(begin, end)
                for t in network.operator(p).makes
                if network.last_read.get(t, -1) >= end
            ),
            default=0,
        )

    def _edge(self, begin: int, end: int) -> list[_Grid]:
        key = begin, end
        if key not in self._edges:
            found = list(self._cuttable(begin, end))
            found.sort(key=lambda grid: (grid.macs, grid.rows * grid.columns, grid.columns))
            self._edges[key] = found
        return self._edges[key]

    def _cuttable(self, begin: int, end: int) -> Iterator[_Grid]:
        for rows, columns in self._grids:
            if self._reaches(begin, end, 0, rows) and self._reaches(begin, end, 1, columns):
                macs = self.costing.macs(begin, end, rows, columns)
                if self._is_within(begin, end, rows, columns):
                    yield _Grid(rows, columns, macs, list(early_cuts(rows * columns)))

    def _reaches(self, begin: int, end: int, axis: int, count: int) -> bool:
        """Return whether a region can be cut into so many pieces along one axis within the terms.

        What cutting one axis alone costs or rounds, both axes together do too; and what the last operators
        of a region do, those of any longer one with the same end do. So a walk ends where terms are broken.
        """
        key = end, axis, count
        first = self._first.get(key, 0)
        walk, across = self.costing.walk(end, axis, count), self.costing.walk(end, 1 - axis, 1)
        grid = (count, 1) if axis == 0 else (1, count)
        while first <= begin < walk.reached:
            next_one = walk.reached - 1
            reached = walk.reaches(next_one) and across.reaches(next_one)
            if not reached or not self._is_within(next_one, end, *grid):
                first = self._first[key] = next_one + 1
        return first <= begin

    def _is_within(self, begin: int, end: int, rows: int, columns: int) -> bool:
        """Return whether a region that can be cut so costs and rounds no more than the terms allow."""
        if self.costing.macs(begin, end, rows, columns) > self.terms.macs:
            return False
        return self.terms.rounding or self.costing.keeps_bits(begin, end, rows, columns)

    def _peak(self, begin: int, end: int, grid: _Grid, threshold: int) -> tuple[int, int, int | None] | None:
        """Return the least peak of a grid, as far as it was needed to meet the threshold."""
        if (grid.best is not None and grid.best[0] <= threshold) or not grid.untried:
            return grid.best
        least = self.costing.least(begin, end, grid.rows, grid.columns)
        if not self._fits(self.network.stable[begin] + least, threshold):
            return None
        pieces = self.costing.pieces(begin, end, grid.rows, grid.columns)
        if pieces is None:
            grid.untried.clear()
            return None
        while grid.untried and (grid.best is None or grid.best[0] > threshold):
            early = grid.untried.pop(0)
            if early is not None and not pieces.cut_early(early, grid.columns):
                continue
            found = self.costing.cost(pieces, grid.rows, grid.columns, early)
            self.tried += 1
            if grid.best is None or found.peak < grid.best[0]:
                grid.best = found.peak, found.operators, early
            self.is_over = self.is_over or self.watch.is_over(self.limits)
        return grid.best


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

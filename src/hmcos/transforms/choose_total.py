"""The tilings of an order for which peak and what the runtime keeps for its operators are least together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from hmcos.limits import Limits, Watch
from hmcos.transforms.choose import Found
from hmcos.transforms.cost import Costing
from hmcos.transforms.region_grids import NEVER, Grid, RegionGrids, Terms
from hmcos.transforms.regions import Ends
from hmcos.transforms.tile import TiledRegion


class _Way(NamedTuple):
    """One way to run an order up to a position."""

    kept: int
    """Bytes that the runtime keeps beyond those for the source."""
    macs: int
    peak: int
    region: TiledRegion | None = None
    """The last region on the way, if it has any."""
    before: _Way | None = None
    """The way up to that region."""


@dataclass(slots=True)
class _Step:
    """The search below one threshold."""

    threshold: int
    hot: list[int]
    """Per position: the first one from there on that needs more."""
    ways: list[list[_Way]]
    """Per position: the ways that lead there."""
    still: list[int] = field(default_factory=list[int])
    """Per position: bytes that are kept at least for all regions from there on."""


class TotalSearch:
    """Looks for tilings along one order whose peak and operators need the least memory together."""

    def __init__(self, costing: Costing, terms: Terms, limits: Limits, watch: Watch) -> None:
        self.terms, self.watch = terms, watch
        self.grids = RegionGrids(costing, terms, limits, watch)
        self.network = costing.network
        self.ends = Ends(self.network)
        self.floor = self.ends.floor()
        """Bytes: no tiling has a lower peak."""
        self._begins = frozenset(self.ends.begins)
        self.most = self.network.profile.peak
        """Bytes: a tiling that needs as much, or more, is of no use."""

    def frontier(self, slack: float = 0.0) -> Iterator[Found]:
        """Yield tilings of ever lower peaks, each of those that keep the least for its operators.

        Those that need more than the best one so far by more than a part of it, `slack`, are left out. No
        tiling that is left out needs less than the best one, unless a limit is reached.
        """
        self.most = best = self.network.profile.peak
        threshold = best - 1
        while threshold >= self.floor:
            found = self.least_kept(threshold)
            if found is None:
                return
            best = min(best, found.total)
            self.most = min(self.most, int(best * (1 + slack)) + 1)
            self.watch.progress("tiling", best, self.floor, self.grids.tried)
            if found.total < self.most:
                yield found
            threshold = found.peak - 1

    def least_kept(self, threshold: int) -> Found | None:
        """Return the tiling within a threshold whose operators keep the least; None where there is none.

        A shortest path over the positions of the order with two lengths, what is kept and what is computed
        again: of each position all ways are kept of which no other one is better in both.
        """
        n, stable, running = len(self.network), self.network.stable, self.network.profile.running
        step = _Step(threshold, self.ends.hot(threshold), [[] for _ in range(n + 1)])
        if self.grids.fits(stable[0], threshold):
            step.ways[0] = [_Way(0, 0, stable[0])]
        step.still = self._still(step)
        for p in range(n):
            if running[p] <= threshold:
                for way in step.ways[p]:
                    _add(step.ways[p + 1], way._replace(peak=max(way.peak, running[p], stable[p + 1])))
            for end in self._ends_after(p, step) if step.ways[p] else ():
                self._through(p, end, step)
                if self.grids.is_over:
                    return None
        least = min(step.ways[n], key=lambda way: way.kept, default=None)
        return None if least is None else Found(least.peak, least.macs, _regions(least), least.kept)

    def _ends_after(self, begin: int, step: _Step) -> Iterator[int]:
        """Yield the ends of regions that begin at a position, as far as any is worth a look."""
        if begin in self._begins and step.hot[begin] < len(self.network):
            for end in self.ends.after(begin, step.hot[begin]):
                if self.grids.may_fit(begin, end, step.threshold):
                    yield end

    def _still(self, step: _Step) -> list[int]:
        """Return per position the bytes that are kept at least for all regions from there on."""
        n, running = len(self.network), self.network.profile.running
        found = [0] * (n + 1)
        for p in reversed(range(n)):
            found[p] = found[p + 1] if running[p] <= step.threshold else NEVER
            for end in self._ends_after(p, step):
                for grid in self.grids.of(p, end):
                    kept = found[end] + self.grids.kept_at_least(p, end, grid)
                    if kept < found[p] and self.grids.may_reach(p, end, grid, step.threshold):
                        found[p] = kept
        return found

    def _through(self, begin: int, end: int, step: _Step) -> None:
        """Add the ways that lead through a region that begins at a position."""
        if self.grids.look_at_clock():
            return
        here, there, most = step.ways[begin], step.ways[end], self.most - self.floor - step.still[end]
        for grid in self.grids.of(begin, end):
            kept = self._worth(begin, end, grid, (here, there, most))
            reached = None if kept is None else self.grids.reached(begin, end, grid, step.threshold)
            if self.grids.is_over:
                return
            if kept is None or reached is None or not self.grids.fits(reached.peak, step.threshold):
                continue
            region = TiledRegion(begin, end, grid.rows, grid.columns, reached.early)
            for way in here:
                made = _Way(way.kept + kept, way.macs + grid.macs, max(way.peak, reached.peak), region, way)
                if made.macs <= self.terms.macs and made.kept < most:
                    _add(there, made)

    def _worth(
        self, begin: int, end: int, grid: Grid, known: tuple[list[_Way], list[_Way], int]
    ) -> int | None:
        """Return what is kept for a grid; None where no way through it can be of use.

        `known` are the ways to the begin and to the end, and the most that a way may keep.
        """
        here, there, most = known
        macs, kept = min(way.macs for way in here) + grid.macs, min(way.kept for way in here)
        if macs > self.terms.macs:
            return None
        for more in (self.grids.kept_at_least, self.grids.kept):
            found = more(begin, end, grid)
            if found is None or kept + found >= most or _are_better(there, kept + found, macs):
                return None
        return self.grids.kept(begin, end, grid)


def _are_better(ways: list[_Way], kept: int, macs: int) -> bool:
    """Return whether one of the ways neither keeps nor computes more."""
    return any(way.kept <= kept and way.macs <= macs for way in ways)


def _add(ways: list[_Way], new: _Way) -> None:
    """Add a way unless one is as good, and take out those that are no better than it."""
    if _are_better(ways, new.kept, new.macs):
        return
    ways[:] = [way for way in ways if way.kept < new.kept or way.macs < new.macs]
    ways.append(new)


def _regions(way: _Way) -> tuple[TiledRegion, ...]:
    found: list[TiledRegion] = []
    at: _Way | None = way
    while at is not None:
        if at.region is not None:
            found.append(at.region)
        at = at.before
    return tuple(reversed(found))

"""The ways to cut each region of an order, and what is known of each of them so far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from hmcos.limits import Limits, Watch
from hmcos.transforms.cost import Costing
from hmcos.transforms.regions import early_cuts, grids

NEVER = 1 << 62
"""Bytes: more than any network has."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a tiling may cost."""

    macs: int
    """The most multiplications and additions beyond those of the source."""
    rounding: bool = False
    """Whether results may round otherwise than those of the source."""
    at_once: bool = False
    """Whether all cuts of what enters a region may be made before its first piece."""


@dataclass
class Grid:
    """One region cut in one way, and what is known of its peak."""

    rows: int
    columns: int
    macs: int
    untried: list[int | None]
    best: Reached | None = None
    """The least so far."""
    at_once: int | None = None
    """Bytes that all cuts of something that enters need at least; None where that was not asked for."""
    kept: int | None = None
    """Bytes that the runtime keeps for its operators beyond those for the source, once that was asked for."""


class Reached(NamedTuple):
    """What a grid needs with its cuts made at a certain time."""

    peak: int
    """Bytes, with all that lives beside the region."""
    early: int | None
    """First piece of early cuts."""


class RegionGrids:
    """Prices the ways to cut regions of one order within some terms; remembers all that it found out."""

    def __init__(self, costing: Costing, terms: Terms, limits: Limits, watch: Watch) -> None:
        self.costing, self.terms, self.limits, self.watch = costing, terms, limits, watch
        self.network = costing.network
        self.tried = 0
        """How many regions were priced."""
        self.is_over = False
        self.above = 0
        """The least number of bytes above the last threshold that was too much for it: what cannot be met
        at the threshold cannot be met below this either."""
        self._edges: dict[tuple[int, int], list[Grid]] = {}
        """Begin and end of a region to all ways to cut it, the cheapest first."""
        self._grids = grids(self.network.rules.spelling.most_parts)
        self._first: dict[tuple[int, int, int], int] = {}
        """End, axis and number of pieces to the first begin of a region that can be cut so along the axis."""

    def look_at_clock(self) -> bool:
        """Return whether the time is over or the search was interrupted; it is over from then on."""
        self.is_over = self.is_over or self.watch.is_over(self.limits)
        return self.is_over

    def fits(self, needed: int, threshold: int) -> bool:
        """Return whether bytes are within a threshold, and note them where they are not."""
        if needed <= threshold:
            return True
        self.above = min(self.above, needed)
        return False

    def may_fit(self, begin: int, end: int, threshold: int) -> bool:
        """Return whether there is room behind a region for what leaves it, which is put together there."""
        return self.fits(self.network.stable[end] + self._largest_exit(begin, end), threshold)

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

    def of(self, begin: int, end: int) -> list[Grid]:
        """Return the ways to cut a region, those of the fewest extra MACs first."""
        key = begin, end
        if key not in self._edges:
            found = list(self._cuttable(begin, end))
            found.sort(key=lambda grid: (grid.macs, grid.rows * grid.columns, grid.columns))
            self._edges[key] = found
        return self._edges[key]

    def _cuttable(self, begin: int, end: int) -> Iterator[Grid]:
        for rows, columns in self._grids:
            if self._reaches(begin, end, 0, rows) and self._reaches(begin, end, 1, columns):
                macs = self.costing.macs(begin, end, rows, columns)
                if self._is_within(begin, end, rows, columns):
                    yield Grid(rows, columns, macs, [*early_cuts(rows * columns, at_once=self.terms.at_once)])

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

    def kept_at_least(self, begin: int, end: int, grid: Grid) -> int:
        """Return what the runtime keeps at least for a region beyond what it keeps for the source."""
        return self.costing.kept_at_least(begin, end, grid.rows * grid.columns)

    def kept(self, begin: int, end: int, grid: Grid) -> int | None:
        """Return what the runtime keeps for a region beyond what it keeps for the source.

        None where the region cannot be cut like that.
        """
        if grid.kept is None:
            pieces = self.costing.pieces(begin, end, grid.rows, grid.columns)
            if pieces is None:
                grid.untried.clear()
                return None
            grid.kept = self.costing.kept(pieces, grid.rows, grid.columns)
        return grid.kept

    def may_reach(self, begin: int, end: int, grid: Grid, threshold: int) -> bool:
        """Return whether a grid may be within a threshold: its first piece, or its cuts before that."""
        before = self.network.stable[begin]
        least = before + self.costing.least(begin, end, grid.rows, grid.columns)
        if least <= threshold or not self.terms.at_once:
            return self.fits(least, threshold)
        if grid.at_once is None:
            grid.at_once = self.costing.at_once(begin, end, grid.rows, grid.columns) or NEVER
        return self.fits(min(least, before + grid.at_once), threshold)

    def reached(self, begin: int, end: int, grid: Grid, threshold: int) -> Reached | None:
        """Return the least peak of a grid, as far as it was needed to meet the threshold."""
        if (grid.best is not None and grid.best.peak <= threshold) or not grid.untried:
            return grid.best
        if not self.may_reach(begin, end, grid, threshold):
            return None
        pieces = self.costing.pieces(begin, end, grid.rows, grid.columns)
        if pieces is None:
            grid.untried.clear()
            return None
        while grid.untried and (grid.best is None or grid.best.peak > threshold):
            early = grid.untried.pop(0)
            if early is not None and not pieces.cut_early(early, grid.columns):
                continue
            found = self.costing.cost(pieces, grid.rows, grid.columns, early)
            self.tried += 1
            if grid.best is None or found.peak < grid.best.peak:
                grid.best = Reached(found.peak, early)
            self.look_at_clock()
        return grid.best

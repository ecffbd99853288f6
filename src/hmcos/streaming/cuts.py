"""Where to cut an order of operators into intervals that run row by row."""

from __future__ import annotations

from dataclasses import dataclass

from hmcos.limits import Limits, Watch
from hmcos.memory.profile import profile
from hmcos.streaming.drives import Drive, Interval, OrderedRows

NEAR = 6
"""How many places for cuts an interval spans at most in the first, quick round, which bounds the second."""
FEW = 40
"""Operators up to which every place is tried for a cut; with more, only where few bytes are live."""


@dataclass(frozen=True, slots=True)
class Cut:
    """An order of operators, cut into intervals."""

    peak: int
    """Bytes; as a recount of `steps` gives it."""
    intervals: tuple[Interval, ...]
    steps: tuple[int, ...]
    """Operators of the row problem, in the order in which they run."""


def best_cuts(
    ordered: OrderedRows, enough: int, limits: Limits, watch: Watch, most: int | None = None
) -> Cut | None:
    """Return the cuts with the least peak: f[end] = min over begins of max(f[begin], cost(begin, end)).

    Only whole tensors are live at a cut, so that the peak is the largest cost of an interval. The limits end
    the search with the best cuts so far.

    Args:
        ordered: the order to be cut.
        enough: bytes; cuts that need no more end the search.
        limits: the seconds.
        watch: says when the time is over.
        most: bytes; cuts that need as much are of no use. None is returned where no others were found.
    """
    cutting = _Cutting(ordered, _places(ordered), enough, most)
    cutting.search(limits, watch)
    if most is not None and cutting.peaks[-1] >= most:
        return None
    return _cut(ordered, cutting.best())


def refined(ordered: OrderedRows, cut: Cut, limits: Limits, watch: Watch) -> Cut:
    """Return cuts that need as little as can be also before and behind the interval that needs most.

    The peak stays; but where less is live than at the peak, offsets are easier to find.
    """
    places = _places(ordered)
    kept: list[Interval] = []
    open_parts = [cut.intervals]
    while open_parts:
        part = open_parts.pop()
        if not part or watch.is_over(limits):
            kept += part
            continue
        if part is not cut.intervals:
            begin, end = part[0].begin, part[-1].end
            inner = [begin, *(k for k in places if begin < k < end), end]
            cutting = _Cutting(ordered, inner, 0, None)
            cutting.search(limits, watch)
            part = cutting.best()
        costs = [ordered.cost(each, ordered.unread_at(each.begin), None) for each in part]
        largest = costs.index(max(costs))
        kept.append(part[largest])
        open_parts += [part[:largest], part[largest + 1 :]]
    return _cut(ordered, tuple(sorted(kept, key=lambda each: each.begin)))


def _cut(ordered: OrderedRows, intervals: tuple[Interval, ...]) -> Cut:
    steps = tuple(step for interval in intervals for step in ordered.driven(interval))
    return Cut(profile(ordered.rows.problem, steps).peak, intervals, steps)


class _Cutting:
    """The least peak at each place from the first one on, and the interval that ends there."""

    def __init__(self, ordered: OrderedRows, places: list[int], enough: int, most: int | None) -> None:
        self.ordered, self.enough = ordered, enough
        self.places = places
        self.peaks, self.alone = self._one_by_one()
        self.most = self.peaks[-1] if most is None else min(most, self.peaks[-1])
        self.came: list[tuple[int, Interval | None]] = [(k - 1, None) for k in range(len(self.places))]
        """Per place: the place before it on the best way; the interval between, None for one by one."""

    def _one_by_one(self) -> tuple[list[int], list[int]]:
        """Return per place the peak until there, and since the place before, of operators one by one."""
        ordered, peaks, alone = self.ordered, [self.ordered.stable[self.places[0]]], [0]
        unread = ordered.unread_at(self.places[0])
        for begin, end in zip(self.places, self.places[1:], strict=False):
            largest = 0
            for p in range(begin, end):
                largest = max(largest, ordered.cost(Interval(p, p + 1, Drive.FIRST), unread, None))
                ordered.advance(p, unread)
            alone.append(largest)
            peaks.append(max(peaks[-1], largest))
        return peaks, alone

    def search(self, limits: Limits, watch: Watch) -> None:
        """Find the least peak at the last place."""
        for reach in (NEAR, len(self.places)):
            self._extend(reach, limits, watch)

    def _extend(self, reach: int, limits: Limits, watch: Watch) -> None:
        """Try all intervals over at most so many places; what is found lowers `most` for all others."""
        ordered, places, peaks = self.ordered, self.places, self.peaks
        unread = ordered.unread_at(places[0])
        for k, begin in enumerate(places[:-1]):
            if self.most <= self.enough or watch.is_over(limits):
                return
            single = max(peaks[k], self.alone[k + 1])
            if single < peaks[k + 1]:
                peaks[k + 1], self.came[k + 1] = single, (k, None)
            if peaks[k] < self.most:
                for m in range(k + 1, min(len(places), k + 1 + reach)):
                    self._try(k, m, unread)
            for p in range(begin, places[k + 1]):
                ordered.advance(p, unread)
        self.most = min(self.most, peaks[-1])

    def _try(self, k: int, m: int, unread: list[int]) -> None:
        peaks, begin, end = self.peaks, self.places[k], self.places[m]
        limit = min(peaks[m], self.most)
        if max(peaks[k], self.ordered.stable[end]) >= limit:
            return
        for drive in self.ordered.drives(begin, end):
            interval = Interval(begin, end, drive)
            found = max(peaks[k], self.ordered.cost(interval, unread, limit))
            if found < limit:
                peaks[m], self.came[m] = found, (k, interval)
                limit = found
            if limit <= max(peaks[k], self.enough):
                break
        if m == len(peaks) - 1:
            self.most = min(self.most, peaks[m])

    def best(self) -> tuple[Interval, ...]:
        """Return the intervals on the best way to the end."""
        intervals: list[Interval] = []
        k = len(self.places) - 1
        while k:
            before, interval = self.came[k]
            if interval is None:
                singles = range(self.places[before], self.places[k])
                intervals += [Interval(p, p + 1, Drive.FIRST) for p in reversed(singles)]
            else:
                intervals.append(interval)
            k = before
        return tuple(reversed(intervals))


def _places(ordered: OrderedRows) -> list[int]:
    """Return where cuts are tried: in long orders the ends of the plateaus on which least is live."""
    n, stable = len(ordered), ordered.stable
    if n <= FEW:
        return list(range(n + 1))
    found = [0]
    for k in range(1, n):
        falls, rises = stable[k - 1] > stable[k], stable[k + 1] > stable[k]
        climbs, drops = stable[k - 1] < stable[k], stable[k + 1] < stable[k]
        if (falls or rises) and not climbs and not drops:
            found.append(k)
    return [*found, n]

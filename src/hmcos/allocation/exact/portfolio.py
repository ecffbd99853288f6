"""Two ways for one cluster in turn: the search, and cores with ejection."""

from __future__ import annotations

from collections.abc import Sequence

from hmcos.allocation.exact.cluster import Cluster
from hmcos.allocation.exact.large_cluster import LargeCluster
from hmcos.limits import Limits, Watch


class Portfolio:
    """The best offsets of both ways; see `Cluster`.

    Which way is quicker cannot be told beforehand: of instances with a thousand lives, each way meets the
    bound of some within seconds where the other one does not in half a minute.
    """

    def __init__(self, searched: Cluster, ejecting: LargeCluster) -> None:
        """Start from the same items at the same offsets; they need not be the best ones."""
        self._ways: tuple[LargeCluster, Cluster] = ejecting, searched
        self._spent = [0, 0]

    @property
    def size(self) -> int:
        """The size of the arena of the best offsets."""
        return min(way.size for way in self._ways)

    @property
    def offsets(self) -> Sequence[int]:
        """The best offsets."""
        return min(self._ways, key=lambda way: way.size).offsets

    @property
    def refuted(self) -> int:
        """The largest refuted capacity."""
        return max(way.refuted for way in self._ways)

    @property
    def _turn(self) -> int:
        """The way that has spent fewer states."""
        return self._spent.index(min(self._spent))

    def target(self, bound: int) -> int:
        """Return the capacity to try next."""
        return self._ways[self._turn].target(bound)

    def probe(self, target: int, limits: Limits, watch: Watch, jobs: int) -> int:
        """Try for a while to fit the items into a capacity; return the number of states that took."""
        turn = self._turn
        states = self._ways[turn].probe(target, limits, watch, jobs)
        self._spent[turn] += states
        for way in self._ways:
            way.adopt(self.offsets)
        return states

"""Which regions of an order are worth a look: where they begin and end, and into how many pieces they go."""

from __future__ import annotations

from collections.abc import Iterator

from hmcos.transforms.ordered_network import OrderedNetwork

COUNTS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 28)
"""How many rows of pieces are tried."""
PATCHES = (2, 3, 4, 5, 6, 7, 8)
"""Columns of grids of patches: as many rows, or twice as many."""


def grids(most: int | None) -> tuple[tuple[int, int], ...]:
    """Return rows and columns of all grids that are tried, `most` of each at most."""
    found = [(count, 1) for count in COUNTS]
    found += [(rows, count) for count in PATCHES for rows in (count, 2 * count)]
    return tuple(grid for grid in found if most is None or max(grid) <= most)


def early_cuts(pieces: int, *, at_once: bool = False) -> tuple[int | None, ...]:
    """Return the pieces from which on it is tried to make all cuts of what enters at once.

    With `at_once` also from the first one on: all cuts are made then before anything else runs.
    """
    wanted = (pieces - 2, pieces - 3, 3 * pieces // 4, pieces // 2, pieces // 3)
    usual = (first for first in wanted if 0 < first < pieces)
    return None, *dict.fromkeys((*usual, *((1, 0) if at_once else ())))


class Ends:
    """Where regions of a network may begin and end.

    They begin where memory is about to rise and end where it has just fallen; valleys alone would miss
    networks in which every layer adds to what is kept (DenseNet).
    """

    def __init__(self, network: OrderedNetwork) -> None:
        n, stable = len(network), network.stable
        self.begins = tuple(
            p for p in range(n) if (network.spatial[p] and stable[p] < stable[p + 1]) or p == 0
        )
        self.ends = tuple(p for p in range(1, n + 1) if stable[p] < stable[p - 1] or p == n)
        self.network = network
        self.barrier = [n] * (n + 1)
        """Per position: the first from there on whose operator has to stay whole."""
        for p in reversed(range(n)):
            self.barrier[p] = self.barrier[p + 1] if network.spatial[p] else p

    def floor(self) -> int:
        """Return the least peak that any tiling can have: what operators need that have to stay whole."""
        running, spatial = self.network.profile.running, self.network.spatial
        whole = (running[p] for p in range(len(self.network)) if not spatial[p])
        return max((self.network.profile.start, self.network.stable[-1], *whole))

    def hot(self, threshold: int) -> list[int]:
        """Return per position the first from there on that needs more than a threshold; n for none."""
        n, running = len(self.network), self.network.profile.running
        found = [n] * (n + 1)
        for p in reversed(range(n)):
            found[p] = p if running[p] > threshold else found[p + 1]
        return found

    def after(self, begin: int, hot: int) -> Iterator[int]:
        """Yield the ends of regions from a position that cover a hot one, the nearest first."""
        last = self.barrier[begin]
        for end in self.ends:
            if hot < end <= last:
                yield end

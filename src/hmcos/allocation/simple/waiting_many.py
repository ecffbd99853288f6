"""`Waiting` for thousands of items."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class Many:
    """`Waiting` over numpy arrays; `waiting` explains the arguments."""

    def __init__(self, ranks: Sequence[int], ends: Sequence[int], starts: Sequence[int]) -> None:
        self._ranks, self._ends = np.array(ranks, np.int32), np.array(ends, np.int32)
        self._starts = starts

    def first(self, begin: int, end: int) -> int | None:
        """Return the lowest rank of the waiting items within sections [begin, end), None if there is none."""
        i, j = self._starts[begin], self._starts[end]
        ranks = self._ranks[i:j][self._ends[i:j] <= end]
        return int(ranks.min()) if len(ranks) else None

    def remove(self, k: int) -> None:
        """Remove item k: it has its place now."""
        self._ends[k] = len(self._starts)  # after every section, so no range holds it

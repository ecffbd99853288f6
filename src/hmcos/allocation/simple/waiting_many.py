"""Thousands of items that wait for a place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class Many:
    """The same as for few, over arrays: see `waiting`."""

    def __init__(self, ranks: Sequence[int], ends: Sequence[int], starts: Sequence[int]) -> None:
        self._ranks, self._ends = np.array(ranks, np.int32), np.array(ends, np.int32)
        self._starts = starts

    def first(self, begin: int, end: int) -> int | None:
        """Return the lowest rank of any item that is waiting and lies in sections [begin, end)."""
        i, j = self._starts[begin], self._starts[end]
        ranks = self._ranks[i:j][self._ends[i:j] <= end]
        return int(ranks.min()) if len(ranks) else None

    def remove(self, k: int) -> None:
        """Let item k wait no longer."""
        self._ends[k] = len(self._starts)  # behind every section
